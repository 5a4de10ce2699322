"""Arithmetic of vectors and matrices: multiples, sums, transposes; products whose order counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from functools import reduce

from ..limits import ExpressionError
from ..tree import (
    SCALARS,
    Call,
    Group,
    Matrix,
    Number,
    Operation,
    Operator,
    Tree,
    Variable,
    canonical,
    negative,
    with_operands,
    without_sign,
)

TRANSPOSES = (Variable("T"), Variable("top"))
_VECTOR = re.compile(r"\s*\\(?:vec|overrightarrow|mathbf|boldsymbol|bm)\b")
_VECTOR_BEFORE = re.compile(_VECTOR.pattern + r"\s*(?:\{[^{}\d]{1,12}\}|[A-Za-z])(?:_\w|_\{\w{1,8}\})?\s*\Z")
_NABLA_BEFORE = re.compile(r"\\nabla\s*\Z")
# A vector that is written longer is not looked for: the work per sign must stay bounded.
_LONGEST_VECTOR = 48
_INVERSE = negative(Number(Fraction(1)))
_MATRICES = "matrices"


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


def crosses(text: str, start: int, end: int) -> bool:
    r"""Whether the ``\times`` at a place stands between two vectors, or behind a nabla."""
    before = text[max(0, start - _LONGEST_VECTOR) : start]
    if _NABLA_BEFORE.search(before):
        return True
    return _VECTOR.match(text, end) is not None and _VECTOR_BEFORE.search(before) is not None


def crossed(first: Tree, second: Tree) -> Tree:
    """The cross product of two vectors, which changes its sign with their order."""
    parts = without_sign(first), without_sign(second)
    turned = canonical(parts[1]) < canonical(parts[0])
    product = Call("cross", parts[::-1] if turned else parts, known=False)
    signs = (parts[0] is not first) + (parts[1] is not second) + turned
    return negative(product) if signs % 2 else product


def in_order(factors: list[Tree]) -> list[Tree]:
    """The factors of a product, in which letters that must be matrices are one factor, since their order counts.

    Capital letters are matrices where one of them is transposed, or two are inverted.
    """
    factors = [part for factor in factors for part in (factor.operands if _is_ordered(factor) else (factor,))]
    matrices = [factor for factor in factors if _is_matrix(_split(factor)[0])]
    exponents = [_split(factor)[1] for factor in matrices]
    if len(matrices) < 2 or (exponents.count(_INVERSE) < 2 and not any(one in TRANSPOSES for one in exponents)):
        return factors
    others = [factor for factor in factors if factor not in matrices]
    return [*others, Call(_MATRICES, tuple(matrices), known=False)]


def _split(factor: Tree) -> tuple[Tree, Tree | None]:
    """A factor's base and exponent."""
    match factor:
        case Operation(Operator.POWER, (base, exponent)):
            return base, exponent
    return factor, None


def _is_matrix(tree: Tree) -> bool:
    match tree:
        case Variable(name):
            return name[0].isupper() and (len(name) == 1 or name[1] == "_")
    return _is_ordered(tree)


def _is_ordered(tree: Tree) -> bool:
    return isinstance(tree, Call) and tree.name == _MATRICES
