"""Equations and inequalities that differ by a factor."""

from __future__ import annotations

from ..tree import SCALARS, Operation, Operator, Relation, negative
from ..values import numeric
from ..values.evaluation import Budget
from .scalars import DIFFERENT_KINDS, Finding, Tier
from .value_names import is_solved

FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}


def proportional(first: Relation, second: Relation, budget: Budget) -> Finding:
    """Equations and inequalities that differ by a factor. One that is solved equals only another solved one."""
    if is_solved(first) != is_solved(second) or (is_solved(first) and first.operands[0] != second.operands[0]):
        return Finding(False, "one is solved, the other is not", Tier.STRUCTURE)
    sides = []
    signs = []
    for relation in (first, second):
        left, right = relation.operands
        sign = relation.signs[0]
        if sign in (">", ">="):
            left, right, sign = right, left, FLIPPED[sign]
        if not isinstance(left, SCALARS) or not isinstance(right, SCALARS):
            return DIFFERENT_KINDS
        sides.append(Operation(Operator.SUM, (left, negative(right))))
        signs.append(sign)
    if signs[0] != signs[1]:
        return Finding(False, "different relations", Tier.STRUCTURE)
    equal = numeric.proportional(sides[0], sides[1], signs[0] in ("<", "<="), budget)
    return Finding(equal, "the same relation" if equal else "different relations", Tier.NUMERIC)
