r"""The parser of numbers with what belongs to them: fractions behind, scales, bases, units."""

from __future__ import annotations

from fractions import Fraction

from ..limits import ExpressionError, LimitError
from ..tree import (
    Call,
    Measure,
    Number,
    Operation,
    Operator,
    Tree,
    Variable,
)
from .english import SCALES
from .names import NameParser, name_of
from .tokens import Token
from .units import is_noun, is_thing, unit_of
from .vocabulary import NUMERALS, UNITS

_MAX_EXPONENT = 6_000


class QuantityParser(NameParser):
    """Reads numbers and units."""

    def measured(self, value: Tree) -> Tree:
        """The value with the unit behind it, if there is one."""
        words: list[str] = []
        while True:
            if self.plain_unit() or (self.next.kind == "text" and unit_of(self.next.text) is not None):
                words.append(self.take().text)
            elif words and self.next.text == "of" and self.after.kind == "word" and is_thing(self.after.text):
                self.at += 2  # 3 cups of tea
            elif words and self.next.text == "old":
                self.at += 1
            elif fraction := self.unit_fraction():
                words += fraction
            elif words and self.next.text == "*" and self.after.kind == "text" and unit_of(self.after.text) is not None:
                self.take()
            elif words and self.accept("^"):
                words[-1] += "^" + self.small_number()
            elif words and (self.accept("/") or (self.next.text == "per" and self.take())):
                words.append("per " + self.take().text)
            else:
                break
        if not words:
            return value
        unit = unit_of(" ".join(words))
        if unit is None or (isinstance(value, Variable) and len(value.name) == 1 and value.name.isupper()):
            raise ExpressionError("an unknown unit")
        return Measure(unit, (value,))

    def plain_unit(self) -> bool:
        """Whether a unit follows that is not marked as text: a word of two letters or more."""
        token, before = self.next, self.tokens[self.at - 1]
        counted = self.at > 0 and (before.kind == "number" or before.text == "}") and is_noun(token.text)
        power = token.text in ("square", "cubic", "sq") and self.after.text in UNITS
        known = power or (len(token.text) > 1 and token.text in UNITS)
        return token.kind == "word" and (known or counted) and not self.bound_to_next()

    def bound_to_next(self) -> bool:
        """Whether the next word is the name of a function or has an index."""
        if self.next.text == "mL" and self.after.text == "^":
            return True  # m L^2
        return self.after.text in ("_", "(") or (self.next.text in ("in", "min", "sec") and self.after.kind != "end")

    def number(self, text: str) -> Tree:
        """A number, the mixed number that begins with it, or a number in another base."""
        number = read_number(text)
        if self.next.text == "_":
            return self.in_base(number)
        if self.next.kind == "text" and (base := base_of(self.next.text)) != self.next.text:
            self.take()
            return Call(f"base {base}", (number,), known=False)
        if text.isdigit() and (fraction := self.proper_fraction()):
            return Operation(Operator.SUM, (number, fraction))
        head, _, rest = self.next.text.partition(" ")
        if self.next.kind in ("word", "text") and head in SCALES:  # 1.5 million
            self.tokens[self.at : self.at + 1] = [Token("text", rest)] if rest else []
            return Number(number.value * SCALES[head])
        return number

    def proper_fraction(self) -> Tree | None:
        r"""The fraction of a mixed number, if one follows: ``1\frac{1}{2}``, ``1 1/2``."""
        ahead = [token.text if token.kind != "number" else "#" for token in self.tokens[self.at : self.at + 7]]
        for shape in (["frac", "{", "#", "}", "{", "#", "}"], ["frac", "#", "#"], ["#", "/", "#"]):
            if ahead[: len(shape)] != shape:
                continue
            top, bottom = (self.tokens[self.at + at].text for at, sign in enumerate(shape) if sign == "#")
            spaced = shape[0] != "#" or self.next.spaced
            if spaced and top.isdigit() and bottom.isdigit() and 0 < int(top) < int(bottom):
                self.at += len(shape)
                return Number(Fraction(int(top), int(bottom)))
        return None

    def unit_fraction(self) -> list[str]:
        r"""The words of ``\frac{\text{m}}{\text{s}^2}``, if that is what follows."""
        if not self.is_unit_fraction():
            return []
        words: list[str] = []
        self.take()
        for joint in ("", "per "):
            self.expect("{")
            while self.next.kind == "text" and unit_of(self.next.text) is not None:
                words.append(joint + self.take().text + ("^" + self.small_number() if self.accept("^") else ""))
            self.expect("}")
        return words

    def is_unit_fraction(self) -> bool:
        r"""Whether ``\frac{\text{m}}`` follows."""
        token = self.tokens[min(self.at + 2, len(self.tokens) - 1)]
        return self.next.text == "frac" and token.kind == "text" and unit_of(token.text) is not None

    def small_number(self) -> str:
        """The exponent of a unit."""
        braced = self.accept("{")
        sign = self.accept("-")
        token = self.take()
        if token.kind != "number" or (braced and not self.accept("}")):
            raise ExpressionError("an unknown unit")
        return sign + token.text

    def degrees(self, value: Tree) -> Tree:
        """An angle or a temperature, behind the sign of the degrees."""
        if (
            self.next.kind in ("word", "text")
            and self.next.text in ("C", "F")
            and self.after.text not in ("_", "^", "(")
        ):
            return Measure(f"deg{self.take().text}", (value,))
        return Measure("degree", (value,))

    def in_base(self, tree: Tree) -> Tree:
        """A number or a word of digits in another base: ``(1011)_2``."""
        if not self.accept("_"):
            return tree
        base = base_of(self.index_text())
        if isinstance(tree, Number) and tree.places == 0:
            return Call(f"base {base}", (tree,), known=False)
        return Variable(f"{name_of(tree)}_{base}")


def read_number(text: str) -> Number:
    """The number that a token's digits stand for, such as ``12.5``, ``0.1(6)`` and ``1.5e-3``."""
    mantissa, _, exponent = text.partition("e")
    fixed, _, period = mantissa.rstrip(")").partition("(")
    whole, _, decimals = fixed.partition(".")
    if len(exponent) > 5 or abs(int(exponent or 0)) > _MAX_EXPONENT:
        raise LimitError(f"an exponent over {_MAX_EXPONENT:,}")
    value = Fraction(int(whole + decimals or 0), 10 ** len(decimals))
    if period:
        value += Fraction(int(period), (10 ** len(period) - 1) * 10 ** len(decimals))
        return Number(value)
    if exponent:
        return Number(value * Fraction(10) ** int(exponent))
    return Number(value, places=len(decimals), digits=len((whole + decimals).lstrip("0")))


def base_of(text: str) -> str:
    """The base that a text names, such as ``seven`` or ``(base 7)``; any other text as it is."""
    words = text.strip("()").replace("-", " ").split()
    words = words[1:] if words[:1] == ["in"] else words
    if words[:1] == ["base"]:
        words = words[1:]
    elif text not in NUMERALS:
        return text
    return (
        NUMERALS.get(words[0], words[0]) if len(words) == 1 and (words[0].isdigit() or words[0] in NUMERALS) else text
    )
