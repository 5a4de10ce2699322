"""Arithmetic of vectors and matrices: multiples, sums, transposes."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from ..limits import ExpressionError
from ..tree import (
    SCALARS,
    Group,
    Matrix,
    Operation,
    Operator,
    Tree,
    negative,
    with_operands,
)


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
