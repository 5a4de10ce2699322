"""Values at random points, to 40 digits and more where the numbers ask for it.

Two expressions that agree at several random points are equal; two that differ at one are not. Numbers of very
different size need more digits: the precision covers the distance between the largest and the smallest value on the
way, so that ``1`` and ``1 + e^(-1000)`` differ. What would need too much is refused.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from fractions import Fraction
from hashlib import sha256
from typing import Any, NamedTuple

from ..limits import ExpressionError, LimitError, SizeError, UndefinedError
from ..tree import Call, Number, Operation, Operator, Tree, canonical, nodes, variables
from .evaluation import Budget, Evaluation, is_real, mpmath_context
from .functions import Number as Value
from .landmarks import BRANCHES, landmarks

DIGITS_BITS = 133
"""40 decimal digits."""
GUARD_BITS = 40
# Values that differ a little in size are then computed once.
_SLACK = 27
MAX_PRECISION = 6_000
POINTS = 4
_TRIES = 16
# Sizes of variables: what has steps or bounds shows them at one of these.
_SCALES = (Fraction(1), Fraction(30), Fraction(1, 6), Fraction(6))
_OVERHEAD = 8
_FAR = (1 << 5, 1 << 10, 1 << 40)
# Of the budget, so much is left alone by tests that only make a verdict surer.
_RESERVE = 1_500


class UndecidedError(ExpressionError):
    """Both expressions have values at too few points to tell whether they are equal."""


class Pair(NamedTuple):
    """The values of two expressions at one point.

    Attributes:
        first, second: the values.
        noise: the exponent of two below which they can't be told apart.
        number: of the point.
        real: whether all values on the way were real.
        precision: bits that they were computed with.
    """

    first: Value
    second: Value
    noise: int
    number: int
    real: bool
    precision: int


class Comparison:
    """Two trees, evaluated at the same points.

    Args:
        first: one tree.
        second: the other.
        budget: what evaluating them may cost.
    """

    def __init__(self, first: Tree, second: Tree, budget: Budget) -> None:
        self.trees = first, second
        # What is looked up in the trees below takes about as long as one evaluation.
        self.size = sum(1 for tree in self.trees for _ in nodes(tree))
        budget.spend(self.size)
        self.names = sorted(variables(first) | variables(second))
        # Nobody can choose expressions for given points: these come from both expressions.
        self.seed = "\0".join(sorted(map(canonical, self.trees))) if self.names else ""
        self.context = mpmath_context()
        self.budget = budget
        self.precision = max(DIGITS_BITS + _SLACK + _constant_bits(tree) for tree in self.trees)
        if self.precision > MAX_PRECISION:
            raise LimitError("numbers with too many digits")

    def values(self) -> Iterator[Pair]:
        """Pairs of values at points where both are defined.

        Points count where everything on the way is real: ``ln(xy)`` and ``ln x + ln y`` are equal, although their
        complex values differ. Only where there is no such point, complex ones have to do.

        Raises:
            LimitError: it takes too many digits, or too much work.
            UndefinedError: a constant, or one of both, has no value.
            UndecidedError: there are too few points.
        """
        if not self.names:
            yield self.at(0)
            return
        found = 0
        others: list[Pair] = []
        # Where nothing has branches, two points tell as much as more do.
        enough = POINTS if any(map(_has_branches, self.trees)) else 2
        for number in range(_TRIES):
            if found >= enough and number >= _TRIES // 2:
                return
            try:
                pair = self.pair(self.point(number), number, real_only=found > 0 or len(others) >= enough)
            except (UndefinedError, SizeError):
                continue
            if not pair.real:
                others.append(pair)
                continue
            found += 1
            yield pair
            if found == POINTS:
                return
        if not found:
            yield from others[:POINTS]
        if (found or len(others)) < enough:
            self.check_defined()
            raise UndecidedError("values at too few points")

    def far_values(self) -> Iterator[Pair]:
        """Pairs of values at integers, near and far, where one has branches: ``|x+9|`` is ``x+9`` at small values."""
        if not self.names or not any(map(_has_branches, self.trees)):
            return
        for number in range(_TRIES, _TRIES + 2 * len(_FAR)):
            with contextlib.suppress(ExpressionError):
                yield self.pair(self.point(number), number, real_only=True)
        for point in landmarks(self.trees, self.point(0), self.value):
            if self.budget.work < _RESERVE:
                return
            with contextlib.suppress(ExpressionError):
                yield self.pair(point, real_only=True)

    def value(self, tree: Tree, point: Mapping[str, Fraction]) -> Fraction:
        """The value of an expression at a point; ArithmeticError where it has no real one."""
        self.context.prec = self.precision
        evaluation = Evaluation(self.context, point, allowance=self.budget.work)
        try:
            found = evaluation.of(tree)
        except ExpressionError as error:
            raise ArithmeticError from error
        finally:
            self.budget.spend(_OVERHEAD + evaluation.work)
        if not is_real(found):
            raise ArithmeticError
        sign, mantissa, exponent, _ = self.context.re(found)._mpf_
        return Fraction((-1) ** sign * int(mantissa)) * Fraction(2) ** int(exponent)

    def check_defined(self) -> None:
        """Raises UndefinedError if one of both has a value somewhere and the other nowhere."""
        defined = [False, False]
        for side in (0, 1):
            for number in range(_TRIES):
                evaluation = Evaluation(self.context, self.point(number))
                with contextlib.suppress(UndefinedError, SizeError):
                    evaluation.of(self.trees[side])
                    defined[side] = True
                    break
            self.budget.spend(evaluation.work)
        if defined[0] != defined[1]:
            raise UndefinedError("no value at any point")

    def at(self, number: int) -> Pair:
        """Both values at a random point."""
        return self.pair(self.point(number), number)

    def pair(self, point: Mapping[str, Fraction], number: int = 0, real_only: bool = False) -> Pair:
        """Both values at any point; UndefinedError where only real ones will do, and there are none."""
        precision = self.precision
        while True:
            self.context.prec = precision
            self.budget.spend(self.size)  # in advance, so that the last evaluation is no free one
            evaluation = Evaluation(self.context, point, allowance=self.budget.work, real_only=real_only)
            try:
                first, second = evaluation.of(self.trees[0]), evaluation.of(self.trees[1])
            finally:
                self.budget.spend(_OVERHEAD + evaluation.work - self.size)
            needed = DIGITS_BITS + evaluation.largest - evaluation.smallest
            if needed <= precision:
                noise = evaluation.largest - precision + GUARD_BITS
                return Pair(first, second, noise, number, evaluation.real, precision)
            if needed > MAX_PRECISION:
                raise SizeError("numbers of too different size")
            precision = needed

    def point(self, number: int) -> dict[str, Fraction]:
        """A value for each variable, positive at every other point, and of another size at each pair of points."""
        point = {}
        scale = _SCALES[number // 2 % len(_SCALES)]
        for name in self.names:
            digest = sha256(f"{self.seed} {name} {number}".encode()).digest()
            if number >= _TRIES:
                far = Fraction(int.from_bytes(digest[:8], "big") % _FAR[(number - _TRIES) // 2] + 1)
                point[name] = -far if (number if name == self.names[0] else digest[8]) % 2 else far
                continue
            size = scale * (Fraction(int.from_bytes(digest[:8], "big") | 1, 1 << 64) + Fraction(1, 2))
            negative = number % 2 and (number == 1 or digest[8] % 2)
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
    precisions: dict[int, int] = {}
    for pair in comparison.values():
        if not _close(comparison.context, pair):
            return False
        precisions[pair.number] = pair.precision
    # Digits beyond those compared may differ: twice as many have to agree at one point, where they cost least.
    cheapest = min(precisions, key=precisions.__getitem__)
    comparison.precision = 2 * precisions[cheapest]
    if not _close(comparison.context, comparison.at(cheapest)):
        return False
    return all(_close(comparison.context, pair) for pair in comparison.far_values())


def proportional(first: Tree, second: Tree, positive: bool, budget: Budget) -> bool:
    """Whether one expression is a constant multiple of the other, not zero; positive, if wanted."""
    comparison = Comparison(first, second, budget)
    context = comparison.context
    ratio = None
    for pair in comparison.values():
        one, other, noise, *_ = pair
        vanish = [abs(value) <= context.ldexp(1, noise) for value in (one, other)]
        if any(vanish):
            if all(vanish) and comparison.names:
                continue
            return False
        found = one / other
        if ratio is None:
            ratio = found
            continue
        smaller = min(int(context.mag(value)) for value in (one, other))
        if not _close(context, Pair(ratio, found, int(context.mag(ratio)) + noise - smaller + 4, *pair[3:])):
            return False
    if ratio is None or not is_real(ratio):
        return False
    return not positive or context.re(ratio) > 0


def is_larger(first: Tree, second: Tree, budget: Budget) -> bool:
    """Which of two real constants that are known to differ is the larger one.

    Raises:
        ExpressionError: one of them isn't a real constant.
    """
    if variables(first) or variables(second):
        raise ExpressionError("not a constant")
    one, other, *_ = Comparison(first, second, budget).at(0)
    if not (is_real(one) and is_real(other)):
        raise UndefinedError("not a real number")
    return bool(mpmath_context().re(one) > mpmath_context().re(other))


def rounds(literal: Number, negative: bool, exact: Tree, budget: Budget) -> bool:
    """Whether a decimal is a real constant, rounded to the places that were written."""
    if variables(exact):
        return False
    value, _, noise, *_ = Comparison(exact, literal, budget).at(0)
    context = mpmath_context()
    if not is_real(value):
        return False
    distance = abs(
        context.re(value) - context.mpf(literal.value.numerator) / literal.value.denominator * (-1 if negative else 1)
    )
    return bool(distance <= context.mpf(10) ** -literal.places / 2 + context.ldexp(1, noise))


def _close(context: Any, pair: Pair) -> bool:
    return bool(abs(pair.first - pair.second) <= context.ldexp(1, pair.noise))


def _has_branches(tree: Tree) -> bool:
    for node in nodes(tree):
        match node:
            case Operation(Operator.POWER, (_, Number(exponent))) if exponent.denominator > 1:
                return True
            case Call(name, known=True) if name in BRANCHES:
                return True
    return False


def _constant_bits(tree: Tree) -> int:
    values = (node.value for node in nodes(tree) if isinstance(node, Number))
    return max((value.numerator.bit_length() + value.denominator.bit_length() for value in values), default=0)
