"""Runs of letters: a word, or a product of variables?"""

from __future__ import annotations

from .tree import Operation, Operator, Tree, Variable, substitute, variables
from .vocabulary import GREEK


def as_products(first: Tree, second: Tree) -> tuple[Tree, Tree] | None:
    """Both answers with words read as products, where one has the word and the other its letters as variables.

    So ``ab`` is ``a*b``, but neither ``odd`` is ``dod`` nor ``ab`` is ``ba``, which have words on both sides.

    Returns:
        None if there is no such word.
    """
    names = variables(first), variables(second)
    found = {
        word
        for words, letters in (names, names[::-1])
        for word in words - letters
        if len(word) > 1 and word.isalpha() and word.islower() and word not in GREEK and letters.issuperset(word)
    }
    if not found:
        return None
    return _spelled(first, found), _spelled(second, found)


def _spelled(tree: Tree, words: set[str]) -> Tree:
    def replace(node: Tree) -> Tree | None:
        if isinstance(node, Variable) and node.name in words:
            return Operation(Operator.PRODUCT, tuple(map(Variable, node.name)))
        return None

    return substitute(tree, replace)
