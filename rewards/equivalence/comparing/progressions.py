r"""Answers that stand for many, one for each integer: ``k\pi``; and how an answer depends on a letter."""

from __future__ import annotations

from fractions import Fraction

from ..tree import (
    SCALARS,
    Call,
    Constant,
    Group,
    Measure,
    Number,
    Operation,
    Operator,
    Relation,
    Tree,
    Variable,
    fold,
    negative,
    nodes,
    quotient,
    substitute,
    variables,
)
from ..values.evaluation import Budget
from .compare import compare
from .parameters import renamed
from .value_names import plain_name

_MAX_VALUES = 12
_INTEGERS = frozenset("knmlj")
_ZERO, _ONE = Number(Fraction(0)), Number(Fraction(1))


def periodic(first: Tree, second: Tree, budget: Budget) -> bool:
    r"""Whether the same values come out for all integers: of ``\frac{\pi}{4} + k\pi`` whatever k is called."""
    sides = _Progressions.of(first), _Progressions.of(second)
    one, other = sides
    if one is None or other is None or not len(one.values) == len(other.values) <= _MAX_VALUES:
        return False
    stated = one.stated or other.stated
    if not stated and not all(map(_has_period, (*one.values, *other.values))):
        return False
    left = [renamed(value, {other.name: one.name}) for value in other.values]
    for value in one.values:
        partner = next((mate for mate in left if _same_progression(value, mate, one.name, stated, budget)), None)
        if partner is None:
            return False
        left.remove(partner)
    return True


class _Progressions:
    """Values that depend on an integer.

    Attributes:
        values: the expressions.
        name: the integer's.
        stated: whether the answer says that it is one.
    """

    def __init__(self, values: list[Tree], name: str, stated: bool) -> None:
        self.values, self.name, self.stated = values, name, stated

    @classmethod
    def of(cls, tree: Tree) -> _Progressions | None:
        """The progressions that an answer consists of."""
        parts = list(parts_of(tree))
        condition = parts[-1] if len(parts) > 1 else None
        stated = ""
        if (
            isinstance(condition, Relation)
            and condition.signs == ("in",)
            and condition.operands[1] == Constant("mathbb Z")
        ):
            stated = condition.operands[0].name if isinstance(condition.operands[0], Variable) else ""
            parts.pop()
        values: list[Tree] = [value for part in parts if isinstance(value := value_of(part), SCALARS)]
        names = {stated} if stated else frozenset().union(*map(variables, values)) & _INTEGERS
        if len(values) != len(parts) or len(names) != 1:
            return None
        return cls(values, next(iter(names)), bool(stated))


def _has_period(tree: Tree) -> bool:
    return any(node == Constant("pi") or (isinstance(node, Measure) and node.unit == "degree") for node in nodes(tree))


def _same_progression(first: Tree, second: Tree, name: str, stated: bool, budget: Budget) -> bool:
    if compare(first, second, budget).equal:
        return True
    if not stated or not (is_linear(first, name) and is_linear(second, name)):
        return False
    steps = slope(first, name), slope(second, name)
    if not any(compare(steps[0], step, budget).equal for step in (steps[1], negative(steps[1]))):
        return False
    # They meet where the distance is a whole number of steps.
    distance = Operation(Operator.SUM, (value_at(first, name, _ZERO), negative(value_at(second, name, _ZERO))))
    rounded = Operation(Operator.SUM, (quotient(distance, steps[0]), Number(Fraction(1, 2))))
    return compare(Operation(Operator.PRODUCT, (steps[0], Call("floor", (rounded,)))), distance, budget).equal


def value_of(tree: Tree) -> Tree:
    """The value of a named one; of all else the whole."""
    named = isinstance(tree, Relation) and tree.signs == ("=",) and plain_name(tree.operands[0])
    return tree.operands[1] if named else tree


def parts_of(tree: Tree) -> tuple[Tree, ...]:
    """The parts of a list or set; of all else itself."""
    return tree.operands if isinstance(tree, Group) and tree.opening in ("", "{") else (tree,)


def value_at(tree: Tree, name: str, value: Tree) -> Tree:
    """The tree with a value for a variable."""
    return substitute(tree, lambda node: value if node == Variable(name) else None)


def slope(tree: Tree, name: str) -> Tree:
    """What an expression that is linear in a variable grows by in one step."""
    return Operation(Operator.SUM, (value_at(tree, name, _ONE), negative(value_at(tree, name, _ZERO))))


def is_linear(tree: Tree, name: str) -> bool:
    """Whether an expression is written as a linear function of a constant."""

    def degree(node: Tree, parts: list[int]) -> int:
        match node:
            case Variable(own):
                return int(own == name)
            case Operation(Operator.SUM | Operator.NEGATIVE) | Relation():
                return max(parts)
            case Operation(Operator.PRODUCT):
                return sum(parts)
        return 2 if any(parts) else 0

    return fold(tree, degree) == 1
