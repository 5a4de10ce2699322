"""Values at random points, to 40 digits and more where the numbers ask for it.

Two expressions that agree at several random points are equal; two that differ at one are not. Numbers of very
different size need more digits: the precision covers the distance between the largest and the smallest value on the
way, so that ``1`` and ``1 + e^(-1000)`` differ. What would need too much is refused.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from typing import Any, Final

from .functions import FUNCTIONS, MAX_MAGNITUDE, Number as Value, power
from .limits import ExpressionError, LimitError, UndefinedError
from .tree import Call, Constant, Measure, Number, Operation, Operator, Tree, Variable, canonical, fold, variables

DIGITS_BITS = 133
"""40 decimal digits."""
GUARD_BITS = 40
MAX_PRECISION = 6_000
POINTS = 4
_TRIES = 12
_HASHED_DIGITS = 22

_local = threading.local()


def _context() -> Any:
    """mpmath's state, one for each thread: the precision is part of it."""
    if not hasattr(_local, "context"):
        from mpmath.ctx_mp import MPContext  # It takes a while, and most verdicts don't need it.

        _local.context = MPContext()
    return _local.context


class UndecidedError(ExpressionError):
    """Both expressions have values at too few points to tell whether they are equal."""


@dataclass(slots=True)
class Budget:
    """What one verdict may compute.

    Attributes:
        work: what is left of it, in units of an addition of some 5 us.
    """

    work: int = 6_000

    def spend(self, units: int) -> None:
        """Takes units off.

        Raises:
            LimitError: there are not as many left.
        """
        self.work -= units
        if self.work < 0:
            raise LimitError("too much to compute")


@dataclass(slots=True)
class _Evaluation:
    """One evaluation of a tree: the point, and what was met on the way.

    Attributes:
        largest, smallest: magnitudes (exponents of two) of the values on the way, zero left out.
        work: units used up.
    """

    context: Any
    point: Mapping[str, Fraction]
    largest: int = 0
    smallest: int = 0
    work: int = 0

    def of(self, tree: Tree) -> Value:
        return fold(tree, self.combine)

    def combine(self, node: Tree, parts: list[Value]) -> Value:
        try:
            value = self.compute(node, parts)
        except (ZeroDivisionError, ValueError, OverflowError, self.context.NoConvergence) as error:
            if isinstance(error, ExpressionError):
                raise
            raise UndefinedError("no value") from error
        if value:
            if not self.context.isfinite(value):
                raise UndefinedError("infinite")
            magnitude = int(self.context.mag(value))
            if abs(magnitude) > MAX_MAGNITUDE:
                raise LimitError("a value that is too large or too small")
            self.largest, self.smallest = max(self.largest, magnitude), min(self.smallest, magnitude)
        return value

    def compute(self, node: Tree, parts: list[Value]) -> Value:
        context = self.context
        self.work += 1
        match node:
            case Number(value):
                return context.mpf(value.numerator) / value.denominator
            case Variable(name):
                value = self.point[name]
                return context.mpf(value.numerator) / value.denominator
            case Constant(name):
                return self.constant(name)
            case Operation(operator):
                return self.operate(operator, parts)
            case Measure("percent"):
                return parts[0] / 100
            case Measure("degree"):
                return parts[0] * context.pi / 180
            case Measure(unit):
                return parts[0] * self.hashed(unit, [])
            case Call(name, known=True):
                if name not in FUNCTIONS:
                    raise ExpressionError(f"the function {name[:40]}")
                least, most, cost, function = FUNCTIONS[name]
                if not least <= len(parts) <= most:
                    raise ExpressionError(f"{name} of {len(parts)} numbers")
                self.work += cost
                return function(context, *parts)
            case Call(name):
                self.work += 5
                return self.hashed(name, parts)
        raise ExpressionError("it is not a number")

    def constant(self, name: str) -> Value:
        context = self.context
        values = {"pi": +context.pi, "e": +context.e, "i": context.mpc(0, 1)}
        if name not in values:
            raise UndefinedError(name)
        return values[name]

    def operate(self, operator: Operator, parts: list[Value]) -> Value:
        self.work += len(parts)
        match operator:
            case Operator.SUM:
                return sum(parts[1:], parts[0])
            case Operator.PRODUCT:
                product = parts[0]
                for part in parts[1:]:
                    product = product * part
                return product
            case Operator.NEGATIVE:
                return -parts[0]
            case Operator.INVERSE:
                if not parts[0]:
                    raise UndefinedError("division by zero")
                return 1 / parts[0]
            case Operator.POWER:
                self.work += 5
                return power(self.context, *parts)

    def hashed(self, name: str, parts: list[Value]) -> Value:
        """The value of a function that nobody knows: the same for the same arguments, else another."""
        texts = [self.rounded(part) for part in parts]
        digest = sha256("\0".join([name, *texts]).encode()).digest()
        return self.context.mpf(int.from_bytes(digest[:16], "big") + 1) / (1 << 127)

    def rounded(self, value: Value) -> str:
        context = self.context
        if abs(value) < context.mpf(10) ** -_HASHED_DIGITS:
            return "0"
        parts = (context.re(value), context.im(value))
        tiny = abs(value) * context.mpf(10) ** -_HASHED_DIGITS
        return " ".join(context.nstr(part, _HASHED_DIGITS) if abs(part) > tiny else "0" for part in parts)


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
        self.context = _context()
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
                evaluation = _Evaluation(self.context, self.point(number))
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
            evaluation = _Evaluation(self.context, point)
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
    one, other, noise = Comparison(first, second, budget).at(0)
    if not (_is_real(one) and _is_real(other)):
        raise UndefinedError("not a real number")
    if agree(first, second, budget):
        return 0
    return 1 if _context().re(one) > _context().re(other) else -1


def rounds(literal: Number, negative: bool, exact: Tree, budget: Budget) -> bool:
    """Whether a decimal is a real constant, rounded to the places that were written."""
    if variables(exact):
        return False
    value, _, noise = Comparison(exact, literal, budget).at(0)
    context = _context()
    if not _is_real(value):
        return False
    distance = abs(context.re(value) - context.mpf(literal.value.numerator) / literal.value.denominator * (-1 if negative else 1))
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
