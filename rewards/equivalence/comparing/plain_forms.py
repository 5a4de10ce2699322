"""The same answer in its plainest form, before it is compared."""

from __future__ import annotations

from dataclasses import replace
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
    Ratio,
    Relation,
    Tree,
    Variable,
    negative,
    variables,
)
from . import real_sets
from .parameters import PARAMETER, renamed, solves_for_every_integer
from .value_names import is_name


def plain(tree: Tree) -> Tree:
    """The same answer in its plainest form."""
    match tree:
        case Operation(Operator.NEGATIVE, (Measure(unit, (value,)),)):
            return Measure(unit, (negative(value),))
        case Group("[", "]", (Group("[", "]", row), *_) as rows):
            if all(
                isinstance(other, Group) and other.opening == "[" and len(other.operands) == len(row) for other in rows
            ):
                return Matrix(len(rows), len(row), tuple(entry for other in rows for entry in other.operands))
        case Group("", "", (single,)):
            return plain(single)
        case Group("", "", (*values, Relation(("in",), (Variable(name), Constant("mathbb Z"))))) if all(
            name in variables(value) and not real_sets.is_set(value) for value in values
        ):
            # k\pi, k \in Z; of a set it would be a condition.
            return plain(Group("", "", tuple(renamed(value, {name: PARAMETER}) for value in values)))
        case Group("", "", (Relation(("=",), (name, value)), *rest)) if is_name(name):
            # n = 1, 2, 3
            if rest and not any(isinstance(part, Relation) for part in rest):
                return Relation(("=",), (name, Group("", "", (value, *rest))))
        case Group("", "", (Relation(("!=",), (Variable() as name, _)) as relation, *rest)):
            # x != 1, 2
            if rest and all(isinstance(part, SCALARS) for part in rest):
                others = (Relation(("!=",), (name, part)) for part in rest)
                return Group("", "", (relation, *others), "and")
        case Group("", "", (Relation(("equiv",), (name, value)), *rest, Relation(("pmod",), (last, modulus)))):
            # x \equiv 1, 4 \pmod 5
            residues = (Relation(("equiv", "pmod"), (name, part, modulus)) for part in (value, *rest, last))
            return Group("", "", tuple(residues))
        case Group("", "", operands, ",") if any(
            isinstance(part, Relation) and "!=" in part.signs for part in operands
        ):
            # x > 0, x != 1
            return replace(tree, joiner="and") if all(map(real_sets.is_set, operands)) else tree
        case Relation(("=",), (Variable("x" | "y" | "t" | "theta"), value)) if solves_for_every_integer(value):
            return renamed(tree, dict.fromkeys(variables(value), PARAMETER))
    return tree


def clock(tree: Tree) -> Tree:
    """A time of day as hours and minutes, which unlike a ratio has one spelling."""
    if isinstance(tree, Ratio):
        return Group("(", ")", tree.operands)
    return Group("(", ")", (tree, Number(Fraction(0)))) if isinstance(tree, SCALARS) else tree
