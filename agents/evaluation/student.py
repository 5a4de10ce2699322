"""Student's t distribution, without scipy, which the core does not have."""

from __future__ import annotations

from functools import lru_cache
from math import exp, inf, lgamma, log, log1p, pi

# A factor this near to 1 changes nothing.
_SAME = 4e-16


def two_sided_tail(t: float, freedom: float) -> float:
    """How likely a value of Student's distribution is as far from 0 as ``t``, on either side.

    ``I_x(freedom / 2, 1 / 2)`` at ``x = freedom / (freedom + t²)``, with I the regularised incomplete beta function.

    Args:
        t: of either sign.
        freedom: degrees of freedom, above 0.
    """
    if t * t == inf:
        return 0.0
    a, x, rest = freedom / 2, freedom / (freedom + t * t), t * t / (freedom + t * t)
    if rest == 0:
        return 1.0
    # x^a (1 - x)^(1/2) / B(a, 1/2); lgamma(1/2) is the half of log pi.
    power = a * (log(x) if x < 0.5 else log1p(-rest))
    front = exp(power + log(rest) / 2 + lgamma(a + 0.5) - lgamma(a) - log(pi) / 2)
    if x < (a + 1) / (a + 2.5):
        return front * _fraction(x, a, 0.5) / a
    return 1 - front * _fraction(rest, 0.5, a) / 0.5


@lru_cache
def quantile(level: float, freedom: float) -> float:
    """The t that values of Student's distribution stay within, on both sides, so often.

    Args:
        level: such as 0.95; above 0 and below 1.
        freedom: degrees of freedom, above 0.
    """
    low, high = 0.0, 1.0
    while two_sided_tail(high, freedom) > 1 - level:
        low, high = high, 2 * high
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if two_sided_tail(middle, freedom) > 1 - level else (low, middle)
    return high


def _fraction(x: float, a: float, b: float) -> float:
    """One over the continued fraction of the incomplete beta function (DLMF 8.17.22), from its front (Lentz 1976)."""
    value = above = 1.0
    below, place, step = 0.0, 0, 0.0
    while abs(step - 1) > _SAME:
        place += 1
        half = place // 2
        if place % 2:
            term = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        else:
            term = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        above, below = 1 + term / above, 1 / (1 + term * below)
        step = above * below
        value *= step
    return 1 / value
