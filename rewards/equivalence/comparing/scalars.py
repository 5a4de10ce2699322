"""Whether two expressions are equal: by exact arithmetic, by polynomial identity testing, or by values at points."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from ..limits import LimitError, UndefinedError
from ..tree import Constant, Number, Operation, Operator, Tree, canonical, variables, without_sign
from ..values import numeric, symbolic
from ..values.evaluation import Budget
from ..values.exact import IrrationalError, Reduced, evaluate_modulo, reduce_constants

# A decimal that is written this long is meant as the exact value, rounded.
ROUNDED_DIGITS = 15
_POINTS = 3
# Units of work that comparing two rational functions takes, small ones.
_IDENTITY = 15
# Exponents of Mersenne primes. Fixed primes can't be aimed at: the one taken is larger than every coefficient.
_MERSENNE = (127, 521, 1279, 2203, 4423)


class Tier(StrEnum):
    """Which way of comparing decided."""

    LIMITS = "limits"
    TEXT = "text"
    PARSE = "parse"
    STRUCTURE = "structure"
    EXACT = "exact"
    IDENTITY = "identity"
    NUMERIC = "numeric"
    SYMBOLIC = "symbolic"
    FAILURE = "failure"


class Finding(NamedTuple):
    """The outcome of a comparison, and why."""

    equal: bool
    reason: str
    tier: Tier


def compare_scalars(first: Tree, second: Tree, budget: Budget) -> Finding:
    """Compares two expressions.

    Raises:
        LimitError: they are too large to be computed.
        UndefinedError: one has no value, such as ``1/0``.
        ExpressionError: one holds what is no number.
    """
    infinite = _infinity(first), _infinity(second)
    if infinite != (0, 0):
        return Finding(infinite[0] == infinite[1], "infinity", Tier.EXACT)
    try:
        reduced = _reduced(first), _reduced(second)
    except IrrationalError:
        return _compare_numerically(first, second, budget)
    one, other = reduced[0].value, reduced[1].value
    if one is None or other is None:
        budget.spend(_IDENTITY)
        equal = _identical(*reduced)
        return Finding(equal, "identical functions" if equal else _difference(first, second), Tier.IDENTITY)
    if one == other:
        return Finding(True, "equal rational numbers", Tier.EXACT)
    if _rounds(first, other, second) or _rounds(second, one, first):
        return Finding(True, "a long decimal is the exact value, rounded", Tier.EXACT)
    return Finding(False, "different rational numbers", Tier.EXACT)


@lru_cache(maxsize=1024)
def _reduced(tree: Tree) -> Reduced:
    return reduce_constants(tree)


def _infinity(tree: Tree) -> int:
    """1 or -1 for infinity with its sign, else 0."""
    if isinstance(tree, Operation) and tree.operator is Operator.NEGATIVE:
        return -_infinity(tree.operands[0])
    return int(tree == Constant("infinity"))


def _compare_numerically(first: Tree, second: Tree, budget: Budget) -> Finding:
    for tree, other in ((first, second), (second, first)):
        literal = _literal(tree)
        if literal is None or not literal.places or literal.digits < ROUNDED_DIGITS:
            continue
        if numeric.rounds(literal, tree is not literal, other, budget):
            return Finding(True, "a long decimal is the exact value, rounded", Tier.NUMERIC)
    if canonical(first) == canonical(second):
        return Finding(True, "the same expression", Tier.NUMERIC)
    try:
        equal = numeric.agree(first, second, budget)
    except numeric.UndecidedError:
        equal = symbolic.equal(first, second)
        return Finding(equal, "sympy reduces the difference to zero" if equal else "undecided", Tier.SYMBOLIC)
    return Finding(equal, "they agree at random points" if equal else _difference(first, second), Tier.NUMERIC)


def _difference(first: Tree, second: Tree) -> str:
    """Why two expressions that differ do so, for people."""
    names = variables(first), variables(second)
    if not any(name.isalpha() and len(name) > 1 for name in names[0] | names[1]):
        return "they differ at a point" if names[0] or names[1] else "different values"
    return "different words" if names[0] != names[1] else "different values"


def _rounds(tree: Tree, exact: Fraction, other: Tree) -> bool:
    """Whether a tree is a long decimal literal that is the exact value of the other tree, rounded.

    Another decimal literal isn't an exact value. Of a tie both neighbours are roundings.
    """
    literal = _literal(tree)
    if literal is None or not literal.places or literal.digits < ROUNDED_DIGITS:
        return False
    opposite = _literal(other)
    if opposite is not None and opposite.places:
        return False
    value = literal.value if tree is literal else -literal.value
    return abs(value - exact) <= Fraction(1, 2 * 10**literal.places)


def _literal(tree: Tree) -> Number | None:
    """The number literal that a tree consists of, up to a sign."""
    tree = without_sign(tree)
    return tree if isinstance(tree, Number) else None


def _identical(first: Reduced, second: Reduced) -> bool:
    prime = _prime_for(first, second)
    tested = 0
    undefined: UndefinedError | None = None
    for point in _points(first, second):
        try:
            (a, b), (c, d) = (evaluate_modulo(side, point, prime) for side in (first, second))
        except UndefinedError as error:
            undefined = error
            continue
        if (a * d - b * c) % prime:
            return False
        tested += 1
        if tested == _POINTS:
            return True
    # Random points don't hit a pole; a denominator is zero everywhere.
    raise undefined or UndefinedError("no point to compare at")


def _prime_for(first: Reduced, second: Reduced) -> int:
    """A prime larger than every coefficient of the difference of the cross products."""
    difference = first.numerator.times(second.denominator).plus(second.numerator.times(first.denominator))
    parts = (first.numerator, first.denominator, second.numerator, second.denominator, difference)
    needed = max(part.bits for part in parts)
    for exponent in _MERSENNE:
        if needed < exponent:
            return (1 << exponent) - 1
    raise LimitError(f"comparing the coefficients may need more than {_MERSENNE[-1]:,} bits")


def _points(first: Reduced, second: Reduced) -> Iterator[dict[str, int]]:
    """A few points more than are needed, each value a hash of both expressions, the variable and the round."""
    texts = [canonical(side.tree) for side in (first, second)]
    names = sorted(variables(first.tree) | variables(second.tree))
    seed = sha256("\0".join(sorted(texts)).encode()).digest()
    for round_number in range(2 * _POINTS):
        yield {name: int.from_bytes(sha256(seed + f"{round_number}{name}".encode()).digest(), "big") for name in names}
