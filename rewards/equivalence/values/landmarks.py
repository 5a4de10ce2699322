"""Where functions with branches may bend or jump: no random point is likely to lie in a gap that was made narrow."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import pairwise

from ..tree import Call, Operation, Operator, Tree, Variable, fold, negative, variables

BRANCHES = frozenset(
    {"abs", "floor", "ceil", "sign", "max", "min", "mod", "asin", "acos", "atan", "acot", "asec", "acsc"}
)
_MOST = 12
_INTEGERS = tuple(map(Fraction, range(-3, 4)))

Evaluate = Callable[[Tree, Mapping[str, Fraction]], Fraction]


def landmarks(
    trees: tuple[Tree, Tree], point: Mapping[str, Fraction], evaluate: Evaluate
) -> Iterator[dict[str, Fraction]]:
    """Points at which one of the expressions may do something else than around the given point.

    These are small integers, the constants that are written in the expressions, and for the argument u of each branch
    the places behind which u passes 0 or 1, computed as if u were linear.

    Args:
        trees: the expressions.
        point: values of all variables, of which one is changed at a time.
        evaluate: the value of an expression at a point; ArithmeticError where it has none.
    """
    arguments = [argument for tree in trees for argument in _arguments(tree)][:_MOST]
    constants = _values([constant for tree in trees for constant in _constants(tree)][:_MOST], evaluate)
    for name in sorted(point)[:3]:
        places = [*_INTEGERS, *constants, *(-constant for constant in constants)]
        for argument in arguments:
            if name in variables(argument):
                places += _roots(argument, name, point, evaluate)
        for place in dict.fromkeys(places):
            yield {**point, name: place}


def _roots(argument: Tree, name: str, point: Mapping[str, Fraction], evaluate: Evaluate) -> list[Fraction]:
    try:
        start, end = (evaluate(argument, {**point, name: Fraction(value)}) for value in (0, 1))
    except ArithmeticError:
        return []
    if start == end:
        return []
    root, unit = start / (start - end), 1 / (end - start)
    return [root, root + unit, root - 1, root + 1, 3 * root, root / 3]


def _arguments(tree: Tree) -> list[Tree]:
    """What decides at each branch: a bound of a maximum is where two of its operands are equal."""

    def combine(node: Tree, parts: list[list[Tree]]) -> list[Tree]:
        found = [argument for part in parts for argument in part]
        if isinstance(node, Call) and node.name in BRANCHES and node.known:
            if node.name in ("max", "min"):
                steps = pairwise(node.operands)
                found += [Operation(Operator.SUM, (one, negative(other))) for one, other in steps]
            else:
                found.append(node.operands[0])
        return found[: 2 * _MOST]

    return fold(tree, combine)


def _values(constants: list[Tree], evaluate: Evaluate) -> list[Fraction]:
    found = []
    for constant in constants:
        with contextlib.suppress(ArithmeticError):
            found.append(evaluate(constant, {}))
    return found


def _constants(tree: Tree) -> list[Tree]:
    """The largest parts without variables."""

    def combine(node: Tree, parts: list[tuple[bool, list[Tree]]]) -> tuple[bool, list[Tree]]:
        if not isinstance(node, Variable) and all(constant for constant, _ in parts):
            return True, [node]
        return False, [constant for _, constants in parts for constant in constants][: 2 * _MOST]

    constant, found = fold(tree, combine)
    return [] if constant else found
