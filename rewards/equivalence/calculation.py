"""A pocket calculator: the value of an expression that a model wrote, exactly where it is rational."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from .limits import ExpressionError, UndefinedError
from .reading.answers import parse
from .tree import Call, Measure, Tree, Variable, nodes
from .values.evaluation import Evaluation, is_real, mpmath_context
from .values.exact import IrrationalError, reduce_constants

_DIGITS = 15
_ANGLE_AND_SHARE = ("percent", "degree")


def calculate(expression: str) -> str:
    """The value of an expression in plain or LaTeX notation, as text.

    Integers and fractions are exact; a fraction comes with its decimals (``7/3 = 2.33333333333333…``, ``3/8 = 0.375``),
    and what is irrational has 15 digits.

    Raises:
        ExpressionError: it can't be read, has no value, holds a variable, or is over the limits.
    """
    tree = parse(expression)
    for node in nodes(tree):
        _refuse_unknowns(node)
    try:
        value = reduce_constants(tree).value
    except IrrationalError:
        return _decimal(tree)
    if value is None:
        raise ExpressionError("it has no value")
    return str(value) if value.denominator == 1 else f"{value} = {_approximate(value)}"


def _refuse_unknowns(node: Tree) -> None:
    if isinstance(node, Variable) or (isinstance(node, Call) and not node.known):
        raise ExpressionError(f"{node.name[:40]} has no value")
    if isinstance(node, Measure) and node.unit not in _ANGLE_AND_SHARE:
        raise ExpressionError("units can't be computed with")


def _decimal(tree: Tree) -> str:
    """Computed with few and with more digits: what is 0, or grows without bound, shows by the difference."""
    rough, value = (_computed(tree, digits) for digits in (_DIGITS + 10, 2 * _DIGITS + 20))
    context = mpmath_context()
    if abs(value) < abs(rough) * context.mpf(10) ** -_DIGITS:
        return "0"
    if abs(value) > abs(rough) * context.mpf(10) ** _DIGITS:
        raise UndefinedError("it has no value")
    return str(context.nstr(value, _DIGITS))


def _computed(tree: Tree, digits: int) -> Any:
    context = mpmath_context()
    with context.workdps(digits):
        value = Evaluation(context, {}).of(tree)
        if not is_real(value):
            raise UndefinedError("the value is not real")
        return context.re(value)


def _approximate(value: Fraction) -> str:
    context = mpmath_context()
    with context.workdps(_DIGITS + 5):
        text = str(context.nstr(context.mpf(value.numerator) / value.denominator, _DIGITS))
    return text if Fraction(text) == value else f"{text}…"
