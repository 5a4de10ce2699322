r"""The parser of what has arguments: fractions, roots, functions, sums over an index, integrals, limits."""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction

from ..limits import ExpressionError
from ..tree import (
    Call,
    Constant,
    Group,
    Number,
    Operation,
    Operator,
    Tree,
    Variable,
    gather,
    quotient,
    substitute,
    variables,
)
from .cursor import Cursor
from .vocabulary import FUNCTIONS, TRIGONOMETRIC

ARGUMENT_OPENINGS = ("(", "[", "{", "\\{")
_BARS = ("|", "l|", "lfloor", "lceil")
_SIGNS = {"sum": "sum", "prod": "product"}


class CallParser(Cursor):
    """Reads what follows the name of a function."""

    integrals = 0
    indexing = False
    closed = 0
    """Where the last fraction or power ended."""

    @abstractmethod
    def sum(self) -> Tree:
        """Terms with signs between."""

    @abstractmethod
    def product(self) -> Tree:
        """Factors, and the unit behind them."""

    @abstractmethod
    def signed(self) -> Tree:
        """A factor with its signs."""

    @abstractmethod
    def power_of(self, base: Tree) -> Tree:
        """What stands behind a factor."""

    @abstractmethod
    def atom(self) -> Tree:
        """A number, a name, a function's value, or something in parentheses."""

    @abstractmethod
    def starts_factor(self) -> bool:
        """Whether a factor follows without a sign."""

    @abstractmethod
    def relation(self) -> Tree:
        """An expression, or several with relations between."""

    @abstractmethod
    def group(self) -> Tree:
        """What stands in parentheses."""

    def argument(self) -> Tree:
        r"""One argument of a LaTeX command: a group in braces, or a single sign."""
        return self.group() if self.next.text == "{" else self.deeper(self.atom)

    def fraction(self) -> Tree:
        r"""``\frac{a}{b}``, or ``\frac{d}{dx}`` and what it is applied to."""
        if variable := self.differential():
            return Call(f"d/d{variable}", (self.deeper(self.product),), known=False)
        if name := self.derivative_name():
            return Variable(name)
        numerator = self.argument()
        tree = quotient(numerator, self.argument())
        self.closed = self.at
        return tree

    def derivative_name(self) -> str:
        r"""The name of the derivative, if what follows is ``{dy}{dx}``."""
        texts = [token.text for token in self.tokens[self.at : self.at + 8]]
        for length in (6, 8):
            joined = ["".join(part) for part in (texts[1 : length // 2 - 1], texts[length // 2 + 1 : length - 1])]
            braces = texts[0:1] + texts[length // 2 - 1 : length // 2 + 1] + texts[length - 1 : length]
            if braces == ["{", "}", "{", "}"] and all(len(name) == 2 and name[0] == "d" for name in joined):
                self.at += length
                return "/".join(joined)
        return ""

    def differential(self) -> str:
        r"""The variable of a derivative, if what follows is ``{d}{dx}`` or ``{\partial}{\partial x}``."""
        words = [token.text for token in self.tokens[self.at : self.at + 8]]
        for mark in ("d", "partial"):
            if words[:4] == ["{", mark, "}", "{"]:
                if mark == "d" and len(words[4]) == 2 and words[4][0] == "d" and words[5] == "}":
                    self.at += 6
                    return words[4][1]
                if words[4] == mark and words[6] == "}":
                    self.at += 7
                    return words[5]
        return ""

    def root(self, word: str) -> Tree:
        r"""``\sqrt{x}``, ``\sqrt[n]{x}``, ``cbrt(x)``."""
        degree: Tree = Number(Fraction(3 if word == "cbrt" else 2))
        if word == "sqrt" and self.accept("["):
            degree = self.deeper(self.sum)
            self.expect("]")
        radicand = self.argument()
        if isinstance(radicand, Group):
            raise ExpressionError("a root of several values")
        return root_of(radicand, degree)

    def function(self, name: str) -> Tree:
        r"""A function of the table: ``\sin x``, ``\sin^2 x``, ``\log_2(8)``, ``max(1, 2)``."""
        base = exponent = None
        for _ in range(2):
            if base is None and self.accept("_"):
                base = self.argument()
            if exponent is None and self.accept("^"):
                exponent = self.argument() if self.next.text == "{" else self.deeper(self.signed)
        arguments = self.arguments()
        if name in TRIGONOMETRIC and exponent == Operation(Operator.NEGATIVE, (Number(Fraction(1)),)):
            name, exponent = f"a{name}", None
        if base is not None:
            if name != "log":
                raise ExpressionError(f"an index of {name}")
            arguments = (*arguments, base)
        value = _call(name, arguments)
        return value if exponent is None else Operation(Operator.POWER, (value, exponent))

    def arguments(self) -> tuple[Tree, ...]:
        """The arguments behind a function's name, in parentheses or bare."""
        if self.next.text in ARGUMENT_OPENINGS:
            inside = self.group()
            return inside.operands if isinstance(inside, Group) else (inside,)
        if self.next.text in _BARS and self.next.kind == "symbol":
            return (self.deeper(self.atom),)
        factors = [self.deeper(self.signed)]
        while self.starts_factor() and self.next.text not in (*ARGUMENT_OPENINGS, "|") and not self.function_follows():
            factors.append(self.power_of(self.deeper(self.atom)))
        return (gather(Operator.PRODUCT, factors),)

    def function_follows(self) -> bool:
        r"""Whether the next word is a function, which ends a bare argument: ``\sin x \cos x``."""
        return self.next.kind == "word" and self.next.text in FUNCTIONS and self.next.text != "sqrt"

    def big_operator(self, word: str) -> Tree:
        r"""``\sum_{k=1}^{n} body``, ``\int_a^b body dx``, ``\lim_{x \to a} body``: values that nobody computes here."""
        lower: Tree | None = None
        upper: Tree | None = None
        for _ in range(2):
            if lower is None and self.accept("_"):
                lower = self.bound()
            if upper is None and self.accept("^"):
                upper = self.argument()
        if word == "int":
            return self.integral(lower, upper)
        body = self.deeper(self.product)
        operands = [tree for tree in (lower, upper) if tree is not None]
        name = lower.operands[0] if lower is not None and lower.operands else None
        if not isinstance(name, Variable):
            raise ExpressionError(f"no index of \\{word}")
        return bound_call(_SIGNS.get(word, "limit"), name.name, (body, *operands[0].operands[1:], *operands[1:]))

    def bound(self) -> Tree:
        """What stands below a sign: ``k=1``, or ``a``."""
        if not self.accept("{"):
            return self.deeper(self.atom)
        self.indexing, outer = True, self.indexing
        tree = self.deeper(self.relation)
        self.indexing = outer
        self.expect("}")
        return tree

    def integral(self, lower: Tree | None, upper: Tree | None) -> Tree:
        r"""The body of an integral, up to its ``dx``."""
        self.integrals += 1
        body = self.deeper(self.sum)
        self.integrals -= 1
        word = self.take().text
        if word == "d":
            word += self.take().text
        if len(word) != 2 or word[0] != "d":
            raise ExpressionError("an integral without its variable")
        limits = [tree for tree in (lower, upper) if tree is not None]
        if not limits:  # Of an indefinite integral the variable is free.
            return Call(f"integral d{word[1]}", (body,), known=False)
        return bound_call("integral", word[1], (body, *limits))

    def sympy_operator(self, name: str) -> Tree:
        """``Sum(body, (k, 1, n))`` and its like, as sympy prints them."""
        inside = self.group()
        if not isinstance(inside, Group) or len(inside.operands) < 2:
            raise ExpressionError(f"{name} without its variable")
        body, *rest = inside.operands
        index = rest[0].operands if isinstance(rest[0], Group) else tuple(rest)
        if not isinstance(index[0], Variable):
            raise ExpressionError(f"{name} without its variable")
        if name == "derivative":
            return Call(f"d/d{index[0].name}", (body,), known=False)
        if len(index) == 1:
            return Call(f"integral d{index[0].name}", (body,), known=False)
        return bound_call(name, index[0].name, (body, *index[1:]))


def root_of(radicand: Tree, degree: Tree) -> Tree:
    """A root as a power."""
    inverse = Operation(Operator.INVERSE, (degree,))
    exponent = Number(1 / degree.value) if isinstance(degree, Number) and degree.value else inverse
    return Operation(Operator.POWER, (radicand, exponent))


def bound_call(name: str, variable: str, operands: tuple[Tree, ...]) -> Tree:
    """A value in which a variable is bound: its name doesn't matter, so it is counted instead."""
    body = operands[0]
    level = sum(found.startswith("#") for found in variables(body))
    renamed = Variable(f"#{level}")
    # The letters of constants can be bound too: i often is.
    replaced = substitute(body, lambda node: renamed if node in (Variable(variable), Constant(variable)) else None)
    return Call(name, (replaced, *operands[1:]), known=False)


def _call(name: str, arguments: tuple[Tree, ...]) -> Tree:
    if name == "exp" and len(arguments) == 1:
        return Operation(Operator.POWER, (Constant("e"), arguments[0]))
    if name in ("sqrt", "cbrt") and len(arguments) == 1:
        return root_of(arguments[0], Number(Fraction(2 if name == "sqrt" else 3)))
    if name == "cis" and len(arguments) == 1:
        turned = Operation(Operator.PRODUCT, (Constant("i"), Call("sin", arguments)))
        return Operation(Operator.SUM, (Call("cos", arguments), turned))
    if name == "root" and len(arguments) == 2:
        return root_of(*arguments)
    if name == "log" and len(arguments) == 1:
        name = "ln"
    return Call(name, arguments)
