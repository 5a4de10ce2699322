"""Functions whose values at rational numbers are rational: computed exactly."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from typing import Final

from ..limits import ExpressionError, LimitError, UndefinedError

# 1,500! has some 14,000 bits.
MAX_FACTORIAL = 1_500


def integer_root(number: int, degree: int) -> int | None:
    """The root of a natural number, if that is a natural number too."""
    if degree == 2:
        root = math.isqrt(number)
    else:
        low, high = 0, 1 << (number.bit_length() // degree + 1)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if middle**degree <= number else (low, middle - 1)
        root = low
    return root if root**degree == number else None


def _integers(values: tuple[Fraction, ...], name: str) -> list[int]:
    if any(value.denominator != 1 for value in values):
        raise UndefinedError(f"{name} of a number that is not an integer")
    return [value.numerator for value in values]


def factorial(value: Fraction) -> Fraction:
    """``n!`` of a natural number."""
    if value.denominator != 1 or value < 0:
        raise UndefinedError("the factorial of a number that is not natural")
    if value > MAX_FACTORIAL:
        raise LimitError(f"the factorial of a number over {MAX_FACTORIAL:,}")
    return Fraction(math.factorial(value.numerator))


def _double_factorial(value: Fraction) -> Fraction:
    factorial(value)
    return Fraction(math.prod(range(value.numerator, 0, -2)))


def _binomial(upper: Fraction, lower: Fraction) -> Fraction:
    n, k = _integers((upper, lower), "a binomial coefficient")
    if n < 0:
        raise ExpressionError("a binomial coefficient of a negative number")
    if n > 20_000 and 20 < k < n - 20:
        raise LimitError("a binomial coefficient with more than 20,000 bits")
    return Fraction(math.comb(n, k)) if k >= 0 else Fraction(0)


def _modulo(dividend: Fraction, divisor: Fraction) -> Fraction:
    if divisor == 0:
        raise UndefinedError("modulo zero")
    return dividend % divisor


def _some(function: Callable[[Fraction, Fraction], Fraction]) -> Callable[..., Fraction]:
    def applied(*values: Fraction) -> Fraction:
        if not values:
            raise UndefinedError("a function of nothing")
        return reduce(function, values)

    return applied


FUNCTIONS: Final[dict[str, Callable[..., Fraction]]] = {
    "abs": lambda value: abs(value),
    "sign": lambda value: Fraction((value > 0) - (value < 0)),
    "floor": lambda value: Fraction(math.floor(value)),
    "ceil": lambda value: Fraction(math.ceil(value)),
    "re": lambda value: value,
    "im": lambda value: Fraction(0),
    "conjugate": lambda value: value,
    "max": _some(max),
    "min": _some(min),
    "gcd": lambda *values: Fraction(math.gcd(*_integers(values, "the greatest common divisor"))),
    "lcm": lambda *values: Fraction(math.lcm(*_integers(values, "the least common multiple"))),
    "mod": _modulo,
    "factorial": factorial,
    "factorial2": _double_factorial,
    "binomial": _binomial,
}
