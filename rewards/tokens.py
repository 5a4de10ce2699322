"""From text to tokens: the limits, the wrappers around a formula, and the tokenizer.

Each step is one scan over at most `MAX_CHARACTERS` characters.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

MAX_CHARACTERS = 2_000
MAX_TOKENS = 800

SPACES = " \t\r\n"
_DIGITS = "0123456789"
_SIGNS = {"−": "-", "×": "*", "·": "*", "⋅": "*", "÷": "/", **{sign: sign for sign in "+-*/^(){}"}}
_COMMANDS = {"cdot": "*", "times": "*", "div": "/", **dict.fromkeys(("frac", "dfrac", "tfrac", "cfrac"), "frac")}
_DELIMITERS = {"left": "(", "right": ")"}
_LATEX_SPACES = frozenset({",", ";", ":", "!", " ", "quad", "qquad"})
# Longest first. All groups of a number take the same one.
_SEPARATORS = (",\\! ", ",\\!", "{,}", ",", "\\,", " ")
_WRAPPERS = (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"))
_MAX_WRAPPERS = 4


class ExpressionError(ValueError):
    """The text is not an expression that we can read."""


class LimitError(ExpressionError):
    """The text is longer, deeper or larger in value than we are willing to work on."""


class Token(NamedTuple):
    """A number (its digits, without separators), a variable (one letter) or a symbol."""

    kind: str
    text: str


def check_text(text: str) -> None:
    """Refuses text before anything looks into it.

    Raises:
        LimitError: it is longer than `MAX_CHARACTERS`.
        ExpressionError: it holds control or invisible characters, combining marks, full-width forms or digits other
            than 0-9, with which one text can pass for another.
    """
    if len(text) > MAX_CHARACTERS:
        raise LimitError(f"longer than {MAX_CHARACTERS:,} characters")
    if text.isascii() and text.isprintable():
        return
    for char in text:
        if char in SPACES:
            continue
        category = unicodedata.category(char)
        foreign_digit = category == "Nd" and not char.isascii()
        if category[0] in "CM" or foreign_digit or unicodedata.east_asian_width(char) == "F":
            raise ExpressionError(f"character U+{ord(char):04X} is not allowed")


def unwrap(text: str) -> str:
    r"""Takes off what surrounds a formula: white space, ``$…$``, ``\(…\)``, ``\boxed{…}``, the full stop at the end."""
    text = _trim(text)
    for _ in range(_MAX_WRAPPERS):
        inner = _inside(text)
        if inner is None:
            break
        text = _trim(inner)
    return text


def _trim(text: str) -> str:
    text = text.strip(SPACES)
    return text if text.endswith("..") else text.removesuffix(".").rstrip(SPACES)


def _inside(text: str) -> str | None:
    for opening, closing in _WRAPPERS:
        if len(text) >= len(opening) + len(closing) and text.startswith(opening) and text.endswith(closing):
            inner = text[len(opening) : -len(closing)]
            return None if opening in inner or closing in inner else inner
    head = "\\boxed{"
    if text.startswith(head) and _closing_brace(text, len(head)) == len(text) - 1:
        return text[len(head) : -1]
    return None


def _closing_brace(text: str, start: int) -> int:
    """Where the brace that was opened before ``start`` is closed, or -1."""
    depth, at = 1, start
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1  # an escaped brace is a character
        elif char in "{}":
            depth += 1 if char == "{" else -1
            if depth == 0:
                return at
        at += 1
    return -1


def tokenize(text: str) -> list[Token]:
    """Splits an expression into tokens.

    Raises:
        LimitError: there are more than `MAX_TOKENS`.
        ExpressionError: there is a character, command or word that we don't know.
    """
    tokens: list[Token] = []
    at = parentheses = 0
    while at < len(text):
        found, at = _next(text, at, commas=parentheses == 0)
        for token in found:
            parentheses += (token.text == "(") - (token.text == ")")
        tokens += found
        if len(tokens) > MAX_TOKENS:
            raise LimitError(f"more than {MAX_TOKENS} tokens")
    return tokens


def _next(text: str, at: int, commas: bool) -> tuple[list[Token], int]:
    """The tokens that start at ``at`` (none for white space), and where they end."""
    char = text[at]
    if char in SPACES:
        return [], at + 1
    if char in _DIGITS or (char == "." and text[at + 1 : at + 2] in tuple(_DIGITS)):
        digits, end = _number(text, at, commas)
        return [Token("number", digits)], end
    if char.isascii() and char.isalpha():
        end = _end_of_letters(text, at)
        return [Token("variable", name) for name in _variables(text[at:end])], end
    if char == "\\":
        return _command(text, at)
    if text.startswith("**", at):
        return [Token("symbol", "^")], at + 2
    if char in _SIGNS:
        return [Token("symbol", _SIGNS[char])], at + 1
    raise ExpressionError(f"unknown character {char!r}")


def _number(text: str, at: int, commas: bool) -> tuple[str, int]:
    """Reads digits with well-formed groups of thousands and decimals.

    In parentheses a comma may separate the parts of a tuple, so ``(1,234)`` has no group.
    """
    end = _end_of_digits(text, at)
    digits = text[at:end]
    if 1 <= len(digits) <= 3 and digits[0] != "0":
        separator = next((mark for mark in _SEPARATORS if text.startswith(mark, end)), "")
        if separator and (commas or separator not in (",", "{,}", ",\\!", ",\\! ")):
            while text.startswith(separator, end):
                start = end + len(separator)
                if _end_of_digits(text, start) != start + 3:
                    break
                digits, end = digits + text[start : start + 3], start + 3
    if text[end : end + 1] == "." and text[end + 1 : end + 2] in tuple(_DIGITS):
        start, end = end, _end_of_digits(text, end + 1)
        digits += text[start:end]
    return digits, end


def _variables(word: str) -> str:
    """The variables of a run of letters: the one letter, or a product of different ones of x, y and z.

    Any longer run is a word: ``odd`` is not ``dod``, nor ``cm`` a product. No word consists of x, y and z only.
    """
    if len(word) == 1 or (set(word) <= set("xyz") and len(set(word)) == len(word)):
        return word
    raise ExpressionError(f"unknown word {word[:40]!r}")


def _command(text: str, at: int) -> tuple[list[Token], int]:
    end = max(_end_of_letters(text, at + 1), min(at + 2, len(text)))
    name = text[at + 1 : end]
    if name in _COMMANDS:
        return [Token("symbol", _COMMANDS[name])], end
    if name in _LATEX_SPACES:
        return [], end
    if name in _DELIMITERS and text[end:].lstrip(SPACES).startswith(_DELIMITERS[name]):
        return [], end
    raise ExpressionError(f"unknown command {text[at:end][:40]!r}")


def _end_of_digits(text: str, at: int) -> int:
    while at < len(text) and text[at] in _DIGITS:
        at += 1
    return at


def _end_of_letters(text: str, at: int) -> int:
    while at < len(text) and text[at].isascii() and text[at].isalpha():
        at += 1
    return at
