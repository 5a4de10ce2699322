"""Runs of letters and single ones that have two readings, of which the other answer shows the right one."""

from __future__ import annotations

from ..reading.names import LETTER_CONSTANTS, is_run, letters
from ..reading.normal_text import ANSWER_WORDS
from ..tree import Call, Constant, Group, Measure, Operation, Operator, Tree, Variable, nodes, substitute, variables

# As computer algebra writes the constants e and i.
_CHOICES = frozenset("ABCDEFGH")
_CAPITALS = {"E": "e", "I": "i"}


def in_other_words(first: Tree, second: Tree) -> tuple[Tree, Tree] | None:
    """Both answers in another reading, where one of them shows how the other is meant.

    A word is a product, where the other answer has its letters as variables or constants: ``ab`` is ``a*b``, but
    neither ``odd`` is ``dod`` nor ``ab`` is ``ba``, which have words on both sides. ``E`` and ``I`` are constants,
    where the other answer has these and no such variable. A letter that stands alone is a choice.

    Returns:
        None if there is nothing to be read in another way.
    """
    if (choices := _as_choices(first, second)) is not None:
        return choices
    readings: dict[str, Tree] = {}
    for one, other in ((first, second), (second, first)):
        known = variables(other)
        constants = {name for name in LETTER_CONSTANTS if _has_constant(other, name)}
        for name in variables(one) | _units(one):
            is_square = name.isupper() and name in _raised(one)
            is_product = is_run(name) and not is_square and name.lower() not in ANSWER_WORDS
            if is_product and (known | constants).issuperset(name):
                readings[name] = Operation(Operator.PRODUCT, tuple(map(letters, name)))
            elif (
                name not in known
                and name in _CAPITALS
                and one != Variable(name)
                and _has_constant(other, _CAPITALS[name])
            ):
                readings[name] = Constant(_CAPITALS[name])
    factors = (_factors(first) & variables(second) - _factors(second)) | (
        _factors(second) & variables(first) - _factors(first)
    )
    if not readings and not factors:
        return None

    def replace(node: Tree) -> Tree | None:
        if isinstance(node, Measure) and node.unit in readings:  # 2mg
            return Operation(Operator.PRODUCT, (*node.operands, readings[node.unit]))
        if isinstance(node, Call) and node.name in factors and not node.known:  # g(m+1)
            return Operation(Operator.PRODUCT, (Variable(node.name), *node.operands))
        return readings.get(node.name) if isinstance(node, Variable) else None

    return substitute(first, replace), substitute(second, replace)


def _as_choices(first: Tree, second: Tree) -> tuple[Tree, Tree] | None:
    """``ACD`` as the choices A, C and D, where the other answer is such a list."""
    for one, other in ((first, second), (second, first)):
        match one, other:
            case Variable(name), Group("" | "{", _, parts, joiner) if (
                len(set(name)) == len(name)
                and _CHOICES.issuperset(name)
                and joiner != "or"
                and all(isinstance(part, Variable) and len(part.name) == 1 for part in parts)
            ):
                listed = Group("{", "}", tuple(map(Variable, name)))
                return (listed, second) if one is first else (first, listed)
    return None


def _factors(tree: Tree) -> frozenset[str]:
    """The letters that are read as functions of one argument, and may be factors."""
    return frozenset(
        node.name
        for node in nodes(tree)
        if isinstance(node, Call) and not node.known and len(node.name) == len(node.operands) == 1
    )


def _units(tree: Tree) -> frozenset[str]:
    """The units of two letters that occur: a milligram may be m times g."""
    return frozenset(node.unit for node in nodes(tree) if isinstance(node, Measure) and len(node.unit) == 2)


def _raised(tree: Tree) -> frozenset[str]:
    """The names that are raised to a power: ``AB^2`` may be ``A B^2`` or the square of a length."""
    powers = (node for node in nodes(tree) if isinstance(node, Operation) and node.operator is Operator.POWER)
    return frozenset(base.name for base, _ in (power.operands for power in powers) if isinstance(base, Variable))


def _has_constant(tree: Tree, name: str) -> bool:
    return Constant(name) in nodes(tree)
