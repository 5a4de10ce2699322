"""What text is looked at: bounded, and free of characters with which one text can pass for another."""

from __future__ import annotations

import unicodedata

MAX_CHARACTERS = 2_000
MAX_TOKENS = 800
MAX_DEPTH = 60

SPACES = " \t\r\n"


class ExpressionError(ValueError):
    """The text is not an expression that we can read."""


class LimitError(ExpressionError):
    """The text is longer, deeper or larger in value than we are willing to work on."""


class SizeError(LimitError):
    """A value is too large or too small to be computed."""


class UndefinedError(ExpressionError):
    """The expression has no value: it divides by zero, or holds 0^0."""


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
