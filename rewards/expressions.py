r"""Expressions: a small immutable tree, and the parser that reads it from plain notation and a little LaTeX.

Read are integers and decimals with well-formed groups of thousands (``1,000``, ``1{,}000``, ``1 000``), single ASCII
letters as variables, ``+ - * / ^ **``, parentheses, implicit products, and of LaTeX ``$…$``, ``\(…\)``, ``\boxed{…}``,
``\frac{a}{b}``, ``\cdot``, ``\times``, ``\div``, ``\left(``, ``\right)`` and ``x^{…}``. All else is refused.

Implicit products are read only where they have one reading. ``2x``, ``3(x+1)``, ``x y``, ``xy`` and ``n(n+1)`` have;
these don't and are refused: ``1/2x`` and ``8/2(2+2)`` (how far does the division reach?), ``x2`` (a product, an index,
a power?), ``f(x)`` (a value of f?), ``1\frac{1}{2}`` (a mixed number?), ``ab`` (a word?).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import ClassVar, TypeAlias, TypeVar

from .tokens import ExpressionError, LimitError, Token, check_text, tokenize, unwrap

MAX_DEPTH = 60
_FUNCTION_LETTERS = "fgh"
_END = Token("end", "the end")

T = TypeVar("T")


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
    """A letter that stands for any number."""

    operands: ClassVar[tuple[()]] = ()
    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator with its operands: two or more of a sum or product, two of a power, else one."""

    operator: Operator
    operands: tuple[Expression, ...]


Expression: TypeAlias = Number | Variable | Operation


def fold(tree: Expression, combine: Callable[[Expression, list[T]], T]) -> T:
    """Computes a value bottom-up: ``combine`` gets a node and the values of its operands.

    A stack of our own instead of recursion, so that no tree can exhaust Python's.
    """
    values: list[T] = []
    stack = [(tree, False)]
    while stack:
        node, ready = stack.pop()
        if node.operands and not ready:
            stack.append((node, True))
            stack += [(operand, False) for operand in reversed(node.operands)]
            continue
        first = len(values) - len(node.operands)
        values[first:] = [combine(node, values[first:])]
    return values[0]


def canonical(tree: Expression) -> str:
    """The tree as text; two trees are the same where these are."""
    return fold(tree, _write)


def _write(node: Expression, operands: list[str]) -> str:
    if isinstance(node, Number):
        return str(node.value)
    if isinstance(node, Variable):
        return node.name
    return f"({node.operator} {' '.join(operands)})"


def parse(text: str) -> Expression:
    """Reads an expression.

    Raises:
        LimitError: the text is over 2,000 characters, 800 tokens or a depth of 60.
        ExpressionError: it isn't an expression that we know, or it has more than one reading.
    """
    check_text(text)
    return _Parser(tokenize(unwrap(text))).parse()


class _Parser:
    """Recursive descent; every recursion passes `_deeper`, so its depth is bounded."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = [*tokens, _END]
        self.at = 0
        self.depth = 0

    def parse(self) -> Expression:
        tree = self.sum()
        if self.tokens[self.at] is not _END:
            raise self.unexpected()
        return tree

    def sum(self) -> Expression:
        terms = [self.product()]
        while sign := self.accept("+", "-"):
            term = self.product()
            terms.append(term if sign == "+" else Operation(Operator.NEGATIVE, (term,)))
        return _gather(Operator.SUM, terms)

    def product(self) -> Expression:
        factors = [self.signed()]
        sign = ""
        while True:
            if explicit := self.accept("*", "/"):
                sign = explicit
                factor = self.signed()
                factors.append(factor if sign == "*" else Operation(Operator.INVERSE, (factor,)))
            elif self.starts_factor():
                if sign == "/":
                    raise ExpressionError("an implicit product after a division has two readings")
                factors.append(self.implicit_factor())
            else:
                return _gather(Operator.PRODUCT, factors)

    def starts_factor(self) -> bool:
        # A number never starts one: "6 7" is two numbers, and "x2" may be an index.
        token = self.tokens[self.at]
        return token.kind == "variable" or token.text in ("(", "frac")

    def implicit_factor(self) -> Expression:
        before, opening = self.tokens[self.at - 1], self.tokens[self.at]
        atom = self.atom()
        if before.kind == "variable" and opening.text == "(":
            applied = before.text in _FUNCTION_LETTERS or before.text.isupper()
            if applied or not (isinstance(atom, Operation) and atom.operator is Operator.SUM):
                raise ExpressionError(f"'{before.text}(' may be a function")
        if before.kind == "number" and opening.text == "frac" and not _has_variable(atom):
            raise ExpressionError("a number before a fraction may be a mixed number")
        return self.power_of(atom)

    def signed(self) -> Expression:
        sign = self.accept("+", "-")
        if not sign:
            return self.power_of(self.atom())
        operand = self.deeper(self.signed)
        return operand if sign == "+" else Operation(Operator.NEGATIVE, (operand,))

    def power_of(self, base: Expression) -> Expression:
        if not self.accept("^"):
            return base
        exponent = self.group("{", "}") if self.tokens[self.at].text == "{" else self.deeper(self.signed)
        return Operation(Operator.POWER, (base, exponent))

    def atom(self) -> Expression:
        token = self.tokens[self.at]
        if token.text == "(":
            return self.group("(", ")")
        self.at += 1
        if token.kind == "number":
            return _number(token.text)
        if token.kind == "variable":
            return Variable(token.text)
        if token.text == "frac":
            numerator, denominator = self.group("{", "}"), self.group("{", "}")
            return Operation(Operator.PRODUCT, (numerator, Operation(Operator.INVERSE, (denominator,))))
        self.at -= 1
        raise self.unexpected()

    def group(self, opening: str, closing: str) -> Expression:
        self.expect(opening)
        inner = self.deeper(self.sum)
        self.expect(closing)
        return inner

    def deeper(self, rule: Callable[[], Expression]) -> Expression:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise LimitError(f"nested deeper than {MAX_DEPTH}")
        tree = rule()
        self.depth -= 1
        return tree

    def accept(self, *symbols: str) -> str:
        text = self.tokens[self.at].text
        if text not in symbols:
            return ""
        self.at += 1
        return text

    def expect(self, symbol: str) -> None:
        if not self.accept(symbol):
            raise self.unexpected()

    def unexpected(self) -> ExpressionError:
        return ExpressionError(f"unexpected {self.tokens[self.at].text[:40]}")


def _gather(operator: Operator, operands: list[Expression]) -> Expression:
    return operands[0] if len(operands) == 1 else Operation(operator, tuple(operands))


def _number(text: str) -> Number:
    whole, _, decimals = text.partition(".")
    value = Fraction(int(whole + decimals), 10 ** len(decimals))
    return Number(value, places=len(decimals), digits=len((whole + decimals).lstrip("0")))


def _has_variable(tree: Expression) -> bool:
    return fold(tree, lambda node, parts: isinstance(node, Variable) or any(parts))
