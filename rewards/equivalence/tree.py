r"""What answers are read into: small immutable trees.

Arithmetic is made of `Number`, `Variable`, `Constant`, `Operation` and `Call`. Around it, an answer may be a `Group`
(tuple, interval, set, list), a `Relation`, a `SetOperation`, a `Matrix`, a `Measure` (a value with its unit).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from operator import is_
from typing import ClassVar, TypeAlias, TypeVar

T = TypeVar("T")
_LARGE = 10_000  # bits
VECTOR = "vector"


class Operator(StrEnum):
    """What an `Operation` does. A difference is a sum with a negative, a quotient a product with an inverse."""

    SUM = "+"
    PRODUCT = "*"
    NEGATIVE = "-"
    INVERSE = "/"
    POWER = "^"


@dataclass(frozen=True, slots=True)
class Number:
    """A rational number; two are equal where their values are.

    Attributes:
        value: the exact value.
        places: digits after the decimal point as it was written, 0 for an integer.
        digits: significant digits as it was written, trailing zeros included.
    """

    operands: ClassVar[tuple[()]] = ()
    value: Fraction
    places: int = field(default=0, compare=False)
    digits: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Variable:
    """A name that stands for any number."""

    operands: ClassVar[tuple[()]] = ()
    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A number with a name (``pi``, ``e``, ``i``), ``infinity``, or a set of numbers with one."""

    operands: ClassVar[tuple[()]] = ()
    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator with its operands: two or more of a sum or product, two of a power, else one."""

    operator: Operator
    operands: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Call:
    r"""A function's value.

    Attributes:
        name: the function's.
        operands: its arguments.
        known: whether it is a function of `functions.FUNCTIONS`; all else, such as ``f(x)``, ``F_{n-1}`` and an
            integral, is some number that depends on the operands.
    """

    name: str
    operands: tuple[Tree, ...]
    known: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    r"""Several parts, in parentheses or without.

    Attributes:
        opening: ``(``, ``[``, ``]`` (of an interval without its end), ``{`` for a set, or empty for a bare list.
        closing: the same on the other side.
        operands: the parts.
        joiner: of a bare list: ``or``, ``and``, or ``,``; of what can't be an interval: `VECTOR`.
    """

    opening: str
    closing: str
    operands: tuple[Tree, ...]
    joiner: str = field(default=",", compare=False)


@dataclass(frozen=True, slots=True)
class Relation:
    """A chain such as ``a < b <= c``: one sign less than there are operands."""

    signs: tuple[str, ...]
    operands: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class SetOperation:
    r"""Two sets joined by ``cup``, ``cap`` or ``setminus``."""

    operator: str
    operands: tuple[Tree, Tree]


@dataclass(frozen=True, slots=True)
class Ratio:
    """``a:b``, with two or more parts; also a time of day."""

    operands: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A matrix, its entries row by row."""

    rows: int
    columns: int
    operands: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """A value and its unit; percent and degrees are units too."""

    unit: str
    operands: tuple[Tree]


Tree: TypeAlias = (
    Number | Variable | Constant | Operation | Call | Group | Relation | SetOperation | Ratio | Matrix | Measure
)
SCALARS = (Number, Variable, Constant, Operation, Call)


def fold(tree: Tree, combine: Callable[[Tree, list[T]], T]) -> T:
    """Computes a value bottom-up: ``combine`` gets a node and the values of its operands.

    A stack of our own instead of recursion, so that no tree can exhaust Python's.
    """
    values: list[T] = []
    stack: list[Tree | None] = [tree]
    while stack:
        node = stack.pop()
        if node is None:  # The values of all operands of the node below are there.
            node = stack.pop()
            assert node is not None
            first = len(values) - len(node.operands)
            values[first:] = [combine(node, values[first:])]
        elif node.operands:
            stack += (node, None)
            stack += node.operands[::-1]
        else:
            values.append(combine(node, []))
    return values[0]


def nodes(tree: Tree) -> Iterator[Tree]:
    """The tree itself, and all that is below it."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        stack += node.operands[::-1]


def with_operands(node: Tree, operands: Iterable[Tree]) -> Tree:
    """The same node over other operands, as many."""
    return replace(node, operands=tuple(operands)) if node.operands else node  # type: ignore[arg-type]


def substitute(tree: Tree, other: Callable[[Tree], Tree | None]) -> Tree:
    """The tree with nodes replaced, from the leaves upwards, where ``other`` gives something."""

    def combine(node: Tree, operands: list[Tree]) -> Tree:
        same = all(map(is_, node.operands, operands))
        whole = node if same else with_operands(node, operands)
        found = other(whole)
        return whole if found is None else found

    return fold(tree, combine)


def variables(tree: Tree) -> frozenset[str]:
    """The names of all variables."""
    return frozenset(node.name for node in nodes(tree) if isinstance(node, Variable))


def canonical(tree: Tree) -> str:
    """The tree as text; two trees are the same where these are."""
    return fold(tree, _write)


def _write(node: Tree, operands: list[str]) -> str:
    if isinstance(node, Number):
        # Python writes no decimals of thousands of digits.
        large = max(node.value.numerator.bit_length(), node.value.denominator.bit_length()) > _LARGE
        return f"{node.value.numerator:#x}/{node.value.denominator:#x}" if large else str(node.value)
    if isinstance(node, Variable | Constant):
        return node.name
    return f"({_head(node)} {' '.join(operands)})"


def _head(node: Tree) -> str:
    match node:
        case Operation(operator):
            return operator
        case Call(name):
            return name
        case Group(opening, closing):
            return f"{opening}{closing}" or ","
        case Relation(signs):
            return " ".join(signs)
        case SetOperation(operator):
            return operator
        case Matrix(rows, columns):
            return f"{rows}x{columns}"
        case Measure(unit):
            return unit
    return ":"


def negative(tree: Tree) -> Tree:
    """The tree with the other sign."""
    return Operation(Operator.NEGATIVE, (tree,))


def without_sign(tree: Tree) -> Tree:
    """What a negative is the negative of; any other tree as it is."""
    return tree.operands[0] if isinstance(tree, Operation) and tree.operator is Operator.NEGATIVE else tree


def quotient(numerator: Tree, denominator: Tree) -> Tree:
    """One tree divided by another."""
    return Operation(Operator.PRODUCT, (numerator, Operation(Operator.INVERSE, (denominator,))))


def gather(operator: Operator, operands: list[Tree]) -> Tree:
    """A sum or product of one or more."""
    return operands[0] if len(operands) == 1 else Operation(operator, tuple(operands))
