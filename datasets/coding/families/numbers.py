"""Integers: their digits, bits, factors and roots."""

from __future__ import annotations

import math
from typing import Any

from ...drawing import Rng, integer, integers, pick
from ..family import Family, Parameters


class DigitSum(Family):
    """Add up digits."""

    name = "digit_sum"
    level = 1
    signature = "digit_sum(n)"
    statement = (
        "returns the sum of the decimal digits of the integer n, where each digit greater than $limit counts $times "
        "times. The sign of a negative number does not matter."
    )
    python = """
def digit_sum(n):
    return sum(int(d) * ($times if int(d) > $limit else 1) for d in str(abs(n)))
"""
    javascript = """
function digit_sum(n) {
  return [...String(Math.abs(n))].map(Number).reduce((sum, d) => sum + d * (d > $limit ? $times : 1), 0);
}
"""
    python_slips = (("> $limit", ">= $limit"), ("str(abs(n))", "str(n).strip('-')[:-1]"))
    javascript_slips = (("> $limit", ">= $limit"), ("d * (d > $limit ? $times : 1)", "d"))

    def parameters(self, rng: Rng) -> Parameters:
        return {"limit": integer(rng, 1, 8), "times": integer(rng, 2, 15)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[int]]:
        border = 100 * p["limit"] + 10 * (p["limit"] + 1) + p["limit"]
        numbers = [0, border, -9 * 10 - p["limit"], *integers(rng, 5, -99_999, 9_999_999)]
        return [(n,) for n in numbers]

    def solve(self, p: Parameters, *args: Any) -> int:
        total, rest = 0, abs(args[0])
        while rest:
            rest, digit = divmod(rest, 10)
            total += digit * p["times"] if digit > p["limit"] else digit
        return total


class CountPrimes(Family):
    """Count primes of a kind."""

    name = "count_primes"
    level = 2
    signature = "count_primes(low, high)"
    statement = (
        "returns how many prime numbers from low to high (both included; 0 if high is less than low) leave the "
        "remainder $remainder when divided by $modulus."
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
    python_slips = (
        ("high + 1)", "high)"),
        ("high + 1)", "high + 2)"),
        (" and is_prime(n)", ""),
        (" == $remainder", " != $remainder"),
    )
    javascript_slips = (("n <= high", "n < high"), ("n <= high", "n <= high + 1"), (" && isPrime(n)", ""))

    def parameters(self, rng: Rng) -> Parameters:
        modulus = integer(rng, 3, 30)
        units = [r for r in range(1, modulus) if all(r % d or modulus % d for d in range(2, modulus))]
        return {"modulus": modulus, "remainder": pick(rng, units)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[int, int]]:
        fitting = [n for n in range(2, 1_000) if n % p["modulus"] == p["remainder"]]
        prime = pick(rng, [n for n in fitting if _is_prime(n)])
        # 1 is no prime, a square is none, and both ends belong to the range.
        squares = [d * d for d in range(2, 200) if d * d % p["modulus"] == p["remainder"] and _is_prime(d)]
        edges = [(prime, prime), (prime - 200, prime - 1), (prime + 1, prime + 300), (60, 20), (-5, 260)]
        starts = integers(rng, 5, 0, 1_500)
        drawn = [(low, low + integer(rng, 200, 700)) for low in starts]
        return [*edges, *((n - 300, n) for n in squares[:2]), *drawn]

    def solve(self, p: Parameters, *args: Any) -> int:
        low, high = args
        return sum(_is_prime(n) and n % p["modulus"] == p["remainder"] for n in range(low, high + 1))


class RotateBits(Family):
    """Move bits around."""

    name = "rotate_bits"
    level = 2
    signature = "rotate_bits(n)"
    statement = (
        "takes an integer n from 0 to 2**$width-1 as a word of $width bits, rotates it to the left by $shift bits (the"
        " bits that leave on the left come back on the right, in their order), and returns the result as an integer."
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


class IntegerRoot(Family):
    """Search where a function passes a value."""

    name = "integer_root"
    level = 3
    signature = "integer_root(n)"
    statement = (
        "returns the largest integer x >= 0 with x**$power + $factor*x <= n, for an integer n from 0 to 10**15-1. "
        "There is no time to try every x."
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


def _is_prime(n: int) -> bool:
    return n > 1 and all(n % d for d in range(2, math.isqrt(n) + 1))
