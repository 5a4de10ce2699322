r"""Vectors in the unit vectors i, j, k as tuples of their coordinates."""

from __future__ import annotations

from fractions import Fraction

from ..tree import (
    SCALARS,
    Constant,
    Group,
    Matrix,
    Number,
    Operation,
    Operator,
    Relation,
    Tree,
    Variable,
    gather,
    negative,
    without_sign,
)

_UNITS = "ijk"
_ACCENTS = ("hat ", "vec ", "")


def in_coordinates(first: Tree, second: Tree) -> tuple[Tree, Tree] | None:
    r"""Both answers with ``2\mathbf{i} - \mathbf{j}`` as the tuple of its coordinates, if one has unit vectors.

    Letters without a mark are unit vectors only where the other answer is a vector.
    """
    sides = _value(first), _value(second)
    sizes = [_size(side) for side in sides]
    if all(sizes) or not (any(sizes) or any(map(_is_marked, sides))):
        return None
    size = max(sizes) or 3
    found = [side if own else _coordinates(side, size) for side, own in zip(sides, sizes, strict=True)]
    return None if found[0] is None or found[1] is None else (found[0], found[1])


def _value(tree: Tree) -> Tree:
    return tree.operands[1] if isinstance(tree, Relation) and tree.signs == ("=",) else tree


def _size(tree: Tree) -> int:
    r"""How many coordinates a vector has; 0 of all else."""
    is_vector = (isinstance(tree, Matrix) and tree.columns == 1) or (isinstance(tree, Group) and tree.opening == "(")
    return len(tree.operands) if is_vector and len(tree.operands) in (2, 3) else 0


def _is_marked(tree: Tree) -> bool:
    """Whether a sum has unit vectors that can't be anything else: ``i`` and ``j``, or letters with hats."""
    units = [unit for unit in map(_unit_of, _factors_of_terms(tree)) if unit]
    return any(len(unit) > 1 for unit in units)


def _factors_of_terms(tree: Tree) -> list[Tree]:
    return [factor for term in _parts(tree, Operator.SUM) for factor in _parts(without_sign(term), Operator.PRODUCT)]


def _coordinates(tree: Tree, size: int) -> Tree | None:
    if not isinstance(tree, SCALARS):
        return None
    coordinates: list[list[Tree]] = [[] for _ in _UNITS]
    found = ""
    for term in _parts(tree, Operator.SUM):
        factors = _parts(without_sign(term), Operator.PRODUCT)
        units = [(factor, unit[-1]) for factor in factors if (unit := _unit_of(factor))]
        if len(units) != 1:
            return None
        found += units[0][1]
        rest = [factor for factor in factors if factor is not units[0][0]] or [Number(Fraction(1))]
        value = gather(Operator.PRODUCT, rest)
        coordinates[_UNITS.index(units[0][1])].append(value if without_sign(term) is term else negative(value))
    # One letter alone is the imaginary unit, or a variable.
    if (len(set(found)) < 2 and not _is_marked(tree)) or (size == 2 and "k" in found):
        return None
    parts = [gather(Operator.SUM, values) if values else Number(Fraction(0)) for values in coordinates]
    return Group("(", ")", tuple(parts[:size]))


def _unit_of(tree: Tree) -> str:
    """A unit vector with its accent; empty for all else."""
    if isinstance(tree, Constant | Variable) and tree.name[-1:] in tuple(_UNITS) and tree.name[:-1] in _ACCENTS:
        return tree.name
    return ""


def _parts(tree: Tree, operator: Operator) -> tuple[Tree, ...]:
    return tree.operands if isinstance(tree, Operation) and tree.operator is operator else (tree,)
