"""Dynamic programming: counts and optima built from those of smaller problems."""

from __future__ import annotations

from itertools import product
from typing import Any

from ...drawing import Rng, integer, integers, pick, sample, word
from ..family import Family, Parameters


class WaysToPay(Family):
    """Count ways to give change."""

    name = "ways_to_pay"
    level = 3
    signature = "ways_to_pay(amount)"
    statement = (
        "returns in how many ways the amount can be paid exactly with coins of the values $coins, of each of which "
        "there are as many as needed; the order of the coins does not matter. There is one way to pay 0."
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
        return {"coins": sorted(sample(rng, range(2, 16), count))}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[int]]:
        coins = p["coins"]
        return [(n,) for n in (0, 1, coins[0], 2 * coins[0] * coins[1], sum(coins), *integers(rng, 8, 20, 150))]

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


class EditDistance(Family):
    """Change one text into another."""

    name = "edit_distance"
    level = 4
    signature = "distance(first, second)"
    statement = (
        "returns the least cost of changing the first text into the second by steps that each put in one letter "
        "anywhere (cost $insert), take one out (cost $delete) or replace one by another (cost $replace)."
    )
    python = """
def distance(first, second):
    row = [j * $insert for j in range(len(second) + 1)]
    for a in first:
        above, row = row, [row[0] + $delete]
        for j, b in enumerate(second):
            row.append(min(above[j] + (0 if a == b else $replace), above[j + 1] + $delete, row[j] + $insert))
    return row[-1]
"""
    javascript = """
function distance(first, second) {
  let row = Array.from({ length: second.length + 1 }, (_, j) => j * $insert);
  for (const a of first) {
    const next = [row[0] + $delete];
    for (let j = 0; j < second.length; j++) {
      next.push(Math.min(row[j] + (a === second[j] ? 0 : $replace), row[j + 1] + $delete, next[j] + $insert));
    }
    row = next;
  }
  return row[second.length];
}
"""
    python_slips = (("j * $insert", "j"), (", row[j] + $insert", ""), ("0 if a == b else $replace", "$replace"))
    javascript_slips = (("j * $insert", "0"), (", row[j + 1] + $delete", ""), ("a === second[j] ? 0 : $replace", "0"))

    def parameters(self, rng: Rng) -> Parameters:
        insert, delete = integer(rng, 2, 9), integer(rng, 2, 9)
        return {"insert": insert, "delete": delete, "replace": integer(rng, 1, insert + delete - 1)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[str, str]]:
        edges = [
            ("", ""),
            ("", "abc"),
            ("abc", ""),
            ("same", "same"),
            ("xabcdef", "abcdefy"),
            ("abcdefgh", "bcd"),
            ("bcd", "abcdefgh"),
            ("a", "b"),
        ]
        return [*edges, *((self._draw(rng), self._draw(rng)) for _ in range(5))]

    def _draw(self, rng: Rng) -> str:
        return word(rng, integer(rng, 3, 9), "abc")

    def solve(self, p: Parameters, *args: Any) -> int:
        first, second = args
        cost: dict[tuple[int, int], int] = {}
        for i, j in product(range(len(first) + 1), range(len(second) + 1)):
            changed = 0 if first[i - 1 : i] == second[j - 1 : j] else p["replace"]
            ways = [
                *([cost[i - 1, j - 1] + changed] if i and j else []),
                *([cost[i - 1, j] + p["delete"]] if i else []),
                *([cost[i, j - 1] + p["insert"]] if j else []),
            ]
            cost[i, j] = min(ways, default=0)
        return cost[len(first), len(second)]


class LongestSteps(Family):
    """The longest rising subsequence with limits on its steps."""

    name = "longest_steps"
    level = 4
    signature = "longest(numbers)"
    statement = (
        "returns the length of the longest subsequence of a list of integers (some of its elements in their order, not "
        "necessarily neighbours) in which each element but the first is larger than the one before it by at least $low "
        "and at most $high. A single element is such a subsequence; for an empty list the length is 0."
    )
    python = """
def longest(numbers):
    best = []
    for i, n in enumerate(numbers):
        best.append(1 + max((best[j] for j in range(i) if $low <= n - numbers[j] <= $high), default=0))
    return max(best, default=0)
"""
    javascript = """
function longest(numbers) {
  const best = numbers.map(() => 1);
  for (let i = 0; i < numbers.length; i++) {
    for (let j = 0; j < i; j++) {
      const step = numbers[i] - numbers[j];
      if (step >= $low && step <= $high) best[i] = Math.max(best[i], best[j] + 1);
    }
  }
  return Math.max(0, ...best);
}
"""
    python_slips = (
        ("$low <= n", "$low < n"),
        ("$low <= n", "$low - 1 <= n"),
        ("<= $high", "< $high"),
        (" - numbers[j] <= $high", " - numbers[j]"),
    )
    javascript_slips = (
        ("step >= $low", "step > $low"),
        ("step <= $high", "step < $high"),
        ("Math.max(0, ...best)", "Math.max(...best)"),
    )

    def parameters(self, rng: Rng) -> Parameters:
        low = integer(rng, 1, 10)
        return {"low": low, "high": low + integer(rng, 2, 12)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[int]]]:
        low, high = p["low"], p["high"]
        edges = [
            [],
            [5],
            [9, 8, 7, 7 + low],
            [0, low, 2 * low],
            [0, high, 2 * high, 50],
            [0, high + 1, 2 * high + 2],
            [3, low + 2, low + 1],
        ]
        return [(numbers,) for numbers in (*edges, *(integers(rng, 14, 0, 5 * high) for _ in range(8)))]

    def solve(self, p: Parameters, *args: Any) -> int:
        # The longest that ends at each value met so far.
        ends: dict[int, int] = {}
        for n in args[0]:
            before = [ends.get(n - step, 0) for step in range(p["low"], p["high"] + 1)]
            ends[n] = max(ends.get(n, 0), max(before) + 1)
        return max(ends.values(), default=0)


class CountTexts(Family):
    """Count texts with a rule."""

    name = "count_texts"
    level = 4
    signature = "count_texts(n)"
    statement = (
        "returns, modulo $modulus, how many different texts of n letters from an alphabet of $letters letters have "
        "nowhere more than $run equal letters in a row. There is one text of 0 letters; n is at most 300."
    )
    python = """
def count_texts(n):
    if n == 0:
        return 1
    runs = [$letters] + [0] * ($run - 1)
    for _ in range(n - 1):
        runs = [sum(runs) * ($letters - 1) % $modulus] + runs[:-1]
    return sum(runs) % $modulus
"""
    javascript = """
function count_texts(n) {
  if (n === 0) return 1;
  let runs = [$letters, ...Array($run - 1).fill(0)];
  for (let i = 1; i < n; i++) {
    const total = runs.reduce((a, b) => a + b, 0);
    runs = [(total * ($letters - 1)) % $modulus, ...runs.slice(0, -1)];
  }
  return runs.reduce((a, b) => a + b, 0) % $modulus;
}
"""
    python_slips = (
        ("    if n == 0:\n        return 1\n", ""),
        ("[0] * ($run - 1)", "[0] * $run"),
        ("runs[:-1]", "runs"),
    )
    javascript_slips = (
        ("if (n === 0) return 1;", ""),
        ("Array($run - 1)", "Array($run)"),
        ("($letters - 1)", "$letters"),
    )

    def parameters(self, rng: Rng) -> Parameters:
        return {"letters": integer(rng, 2, 9), "run": integer(rng, 2, 6), "modulus": pick(rng, (997, 10_007, 99_991))}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[int]]:
        return [(n,) for n in (0, 1, p["run"], p["run"] + 1, p["run"] + 2, *integers(rng, 6, 15, 300))]

    def solve(self, p: Parameters, *args: Any) -> int:
        letters, run = p["letters"], p["run"]
        counts = [1, letters]
        for n in range(2, args[0] + 1):
            # A text is a shorter one, followed by a new run of 1 to `run` letters.
            whole = letters if n <= run else 0
            counts.append(whole + (letters - 1) * sum(counts[max(1, n - run) : n]))
        return int(counts[args[0]] % p["modulus"])
