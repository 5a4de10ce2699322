"""What an answer is by its shape: a name of a value, a value with its conditions, a function by cases."""

from __future__ import annotations

from fractions import Fraction

from . import real_sets
from .tree import (
    SCALARS,
    Call,
    Constant,
    Group,
    Matrix,
    Measure,
    Number,
    Operation,
    Operator,
    Relation,
    SetOperation,
    Tree,
    Variable,
    quotient,
    variables,
    without_sign,
)
from .vocabulary import TRIGONOMETRIC

_OTHERWISE = Variable("otherwise")
_ORDERS = frozenset({"<", ">", "<=", ">=", "!="})


def is_conditioned(group: Group) -> bool:
    """Whether a list is one value that depends on a variable, and for which values of this it holds."""
    value, *conditions = group.operands or (group,)
    if group.opening or not conditions or not isinstance(value, SCALARS) or real_sets.is_set(value):
        return False
    return all(
        isinstance(part, Relation) and set(part.signs) <= _ORDERS and variables(part) <= variables(value)
        for part in conditions
    )


def _is_constant(tree: Tree) -> bool:
    return isinstance(tree, SCALARS) and not variables(tree) and tree != Number(Fraction(0))


def in_radians(tree: Tree) -> Tree:
    """The value of an angle that has a unit, without it."""
    if not isinstance(tree, Measure) or tree.unit != "degree":
        return tree.operands[0]
    return Operation(Operator.PRODUCT, (tree.operands[0], quotient(Constant("pi"), Number(Fraction(180)))))


def names_value(tree: Tree, value: Tree) -> bool:
    r"""Whether the left side of an equation, which is no single name, says what a value is.

    ``p+q=7``, where p and q are no coordinates (``x+y=7`` is a line), and ``A^{-1}`` of a matrix.
    """
    match tree:
        case Operation(Operator.POWER, (Variable(name), Number())) if name in ("sigma", "chi"):
            return isinstance(value, SCALARS)  # the variance
        case Operation(operator, operands) if isinstance(value, Matrix):
            return operator is not Operator.INVERSE and all(names_value(part, value) for part in operands)
        case Variable(name) if isinstance(value, Matrix):
            return name[0].isupper()
        case Number():
            return isinstance(value, Matrix)
        case Call(name, operands, known=True) if name in TRIGONOMETRIC:
            return _is_constant(value) or isinstance(value, Number)  # \cos 2x
        case Operation(Operator.SUM, operands):
            names = [without_sign(part) for part in operands]
            single = [name.name for name in names if isinstance(name, Variable) and name.name not in ("x", "y", "z")]
            return _is_constant(value) and len(single) == len({*single}) == len(operands)
    return False


def has_conditions(matrix: Matrix) -> bool:
    """Whether a matrix is a function by cases."""
    return matrix.columns == 2 and all(
        isinstance(entry, Relation) or entry == _OTHERWISE for entry in matrix.operands[1::2]
    )


def condition_of(at: int, rows: list[tuple[Tree, Tree]]) -> Tree:
    """The condition of a case; "otherwise" is where no other one holds."""
    if rows[at][1] != _OTHERWISE:
        return rows[at][1]
    others = tuple(condition for place, (_, condition) in enumerate(rows) if place != at)
    return SetOperation("setminus", (Constant("mathbb R"), Group("", "", others, "or")))


def are_eigenvalues(group: Group) -> bool:
    """Whether a list says what lambda_1, lambda_2 and so on are; nobody knows which of them is the first."""
    return all(
        isinstance(part, Relation)
        and part.signs == ("=",)
        and isinstance(part.operands[0], Variable)
        and part.operands[0].name.startswith("lambda_")
        for part in group.operands
    )
