r"""The parser of arithmetic: sums, products, powers, functions, in LaTeX and plain notation.

Implicit products are read only where they have one reading. ``2x``, ``3(x+1)``, ``x y`` and ``n(n+1)`` have; ``1/2x``
is a half of x, as everybody reads it; these don't and are refused: ``8/2(2+2)`` and ``a/bc`` (how far does the division
reach?), ``x2`` (a product, an index, a power?).
"""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction

from ..limits import ExpressionError
from ..tree import (
    Call,
    Constant,
    Group,
    Matrix,
    Measure,
    Number,
    Operation,
    Operator,
    SetOperation,
    Tree,
    Variable,
    canonical,
    gather,
    negative,
    quotient,
)
from .names import FUNCTION_LETTERS, is_length, is_run, letters, name_of
from .quantities import QuantityParser
from .units import unit_of
from .vectors import transposed
from .vocabulary import FUNCTIONS

_OPENINGS = ("(", "[", "{", "\\{", "langle")
_CLOSINGS = {"l|": "r|", "||": "||", "lfloor": "rfloor", "lceil": "rceil"}
_ENCLOSING = {"|": "abs", "l|": "abs", "||": "norm", "lfloor": "floor", "lceil": "ceil"}
_TRANSPOSES = (Variable("T"), Variable("top"))


class ExpressionParser(QuantityParser):
    """Recursive descent; every recursion passes `deeper`, so its depth is bounded."""

    bars = 0
    reversed = False

    @abstractmethod
    def environment(self, name: str) -> Tree:
        """A matrix, behind its beginning."""

    def sum(self) -> Tree:
        """Terms with signs between."""
        terms = [self.product()]
        while sign := self.accept("+", "-", "pm", "mp"):
            term = self.product()
            if sign == "-" and terms == [Constant("mathbb R")]:
                return SetOperation("setminus", (terms[0], term))
            terms.append(_with_sign(sign, term))
        tree = gather(Operator.SUM, terms)
        if self.accept("choose"):
            return Call("binomial", (tree, self.deeper(self.sum)))
        return quotient(tree, self.deeper(self.sum)) if self.accept("over") else tree

    def product(self) -> Tree:
        """Factors, and the unit behind them."""
        factors = [self.signed()]
        sign = ""
        while True:
            if explicit := self.accept("*", "/"):
                sign = explicit
                factor = self.signed()
                factors.append(factor if sign == "*" else Operation(Operator.INVERSE, (factor,)))
            elif self.accept("mod"):
                factors = [Call("mod", (gather(Operator.PRODUCT, factors), self.signed()))]
            elif self.starts_factor():
                if sign == "/" and not (self.next.kind == "word" and all(map(_is_number, factors))):
                    raise ExpressionError("an implicit product after a division has two readings")
                sign = ""
                factors.append(self.power_of(self.atom()))
            else:
                value = self.measured(gather(Operator.PRODUCT, factors))
                if not isinstance(value, Measure) or self.next.kind != "number":
                    return value
                rest = self.deeper(self.product)  # 2 hours 30 minutes
                return Group("", "", (value, *(rest.operands if isinstance(rest, Group) else (rest,))), "and")

    def starts_factor(self) -> bool:
        """Whether a factor follows without a sign."""
        # A number starts one behind 5! only: "6 7" is two numbers, and "x2" may be an index.
        token = self.next
        if token.kind == "number":
            factorial = self.at > 0 and self.tokens[self.at - 1].text == "!"
            return factorial or (self.closed == self.at and self.after.text == "^")  # \frac32 2^n
        if token.kind == "word":
            differential = self.integrals and len(token.text) == 2 and token.text[0] == "d"
            joins = token.text in ("and", "or", "to", "for", "where") or self.is_union()
            return not joins and not differential and not self.plain_unit() and not self.is_unit_fraction()
        if token.kind == "text":
            if unit_of(token.text) is not None and self.after.kind == "end":
                return False  # "5 min"
            return token.text in FUNCTIONS or (len(token.text) == 1 and unit_of(token.text) is None)
        bar = token.text == "|" and not self.bars
        if token.text == "[":
            return not self.reversed
        if token.text in ("{", "(") and (
            self.after.text == "mod" or self.quantifies() or (token.text == "{" and self.after.kind == "number")
        ):
            return False  # a modulus; and {6}{7} looks like 67
        matrix = token.kind == "begin" and token.text != "cases"
        return (
            token.kind == "accent"
            or bar
            or matrix
            or token.text in ("(", "{", "l|", "langle", "lfloor", "lceil", "infinity")
        )

    def quantifies(self) -> bool:
        r"""Whether a condition follows, such as ``(k \\in Z)``."""
        return [token.kind == "word" for token in self.tokens[self.at + 1 : self.at + 2]] == [True] and self.tokens[
            min(self.at + 2, len(self.tokens) - 1)
        ].text == "in"

    def is_union(self) -> bool:
        """Whether a U follows that stands between two intervals."""
        before = self.tokens[self.at - 1].text if self.at else ""
        return self.next.text == "U" and before in (")", "]") and self.after.text in ("(", "[")

    def signed(self) -> Tree:
        """A factor with its signs."""
        sign = self.accept("+", "-", "pm", "mp")
        if not sign:
            return self.power_of(self.atom())
        operand = self.deeper(self.signed)
        return _with_sign(sign, operand)

    def power_of(self, base: Tree) -> Tree:
        """What stands behind a factor: exponent, factorial, percent, degrees."""
        raised = False
        while True:
            if self.accept("!"):
                base = Call("factorial2" if self.accept("!") else "factorial", (base,))
            elif self.accept("%"):
                base = Measure("percent", (base,))
            elif isinstance(base, Number) and self.accept("circ"):
                base = self.degrees(base)
            elif not raised and self.next.text == "^":
                base, raised = self.raised(base), True
                self.closed = self.at
            else:
                return base

    def raised(self, base: Tree) -> Tree:
        """A power, an angle in degrees, or a name with a prime."""
        word = self.tokens[self.at - 1]
        self.take()
        if isinstance(base, Group | Matrix):
            if (self.group() if self.next.text == "{" else self.atom()) not in _TRANSPOSES:
                raise ExpressionError("a power of a vector or matrix")
            return transposed(base)
        if self.accept("circ"):
            return self.degrees(base)
        if self.next.text == "{" and self.after.text in ("circ", "'"):
            self.take()
            mark = self.take().text
            self.expect("}")
            return self.degrees(base) if mark == "circ" else Variable(f"{name_of(base)}'")
        if isinstance(base, Constant) and base.name.startswith("mathbb ") and (signed := self.with_sign(base.name)):
            return signed
        exponent = self.group() if self.next.text == "{" else self.deeper(self.signed)
        if isinstance(base, Variable) and self.next.text == "_":
            base = self.indexed(base.name)
        is_inverse = exponent == negative(Number(Fraction(1))) and word.text in FUNCTION_LETTERS
        if is_inverse and base == Variable(word.text) and self.next.text == "(":
            return self.applied(f"{word.text}^-1")
        if word.kind == "word" and base == Variable(word.text) and is_run(word.text) and not is_length(word.text):
            # In mv^2, MR^2 and xe^x only the last letter is raised; AB^2 is the square of a length.
            return gather(Operator.PRODUCT, [letters(word.text[:-1]), _power(letters(word.text[-1]), exponent)])
        return _power(base, exponent)

    def with_sign(self, name: str) -> Tree | None:
        r"""The positive or negative numbers of a set: ``\mathbb{Z}^+``."""
        braced = self.next.text == "{"
        sign = self.after.text if braced else self.next.text
        if sign not in ("+", "-"):
            return None
        self.at += 3 if braced else 1
        if self.tokens[self.at - 1].text != ("}" if braced else sign):
            raise self.unexpected()
        if name != "mathbb R":
            return Constant(name + sign)
        ends: tuple[Tree, Tree] = Number(Fraction(0)), Constant("infinity")
        return Group("(", ")", ends if sign == "+" else (negative(ends[1]), ends[0]))

    def atom(self) -> Tree:
        """A number, a name, a function's value, or something in parentheses."""
        token = self.next
        if token.text in (*_OPENINGS, "]"):
            tree = self.group()
            return self.in_base(tree) if token.text == "(" and isinstance(tree, Number | Variable) else tree
        if token.text in _ENCLOSING and token.kind == "symbol":
            return self.enclosed(self.take().text)
        self.take()
        match token.kind, token.text:
            case "number", text:
                return self.number(text)
            case "word", text:
                return self.word(text)
            case "text", text:
                return self.text(text)
            case "currency", unit:
                return Measure(unit, (self.power_of(self.atom()),))
            case "accent", name:
                return Variable(f"{name} {canonical(self.deeper(self.atom))}")
            case "begin", name:
                return self.environment(name)
            case "symbol", "infinity":
                return Constant("infinity")
            case "symbol", "emptyset":
                return Group("{", "}", ())
            case "symbol", text if text.startswith("mathbb "):
                return Constant(text)
            case "symbol", "...":
                return Constant("...")
        self.at -= 1
        raise self.unexpected()

    def enclosed(self, opening: str) -> Tree:
        """Absolute value, floor or ceiling."""
        self.bars += opening in ("|", "||")
        inner = self.deeper(self.sum)
        self.bars -= opening in ("|", "||")
        if not self.accept(_CLOSINGS.get(opening, opening), *(("|",) if opening == "l|" else ())):
            raise self.unexpected()
        return Call(_ENCLOSING[opening], (inner,))


def _power(base: Tree, exponent: Tree) -> Tree:
    return Operation(Operator.POWER, (base, exponent))


def _with_sign(sign: str, term: Tree) -> Tree:
    if sign == "+":
        return term
    return negative(term) if sign == "-" else Call(sign, (term,))


def _is_number(tree: Tree) -> bool:
    inner = tree.operands[0] if isinstance(tree, Operation) and tree.operator is Operator.INVERSE else tree
    if isinstance(inner, Operation) and inner.operator is Operator.NEGATIVE:
        return _is_number(inner.operands[0])
    return isinstance(inner, Number)
