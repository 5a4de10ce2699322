"""Whether two mathematical answers are equal: exact, symmetric, from any thread, with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from hashlib import sha256
from time import perf_counter

from .arithmetic import Reduced, UndefinedError, evaluate_modulo, reduce_constants
from .expressions import Expression, Number, Operation, Operator, Variable, canonical, fold, parse
from .normal_text import same_text
from .tokens import ExpressionError, LimitError, check_text, unwrap

# A decimal that is written this long is meant as the exact value, rounded.
ROUNDED_DIGITS = 15
_POINTS = 3
# Exponents of Mersenne primes. Fixed primes can't be aimed at: the one taken is larger than every coefficient.
_MERSENNE = (127, 521, 1279, 2203, 4423)


class Tier(StrEnum):
    """Which way of comparing decided."""

    LIMITS = "limits"
    TEXT = "text"
    PARSE = "parse"
    EXACT = "exact"
    IDENTITY = "identity"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether two answers are equal, and why.

    Attributes:
        equal: the verdict. What can't be read or is over the limits is not equal.
        reason: why, for people; the same for both orders of the arguments.
        tier: which way of comparing decided.
        seconds: wall-clock time that it took.
    """

    equal: bool
    reason: str
    tier: Tier
    seconds: float


def verify(gold: str, answer: str) -> Verdict:
    """Judges whether two answers are mathematically equal. Symmetric; never raises on text.

    The tiers, the first that decides:

    1. Limits. Text that is too long or holds forbidden characters is never equal, nor is empty text.
    2. Text. Equal up to spacing and wrappers such as ``$…$``.
    3. Exact. Constants are rational numbers and must be equal, without tolerance. Only a decimal of at least 15
       significant digits also equals the exact value that it is the rounding of.
    4. Identity. Expressions with variables are compared as rational functions by polynomial identity testing: both
       are evaluated at the same 3 points modulo a prime, and equal if they agree at all. Where they are equal they
       always agree (two that differ in a removable singularity, such as ``x/x`` and 1, are equal here). Where they
       differ, the prime is larger than every coefficient of the difference of cross products, so that this isn't
       zero modulo the prime, and by the Schwartz-Zippel lemma a random point is a zero of it with probability at
       most degree / 2**126 < 2**-111, all three with less than 2**-333. The points come from a hash of both
       expressions, so the verdict is always the same, and nobody can choose expressions for given points.

    Args:
        gold: one answer, as a rule the right one.
        answer: the other answer.

    Returns:
        The verdict with its reason.
    """
    start = perf_counter()
    # In sorted order everything below is symmetric, reasons included.
    equal, reason, tier = _judge(*sorted((gold, answer)))
    return Verdict(equal, reason, tier, perf_counter() - start)


def flaw_of(text: str) -> str:
    """Why a text equals at most itself: it is empty, forbidden or over the limits. Empty text if nothing is wrong.

    A text that merely isn't an expression, such as a word, has no flaw.
    """
    try:
        check_text(text)
    except ExpressionError as error:
        return str(error)
    if not unwrap(text):
        return "it is empty"
    try:
        reduce_constants(parse(text))
    except LimitError as error:
        return str(error)
    except ExpressionError:
        pass
    return ""


def _judge(first: str, second: str) -> tuple[bool, str, Tier]:
    try:
        for text in (first, second):
            check_text(text)
        if not unwrap(first) or not unwrap(second):
            return False, "an answer is empty", Tier.TEXT
        if same_text(first, second):
            return True, "the same text", Tier.TEXT
        trees = parse(first), parse(second)
        return _compare(trees, (reduce_constants(trees[0]), reduce_constants(trees[1])))
    except LimitError as error:
        return False, f"over the limits: {error}", Tier.LIMITS
    except UndefinedError as error:
        return False, f"undefined: {error}", Tier.EXACT
    except ExpressionError as error:
        return False, f"different texts, and not understood as expressions: {error}", Tier.PARSE


def _compare(trees: tuple[Expression, Expression], reduced: tuple[Reduced, Reduced]) -> tuple[bool, str, Tier]:
    first, second = reduced[0].value, reduced[1].value
    if first is None or second is None:
        equal = _identical(*reduced)
        return equal, "identical functions" if equal else "they differ at a point", Tier.IDENTITY
    if first == second:
        return True, "equal rational numbers", Tier.EXACT
    if _rounds(trees[0], second, trees[1]) or _rounds(trees[1], first, trees[0]):
        return True, "a long decimal is the exact value, rounded", Tier.EXACT
    return False, "different rational numbers", Tier.EXACT


def _rounds(tree: Expression, exact: Fraction, other: Expression) -> bool:
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


def _literal(tree: Expression) -> Number | None:
    """The number literal that a tree consists of, up to a sign."""
    if isinstance(tree, Operation) and tree.operator is Operator.NEGATIVE:
        tree = tree.operands[0]
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
    names = sorted(_names(first.tree) | _names(second.tree))
    seed = sha256("\0".join(sorted(texts)).encode()).digest()
    for round_number in range(2 * _POINTS):
        yield {name: int.from_bytes(sha256(seed + f"{round_number}{name}".encode()).digest(), "big") for name in names}


def _names(tree: Expression) -> set[str]:
    return fold(tree, lambda node, parts: {node.name} if isinstance(node, Variable) else set().union(*parts))
