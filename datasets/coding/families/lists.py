"""Lists of numbers: choosing, sorting, adding up."""

from __future__ import annotations

from typing import Any

from ...drawing import Rng, integer, integers, pick, word
from ..family import Family, Parameters


class SumOfMultiples(Family):
    """Add up some of the numbers of a list."""

    name = "sum_of_multiples"
    level = 1
    signature = "sum_of_multiples(numbers)"
    statement = (
        "returns the sum of those integers of the list that are divisible by $k and greater than $low (0 if there are "
        "none)."
    )
    python = """
def sum_of_multiples(numbers):
    return sum(n for n in numbers if n % $k == 0 and n > $low)
"""
    javascript = """
function sum_of_multiples(numbers) {
  return numbers.filter((n) => n % $k === 0 && n > $low).reduce((total, n) => total + n, 0);
}
"""
    python_slips = ((" and n > $low", ""), ("n > $low", "n >= $low"), ("sum(n for", "sum(1 for"))
    javascript_slips = (
        (" && n > $low", ""),
        ("n > $low", "n >= $low"),
        ("(total, n) => total + n, 0", "(a, n) => a + n"),
    )

    def parameters(self, rng: Rng) -> Parameters:
        k = integer(rng, 2, 12)
        return {"k": k, "low": k * pick(rng, (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5))}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[int]]]:
        k, low = p["k"], p["low"]
        border = [low, low + k, low + 1, low - k, low + 2 * k, k, -k]
        drawn = [[integer(rng, -9, 12) * k + pick(rng, (0, 0, 1)) for _ in range(8)] for _ in range(4)]
        return [([],), (border,), ([low, low + 3 * k],), ([low + k, low + 2 * k],), *[(numbers,) for numbers in drawn]]

    def solve(self, p: Parameters, *args: Any) -> int:
        return sum(n for n in args[0] if n > p["low"] and n % p["k"] == 0)


class Clamp(Family):
    """Limit numbers to a range."""

    name = "clamp"
    level = 1
    signature = "clamp(numbers)"
    statement = "returns the list with each number below $low replaced by $low and each number above $high by $high."
    python = """
def clamp(numbers):
    return [min(max(n, $low), $high) for n in numbers]
"""
    javascript = """
function clamp(numbers) {
  return numbers.map((n) => Math.min(Math.max(n, $low), $high));
}
"""
    python_slips = (("min(max(n, $low), $high)", "max(n, $low)"), ("for n in numbers", "for n in set(numbers)"))
    javascript_slips = (("Math.max(n, $low)", "n"), ("Math.max(n, $low), $high", "Math.max(n, $low), $high - 1"))

    def parameters(self, rng: Rng) -> Parameters:
        low = integer(rng, -20, 10)
        return {"low": low, "high": low + integer(rng, 3, 25)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[int]]]:
        low, high = p["low"], p["high"]
        border = [high, low, high + 1, low - 1, high, low + 1]
        return [([],), (border,), *[(integers(rng, 6, low - 15, high + 15),) for _ in range(5)]]

    def solve(self, p: Parameters, *args: Any) -> list[int]:
        return [p["low"] if n < p["low"] else p["high"] if n > p["high"] else n for n in args[0]]


class EveryNth(Family):
    """Take some elements of a list."""

    name = "every_nth"
    level = 1
    signature = "every_nth(items)"
    statement = (
        "returns the elements of the list at index $start, $start+$step, $start+2*$step and so on (indices are counted"
        " from 0), in reverse order."
    )
    python = """
def every_nth(items):
    return items[$start::$step][::-1]
"""
    javascript = """
function every_nth(items) {
  return items.filter((_, i) => i >= $start && (i - $start) % $step === 0).reverse();
}
"""
    python_slips = (("[$start::$step][::-1]", "[$start::$step]"), ("[$start::$step]", "[$start + 1::$step]"))
    javascript_slips = ((".reverse()", ""), ("i >= $start && ", ""))

    def parameters(self, rng: Rng) -> Parameters:
        step = integer(rng, 2, 8)
        return {"start": integer(rng, step, 20), "step": step}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[Any]]]:
        start, step = p["start"], p["step"]
        beyond = [1, step, step + 1, 2 * step, 2 * step + 2, 4 * step, 3 * step + 1, 2 * step + 1]
        drawn: list[list[Any]] = [integers(rng, size, 0, 99) for size in (0, start, *(start + n for n in beyond))]
        drawn[5] = [word(rng, 2) for _ in drawn[5]]
        return [(items,) for items in drawn]

    def solve(self, p: Parameters, *args: Any) -> list[Any]:
        indices = range(p["start"], len(args[0]), p["step"])
        return [args[0][i] for i in reversed(indices)]


class SortByRemainder(Family):
    """Sort by two keys."""

    name = "sort_by_remainder"
    level = 2
    signature = "sort_by_remainder(numbers)"
    statement = (
        "gets a list of non-negative integers and returns them sorted by their remainder when divided by $k, smallest "
        "remainder first; numbers with equal remainders are sorted by their value, the $order first. A number that "
        "occurs several times stays as often as it was."
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
        return {"k": integer(rng, 3, 60), "order": "smallest" if factor == 1 else "largest", "factor": factor}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[int]]]:
        k = p["k"]
        rising, falling = [1, k + 1, 2 * k + 1, 2], [2 * k + 1, k + 1, 1, 0]
        edges = [[], rising, falling, [k, k, 0, k - 1, k], [10, 9, 100, k * 11]]
        return [(numbers,) for numbers in (*edges, *(integers(rng, 9, 0, 4 * k) for _ in range(4)))]

    def solve(self, p: Parameters, *args: Any) -> list[int]:
        by_value = sorted(args[0], reverse=p["factor"] < 0)
        return [n for remainder in range(p["k"]) for n in by_value if n % p["k"] == remainder]


class KthLargest(Family):
    """Find a rank among different values."""

    name = "kth_largest"
    level = 2
    signature = "kth_largest(numbers)"
    statement = (
        "returns the $k_th largest of the different values in a list of integers (equal values count once, and the 1st "
        "is the largest), or $default if there are fewer than $k different values."
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
        return {"k": integer(rng, 2, 12), "default": pick(rng, (0, -1, 1, -9, 10, -50, 50, -100, 100, 1_000))}

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
        return [(numbers,) for numbers in (*edges, *(integers(rng, k + 5, -40, 120) for _ in range(8)))]

    def solve(self, p: Parameters, *args: Any) -> int:
        values = set(args[0])
        for _ in range(p["k"] - 1):
            values -= {max(values, default=0)}
        return int(max(values, default=p["default"]))
