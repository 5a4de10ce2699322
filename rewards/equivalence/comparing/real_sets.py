r"""Sets of real numbers with constant ends: intervals, inequalities in one variable, and what is joined of them.

All ends of both sets, in order, cut the line into points and gaps. Two sets are equal if the same of these belong to
them. Position 0 is the gap below all ends, 1 the first end, 2 the gap behind it, and so on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key

from ..limits import ExpressionError, LimitError
from ..tree import (
    SCALARS,
    Call,
    Constant,
    Group,
    Operation,
    Operator,
    Relation,
    SetOperation,
    Tree,
    Variable,
    variables,
)
from ..values import numeric
from ..values.evaluation import Budget
from .rough import range_of
from .scalars import compare_scalars

MAX_ENDS = 60
_ORDER: dict[str, Callable[[int, int], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "=": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
}
_INFINITY = Constant("infinity")
_NEGATIVE_INFINITY = Operation(Operator.NEGATIVE, (_INFINITY,))


def is_set(tree: Tree) -> bool:
    """Whether a tree can only be meant as a set of numbers."""
    match tree:
        case SetOperation():
            return True
        case Relation(signs, operands):
            return any(sign in ("in", "notin", "<", ">", "<=", ">=", "!=") for sign in signs) and _has_name(operands)
        case Group("", "", operands, joiner):
            return joiner != "," and all(is_set(operand) for operand in operands)
        case Call("such that"):
            return True
    return tree == Constant("mathbb R")


def same_set(first: Tree, second: Tree, budget: Budget) -> bool:
    """Whether two trees are the same set of real numbers.

    Raises:
        ExpressionError: one of them isn't such a set, or not with constant ends.
    """
    names = _names(first), _names(second)
    if names[0] and names[1] and names[0] != names[1]:
        return False
    if max(map(len, names)) > 1:
        raise ExpressionError("a set of more than one variable")
    line = _Line([*_ends(first), *_ends(second)], budget)
    return all(line.holds(first, at) == line.holds(second, at) for at in range(2 * len(line.ends) + 1))


def _has_name(operands: tuple[Tree, ...]) -> bool:
    return any(isinstance(operand, Variable) for operand in operands)


def _names(tree: Tree) -> frozenset[str]:
    """The variables that range over the set."""
    match tree:
        case Relation(_, operands) | Group("", "", operands):
            return frozenset().union(*map(_names, operands))
        case Variable(name):
            return frozenset({name})
        case Call("such that", (element, condition)):
            return _names(element) | _names(condition)
    return frozenset()


def _ends(tree: Tree) -> list[Tree]:
    """All constants in it."""
    if isinstance(tree, SCALARS) and not (isinstance(tree, Call) and tree.name == "such that"):
        if isinstance(tree, Variable) or tree in (_INFINITY, _NEGATIVE_INFINITY) or _is_named_set(tree):
            return []
        if variables(tree):
            raise ExpressionError("an end that is not constant")
        return [tree]
    return [end for operand in tree.operands for end in _ends(operand)]


def _is_named_set(tree: Tree) -> bool:
    return isinstance(tree, Constant) and tree.name.startswith("mathbb ")


class _Line:
    """The real line, cut at some points."""

    def __init__(self, ends: list[Tree], budget: Budget) -> None:
        if len(ends) > MAX_ENDS:
            raise LimitError(f"a set with more than {MAX_ENDS} ends")
        self.budget = budget
        self.ends: list[Tree] = []
        # By identity, since hashing trees takes longer than all else here; the sets keep their ends alive.
        self.places: dict[int, int] = {}
        self.ranges = {id(end): range_of(end, budget) for end in ends}
        for end in sorted(ends, key=cmp_to_key(self.order)):
            if not self.ends or self.order(self.ends[-1], end):
                self.ends.append(end)
            self.places[id(end)] = 2 * len(self.ends) - 1

    def order(self, one: Tree, other: Tree) -> int:
        here, there = self.ranges[id(one)], self.ranges[id(other)]
        if here is not None and there is not None and (here.high < there.low or there.high < here.low):
            return 1 if here.low > there.low else -1
        if compare_scalars(one, other, self.budget).equal:
            return 0
        return 1 if numeric.is_larger(one, other, self.budget) else -1

    def place(self, end: Tree) -> int:
        if end == _INFINITY:
            return 2 * len(self.ends) + 1
        if end == _NEGATIVE_INFINITY:
            return -1
        if id(end) not in self.places:
            raise ExpressionError("not the end of a set")
        return self.places[id(end)]

    def holds(self, tree: Tree, at: int) -> bool:
        """Whether a position belongs to a set."""
        match tree:
            case Group(joiner="vector"):
                raise ExpressionError("a vector is no set")
            case Group("", "", operands, ","):
                # Whether both must hold or one of them, a comma doesn't say.
                if (holding := sum(self.holds(operand, at) for operand in operands)) > 1:
                    raise ExpressionError("parts that overlap, with a comma between")
                return holding == 1
            case Group("", "", operands, joiner):
                return (all if joiner == "and" else any)(self.holds(operand, at) for operand in operands)
            case Group("{", "}", operands):
                return any(self.place(operand) == at for operand in operands)
            case Group(opening, closing, (low, high)):
                above = _ORDER[">" if opening == "(" else ">="](at, self.place(low))
                return above and _ORDER["<" if closing == ")" else "<="](at, self.place(high))
            case SetOperation("cup", (one, other)):
                return self.holds(one, at) or self.holds(other, at)
            case SetOperation("cap", (one, other)):
                return self.holds(one, at) and self.holds(other, at)
            case SetOperation("setminus", (one, other)):
                return self.holds(one, at) and not self.holds(other, at)
            case Relation(signs, operands):
                return all(self.related(*step, at) for step in zip(operands, signs, operands[1:], strict=False))
            case Call("such that", (element, condition)):
                assert isinstance(condition, Group)
                joined = any if condition.joiner == "or" else all
                inside = joined(self.holds(part, at) for part in condition.operands)
                return inside and (isinstance(element, Variable) or self.holds(element, at))
            case Constant("mathbb R"):
                return True
        return self.place(tree) == at

    def related(self, one: Tree, sign: str, other: Tree, at: int) -> bool:
        if sign in ("in", "notin"):
            if not isinstance(one, Variable):
                raise ExpressionError("an element that is not a variable")
            return self.holds(other, at) == (sign == "in")
        if sign not in _ORDER or isinstance(one, Variable) == isinstance(other, Variable):
            raise ExpressionError("not an inequality of a variable and a constant")
        places = (at if isinstance(tree, Variable) else self.place(tree) for tree in (one, other))
        return _ORDER[sign](*places)
