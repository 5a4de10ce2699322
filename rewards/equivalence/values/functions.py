"""The functions that expressions are made of, with bounds on what they may cost."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final, NamedTuple, TypeAlias

from ..limits import SizeError, UndefinedError
from .gamma import gamma

Number: TypeAlias = Any
"""mpmath's ``mpf`` or ``mpc``."""

MAX_MAGNITUDE = 6_000
"""Largest and smallest values, as exponents of two."""
_MAX_ANGLE = 1_000
_MAX_FACTORIAL = 1_500
# The least common multiple of the odd numbers up to 11.
_ODD = 3_465
# At so many bits a function takes twice as long as at few; the gamma function, whose series grows, too.
DOUBLING = 400
_GAMMA_DOUBLING = 250
_STEADY = 6_000


class Function(NamedTuple):
    """A function, and what it costs.

    Attributes:
        least, most: how many numbers it takes.
        cost: units of work of a real value at 40 digits.
        run: computes it, from mpmath's context and the numbers.
        doubling: bits at which it takes twice as long; from there on time grows with their square.
    """

    least: int
    most: int
    cost: int
    run: Callable[..., Number]
    doubling: int = DOUBLING


def power(context: Any, base: Number, exponent: Number) -> Number:
    """A power; of a negative base the real one, where the exponent is a fraction with an odd denominator.

    Raises:
        UndefinedError: zero to a power that is not positive.
        SizeError: the value is too large or too small.
    """
    if not base:
        if context.re(exponent) > 0:
            return context.mpf(0)
        raise UndefinedError("zero to a power that is not positive")
    if not exponent:
        return context.mpf(1)
    if abs(exponent) * (abs(context.mag(base)) + 1) > 4 * MAX_MAGNITUDE:
        raise SizeError("a power that is too large or too small")
    if context.im(exponent) == 0 and context.im(base) == 0 and context.re(base) < 0:
        fraction = _odd_fraction(context, context.re(exponent))
        if fraction is not None:
            size = context.power(-context.re(base), context.re(exponent))
            return -size if fraction.numerator % 2 else size
    return context.power(base, exponent)


def _odd_fraction(context: Any, exponent: Number) -> Fraction | None:
    """The exponent as a fraction, if that has a small odd denominator."""
    numerator = exponent * _ODD
    nearest = context.nint(numerator)
    close = abs(numerator - nearest) <= context.ldexp(1, 20 - context.prec) * (abs(numerator) + 1)
    return Fraction(int(nearest), _ODD) if close else None


def _angle(name: str) -> Callable[[Any, Number], Number]:
    def function(context: Any, value: Number) -> Number:
        if value and context.mag(value) > _MAX_ANGLE:
            raise SizeError("an angle that is too large")
        return getattr(context, name)(value)

    return function


def _hyperbolic(name: str) -> Callable[[Any, Number], Number]:
    def function(context: Any, value: Number) -> Number:
        if abs(value) > MAX_MAGNITUDE:
            raise SizeError("a value that is too large")
        return getattr(context, name)(value)

    return function


def _plain(name: str) -> Callable[[Any, Number], Number]:
    return lambda context, value: getattr(context, name)(value)


def _logarithm(context: Any, value: Number, base: Number | None = None) -> Number:
    if not value or (base is not None and (not base or base == 1)):
        raise UndefinedError("the logarithm of zero, or to a base that is none")
    return context.ln(value) if base is None else context.ln(value) / context.ln(base)


def _real(context: Any, value: Number) -> Number:
    if context.im(value):
        raise UndefinedError("the order of complex numbers")
    return context.re(value)


def _floor(context: Any, value: Number) -> Number:
    value = _real(context, value)
    nearest = context.nint(value)
    # A value that is an integer but for the last digits is meant to be one.
    return nearest if abs(value - nearest) <= context.ldexp(abs(value) + 1, 20 - context.prec) else context.floor(value)


def _modulo(context: Any, dividend: Number, divisor: Number) -> Number:
    if not divisor:
        raise UndefinedError("modulo zero")
    return dividend - divisor * _floor(context, dividend / divisor)


def _factorial(context: Any, value: Number) -> Number:
    if abs(value) > _MAX_FACTORIAL:
        raise SizeError("a factorial that is too large")
    return gamma(context, value + 1)


def _double_factorial(context: Any, value: Number) -> Number:
    # sqrt(2/pi) is a factor for odd numbers only; what is between follows the cosine.
    ratio = context.power(context.pi / 2, (context.cospi(value) - 1) / 4)
    return context.power(2, value / 2) * ratio * _factorial(context, value / 2)


def _binomial(context: Any, upper: Number, lower: Number) -> Number:
    return _factorial(context, upper) / (_factorial(context, lower) * _factorial(context, upper - lower))


def _sign(context: Any, value: Number) -> Number:
    return context.sign(_real(context, value))


FUNCTIONS: Final[dict[str, Function]] = {
    **{name: Function(1, 1, 10, _angle(name)) for name in ("sin", "cos", "tan", "cot", "sec", "csc")},
    **{name: Function(1, 1, 10, _hyperbolic(name)) for name in ("sinh", "cosh", "tanh", "coth", "sech", "csch")},
    **{name: Function(1, 1, 12, _plain(name)) for name in ("asin", "acos", "atan", "acot", "asec", "acsc")},
    **{name: Function(1, 1, 12, _plain(name)) for name in ("asinh", "acosh", "atanh", "acoth", "asech", "acsch")},
    "ln": Function(1, 1, 10, _logarithm),
    "log": Function(1, 2, 20, _logarithm),
    "log10": Function(1, 1, 20, lambda context, value: _logarithm(context, value, context.mpf(10))),
    "abs": Function(1, 1, 1, lambda context, value: abs(value), _STEADY),
    "norm": Function(1, 1, 1, lambda context, value: abs(value), _STEADY),
    "sign": Function(1, 1, 1, _sign, _STEADY),
    "floor": Function(1, 1, 4, _floor, _STEADY),
    "ceil": Function(1, 1, 4, lambda context, value: -_floor(context, -value), _STEADY),
    "mod": Function(2, 2, 6, _modulo),
    "max": Function(1, 800, 1, lambda context, *values: max(_real(context, value) for value in values), _STEADY),
    "min": Function(1, 800, 1, lambda context, *values: min(_real(context, value) for value in values), _STEADY),
    "factorial": Function(1, 1, 25, _factorial, _GAMMA_DOUBLING),
    "factorial2": Function(1, 1, 40, _double_factorial, _GAMMA_DOUBLING),
    "gamma": Function(1, 1, 25, lambda context, value: _factorial(context, value - 1), _GAMMA_DOUBLING),
    "binomial": Function(2, 2, 75, _binomial, _GAMMA_DOUBLING),
    "re": Function(1, 1, 1, lambda context, value: context.mpf(context.re(value)), _STEADY),
    "im": Function(1, 1, 1, lambda context, value: context.mpf(context.im(value)), _STEADY),
    "arg": Function(1, 1, 10, lambda context, value: context.arg(value)),
    "conjugate": Function(1, 1, 1, lambda context, value: context.conj(value), _STEADY),
}
