"""Level 2 and 3: lists and numbers."""

# ruff: noqa: D102  (the base class says what the methods do)

from __future__ import annotations

import datetime
import math
from itertools import pairwise
from typing import Any

from .family import Family, Parameters, Rng, integer, integers, pick


class BaseDigits(Family):
    """Convert between bases."""

    name = "base_digits"
    level = 2
    signature = "base_digits(n)"
    statement = (
        "returns the non-negative integer written in base $base, as text, with the digits 0-9 and a-z, padded with "
        "zeros on the left to at least $width digits."
    )
    python = """
def base_digits(n):
    digits = ""
    while n:
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[n % $base] + digits
        n //= $base
    return digits.rjust($width, "0")
"""
    javascript = """
function base_digits(n) {
  return n.toString($base).padStart($width, "0");
}
"""
    python_slips = (('rjust($width, "0")', 'rjust(1, "0")'), ("[n % $base] + digits", "[n % $base]"), ("$base", "10"))
    javascript_slips = (('.padStart($width, "0")', ""), ("$base", "10"), ("$base", "$base - 1"))

    def parameters(self, rng: Rng) -> Parameters:
        return {"base": pick(rng, [b for b in range(3, 37) if b != 10]), "width": integer(rng, 2, 6)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[int]]:
        base, width = p["base"], p["width"]
        edges = [0, 1, base, base - 1, base**width, base**width - 1]
        return [(n,) for n in (*edges, *integers(rng, 4, 1, 2**31))]

    def solve(self, p: Parameters, *args: Any) -> str:
        n, text = args[0], ""
        while n or len(text) < p["width"]:
            n, digit = divmod(n, p["base"])
            text = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + text
        return text


class CountPrimes(Family):
    """Count primes of a kind."""

    name = "count_primes"
    level = 2
    signature = "count_primes(low, high)"
    statement = (
        "returns how many prime numbers from low to high (both included) leave remainder $remainder when divided by "
        "$modulus."
    )
    python = """
def is_prime(n):
    return n > 1 and all(n % d for d in range(2, int(n ** 0.5) + 1))

def count_primes(low, high):
    return sum(n % $modulus == $remainder and is_prime(n) for n in range(max(low, 0), high + 1))
"""
    javascript = """
function isPrime(n) {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return n > 1;
}

function count_primes(low, high) {
  let count = 0;
  for (let n = Math.max(low, 0); n <= high; n++) if (n % $modulus === $remainder && isPrime(n)) count++;
  return count;
}
"""
    python_slips = (("high + 1)", "high)"), (" and is_prime(n)", ""), (" == $remainder", " != $remainder"))
    javascript_slips = (("n <= high", "n < high"), (" && isPrime(n)", ""))

    def parameters(self, rng: Rng) -> Parameters:
        modulus = integer(rng, 3, 30)
        units = [r for r in range(1, modulus) if all(r % d or modulus % d for d in range(2, modulus))]
        return {"modulus": modulus, "remainder": pick(rng, units)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[int, int]]:
        fitting = [n for n in range(2, 1_000) if n % p["modulus"] == p["remainder"]]
        prime = pick(rng, [n for n in fitting if _is_prime(n)])
        # 1 is no prime, a square is none, and the upper end belongs to the range.
        squares = [d * d for d in range(2, 200) if d * d % p["modulus"] == p["remainder"] and _is_prime(d)]
        edges = [(prime, prime), (0, 1), (1, 1), (1, 0), (-5, 60), *((n, n) for n in squares[:2])]
        starts = integers(rng, 5, 0, 1_500)
        return [*edges, *((low, low + integer(rng, 100, 600)) for low in starts)]

    def solve(self, p: Parameters, *args: Any) -> int:
        low, high = args
        return sum(_is_prime(n) and n % p["modulus"] == p["remainder"] for n in range(low, high + 1))


class SortByRemainder(Family):
    """Sort by two keys."""

    name = "sort_by_remainder"
    level = 2
    signature = "sort_by_remainder(numbers)"
    statement = (
        "returns the non-negative integers sorted by their remainder when divided by $k, smallest first; numbers with"
        " equal remainders are sorted by $order value."
    )
    python = """
def sort_by_remainder(numbers):
    return sorted(numbers, key=lambda n: (n % $k, $factor * n))
"""
    javascript = """
function sort_by_remainder(numbers) {
  return [...numbers].sort((a, b) => a % $k - b % $k || $factor * (a - b));
}
"""
    python_slips = (
        ("(n % $k, $factor * n)", "n % $k"),
        ("$factor * n", "-$factor * n"),
        ("sorted(numbers", "sorted(set(numbers)"),
    )
    javascript_slips = ((" || $factor * (a - b)", ""), ("(a, b) => a % $k - b % $k || $factor * (a - b)", ""))

    def parameters(self, rng: Rng) -> Parameters:
        factor = pick(rng, (1, -1))
        return {"k": integer(rng, 3, 25), "order": "rising" if factor == 1 else "falling", "factor": factor}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[int]]]:
        k = p["k"]
        rising, falling = [1, k + 1, 2 * k + 1, 2], [2 * k + 1, k + 1, 1, 0]
        edges = [[], rising, falling, [k, k, 0, k - 1, k], [10, 9, 100, k * 11]]
        return [(numbers,) for numbers in (*edges, *(integers(rng, 9, 0, 99) for _ in range(4)))]

    def solve(self, p: Parameters, *args: Any) -> list[int]:
        by_value = sorted(args[0], reverse=p["factor"] < 0)
        return [n for remainder in range(p["k"]) for n in by_value if n % p["k"] == remainder]


class KthLargest(Family):
    """Find a rank among different values."""

    name = "kth_largest"
    level = 2
    signature = "kth_largest(numbers)"
    statement = (
        "returns the ${k}. largest of the different values among the integers (equal values count once), or $default "
        "if there are fewer than $k different values."
    )
    python = """
def kth_largest(numbers):
    values = sorted(set(numbers), reverse=True)
    return values[$k - 1] if len(values) >= $k else $default
"""
    javascript = """
function kth_largest(numbers) {
  const values = [...new Set(numbers)].sort((a, b) => b - a);
  return values.length >= $k ? values[$k - 1] : $default;
}
"""
    python_slips = (("sorted(set(numbers)", "sorted(numbers"), (" >= $k", " > $k"), ("[$k - 1]", "[-$k]"))
    javascript_slips = (("[...new Set(numbers)]", "[...numbers]"), ("(a, b) => b - a", ""), (" >= $k", " > $k"))

    def parameters(self, rng: Rng) -> Parameters:
        return {"k": integer(rng, 2, 9), "default": pick(rng, (0, -1, -100, 100))}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[int]]]:
        k = p["k"]
        exact = [11 * (i + 1) - 30 for i in range(k)]
        edges = [
            [],
            exact,
            exact[1:],
            [*exact, *exact],
            [9] * (k + 2),
            [*exact, 1_000, 200],
            [-7 - i for i in range(k + 1)],
        ]
        return [(numbers,) for numbers in (*edges, *(integers(rng, k + 5, -40, 120) for _ in range(4)))]

    def solve(self, p: Parameters, *args: Any) -> int:
        values = set(args[0])
        for _ in range(p["k"] - 1):
            values -= {max(values, default=0)}
        return int(max(values, default=p["default"]))


class RotateBits(Family):
    """Move bits around."""

    name = "rotate_bits"
    level = 2
    signature = "rotate_bits(n)"
    statement = (
        "takes an integer from 0 to 2**$width-1 as a word of $width bits, rotates it left by $shift bits (what leaves"
        " on the left comes back on the right), and returns the result."
    )
    python = """
def rotate_bits(n):
    return (n << $shift | n >> ($width - $shift)) & (2 ** $width - 1)
"""
    javascript = """
function rotate_bits(n) {
  return ((n << $shift) | (n >> ($width - $shift))) & (2 ** $width - 1);
}
"""
    python_slips = (
        (" & (2 ** $width - 1)", ""),
        (" | n >> ($width - $shift)", ""),
        ("$width - $shift", "$width - $shift - 1"),
    )
    javascript_slips = ((" & (2 ** $width - 1)", ""), (" | (n >> ($width - $shift))", ""))

    def parameters(self, rng: Rng) -> Parameters:
        width = integer(rng, 6, 16)
        return {"width": width, "shift": integer(rng, 1, width - 1)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[int]]:
        width = p["width"]
        edges = [0, 1, 2**width - 1, 2 ** (width - 1), 2 ** (width - 1) + 1, 2 ** (width - p["shift"])]
        return [(n,) for n in (*edges, *integers(rng, 5, 1, 2**width - 2))]

    def solve(self, p: Parameters, *args: Any) -> int:
        bits = format(args[0], f"0{p['width']}b")
        return int(bits[p["shift"] :] + bits[: p["shift"]], 2)


class Josephus(Family):
    """Count out a circle."""

    name = "josephus"
    level = 2
    signature = "last_one(n)"
    statement = (
        "plays a counting-out game: the players 1 to n stand in a circle, and counting from player $start, every "
        "${k}. player that is still there leaves, until one is left. Returns the number of that player."
    )
    python = """
def last_one(n):
    circle = list(range(1, n + 1))
    at = ($start - 1) % n
    while len(circle) > 1:
        at = (at + $k - 1) % len(circle)
        circle.pop(at)
    return circle[0]
"""
    javascript = """
function last_one(n) {
  const circle = Array.from({ length: n }, (_, i) => i + 1);
  let at = ($start - 1) % n;
  while (circle.length > 1) {
    at = (at + $k - 1) % circle.length;
    circle.splice(at, 1);
  }
  return circle[0];
}
"""
    python_slips = (("at + $k - 1", "at + $k"), ("($start - 1) % n", "0"), ("return circle[0]", "return circle[0] - 1"))
    javascript_slips = (("at + $k - 1", "at + $k"), ("($start - 1) % n", "$start % n"))

    def parameters(self, rng: Rng) -> Parameters:
        return {"k": integer(rng, 2, 12), "start": integer(rng, 2, 5)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[int]]:
        return [(n,) for n in (5, 6, 7, p["k"] + 5, *integers(rng, 4, 8, 80))]

    def solve(self, p: Parameters, *args: Any) -> int:
        place = 0  # of the last one, where the counting starts
        for size in range(2, args[0] + 1):
            place = (place + p["k"]) % size
        return int((place + p["start"] - 1) % args[0] + 1)


class MergeIntervals(Family):
    """Join intervals."""

    name = "merge_intervals"
    level = 3
    signature = "merge_intervals(intervals)"
    statement = (
        "gets a list of intervals [start, end] of integers, in any order. It joins those that overlap, or between "
        "which lie gaps (next start minus end) of at most $gap, and returns the joined intervals sorted by start."
    )
    python = """
def merge_intervals(intervals):
    merged = []
    for start, end in sorted(intervals):
        if merged and start - merged[-1][1] <= $gap:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged
"""
    javascript = """
function merge_intervals(intervals) {
  const merged = [];
  for (const [start, end] of [...intervals].sort((a, b) => a[0] - b[0])) {
    const last = merged[merged.length - 1];
    if (last && start - last[1] <= $gap) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}
"""
    python_slips = (("<= $gap", "< $gap"), ("max(merged[-1][1], end)", "end"), ("sorted(intervals)", "intervals"))
    javascript_slips = (("<= $gap", "< $gap"), ("Math.max(last[1], end)", "end"), (".sort((a, b) => a[0] - b[0])", ""))

    def parameters(self, rng: Rng) -> Parameters:
        return {"gap": integer(rng, 1, 40)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[list[int]]]]:
        gap = p["gap"]
        edges = [
            [],
            [[0, 5], [5 + gap, 9 + gap]],
            [[0, 5], [6 + gap, 9 + gap]],
            [[0, 60], [2, 5], [70 + gap, 80 + gap]],
            [[9 + gap, 11 + gap], [0, 3], [2, 8]],
        ]
        drawn = []
        for _ in range(5):
            starts = integers(rng, 7, 0, 12 * gap + 20)
            drawn.append([[start, start + integer(rng, 0, gap + 3)] for start in starts])
        return [(intervals,) for intervals in (*edges, *drawn)]

    def solve(self, p: Parameters, *args: Any) -> list[list[int]]:
        ordered = sorted(args[0])
        ends = [max(end for _, end in ordered[: i + 1]) for i in range(len(ordered))]
        breaks = [
            i + 1 for i, (end, (start, _)) in enumerate(zip(ends, ordered[1:], strict=False)) if start - end > p["gap"]
        ]
        parts = pairwise([0, *breaks, len(ordered)])
        return [[ordered[first][0], ends[last - 1]] for first, last in parts if last]


class WindowSum(Family):
    """Find the best window."""

    name = "window_sum"
    level = 3
    signature = "best_window(numbers)"
    statement = (
        "returns the largest sum of $k neighbouring elements of the list of integers, in which each element at an odd"
        " index (counted from 0 in the whole list) counts $weight times; $default if the list has fewer than $k "
        "elements."
    )
    python = """
def best_window(numbers):
    weighted = [n * $weight if i % 2 else n for i, n in enumerate(numbers)]
    if len(weighted) < $k:
        return $default
    total = best = sum(weighted[:$k])
    for i in range($k, len(weighted)):
        total += weighted[i] - weighted[i - $k]
        best = max(best, total)
    return best
"""
    javascript = """
function best_window(numbers) {
  if (numbers.length < $k) return $default;
  const sums = [0];
  numbers.forEach((n, i) => sums.push(sums[i] + (i % 2 ? n * $weight : n)));
  let best = -Infinity;
  for (let i = $k; i < sums.length; i++) best = Math.max(best, sums[i] - sums[i - $k]);
  return best;
}
"""
    python_slips = (
        ("total = best = sum(weighted[:$k])", "total, best = sum(weighted[:$k]), 0"),
        ("range($k,", "range($k + 1,"),
    )
    javascript_slips = (("best = -Infinity", "best = 0"), ("i < sums.length", "i < sums.length - 1"))

    def parameters(self, rng: Rng) -> Parameters:
        return {"k": integer(rng, 2, 7), "weight": integer(rng, 2, 4), "default": pick(rng, (0, -1))}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[int]]]:
        k = p["k"]
        edges = [[], [1] * (k - 1), [-3] * k, [-2 - i for i in range(k + 3)], list(range(k + 5)), [9] * k + [50]]
        return [(numbers,) for numbers in (*edges, *(integers(rng, k + 8, -30, 40) for _ in range(4)))]

    def solve(self, p: Parameters, *args: Any) -> int:
        numbers, k = args[0], p["k"]
        windows = [range(i, i + k) for i in range(len(numbers) - k + 1)]
        sums = [sum(numbers[i] * (p["weight"] if i % 2 else 1) for i in window) for window in windows]
        return int(max(sums, default=p["default"]))


class IntegerRoot(Family):
    """Search where a function passes a value."""

    name = "integer_root"
    level = 3
    signature = "integer_root(n)"
    statement = (
        "returns the largest integer x >= 0 with x**$power + $factor*x <= n, for a non-negative integer n below "
        "10**15. It must be fast."
    )
    python = """
def integer_root(n):
    low, high = 0, 10 ** 15
    while low < high:
        middle = (low + high + 1) // 2
        if middle ** $power + $factor * middle <= n:
            low = middle
        else:
            high = middle - 1
    return low
"""
    javascript = """
function integer_root(n) {
  let low = 0, high = 40000000;
  while (low < high) {
    const middle = Math.floor((low + high + 1) / 2);
    if (middle ** $power + $factor * middle <= n) low = middle;
    else high = middle - 1;
  }
  return low;
}
"""
    python_slips = (("<= n", "< n"), (" + $factor * middle", ""))
    javascript_slips = (("<= n", "< n"), (" + $factor * middle", ""))

    def parameters(self, rng: Rng) -> Parameters:
        return {"power": integer(rng, 2, 4), "factor": integer(rng, 1, 60)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[int]]:
        def value(x: int) -> int:
            return int(x ** p["power"] + p["factor"] * x)

        x = integer(rng, 5, 90)
        edges = [0, value(1), value(1) - 1, value(x), value(x) - 1, value(x + 1) - 1, 10**15 - 1]
        return [(n,) for n in (*edges, *integers(rng, 2, 1_000, 10**12), *integers(rng, 2, 100, 9_999))]

    def solve(self, p: Parameters, *args: Any) -> int:
        # The whole power is a little above the root wanted, by no more than the linear term moves it.
        root = int(args[0] ** (1 / p["power"])) + 1
        while root ** p["power"] + p["factor"] * root > args[0]:
            root -= 1
        return int(root)


class WaysToPay(Family):
    """Count ways to give change."""

    name = "ways_to_pay"
    level = 3
    signature = "ways_to_pay(amount)"
    statement = (
        "returns in how many ways the amount can be paid with coins of the values $coins, of which there are any "
        "number; the order of the coins does not matter. There is one way to pay 0."
    )
    python = """
def ways_to_pay(amount):
    ways = [1] + [0] * amount
    for coin in $coins:
        for total in range(coin, amount + 1):
            ways[total] += ways[total - coin]
    return ways[amount]
"""
    javascript = """
function ways_to_pay(amount) {
  const ways = Array(amount + 1).fill(0);
  ways[0] = 1;
  for (const coin of $coins) {
    for (let total = coin; total <= amount; total++) ways[total] += ways[total - coin];
  }
  return ways[amount];
}
"""
    python_slips = (("range(coin, amount + 1)", "range(amount, coin - 1, -1)"), ("[1] +", "[0] +"))
    javascript_slips = (("ways[0] = 1", "ways[0] = 0"), ("of $coins", "of $coins.slice(1)"))

    def parameters(self, rng: Rng) -> Parameters:
        count = integer(rng, 3, 4)
        return {"coins": sorted(int(coin) for coin in rng.choice(range(2, 16), count, replace=False))}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[int]]:
        coins = p["coins"]
        return [(n,) for n in (0, 1, coins[0], 2 * coins[0] * coins[1], sum(coins), *integers(rng, 5, 20, 150))]

    def solve(self, p: Parameters, *args: Any) -> int:
        first, *others = p["coins"]
        amounts = {args[0]: 1}
        for coin in others:
            rest: dict[int, int] = {}
            for amount, ways in amounts.items():
                for left in range(amount, -1, -coin):
                    rest[left] = rest.get(left, 0) + ways
            amounts = rest
        return sum(ways for amount, ways in amounts.items() if amount % first == 0)


class DateAfter(Family):
    """Count days."""

    name = "date_after"
    level = 3
    signature = "date_after(date)"
    statement = (
        "gets a date as text, such as '2023-04-09', and returns the date $days days later in the same form (Gregorian"
        " calendar, with its leap years)."
    )
    python = """
import datetime

def date_after(date):
    return str(datetime.date.fromisoformat(date) + datetime.timedelta(days=$days))
"""
    javascript = """
function date_after(date) {
  let [year, month, day] = date.split("-").map(Number);
  for (let left = $days; left > 0; left--) {
    const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
    const length = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
    if (++day > length) {
      day = 1;
      if (++month > 12) {
        month = 1;
        year++;
      }
    }
  }
  return [String(year), String(month).padStart(2, "0"), String(day).padStart(2, "0")].join("-");
}
"""
    python_slips = (
        ("days=$days", "days=$days - 1"),
        ("return str(", "return date[:4] + str("),
        ("import datetime\n", ""),
    )
    javascript_slips = (
        ("leap ? 29 : 28", "28"),
        ('String(month).padStart(2, "0")', "String(month)"),
        (" || year % 400 === 0", ""),
    )

    def parameters(self, rng: Rng) -> Parameters:
        return {"days": integer(rng, 20, 500)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[str]]:
        # The day after is the 29th of February, the 1st of March of years that are no leap years, New Year.
        targets = ["2024-02-29", "2000-02-29", "1900-03-01", "2023-03-01", "2024-01-01", "2025-09-09"]
        days = datetime.timedelta(days=p["days"])
        edges = [str(datetime.date.fromisoformat(target) - days) for target in targets]
        drawn = [str(datetime.date(1950, 1, 1) + datetime.timedelta(days=n)) for n in integers(rng, 4, 0, 50_000)]
        return [(date,) for date in (*edges, *drawn)]

    def solve(self, p: Parameters, *args: Any) -> str:
        return datetime.date.fromordinal(datetime.date.fromisoformat(args[0]).toordinal() + p["days"]).isoformat()


def _is_prime(n: int) -> bool:
    return n > 1 and all(n % d for d in range(2, math.isqrt(n) + 1))


FAMILIES: tuple[Family, ...] = (
    BaseDigits(),
    CountPrimes(),
    SortByRemainder(),
    KthLargest(),
    RotateBits(),
    Josephus(),
    MergeIntervals(),
    WindowSum(),
    IntegerRoot(),
    WaysToPay(),
    DateAfter(),
)
