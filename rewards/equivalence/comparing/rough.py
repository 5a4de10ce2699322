"""Where values roughly lie. What surely differs needs no comparison, neither in sorting nor in lists in any order."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from hashlib import sha256
from typing import NamedTuple

from ..limits import ExpressionError
from ..tree import SCALARS, Group, Measure, Tree, nodes
from ..values.evaluation import Budget, Evaluation, mpmath_context

# Enough for a range where the values on the way differ in size by 2^200.
_PRECISION = 333
_RELIABLE_BITS = 133
# Far above the noise of that, and above what a decimal of 15 digits differs from the value that it is the rounding of.
_SLACK_BITS = 40
_LARGEST = 900
_OVERHEAD = 4
# Fewer parts are compared sooner than they are put in order.
_FEW = 4


class Range(NamedTuple):
    """Where a value surely lies."""

    low: float
    high: float


def range_of(tree: Tree, budget: Budget) -> Range | None:
    """Where the value of an expression lies, with variables at a fixed point; None if that isn't known.

    Two expressions whose ranges are apart differ: both are real there, and have other values.

    Raises:
        LimitError: the budget is used up.
    """
    if not isinstance(tree, SCALARS) or any(isinstance(node, Measure) for node in nodes(tree)):
        return None
    context = mpmath_context()
    context.prec = _PRECISION
    evaluation = Evaluation(context, _Point())
    try:
        value = float(context.re(evaluation.of(tree)))
    except ExpressionError:
        return None
    finally:
        budget.spend(_OVERHEAD + evaluation.work)
    reliable = _RELIABLE_BITS + evaluation.largest - evaluation.smallest <= _PRECISION
    if not evaluation.real or not reliable or evaluation.largest > _LARGEST:
        return None
    slack = 2.0 ** (evaluation.largest - _SLACK_BITS)
    return Range(value - slack, value + slack)


def split(first: Sequence[Tree], second: Sequence[Tree], budget: Budget) -> list[tuple[list[Tree], list[Tree]]]:
    """Cuts two lists into pairs of shorter ones, so that parts of different pairs surely differ.

    They stay whole where they are short, or the parts are not all expressions, values of one unit, or tuples.

    Raises:
        LimitError: the budget is used up.
    """
    whole = [(list(first), list(second))]
    if len(first) + len(second) <= _FEW or len({_kind(part) for part in (*first, *second)}) > 1:
        return whole
    ranges: list[tuple[Range, int, Tree]] = []
    for side, parts in enumerate((first, second)):
        for part in parts:
            found = _range_of_part(part, budget)
            if found is None:
                return whole
            ranges.append((found, side, part))
    pieces: list[tuple[list[Tree], list[Tree]]] = []
    end = float("-inf")
    for reach, side, part in sorted(ranges, key=lambda row: row[0]):
        if reach.low > end:
            pieces.append(([], []))
        pieces[-1][side].append(part)
        end = max(end, reach.high)
    return pieces


def _kind(part: Tree) -> object:
    """What only equals its like; parts of other kinds may still be equal."""
    match part:
        case Measure(unit):
            return unit
        case Group("(", ")", operands):
            return len(operands)
    return isinstance(part, SCALARS)


def _range_of_part(part: Tree, budget: Budget) -> Range | None:
    if not isinstance(part, Measure | Group):
        return range_of(part, budget)
    if isinstance(part, Group) and part.opening != "(":
        return None
    # Equal tuples have equal sums, and different ones mostly don't if their places weigh differently.
    low = high = 0.0
    for place, operand in enumerate(part.operands, 1):
        found = range_of(operand, budget)
        if found is None:
            return None
        low, high = low + place**0.5 * found.low, high + place**0.5 * found.high
    return Range(low, high)


class _Point(dict[str, Fraction]):
    """A value between 1 and 2 for each variable: a hash of its name."""

    def __missing__(self, name: str) -> Fraction:
        self[name] = Fraction(int.from_bytes(sha256(name.encode()).digest()[:8], "big") | 1, 1 << 64) + 1
        return self[name]
