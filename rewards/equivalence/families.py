r"""Answers that stand for many: with an arbitrary constant, ``x^2 + C``, or any integer, ``k\pi``.

The letter of such a constant says nothing, and an antiderivative may differ by a number. Where a letter may be a given
quantity (``\frac{C_1}{C_1+C_2}``, ``c^2``) it stays what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import permutations

from .compare import compare
from .evaluation import Budget
from .left_sides import plain_name
from .names import is_run, letters
from .tree import (
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
    gather,
    negative,
    nodes,
    quotient,
    substitute,
    variables,
)

_MAX_CONSTANTS = 3
_MAX_VALUES = 12
_WORDS = frozenset({"constant", "const", "Constant"})
# Letters that stand for a constant where the other answer has a C.
_LETTERS = frozenset("ABCDEFKMNabcdkm")
# What solutions of differential equations depend on, and integrals.
_INDEPENDENT = frozenset(("x", "y", "z", "t", "u", "v", "w", "r", "s", "theta", "phi"))
_INTEGERS = frozenset("knmlj")
_ZERO, _ONE = Number(Fraction(0)), Number(Fraction(1))


def same_family(first: Tree, second: Tree, budget: Budget) -> bool:
    """Whether two answers differ in nothing but their arbitrary constants.

    Raises:
        LimitError: they are too large to be compared.
    """
    if _other_names(first, second):
        return False
    first, second = _split(first, second), _split(second, first)
    for renamed in _renamed(first, second):
        if _equal(renamed, _value(second), budget):
            return True
    return _shifted(first, second, budget) or _periodic(first, second, budget)


def _equal(first: Tree, second: Tree, budget: Budget) -> bool:
    return compare(first, second, budget).equal


def _split(tree: Tree, other: Tree) -> Tree:
    """The tree with ``Bx`` as a product of a constant and a variable that the other answer has."""
    known = variables(other) & _INDEPENDENT

    def replace(node: Tree) -> Tree | None:
        if not isinstance(node, Variable) or not is_run(node.name) or node.name[0] not in _LETTERS:
            return None
        product = Operation(Operator.PRODUCT, tuple(map(letters, node.name)))
        return product if set(node.name[1:]) <= known else None

    return substitute(tree, replace)


def _is_constant(name: str) -> bool:
    letter, _, index = name.partition("_")
    return name in _WORDS or (letter in ("C", "c") and (not index or index.isdigit()))


def _is_letter(name: str) -> bool:
    letter, _, index = name.partition("_")
    return name in _WORDS or (letter in _LETTERS and (not index or index.isdigit()))


def _renamed(first: Tree, second: Tree) -> Iterator[Tree]:
    """The first answer with the second one's letters for its constants, in each way that makes sense."""
    names = variables(_value(first)), variables(_value(second))
    shared = names[0] & names[1]
    indexed = sorted(name for name in shared if _is_constant(name) and "_" in name)
    sources, targets = (sorted(side - shared) + indexed for side in names)
    if not 0 < len(sources) == len(targets) <= _MAX_CONSTANTS or not (shared & _INDEPENDENT):
        return
    if not all(_is_letter(name) for name in (*sources, *targets)):
        return
    # One constant may stand anywhere; of several, each could be a given quantity.
    alone = len(sources) == 1 and _is_constant(sources[0]) and _is_constant(targets[0])
    if not alone and not all(_is_linear(_value(first), name) for name in sources):
        return
    for order in permutations(targets):
        pairs = dict(zip(sources, order, strict=True))
        if all(one == other or _is_constant(one) or _is_constant(other) for one, other in pairs.items()):
            yield _with_names(_value(first), pairs)


def _with_names(tree: Tree, names: dict[str, str]) -> Tree:
    return substitute(
        tree, lambda node: Variable(names[node.name]) if isinstance(node, Variable) and node.name in names else None
    )


def _value(tree: Tree) -> Tree:
    """The value of a named one; of all else the whole."""
    named = isinstance(tree, Relation) and tree.signs == ("=",) and plain_name(tree.operands[0])
    return tree.operands[1] if named else tree


def _other_names(first: Tree, second: Tree) -> bool:
    """Whether both say of what they are the value, and not of the same."""
    sides = [
        [part for part in _parts(tree) if isinstance(part, Relation) and "=" in part.signs] for tree in (first, second)
    ]
    names = [{plain_name(part.operands[0]) for part in side} for side in sides]
    return bool(names[0] and names[1]) and names[0] != names[1]


def _parts(tree: Tree) -> tuple[Tree, ...]:
    return tree.operands if isinstance(tree, Group) and tree.opening in ("", "{") else (tree,)


def _at(tree: Tree, name: str, value: Tree) -> Tree:
    return substitute(tree, lambda node: value if node == Variable(name) else None)


def _slope(tree: Tree, name: str) -> Tree:
    return Operation(Operator.SUM, (_at(tree, name, _ONE), negative(_at(tree, name, _ZERO))))


def _is_linear(tree: Tree, name: str) -> bool:
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


def _shifted(first: Tree, second: Tree, budget: Budget) -> bool:
    """Whether two antiderivatives with their constants differ by a number: at every two places by the same."""
    found, mate = _antiderivative(first), _antiderivative(second)
    if found is None or mate is None:
        return False
    (one, letter), (other, other_letter) = found, mate
    if not {letter, other_letter} & {"C", "C_1", "C_0", *_WORDS} or not variables(one):
        return False
    places = {name: f"{name} elsewhere" for name in variables(one) | variables(other)}
    change, other_change = (
        Operation(Operator.SUM, (side, negative(_with_names(side, places)))) for side in (one, other)
    )
    return _equal(change, other_change, budget)


def _antiderivative(tree: Tree) -> tuple[Tree, str] | None:
    """What a constant is added to, and its letter."""
    value = _value(tree)
    if not isinstance(value, Operation) or value.operator is not Operator.SUM:
        return None
    constants = [term for term in value.operands if isinstance(term, Variable) and _is_letter(term.name)]
    if len(constants) > 1:
        constants = [term for term in constants if _is_constant(term.name)]
    rest = gather(Operator.SUM, [term for term in value.operands if term not in constants]) if constants else value
    if len(constants) != 1 or constants[0].name in variables(rest):
        return None
    return rest, constants[0].name


def _periodic(first: Tree, second: Tree, budget: Budget) -> bool:
    r"""Whether the same values come out for all integers: of ``\frac{\pi}{4} + k\pi`` whatever k is called."""
    sides = _Progressions.of(first), _Progressions.of(second)
    one, other = sides
    if one is None or other is None or not len(one.values) == len(other.values) <= _MAX_VALUES:
        return False
    stated = one.stated or other.stated
    if not stated and not all(map(_has_period, (*one.values, *other.values))):
        return False
    left = [_with_names(value, {other.name: one.name}) for value in other.values]
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
        parts = list(_parts(tree))
        condition = parts[-1] if len(parts) > 1 else None
        stated = ""
        if (
            isinstance(condition, Relation)
            and condition.signs == ("in",)
            and condition.operands[1] == Constant("mathbb Z")
        ):
            stated = condition.operands[0].name if isinstance(condition.operands[0], Variable) else ""
            parts.pop()
        values: list[Tree] = [value for part in parts if isinstance(value := _value(part), SCALARS)]
        names = {stated} if stated else frozenset().union(*map(variables, values)) & _INTEGERS
        if len(values) != len(parts) or len(names) != 1:
            return None
        return cls(values, next(iter(names)), bool(stated))


def _has_period(tree: Tree) -> bool:
    return any(node == Constant("pi") or (isinstance(node, Measure) and node.unit == "degree") for node in nodes(tree))


def _same_progression(first: Tree, second: Tree, name: str, stated: bool, budget: Budget) -> bool:
    if _equal(first, second, budget):
        return True
    if not stated or not (_is_linear(first, name) and _is_linear(second, name)):
        return False
    steps = _slope(first, name), _slope(second, name)
    if not any(_equal(steps[0], step, budget) for step in (steps[1], negative(steps[1]))):
        return False
    # They meet where the distance is a whole number of steps.
    distance = Operation(Operator.SUM, (_at(first, name, _ZERO), negative(_at(second, name, _ZERO))))
    rounded = Operation(Operator.SUM, (quotient(distance, steps[0]), Number(Fraction(1, 2))))
    return _equal(Operation(Operator.PRODUCT, (steps[0], Call("floor", (rounded,)))), distance, budget)
