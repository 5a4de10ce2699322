"""A pocket calculator: the value of an expression that a model wrote, exactly where it is rational."""

from __future__ import annotations

from fractions import Fraction

from .limits import ExpressionError, UndefinedError
from .reading.answers import parse
from .tree import Call, Measure, Tree, Variable, nodes
from .values.evaluation import Evaluation, is_real, mpmath_context
from .values.exact import IrrationalError, reduce_constants

_DIGITS = 15
_ANGLE_AND_SHARE = ("percent", "degree")


def calculate(expression: str) -> str:
    """The value of an expression in plain or LaTeX notation, as text.

    Integers and fractions are exact; a fraction comes with its decimals (``7/3 = 2.33333333333333…``), and what is
    irrational has 15 digits.

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
    context = mpmath_context()
    with context.workdps(_DIGITS + 10):
        value = Evaluation(context, {}).of(tree)
        if not is_real(value):
            raise UndefinedError("the value is not real")
        return str(context.nstr(context.re(value), _DIGITS))


def _approximate(value: Fraction) -> str:
    context = mpmath_context()
    with context.workdps(_DIGITS + 5):
        return str(context.nstr(context.mpf(value.numerator) / value.denominator, _DIGITS)) + "…"
