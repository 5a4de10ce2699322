"""Values at random points, to 40 digits and more where the numbers ask for it.

Two expressions that agree at several random points are equal; two that differ at one are not. Numbers of very
different size need more digits: the precision covers the distance between the largest and the smallest value on the
way, so that ``1`` and ``1 + e^(-1000)`` differ. What would need too much is refused.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from hashlib import sha256
from typing import Any

from .evaluation import Budget, Evaluation, mpmath_context
from .functions import Number as Value
from .limits import ExpressionError, LimitError, UndefinedError
from .tree import Number, Tree, fold, variables

DIGITS_BITS = 133
"""40 decimal digits."""
GUARD_BITS = 40
MAX_PRECISION = 6_000
POINTS = 4
_TRIES = 12


class UndecidedError(ExpressionError):
    """Both expressions have values at too few points to tell whether they are equal."""


class Comparison:
    """Two trees, evaluated at the same points.

    Args:
        first: one tree.
        second: the other.
        budget: what evaluating them may cost.
    """

    def __init__(self, first: Tree, second: Tree, budget: Budget) -> None:
        self.trees = first, second
        self.names = sorted(variables(first) | variables(second))
        self.context = mpmath_context()
        self.budget = budget
        self.precision = max(DIGITS_BITS + _constant_bits(tree) for tree in self.trees)
        if self.precision > MAX_PRECISION:
            raise LimitError("numbers with too many digits")

    def values(self) -> Iterator[tuple[Value, Value, int]]:
        """Pairs of values where both are defined, and the exponent of two below which they can't be told apart.

        Raises:
            LimitError: it takes too many digits, or too much work.
            UndefinedError: a constant, or one of both, has no value.
            UndecidedError: there are too few points.
        """
        found = 0
        complex_pairs: list[tuple[Value, Value, int]] = []
        for number in range(_TRIES if self.names else 1):
            try:
                pair = self.at(number)
            except UndefinedError:
                if not self.names:
                    raise
                continue
            if self.names and not (_is_real(pair[0]) and _is_real(pair[1])):
                complex_pairs.append(pair)
                continue
            found += 1
            yield pair
            if found == POINTS:
                return
        # Where hardly a point gives real numbers, the complex ones have to do.
        if found < POINTS and len(complex_pairs) > found:
            found += len(complex_pairs)
            yield from complex_pairs[:POINTS]
        if self.names and found < POINTS:
            self.check_defined()
            raise UndecidedError("values at too few points")

    def check_defined(self) -> None:
        """Raises UndefinedError if one of both has a value somewhere and the other nowhere."""
        defined = [False, False]
        for side in (0, 1):
            for number in range(_TRIES):
                evaluation = Evaluation(self.context, self.point(number))
                with contextlib.suppress(UndefinedError):
                    evaluation.of(self.trees[side])
                    defined[side] = True
                    break
            self.budget.spend(evaluation.work)
        if defined[0] != defined[1]:
            raise UndefinedError("no value at any point")

    def at(self, number: int, precision: int = 0) -> tuple[Value, Value, int]:
        """Both values at a point."""
        point = self.point(number)
        precision = max(precision, self.precision)
        while True:
            self.context.prec = precision
            evaluation = Evaluation(self.context, point)
            try:
                first, second = evaluation.of(self.trees[0]), evaluation.of(self.trees[1])
            finally:
                self.budget.spend(evaluation.work * (1 + precision // 1000))
            needed = DIGITS_BITS + evaluation.largest - evaluation.smallest
            if needed <= precision:
                return first, second, evaluation.largest - precision + GUARD_BITS
            if needed > MAX_PRECISION:
                raise LimitError("numbers of too different size")
            precision = self.precision = needed

    def point(self, number: int) -> dict[str, Fraction]:
        """A value for each variable, positive at the first point and with all kinds of signs at others."""
        point = {}
        for name in self.names:
            digest = sha256(f"{self.names} {name} {number}".encode()).digest()
            size = Fraction(int.from_bytes(digest[:8], "big") | 1, 1 << 62) + Fraction(1, 7)
            negative = number and digest[8] & 1 if number % 3 else number
            point[name] = -size if negative else size
        return point


def agree(first: Tree, second: Tree, budget: Budget) -> bool:
    """Whether two expressions have the same values at random points.

    Raises:
        LimitError: it takes too many digits, or too much work.
        UndefinedError: a constant, or one of both, has no value.
        UndecidedError: both have values at too few points.
        ExpressionError: they hold something that is no number.
    """
    comparison = Comparison(first, second, budget)
    for one, other, noise in comparison.values():
        if not _close(comparison.context, one, other, noise):
            return False
    # Digits beyond those compared may differ: twice as many have to agree at one point.
    for number in range(_TRIES):
        try:
            one, other, noise = comparison.at(number, 2 * comparison.precision)
        except UndefinedError:
            continue
        return _close(comparison.context, one, other, noise)
    return True


def proportional(first: Tree, second: Tree, positive: bool, budget: Budget) -> bool:
    """Whether one expression is a constant multiple of the other, not zero; positive, if wanted."""
    comparison = Comparison(first, second, budget)
    context = comparison.context
    ratio = None
    for one, other, noise in comparison.values():
        vanish = [abs(value) <= context.ldexp(1, noise) for value in (one, other)]
        if any(vanish):
            if all(vanish) and comparison.names:
                continue
            return False
        found = one / other
        if ratio is None:
            ratio = found
        elif not _close(context, ratio, found, int(context.mag(ratio)) + noise + 10):
            return False
    if ratio is None or not _is_real(ratio):
        return False
    return not positive or context.re(ratio) > 0


def compare(first: Tree, second: Tree, budget: Budget) -> int:
    """-1, 0 or 1 as one real constant is smaller than, equal to or larger than the other.

    Raises:
        ExpressionError: one of them isn't a real constant.
    """
    if variables(first) or variables(second):
        raise ExpressionError("not a constant")
    one, other, _ = Comparison(first, second, budget).at(0)
    if not (_is_real(one) and _is_real(other)):
        raise UndefinedError("not a real number")
    if agree(first, second, budget):
        return 0
    return 1 if mpmath_context().re(one) > mpmath_context().re(other) else -1


def rounds(literal: Number, negative: bool, exact: Tree, budget: Budget) -> bool:
    """Whether a decimal is a real constant, rounded to the places that were written."""
    if variables(exact):
        return False
    value, _, noise = Comparison(exact, literal, budget).at(0)
    context = mpmath_context()
    if not _is_real(value):
        return False
    distance = abs(
        context.re(value) - context.mpf(literal.value.numerator) / literal.value.denominator * (-1 if negative else 1)
    )
    return bool(distance <= context.mpf(10) ** -literal.places / 2 + context.ldexp(1, noise))


def _close(context: Any, one: Value, other: Value, noise: int) -> bool:
    return bool(abs(one - other) <= context.ldexp(1, noise))


def _is_real(value: Value) -> bool:
    return not getattr(value, "imag", 0) or abs(value.imag) <= abs(value) * 2.0**-80


def _constant_bits(tree: Tree) -> int:
    def combine(node: Tree, parts: list[int]) -> int:
        own = node.value.numerator.bit_length() + node.value.denominator.bit_length() if isinstance(node, Number) else 0
        return max([own, *parts])

    return fold(tree, combine)
