"""From text to tokens, in one scan: LaTeX, Unicode and plain notation come out as the same tokens."""

from __future__ import annotations

from typing import NamedTuple

from ..limits import MAX_TOKENS, SPACES, ExpressionError, LimitError
from .vocabulary import (
    ACCENTS,
    CHARACTERS,
    CURRENCIES,
    FACES,
    FRACTIONS,
    FUNCTIONS,
    IGNORED,
    INVISIBLE,
    SUBSCRIPTS,
    SUPERSCRIPTS,
    SYMBOLS,
    TEXTS,
    WORDS,
)
from .wrappers import closing_brace

_DIGITS = "0123456789"
_JOINED = frozenset(("sin", "cos", "tan", "ln", "log", "exp", "sqrt"))
_LENGTHS = ("pt", "mm", "cm", "em", "ex", "in")
_SIGNS = frozenset("+-*/^_(){}[]|,;:=<>!'%&")
_PAIRS = {"**": "^", "<=": "<=", ">=": ">=", "!=": "!=", "==": "=", "->": "to", "||": "||"}
# Longest first. All groups of a number take the same one.
_SEPARATORS = (",\\! ", ",\\!", "{,}", ",", "\\,", " ")
_TRANSLATION = str.maketrans(CHARACTERS)


class Token(NamedTuple):
    r"""A piece of an expression.

    Attributes:
        kind: ``number`` (its digits, without separators), ``word`` (a run of letters, or the name of a command),
            ``text`` (what stands in ``\text{…}``), ``begin`` or ``finish`` (of a LaTeX environment), ``accent``,
            ``symbol``, or ``end``.
        text: what it says, as `vocabulary` names it.
        spaced: whether white space stands before it.
    """

    kind: str
    text: str
    spaced: bool = False


def tokenize(text: str) -> list[Token]:
    """Splits an expression into tokens.

    Raises:
        LimitError: there are more than `MAX_TOKENS`.
        ExpressionError: there is a character or command that we don't know.
    """
    return _Scanner(_spell_out(text)).run()


def _spell_out(text: str) -> str:
    """Replaces characters that are short for something, such as ``½`` and ``²``."""
    if text.isascii():
        return text
    for small, sign in ((SUPERSCRIPTS, "^"), (SUBSCRIPTS, "_")):
        if not small.keys().isdisjoint(text):
            text = _spell_runs(text, small, sign)
    return text.translate(_TRANSLATION)


def _spell_runs(text: str, small: dict[str, str], sign: str) -> str:
    pieces: list[str] = []
    inside = False
    for char in text:
        if (char in small) != inside:
            pieces.append("}" if inside else f"{sign}{{")
            inside = not inside
        pieces.append(small.get(char, char))
    return "".join(pieces) + ("}" if inside else "")


class _Scanner:
    """Reads tokens from left to right; every step moves on, so that time is linear in the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.tokens: list[Token] = []
        self.depth = 0
        self.spaced = False
        self.money = text.count("$") % 2 == 1

    def run(self) -> list[Token]:
        while self.at < len(self.text):
            self.step()
            if len(self.tokens) > MAX_TOKENS:
                raise LimitError(f"more than {MAX_TOKENS} tokens")
        return self.tokens

    def add(self, kind: str, text: str) -> None:
        self.tokens.append(Token(kind, text, self.spaced))
        self.spaced = False
        if kind == "symbol":
            self.depth += (text in ("(", "[", "\\{", "{")) - (text in (")", "]", "\\}", "}"))

    def step(self) -> None:
        char = self.text[self.at]
        if char in SPACES or (char == "~" and self.tokens):
            self.at += 1
            self.spaced = True
        elif char in _DIGITS or (char == "." and self.text[self.at + 1 : self.at + 2] in tuple(_DIGITS)):
            self.add("number", self.number())
        elif char.isascii() and char.isalpha():
            self.letters()
        elif char == "\\":
            self.command()
        else:
            self.sign(char)

    def letters(self) -> None:
        """A word, or a product of x, y and z: no word consists of these only."""
        end = _end_of_letters(self.text, self.at)
        word = self.text[self.at : end]
        if word in ("a", "p", "A", "P") and self.text[end : end + 2] in (".m", ".M"):
            word += self.text[end + 1]  # p.m.
            end += 2 + self.text.startswith(".", end + 2)
        if word == "Interval" and self.text.startswith(".", end):
            end = _end_of_letters(self.text, end + 1)
            word = self.text[self.at : end]
        self.at = end
        if word == "log" and self.text.startswith(("10(", "2("), end):
            self.add("word", word)
            self.add("symbol", "_")
            return
        if word not in FUNCTIONS and word[1:] in _JOINED and self.text.startswith("(", end):
            self.add("word", word[0])  # xsin(x)
            self.add("word", word[1:])
            return
        for piece in word if set(word) <= set("xyz") and len(set(word)) == len(word) else (word,):
            self.add("word", piece)

    def sign(self, char: str) -> None:
        if self.text.startswith("...", self.at):
            self.at += 3
            self.add("symbol", "...")
        elif pair := _PAIRS.get(self.text[self.at : self.at + 2]):
            self.at += 2
            self.add("symbol", pair)
        elif char in _SIGNS:
            self.at += 1
            self.add("symbol", char)
        elif char == "$" and not (self.money and self.text[self.at + 1 : self.at + 2] in tuple(_DIGITS + ".")):
            self.at += 1  # where formulas begin or end inside of a text
            self.spaced = True
        elif char in CURRENCIES:
            self.at += 1
            self.add("currency", CURRENCIES[char])
        else:
            raise ExpressionError(f"unknown character {char!r}")

    def command(self) -> None:
        start = self.at
        self.at = max(_end_of_letters(self.text, start + 1), min(start + 2, len(self.text)))
        name = self.text[start + 1 : self.at]
        if name in IGNORED:
            self.spaced = True
            if self.text.startswith(".", self.at) and name in ("left", "right", "mleft", "mright"):
                self.at += 1
            elif name in ("left", "right") and not self.text[self.at :].strip():
                raise ExpressionError(f"nothing behind \\{name}")
        elif name in INVISIBLE:
            self.at += self.text.startswith("*", self.at)
            self.braced(name)
            self.spaced = True
        elif name == "boxed" and self.text.count("\\boxed") == 1:
            self.spaced = True  # x = \boxed{5}
        elif name in FRACTIONS:
            self.add("word", "frac")
            self.single_signs(2)
        elif name in ("binom", "dbinom", "tbinom"):
            self.add("word", "binom")
            self.single_signs(2)
        elif name in ("$", "pounds", "euro"):
            self.add("currency", {"$": "dollar", "pounds": "pound"}.get(name, name))
        elif name in SYMBOLS:
            self.add("symbol", SYMBOLS[name])
            if name == "\\" and self.text.startswith("[", self.at):
                self.row_space()
        elif name in TEXTS:
            words = " ".join(self.braced(name).replace("~", " ").replace("\\", " ").split())
            if words not in ("", "."):
                self.add("text", words)
        elif name in FACES:
            self.face(name)
        elif name in ACCENTS:
            self.add("accent", ACCENTS[name])
        elif name in ("begin", "end"):
            self.add("begin" if name == "begin" else "finish", self.braced(name).rstrip("*"))
        elif name in WORDS:
            self.add("word", name)
        else:
            raise ExpressionError(f"unknown command {self.text[start : self.at][:40]!r}")

    def row_space(self) -> None:
        r"""Passes over the space behind a row: ``\\[2mm]``."""
        end = self.text.find("]", self.at, self.at + 12)
        if end > 0 and self.text[self.at + 1 : end].strip().endswith(_LENGTHS):
            self.at = end + 1

    def face(self, name: str) -> None:
        """A name in another type face: a word, unless it holds more than letters, which is text then."""
        content = self.braced(name, letter=True).replace("~", " ").replace("\\,", " ").replace("\\ ", " ").strip()
        if name == "mathbb":
            self.add("symbol", f"mathbb {content}")
        else:
            self.add(
                "word" if (content.isalpha() and name != "mathrm") or content in ("e", "i", "d") else "text", content
            )

    def braced(self, name: str, letter: bool = False) -> str:
        """What stands in the braces behind a command; without braces, its next letter."""
        while self.text[self.at : self.at + 1] in tuple(SPACES):
            self.at += 1
        start = self.at + 1
        if letter and self.text[self.at : start].isalpha():
            self.at = start
            return self.text[start - 1 : start]
        end = closing_brace(self.text, start) if self.text[self.at : start] == "{" else -1
        if end < 0:
            raise ExpressionError(f"no braces behind \\{name}")
        self.at = end + 1
        return self.text[start:end]

    def single_signs(self, arguments: int) -> None:
        r"""Reads arguments of one digit or letter, as LaTeX does: ``\frac13`` is a third."""
        for _ in range(arguments):
            end = self.at
            while self.text[end : end + 1] in tuple(SPACES):
                end += 1
            sign = self.text[end : end + 1]
            if not (sign.isascii() and sign.isalnum()):
                return  # Whatever comes is read by itself, and a digit behind it too.
            self.at = end + 1
            self.add("number" if sign in _DIGITS else "word", sign)

    def number(self) -> str:
        """Reads digits with well-formed groups of thousands, decimals, repeating decimals and an exponent.

        In parentheses a comma may separate the parts of a tuple, so ``(1,234)`` has no group.
        """
        text = self.text
        end = _end_of_digits(text, self.at)
        digits = text[self.at : end]
        if 1 <= len(digits) <= 3 and digits[0] != "0":
            separator = next((mark for mark in _SEPARATORS if text.startswith(mark, end)), "")
            if separator and (self.depth == 0 or separator not in (",", ",\\!", ",\\! ")):
                while text.startswith(separator, end):
                    start = end + len(separator)
                    if _end_of_digits(text, start) != start + 3:
                        break
                    digits, end = digits + text[start : start + 3], start + 3
        if text[end : end + 1] == "." and text[end + 1 : end + 2] in (*_DIGITS, "\\", "("):
            digits, end = self.decimals(digits, end)
        if text[end : end + 1] in ("e", "E"):
            start = end + 1 + (text[end + 1 : end + 2] in ("+", "-"))
            if (stop := _end_of_digits(text, start)) > start:
                digits, end = digits + "e" + text[end + 1 : stop], stop
        self.at = end
        return digits

    def decimals(self, digits: str, point: int) -> tuple[str, int]:
        end = _end_of_digits(self.text, point + 1)
        digits += self.text[point:end]
        for opening, closing in (("\\overline{", "}"), ("\\dot{", "}"), ("\\bar{", "}"), ("(", ")")):
            if self.text.startswith(opening, end):
                start = end + len(opening)
                stop = _end_of_digits(self.text, start)
                if stop > start and self.text.startswith(closing, stop):
                    return f"{digits}({self.text[start:stop]})", stop + 1
        return (digits, end) if end > point + 1 else (digits[:-1], point)


def _end_of_digits(text: str, at: int) -> int:
    while at < len(text) and text[at] in _DIGITS:
        at += 1
    return at


def _end_of_letters(text: str, at: int) -> int:
    while at < len(text) and text[at].isascii() and text[at].isalpha():
        at += 1
    return at
