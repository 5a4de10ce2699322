r"""``\pm`` and ``\mp``: one text, two values."""

from __future__ import annotations

from functools import partial

from ..limits import LimitError
from ..tree import Call, Group, Relation, Tree, negative, nodes, substitute, with_operands

MAX_VALUES = 64


def without_plus_minus(tree: Tree) -> Tree:
    r"""The answer with every ``\pm`` written out: ``1 \pm x`` is the list ``1 + x, 1 - x``.

    All signs of one value are taken together, so that ``\pm a \mp b`` has two values. Values stand beside the others
    of a set or list, and ``x = \pm 2`` is ``x = 2`` or ``x = -2``.

    Raises:
        LimitError: there are too many values.
    """
    if not _has_sign(tree):
        return tree
    values = _values(tree)
    joiner = "and" if isinstance(tree, Relation) and "!=" in tree.signs else "or"
    return values[0] if len(values) == 1 else Group("", "", tuple(values), joiner)


def _values(tree: Tree) -> list[Tree]:
    if not _has_sign(tree):
        return [tree]
    if isinstance(tree, Group) and tree.opening in ("", "{"):
        parts = [value for operand in tree.operands for value in _values(operand)]
        if len(parts) > MAX_VALUES:
            raise LimitError(f"more than {MAX_VALUES} values")
        return [with_operands(tree, parts)]
    if isinstance(tree, Relation) and isinstance(tree.operands[-1], Group):
        return [with_operands(tree, (*tree.operands[:-1], value)) for value in _values(tree.operands[-1])]
    return [substitute(tree, partial(_signed, plus)) for plus in (True, False)]


def _signed(plus: bool, node: Tree) -> Tree | None:
    if not isinstance(node, Call) or node.name not in ("pm", "mp"):
        return None
    return node.operands[0] if (node.name == "pm") == plus else negative(node.operands[0])


def _has_sign(tree: Tree) -> bool:
    return any(isinstance(node, Call) and node.name in ("pm", "mp") for node in nodes(tree))
