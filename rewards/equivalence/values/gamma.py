"""The gamma function at a cost that is known: mpmath's own takes seconds for the tables of each new precision."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

from ..limits import SizeError, UndefinedError

MAX_PRECISION = 1_200
_GUARD_BITS = 40
# With arguments from a fifth of the precision on, so many terms of Stirling's series reach below the last bit.
_SHIFT, _TERMS = 0.2, 0.14
_PAGE = 32


def gamma(context: Any, value: Any) -> Any:
    """The gamma function by Stirling's series, for arguments that were shifted to the right or reflected.

    Raises:
        UndefinedError: at zero and the negative integers.
        SizeError: the precision is over the limit.
    """
    precision = context.prec
    if precision > MAX_PRECISION:
        raise SizeError("a factorial with too many digits")
    if not context.im(value) and context.re(value) <= 0 and context.isint(value):
        raise UndefinedError("the factorial of a negative integer")
    context.prec = precision + _GUARD_BITS
    try:
        if context.re(value) < 0.5:
            return context.pi / (context.sinpi(value) * _to_the_right(context, 1 - value))
        return _to_the_right(context, value)
    finally:
        context.prec = precision


def _to_the_right(context: Any, value: Any) -> Any:
    steps = max(int(context.prec * _SHIFT) - int(context.re(value)) + 1, 0)
    divisor, series = (_of_real if not context.im(value) else _of_complex)(context, value, steps)
    value = value + steps
    half = context.mpf(0.5)
    exponent = (value - half) * context.ln(value) - value + half * context.ln(2 * context.pi) + series
    return context.exp(exponent) / divisor


def _of_real(context: Any, value: Any, steps: int) -> tuple[Any, Any]:
    """The product of the steps and Stirling's series behind them, in fixed-point numbers: a tenth of the time."""
    bits = context.prec
    product = one = 1 << bits
    factor = int(context.ldexp(context.re(value), bits))
    for _ in range(steps):
        product = product * factor >> bits
        factor += one
    # The coefficients grow while the powers vanish, so these have twice as many digits.
    power = (one << 2 * bits) // factor
    square = power * power >> 2 * bits
    series = 0
    for numerator, denominator in _coefficients(context.prec):
        term = power * numerator // denominator >> bits
        if term in (0, -1):
            break
        series += term
        power = power * square >> 2 * bits
    return context.ldexp(context.mpf(product), -bits), context.ldexp(context.mpf(series), -bits)


def _of_complex(context: Any, value: Any, steps: int) -> tuple[Any, Any]:
    """The same with real and imaginary parts."""
    bits = context.prec
    one = 1 << bits
    real, imaginary = one, 0
    x, y = (int(context.ldexp(part, bits)) for part in (context.re(value), context.im(value)))
    for _ in range(steps):
        real, imaginary = (real * x - imaginary * y) >> bits, (real * y + imaginary * x) >> bits
        x += one
    norm = x * x + y * y
    u, v = ((part << 3 * bits) // norm for part in (x, -y))
    p, q = (u * u - v * v) >> 2 * bits, (2 * u * v) >> 2 * bits
    series, other, last = 0, 0, one
    for numerator, denominator in _coefficients(context.prec):
        term, turned = (part * numerator // denominator >> bits for part in (u, v))
        if (size := abs(term) + abs(turned)) >= last:
            break  # The powers have vanished; of a negative one rounding leaves -1, though, and the coefficients grow.
        last = size
        series, other = series + term, other + turned
        u, v = (u * p - v * q) >> 2 * bits, (u * q + v * p) >> 2 * bits
    pairs = (real, imaginary), (series, other)
    product, total = (context.mpc(*(context.ldexp(context.mpf(part), -bits) for part in pair)) for pair in pairs)
    return product, total


def _coefficients(precision: int) -> list[tuple[int, int]]:
    """The coefficients of Stirling's series, as many as are needed: all take long to compute, few mostly do."""
    return _table(-(-int(precision * _TERMS) // _PAGE) * _PAGE)


@lru_cache(maxsize=8)
def _table(count: int) -> list[tuple[int, int]]:
    """``B(2k) / (2k (2k - 1))`` for k from 1, by way of the tangent numbers, which are integers."""
    tangents = [0, 1]
    for k in range(2, count + 1):
        tangents.append((k - 1) * tangents[k - 1])
    for k in range(2, count + 1):
        for j in range(k, count + 1):
            tangents[j] = (j - k) * tangents[j - 1] + (j - k + 2) * tangents[j]
    found = []
    for k in range(1, count + 1):
        bernoulli = Fraction((-1) ** (k - 1) * 2 * k * tangents[k], 4**k * (4**k - 1))
        found.append((bernoulli / (2 * k * (2 * k - 1))).as_integer_ratio())
    return found
