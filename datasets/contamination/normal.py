"""The normal form of prompts: what is left of a text that no change of case, punctuation, spacing or script takes away.

Operators between operands become words (``3+4`` and ``3 plus 4`` are one text), since punctuation goes and a sum must
not become a product with it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# Stands between texts while all of a batch are worked on at once; no text keeps it.
_BREAK = "\x00"

# Words that other text hardly has; those of sums are said aloud.
OPERATORS = {
    "+": "plus",
    "-": "minus",
    "*": "times",
    "/": "dividedby",
    "=": "equals",
    "<": "lessthan",
    ">": "morethan",
    "^": "topowerof",
    "%": "modulo",
    "**": "topowerof",
    "//": "dividedby",
    "==": "equals",
    "!=": "isnot",
    "<=": "lessthan",
    ">=": "morethan",
}
OPERATOR_WORDS = frozenset(OPERATORS.values())

_OPERATOR = re.compile(r"\*\*|//|[<>=!]=|[-+*/=<>^%]")
_SAID = re.compile(r"(multiplied|divided)(?:\s+by)?\b|(\\(?:times|cdot|div|left|right))\b")
_SAID_AS = {"multiplied": "times", "divided": "dividedby", "\\times": "*", "\\cdot": "*", "\\div": "/"}
# A decimal point, and a comma of thousands: what is left of a number is its digits.
_IN_NUMBER = re.compile(r"\.(?<=\d\.)(?=\d)|,(?<=\d,)(?=\d{3}(?!\d))")
_LEFT_OPERAND = re.compile(r"(?:[\d)\]}]|\d[a-z]|(?<![^\W_])[a-z])\s*$")
_RIGHT_OPERAND = re.compile(r"\s*-?(?:[\d(\[]|[a-z](?![^\W_]))")
_SUPERSCRIPT = re.compile("[⁰¹²³⁴-⁹]+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_ACCENTS = dict.fromkeys(range(0x300, 0x370))
# Letters of other scripts that look like Latin ones, and signs that have a plainer form.
_LOOKS_LIKE = str.maketrans(
    "аеорсухіјѕһԁԛԝвнкмтαορντικχεβγɑɡı×·⋅∗÷∕⁄−–—‐‑≤≥≠’‘ʼ´",
    "aeopcyxijshdqwbhkmtaopvtikxebyagi****///-----<>≠''''",
)


def normal_forms(texts: Sequence[str]) -> list[str]:
    """Each text in NFKC and lower case, without accents and punctuation, with single spaces between its words."""
    joined = _BREAK.join([text.replace(_BREAK, " ") for text in texts])
    joined = joined.lower() if joined.isascii() else _plain(joined)
    joined = _SAID.sub(lambda match: _SAID_AS.get(match[1] or match[2], " "), joined)
    joined = _IN_NUMBER.sub("", joined)
    joined = _OPERATOR.sub(_in_words, joined)
    found = [" ".join(text.split()) for text in joined.translate(_KEPT).split(_BREAK)][: len(texts)]
    # What is nothing but signs is compared as it stands.
    return [form or " ".join(text.lower().split()) for form, text in zip(found, texts, strict=True)]


def normal_form(text: str) -> str:
    """The normal form of one text."""
    return normal_forms([text])[0]


def _plain(text: str) -> str:
    """Lower case and compatibility forms, with Latin letters for those that look like them."""
    text = _INVISIBLE.sub("", text)
    text = _SUPERSCRIPT.sub(r"^\g<0>", text)
    text = unicodedata.normalize("NFKD", text).translate(_ACCENTS)
    return unicodedata.normalize("NFKC", text).casefold().translate(_LOOKS_LIKE)


def _in_words(match: re.Match[str]) -> str:
    """An operator between operands as a word, a sign before a number too; another one is punctuation."""
    text, start, end = match.string, match.start(), match.end()
    if _LEFT_OPERAND.search(text[max(0, start - 6) : start]):
        return f" {OPERATORS[match[0]]} " if _RIGHT_OPERAND.match(text, end) else " "
    is_sign = match[0] == "-" and text[end : end + 1].isdigit() and not text[start - 1 : start].isalnum()
    return " minus " if is_sign else " "


class _Kept(dict[int, str | int | None]):
    """For each character what stands for it: letters, marks and digits stay, and so do mathematical signs."""

    def __missing__(self, code: int) -> str | int | None:
        character = chr(code)
        category = unicodedata.category(character)
        found: str | int | None = " "
        if character == _BREAK or category[0] in "LM":
            found = code
        elif character == "'" or category == "Cf":
            found = None
        elif category == "Nd":
            found = str(unicodedata.digit(character))
        elif category[0] == "N" or 0x2200 <= code < 0x2300:
            found = f" {character} "
        self[code] = found
        return found


_KEPT = _Kept()
