r"""Arithmetic of vectors and matrices: multiples, sums, transposes, and vectors in the unit vectors i, j, k."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import reduce

from .limits import ExpressionError
from .tree import (
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
    with_operands,
    without_sign,
)

_UNITS = "ijk"
_ACCENTS = ("hat ", "vec ", "")


def transposed(tree: Tree) -> Tree:
    """A matrix with rows for columns; a list in brackets or parentheses is a row."""
    match tree:
        case Matrix(rows, columns, entries):
            return Matrix(
                columns, rows, tuple(entries[row * columns + at] for at in range(columns) for row in range(rows))
            )
        case Group("(" | "[", ")" | "]", operands) if all(isinstance(operand, SCALARS) for operand in operands):
            return Matrix(len(operands), 1, operands)
    raise ExpressionError("the transpose of what is no matrix")


def combined(tree: Tree) -> Tree:
    """A sum or multiple of vectors or matrices as one of them; any other tree as it is."""
    if not isinstance(tree, Operation) or tree.operator is Operator.POWER:
        return tree
    operands = tuple(map(combined, tree.operands))
    vectors = [operand for operand in operands if _is_vector(operand)]
    if not vectors:
        return tree
    if tree.operator is Operator.NEGATIVE:
        return _each(vectors[0], negative)
    if tree.operator is Operator.SUM and len(vectors) == len(operands):
        return reduce(_sum, vectors)
    if tree.operator is Operator.PRODUCT and len(vectors) == 1:
        factors = [operand for operand in operands if operand is not vectors[0]]
        return _each(vectors[0], lambda entry: Operation(Operator.PRODUCT, (*factors, entry)))
    return tree


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


def _is_vector(tree: Tree) -> bool:
    match tree:
        case Matrix() | Group("(", ")"):
            return all(isinstance(operand, SCALARS) for operand in tree.operands)
    return False


def _each(vector: Tree, change: Callable[[Tree], Tree]) -> Tree:
    return with_operands(vector, map(change, vector.operands))


def _sum(one: Tree, other: Tree) -> Tree:
    """The sum of two vectors or matrices of one shape."""
    if len(one.operands) != len(other.operands) or with_operands(one, other.operands) != other:
        raise ExpressionError("a sum of vectors of different shapes")
    sums = (Operation(Operator.SUM, parts) for parts in zip(one.operands, other.operands, strict=True))
    return with_operands(one, sums)
