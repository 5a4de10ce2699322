"""Remainders."""

from __future__ import annotations

from math import gcd, prod

from ....drawing import Rng, integer, pick, sample
from ...family import Family, Problem
from .notation import listed, slips

_PRIMES = [n for n in range(11, 200) if all(n % d for d in range(2, 15) if d < n)]


class PowerRemainder(Family):
    """The remainder of a power and a number (1, 2), of two powers (3), of a power's power (4) modulo a prime."""

    name = "power_remainder"
    chance = (0.06, 0.04, 0.02, 0.02)

    def problem(self, rng: Rng, level: int) -> Problem:
        low, high = ((0, 8), (2, 14), (6, 25), (10, len(_PRIMES)))[level - 1]
        modulus = pick(rng, _PRIMES[low:high])
        base = integer(rng, 2, 10)
        if level <= 2:
            exponent, more = integer(rng, 3, 5) if level == 1 else integer(rng, 12, 60), integer(rng, 2, 60)
            text, value = f"{base}^{exponent} + {more}", pow(base, exponent, modulus) + more
        elif level == 3:
            other, first, second = integer(rng, 11, 40), integer(rng, 100, 999), integer(rng, 100, 999)
            text = f"{base}^{first} + {other}^{second}"
            value = pow(base, first, modulus) + pow(other, second, modulus)
        else:
            middle, top, more = integer(rng, 2, 30), integer(rng, 10, 99), integer(rng, 100, 999)
            text, value = f"{base}^({middle}^{top}) + {more}", pow(base, middle**top, modulus) + more
        answer = value % modulus
        question = pick(
            rng,
            (
                f"What is the remainder when {text} is divided by {modulus}?",
                f"Divide {text} by {modulus}. What is the remainder?",
                f"Find the integer from 0 to {modulus - 1} that is congruent to {text} modulo {modulus}.",
            ),
        )
        wrong = slips(answer, answer + modulus, (answer + 1) % modulus, (answer * base) % modulus, answer - modulus)
        return Problem(question, str(answer), wrong, f"{text} {modulus}")


class ChineseRemainders(Family):
    """The smallest number with given remainders by two divisors (1), three (2), four (3); of its multiples (4)."""

    name = "chinese_remainders"
    chance = (0.03, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        count = (2, 3, 4, 3)[level - 1]
        moduli = _coprime(rng, count, (3, 17) if level <= 3 else (7, 30))
        period = prod(moduli)
        # Below that it may be the sum of a remainder and its divisor.
        answer = integer(rng, 2 * max(moduli), period - 1)
        factors = [1] * count
        if level == 4:
            factors = [_unit(rng, modulus) for modulus in moduli]
        clues = [(factor, factor * answer % modulus, modulus) for factor, modulus in zip(factors, moduli, strict=True)]
        if level == 4:
            system = ", ".join(f"{factor}n ≡ {remainder} (mod {modulus})" for factor, remainder, modulus in clues)
            question = f"What is the smallest positive integer n with {system}?"
        else:
            system = listed([f"{remainder} when divided by {modulus}" for _, remainder, modulus in clues])
            question = pick(
                rng,
                (
                    f"What is the smallest positive integer that leaves the remainder {system}?",
                    f"The number of eggs in a basket leaves the remainder {system}. It is as small as it can be then. "
                    "How many eggs are there?",
                ),
            )
        wrong = slips(answer, answer + period, answer - 1, answer + moduli[0], sum(clue[1] for clue in clues))
        return Problem(question, str(answer), wrong, str(sorted(clues)))


def _coprime(rng: Rng, count: int, limits: tuple[int, int]) -> list[int]:
    """Numbers within limits of which no two share a factor."""
    chosen: list[int] = []
    for number in sample(rng, range(limits[0], limits[1] + 1), limits[1] + 1 - limits[0]):
        if len(chosen) < count and all(gcd(number, other) == 1 for other in chosen):
            chosen.append(number)
    return chosen


def _unit(rng: Rng, modulus: int) -> int:
    return pick(rng, [n for n in range(2, modulus) if gcd(n, modulus) == 1])
