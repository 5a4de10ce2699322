r"""Answers that stand for many: with an arbitrary constant, ``x^2 + C``, or any integer, ``k\pi``.

The letter of such a constant says nothing, and an antiderivative may differ by a number. Where a letter may be a given
quantity (``\frac{C_1}{C_1+C_2}``, ``c^2``) it stays what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from ..reading.names import is_run, letters
from ..tree import (
    Operation,
    Operator,
    Relation,
    Tree,
    Variable,
    gather,
    negative,
    substitute,
    variables,
)
from ..values.evaluation import Budget
from .compare import compare
from .parameters import renamed
from .progressions import is_linear, parts_of, periodic, value_of
from .value_names import plain_name

_MAX_CONSTANTS = 3
_WORDS = frozenset({"constant", "const", "Constant"})
# Letters that stand for a constant where the other answer has a C.
_LETTERS = frozenset("ABCDEFKMNabcdkm")
# What solutions of differential equations depend on, and integrals.
_INDEPENDENT = frozenset(("x", "y", "z", "t", "u", "v", "w", "r", "s", "theta", "phi"))


def same_family(first: Tree, second: Tree, budget: Budget) -> bool:
    """Whether two answers differ in nothing but their arbitrary constants.

    Raises:
        LimitError: they are too large to be compared.
    """
    if _other_names(first, second):
        return False
    first, second = _split(first, second), _split(second, first)
    for candidate in _renamed(first, second):
        if _equal(candidate, value_of(second), budget):
            return True
    return _shifted(first, second, budget) or periodic(first, second, budget)


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
    names = variables(value_of(first)), variables(value_of(second))
    shared = names[0] & names[1]
    indexed = sorted(name for name in shared if _is_constant(name) and "_" in name)
    sources, targets = (sorted(side - shared) + indexed for side in names)
    if not 0 < len(sources) == len(targets) <= _MAX_CONSTANTS or not (shared & _INDEPENDENT):
        return
    if not all(_is_letter(name) for name in (*sources, *targets)):
        return
    # One constant may stand anywhere; of several, each could be a given quantity.
    alone = len(sources) == 1 and _is_constant(sources[0]) and _is_constant(targets[0])
    if not alone and not all(is_linear(value_of(first), name) for name in sources):
        return
    for order in permutations(targets):
        pairs = dict(zip(sources, order, strict=True))
        if all(one == other or _is_constant(one) or _is_constant(other) for one, other in pairs.items()):
            yield renamed(value_of(first), pairs)


def _other_names(first: Tree, second: Tree) -> bool:
    """Whether both say of what they are the value, and not of the same."""
    sides = [
        [part for part in parts_of(tree) if isinstance(part, Relation) and "=" in part.signs]
        for tree in (first, second)
    ]
    names = [{plain_name(part.operands[0]) for part in side} for side in sides]
    return bool(names[0] and names[1]) and names[0] != names[1]


def _shifted(first: Tree, second: Tree, budget: Budget) -> bool:
    """Whether two antiderivatives with their constants differ by a number: at every two places by the same."""
    found, mate = _antiderivative(first), _antiderivative(second)
    if found is None or mate is None:
        return False
    (one, letter), (other, other_letter) = found, mate
    if not {letter, other_letter} & {"C", "C_1", "C_0", *_WORDS} or not variables(one):
        return False
    places = {name: f"{name} elsewhere" for name in variables(one) | variables(other)}
    change, other_change = (Operation(Operator.SUM, (side, negative(renamed(side, places)))) for side in (one, other))
    return _equal(change, other_change, budget)


def _antiderivative(tree: Tree) -> tuple[Tree, str] | None:
    """What a constant is added to, and its letter."""
    value = value_of(tree)
    if not isinstance(value, Operation) or value.operator is not Operator.SUM:
        return None
    constants = [term for term in value.operands if isinstance(term, Variable) and _is_letter(term.name)]
    if len(constants) > 1:
        constants = [term for term in constants if _is_constant(term.name)]
    rest = gather(Operator.SUM, [term for term in value.operands if term not in constants]) if constants else value
    if len(constants) != 1 or constants[0].name in variables(rest):
        return None
    return rest, constants[0].name
