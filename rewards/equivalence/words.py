"""Runs of letters and single ones that have two readings, of which the other answer shows the right one."""

from __future__ import annotations

from .tree import Constant, Operation, Operator, Tree, Variable, fold, substitute, variables
from .vocabulary import GREEK

# As computer algebra writes the constants e and i.
_CAPITALS = {"E": "e", "I": "i"}


def in_other_words(first: Tree, second: Tree) -> tuple[Tree, Tree] | None:
    """Both answers in another reading, where one of them shows how the other is meant.

    A word is a product, where the other answer has its letters as variables: ``ab`` is ``a*b``, but neither ``odd`` is
    ``dod`` nor ``ab`` is ``ba``, which have words on both sides. ``E`` and ``I`` are constants, where the other answer
    has these and no such variable. A letter that stands alone is a choice.

    Returns:
        None if there is nothing to be read in another way.
    """
    readings: dict[str, Tree] = {}
    for one, other in ((first, second), (second, first)):
        letters = variables(other)
        for name in variables(one) - letters:
            if len(name) > 1 and name.isalpha() and name.islower() and name not in GREEK and letters.issuperset(name):
                readings[name] = Operation(Operator.PRODUCT, tuple(map(Variable, name)))
            elif name in _CAPITALS and one != Variable(name) and _has_constant(other, _CAPITALS[name]):
                readings[name] = Constant(_CAPITALS[name])
    if not readings:
        return None

    def replace(node: Tree) -> Tree | None:
        return readings.get(node.name) if isinstance(node, Variable) else None

    return substitute(first, replace), substitute(second, replace)


def _has_constant(tree: Tree, name: str) -> bool:
    return fold(tree, lambda node, parts: node == Constant(name) or any(parts))
