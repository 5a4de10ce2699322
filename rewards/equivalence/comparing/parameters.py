r"""Names that only stand for any number: the argument of a function, the integer of an infinite family."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from ..tree import Call, Constant, Number, Relation, Tree, Variable, nodes, substitute, variables
from ..values.exact import reduce_constants

PARAMETER = "any integer"
"""The name of every integer that was declared, ``k \\in \\mathbb{Z}``."""
_LETTERS = frozenset("jklmnt")


def renamed(tree: Tree, names: Mapping[str, str]) -> Tree:
    """The tree with other names, all at once."""
    return substitute(
        tree, lambda node: Variable(names[node.name]) if isinstance(node, Variable) and node.name in names else None
    )


def with_one_parameter(first: Tree, second: Tree) -> tuple[Tree, Tree]:
    """Both, with the letter of one as the declared parameter of the other, if there is just one that it can be."""
    return _with_parameter(first, second), _with_parameter(second, first)


def _with_parameter(tree: Tree, other: Tree) -> Tree:
    names = variables(tree)
    if PARAMETER in names or PARAMETER not in variables(other):
        return tree
    letters = (names & _LETTERS) - variables(other)
    return renamed(tree, dict.fromkeys(letters, PARAMETER)) if len(letters) == 1 else tree


def solves_for_every_integer(value: Tree) -> bool:
    r"""Whether a value is one of a family without saying so: ``\frac{\pi}{4} + 2k\pi``."""
    names = variables(value)
    return len(names) == 1 and names < _LETTERS and Constant("pi") in nodes(value)


def with_arguments_of(first: Relation, second: Relation) -> Relation:
    """The second of two definitions of one function, with the first one's names for the arguments."""
    match first, second:
        case Relation(("=", *_), (Call(name, ours, known=False), *_)), Relation(("=", *_), (Call(other, theirs), *_)):
            if name == other and len(ours) == len(theirs) and _distinct(ours) and _distinct(theirs):
                names = dict(zip(_names(theirs), _names(ours), strict=True))
                # A name that means something else there must not be taken for the argument.
                if not (set(names.values()) - names.keys()) & variables(second):
                    return renamed(second, names)  # type: ignore[return-value]
    return second


def _names(arguments: tuple[Tree, ...]) -> list[str]:
    return [argument.name for argument in arguments if isinstance(argument, Variable)]


def _distinct(arguments: tuple[Tree, ...]) -> bool:
    # Capital letters are things, not numbers: P(A) is not P(B).
    return len({name for name in _names(arguments) if name.islower()}) == len(arguments)


def congruence(relation: Relation) -> Relation:
    r"""``n = 3k + 2`` for every integer k as ``n \\equiv 2 \\pmod 3``; any other relation as it is."""
    match relation:
        case Relation(("=",), (Variable() as name, value)) if variables(value) == {PARAMETER}:
            start, following, later = (_at(value, number) for number in (0, 1, 2))
            step = following - start
            # Through three points of a rational function goes more than a line, but in what people write no other.
            if step.denominator == start.denominator == 1 and step and later - following == step:
                return Relation(("equiv", "pmod"), (name, Number(start), Number(abs(step))))
    return relation


def _at(value: Tree, number: int) -> Fraction:
    replaced = substitute(value, lambda node: Number(Fraction(number)) if node == Variable(PARAMETER) else None)
    found = reduce_constants(replaced).value
    assert found is not None  # no variable is left
    return found
