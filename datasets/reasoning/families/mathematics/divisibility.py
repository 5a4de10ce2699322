"""Divisors, multiples and prime factors."""

from __future__ import annotations

import re
from collections import Counter
from math import gcd, isqrt, lcm, prod
from typing import Any

from .....rewards.equivalence.reading.wrappers import unwrap
from ....drawing import Rng, integer, integers, pick, sample
from ...family import Family, Problem
from .notation import listed, slips

# Coprime, neither 1 nor neighbours, so that neither number nor their difference is the greatest common divisor.
_COPRIME = [(p, q) for p in range(2, 26) for q in range(2, 26) if gcd(p, q) == 1 and abs(p - q) > 1]
_PRIMES = [n for n in range(2, 1000) if all(n % d for d in range(2, isqrt(n) + 1))]
_COMPOSITE = [n for n in range(12, 1400) if any(n % d == 0 for d in range(2, isqrt(n) + 1))]


class CommonDivisorsAndMultiples(Family):
    """The gcd of two numbers (1), the lcm of two (2) and three (3), a number with given remainders (4)."""

    name = "common_divisors_and_multiples"
    chance = (0.04, 0.01, 0.03, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        if level <= 2:
            g = integer(rng, 2, 30) if level == 1 else integer(rng, 3, 15)
            numbers = [g * factor for factor in pick(rng, _COPRIME)]
        else:
            g = integer(rng, 2, 6)
            numbers = [g * n for n in sample(rng, range(5, 21), 3)]
        least, greatest = lcm(*numbers), gcd(*numbers)
        names = listed(numbers)
        key = f"{level} {sorted(numbers)}"
        if level == 1:
            question = pick(
                rng,
                (
                    f"What is the greatest common divisor of {names}?",
                    f"Find the largest integer that divides both {names}.",
                    f"What is gcd({numbers[0]}, {numbers[1]})?",
                ),
            )
            wrong = slips(greatest, least, greatest + 1, 2 * greatest, 1, abs(numbers[0] - numbers[1]))
            return Problem(question, str(greatest), wrong, key)
        if level <= 3:
            question = pick(
                rng,
                (
                    f"What is the least common multiple of {names}?",
                    f"Find the smallest positive integer that is a multiple of {names}.",
                    f"What is the smallest positive integer that {names} all divide?",
                ),
            )
            return Problem(question, str(least), slips(least, prod(numbers), greatest, 2 * least, max(numbers)), key)
        remainder, floor = integer(rng, 1, min(numbers) - 1), integer(rng, 2, 9) * 1000 + integer(rng, 0, 999)
        answer = (floor - remainder) // least * least + least + remainder
        question = pick(
            rng,
            (
                f"What is the smallest integer greater than {floor} that leaves the remainder {remainder} "
                f"when divided by {listed(numbers, 'or')}?",
                f"Find the first integer after {floor} whose remainder is {remainder} "
                f"whether one divides it by {listed(numbers, 'or')}.",
            ),
        )
        wrong = slips(answer, answer - remainder, answer + least, answer + 1, floor + remainder, least + remainder)
        return Problem(question, str(answer), wrong, f"{key} {remainder} {floor}")


class PrimeFactors(Family):
    """Write a number as a product of primes: up to six digits (1), larger primes (2-4)."""

    name = "prime_factors"
    grader = "family"

    def problem(self, rng: Rng, level: int) -> Problem:
        if level == 1:
            factors = [pick(rng, _PRIMES[:5]) for _ in range(integer(rng, 3, 4))] + [pick(rng, _PRIMES[:30])]
        elif level == 2:
            factors = [pick(rng, _PRIMES[:4]) for _ in range(2)] + [pick(rng, _PRIMES[4:30]) for _ in range(2)]
        elif level == 3:
            factors = [pick(rng, _PRIMES[5:30]) for _ in range(3)]
        else:
            factors = [pick(rng, _PRIMES[25:]), pick(rng, _PRIMES[25:]), pick(rng, _PRIMES[5:25])]
        number, powers = prod(factors), sorted(Counter(factors).items())
        question = pick(
            rng,
            (
                f"Write {number} as a product of primes, such as 2^3 * 7.",
                f"What is the prime factorization of {number}? Write it like 2^3 * 7.",
                f"Decompose {number} into prime factors, and write their product in the manner of 2^3 * 7.",
            ),
        )
        solution = _product(powers)
        merged = [(factors[0] * factors[1], 1), *[(factor, 1) for factor in factors[2:]]]
        more = [*powers[:-1], (powers[-1][0], powers[-1][1] + 1)]
        wrong = [str(number), _product(merged), _product(more), f"1 * {solution}", f"{solution} * 0"]
        return Problem(question, {"number": number}, wrong, str(number), solution)

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        """A product of primes and their powers, in any order, maybe behind the number and an equals sign."""
        if len(given) > 500:
            return False
        text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda found: f"^{found[0]}", unwrap(given)).translate(_PLAIN)
        text = re.sub(r"\s*(?:\\cdot|\\times|(?<=[\d\s}])x(?=[\d\s]))\s*", "*", text.replace("**", "^"))
        text = re.sub(r"\s+", "", text).removeprefix(f"{answer['number']}=")
        rest = int(answer["number"])
        for part in text.split("*"):
            found = re.fullmatch(r"\(?(\d{1,9})(?:\^(?:\{([1-9]\d?)\}|\(?([1-9]\d?)\)?))?\)?", part, re.ASCII)
            if not found or (base := int(found[1])) not in _KNOWN:
                return False
            for _ in range(int(found[2] or found[3] or 1)):
                if rest % base:
                    return False
                rest //= base
        return rest == 1


class Divisors(Family):
    """Sums of divisors (1), of the even or odd ones (2); how many divisors powers have (3), and which squares (4)."""

    name = "divisors"
    chance = (0.02, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        if level >= 3:
            return _count_of_divisors(rng, squares=level == 4)
        if level == 1:
            number = pick(rng, _COMPOSITE)
            which = pick(rng, ("all positive divisors of {n}", "all positive divisors of {n} other than {n} itself"))
        else:
            number = 2 * integer(rng, 100, 1500)
            which = pick(rng, ("all even positive divisors of {n}", "all odd positive divisors of {n}"))
        divisors = [d for d in range(1, number + 1) if number % d == 0]
        proper, even = divisors[:-1], [d for d in divisors if d % 2 == 0]
        chosen = proper if "other" in which else even if "even" in which else divisors
        if "odd" in which:
            chosen = [d for d in divisors if d % 2]
        named = which.format(n=number)
        question = pick(rng, (f"What is the sum of {named}?", f"Add up {named}. What do you get?"))
        answer = sum(chosen)
        wrong = slips(answer, answer + 1, answer - 1, sum(divisors) - answer, len(chosen), answer + number)
        return Problem(question, str(answer), wrong, f"{number} {which}")


def _count_of_divisors(rng: Rng, *, squares: bool) -> Problem:
    bases = sample(rng, (6, 10, 12, 14, 15, 18, 20, 21, 28, 30, 42, 45, 50, 60, 63, 75), 3 if squares else 2)
    exponents = integers(rng, len(bases), 3, 14)
    powers = [sum(e * _multiplicity(b, p) for b, e in zip(bases, exponents, strict=True)) for p in (2, 3, 5, 7)]
    count = prod(power // 2 + 1 if squares else power + 1 for power in powers)
    number = " * ".join(f"{b}^{e}" for b, e in zip(bases, exponents, strict=True))
    kind = "positive divisors that are perfect squares" if squares else "positive divisors"
    question = pick(rng, (f"How many {kind} does {number} have?", f"Count the {kind} of the number {number}."))
    wrong = slips(count, count + 1, count - 1, prod(max(power, 1) for power in powers), prod(e + 1 for e in exponents))
    return Problem(question, str(count), wrong, f"{squares} {sorted(zip(bases, exponents, strict=True))}")


def _multiplicity(number: int, prime: int) -> int:
    count = 0
    while number % prime == 0:
        number, count = number // prime, count + 1
    return count


def _product(powers: list[tuple[int, int]]) -> str:
    return " * ".join(f"{base}^{exponent}" if exponent > 1 else str(base) for base, exponent in powers)


_PLAIN = str.maketrans("×·⋅⁰¹²³⁴⁵⁶⁷⁸⁹", "***0123456789")
_KNOWN = frozenset(_PRIMES)
