"""Exact values and values modulo a prime of expressions, with their size known before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from ..limits import ExpressionError, LimitError, UndefinedError
from ..tree import Call, Measure, Number, Operation, Operator, Tree, Variable, fold
from .integers import FUNCTIONS, integer_root

MAX_BITS = 20_000
# What a person writes is far below; what is above could buy seconds of computing with one answer.
MAX_FUNCTION_BITS = 1_279
MAX_DEGREE = 1_000


class IrrationalError(ExpressionError):
    """The expression is not made of rational numbers and variables by rational operations."""


class Size(NamedTuple):
    """An upper bound of a polynomial with integer coefficients.

    Attributes:
        bits: the sum of the absolute values of all coefficients is at most ``2**bits``.
        degree: the total degree is at most this.
    """

    bits: int
    degree: int

    def times(self, other: Size) -> Size:
        """The size of a product."""
        return Size(self.bits + other.bits, self.degree + other.degree)

    def plus(self, other: Size) -> Size:
        """The size of a sum."""
        return Size(max(self.bits, other.bits) + 1, max(self.degree, other.degree))

    def to_the(self, exponent: int) -> Size:
        """The size of a power with an exponent of at least 0."""
        return Size(self.bits * exponent, self.degree * exponent)


@dataclass(frozen=True, slots=True)
class Reduced:
    """An expression whose constant parts are computed: a `Number`, or a rational function of its variables.

    Attributes:
        tree: the expression; every exponent in it is an integer `Number`.
        numerator: size of the numerator when all is put over one denominator, without cancelling.
        denominator: size of that denominator.
    """

    tree: Tree
    numerator: Size
    denominator: Size

    @property
    def value(self) -> Fraction | None:
        """The value of a constant, None for an expression with variables."""
        return self.tree.value if isinstance(self.tree, Number) else None

    def check(self) -> Reduced:
        """Itself, if it is within the limits.

        Raises:
            LimitError: it isn't.
        """
        limit = MAX_BITS if self.value is not None else MAX_FUNCTION_BITS
        if max(self.numerator.bits, self.denominator.bits) > limit:
            raise LimitError(f"a value or coefficient may need more than {limit:,} bits")
        if max(self.numerator.degree, self.denominator.degree) > MAX_DEGREE:
            raise LimitError(f"the degree may be over {MAX_DEGREE:,}")
        return self


def reduce_constants(tree: Tree) -> Reduced:
    """Computes all constant parts of an expression exactly.

    Raises:
        LimitError: a value, coefficient or degree is over the limits. That is found before it is computed.
        UndefinedError: a constant part divides by zero, or is 0^0.
        IrrationalError: there is more in it than rational operations, and it can't be computed.
    """
    return fold(tree, _reduce)


def _reduce(node: Tree, parts: list[Reduced]) -> Reduced:
    if isinstance(node, Number):
        return _constant(node.value)
    if isinstance(node, Variable):
        return Reduced(node, Size(0, 1), Size(0, 0))
    if isinstance(node, Call):
        return _call(node, parts)
    if isinstance(node, Measure) and node.unit == "percent":
        return _chain(Operator.PRODUCT, [parts[0], _constant(Fraction(1, 100))])
    if not isinstance(node, Operation):
        raise IrrationalError("it is not made of rational numbers")
    match node.operator:
        case Operator.NEGATIVE:
            return _negative(parts[0])
        case Operator.INVERSE:
            return _inverse(parts[0])
        case Operator.POWER:
            return _power(*parts)
        case Operator.SUM | Operator.PRODUCT:
            return _chain(node.operator, parts)


def _constant(value: Fraction) -> Reduced:
    numerator, denominator = (Size(max(abs(part) - 1, 0).bit_length(), 0) for part in value.as_integer_ratio())
    return Reduced(Number(value), numerator, denominator).check()


def _negative(part: Reduced) -> Reduced:
    if part.value is not None:
        return _constant(-part.value)
    return Reduced(Operation(Operator.NEGATIVE, (part.tree,)), part.numerator, part.denominator)


def _inverse(part: Reduced) -> Reduced:
    if part.value is None:
        return Reduced(Operation(Operator.INVERSE, (part.tree,)), part.denominator, part.numerator)
    if part.value == 0:
        raise UndefinedError("division by zero")
    return _constant(1 / part.value)


def _chain(operator: Operator, parts: list[Reduced]) -> Reduced:
    """A sum or product of all parts; step by step, so that the bound of a constant is that of its true value."""
    total = parts[0]
    for part in parts[1:]:
        numerator = total.numerator.times(part.numerator)
        if operator is Operator.SUM:
            crossed = part.numerator.times(total.denominator)
            numerator = total.numerator.times(part.denominator).plus(crossed)
        tree = part.tree if total.value is not None else total.tree
        total_value, part_value = total.value, part.value
        total = Reduced(tree, numerator, total.denominator.times(part.denominator)).check()
        if total_value is not None and part_value is not None:
            total = _constant(total_value + part_value if operator is Operator.SUM else total_value * part_value)
    if total.value is not None:
        return total
    return Reduced(Operation(operator, tuple(part.tree for part in parts)), total.numerator, total.denominator)


def _power(base: Reduced, exponent: Reduced) -> Reduced:
    if exponent.value is None:
        raise IrrationalError("an exponent is not constant")
    if exponent.value.denominator != 1:
        base = _root(base, exponent.value.denominator)
    times = exponent.value.numerator
    if base.value == 0 and times <= 0:
        raise UndefinedError("division by zero" if times else "0^0 has no value")
    sizes = base.numerator.to_the(abs(times)), base.denominator.to_the(abs(times))
    numerator, denominator = sizes if times >= 0 else sizes[::-1]
    # Checked with the base's tree, which is constant or not just as the power is.
    Reduced(base.tree, numerator, denominator).check()
    if base.value is not None:
        return _constant(base.value**times)
    return Reduced(Operation(Operator.POWER, (base.tree, Number(Fraction(times)))), numerator, denominator)


def _root(base: Reduced, degree: int) -> Reduced:
    """The root of a constant that is an exact power; the odd root of a negative number is negative."""
    value = base.value
    if value is None or degree > 1000 or (value < 0 and degree % 2 == 0):
        raise IrrationalError("a root")
    sign = -1 if value < 0 else 1
    numerator, denominator = (integer_root(part, degree) for part in abs(value).as_integer_ratio())
    if numerator is None or denominator is None:
        raise IrrationalError("a root")
    return _constant(sign * Fraction(numerator, denominator))


def _call(node: Call, parts: list[Reduced]) -> Reduced:
    values = [part.value for part in parts]
    function = FUNCTIONS.get(node.name) if node.known else None
    if function is None or None in values:
        raise IrrationalError(f"the function {node.name[:40]}")
    try:
        return _constant(function(*[value for value in values if value is not None]))
    except TypeError:
        raise ExpressionError(f"{node.name} of {len(values)} numbers") from None


def evaluate_modulo(reduced: Reduced, point: Mapping[str, int], prime: int) -> tuple[int, int]:
    """Evaluates at a point modulo a prime.

    Args:
        reduced: the expression.
        point: a value for each of its variables.
        prime: the modulus, larger than every number in the expression.

    Returns:
        Numerator and denominator. They are never divided, because multiplying is far cheaper than inverting.

    Raises:
        UndefinedError: something is divided by zero at this point.
    """

    def combine(node: Tree, parts: list[tuple[int, int]]) -> tuple[int, int]:
        if isinstance(node, Number):
            return node.value.numerator % prime, node.value.denominator % prime
        if isinstance(node, Variable):
            return point[node.name] % prime, 1
        assert isinstance(node, Operation)  # what reduce_constants has made sure of
        numerator, denominator = parts[0]
        match node.operator:
            case Operator.NEGATIVE:
                return -numerator % prime, denominator
            case Operator.INVERSE:
                return _flip(numerator, denominator)
            case Operator.POWER:
                return _power_modulo(node, numerator, denominator, prime)
            case Operator.SUM:
                for top, bottom in parts[1:]:
                    numerator = (numerator * bottom + top * denominator) % prime
                    denominator = denominator * bottom % prime
            case Operator.PRODUCT:
                for top, bottom in parts[1:]:
                    numerator, denominator = numerator * top % prime, denominator * bottom % prime
        return numerator, denominator

    return fold(reduced.tree, combine)


def _flip(numerator: int, denominator: int) -> tuple[int, int]:
    if numerator == 0:
        raise UndefinedError("division by zero")
    return denominator, numerator


def _power_modulo(node: Operation, numerator: int, denominator: int, prime: int) -> tuple[int, int]:
    exponent = node.operands[1]
    assert isinstance(exponent, Number)  # what reduce_constants has made sure of
    times = exponent.value.numerator
    if numerator == 0 and times <= 0:
        raise UndefinedError("division by zero" if times else "0^0 has no value")
    if times < 0:
        numerator, denominator = denominator, numerator
    return pow(numerator, abs(times), prime), pow(denominator, abs(times), prime)
