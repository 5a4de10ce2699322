"""The gamma function at a cost that is known: for small arguments mpmath's own makes tables, in seconds each."""

from __future__ import annotations

from typing import Any

from .limits import SizeError, UndefinedError

MAX_PRECISION = 1_200
_STEP = 256
# From here on, in multiples of the precision, mpmath takes Stirling's series, without such a table.
_STIRLING = 0.22


def gamma(context: Any, value: Any) -> Any:
    """The gamma function, by way of an argument further to the right.

    Raises:
        UndefinedError: at zero and the negative integers.
        SizeError: the precision is over the limit.
    """
    precision = context.prec
    if precision > MAX_PRECISION:
        raise SizeError("a factorial with too many digits")
    if not context.im(value) and context.re(value) <= 0 and context.isint(value):
        raise UndefinedError("the factorial of a negative integer")
    # Few different precisions, so that the Bernoulli numbers of one serve many calls.
    context.prec = -(-(precision + 40) // _STEP) * _STEP
    try:
        if context.re(value) < 0.5:
            return context.pi / (context.sinpi(value) * _shifted(context, 1 - value))
        return _shifted(context, value)
    finally:
        context.prec = precision


def _shifted(context: Any, value: Any) -> Any:
    steps = max(int(context.prec * _STIRLING) - int(context.re(value)) + 1, 0)
    if context.im(value):
        divisor = context.mpc(1)
        for step in range(steps):
            divisor *= value + step
        return context.gamma(value + steps) / divisor
    # With integers as numbers of a fixed point it takes a tenth of the time.
    bits = context.prec
    product = one = 1 << bits
    factor = int(context.ldexp(context.re(value), bits))
    for _ in range(steps):
        product = product * factor >> bits
        factor += one
    return context.gamma(value + steps) / context.ldexp(context.mpf(product), -bits)
