"""What an answer is by its shape: a name of a value, a value with its conditions, a function by cases."""

from __future__ import annotations

from fractions import Fraction

from ..tree import (
    SCALARS,
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
)
from . import real_sets

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


def in_radians(tree: Tree) -> Tree:
    """The value of an angle that has a unit, without it."""
    if not isinstance(tree, Measure) or tree.unit != "degree":
        return tree.operands[0]
    return Operation(Operator.PRODUCT, (tree.operands[0], quotient(Constant("pi"), Number(Fraction(180)))))


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
