"""How alike two outputs are, and whether they are equal."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from difflib import SequenceMatcher
from typing import Any

# SequenceMatcher's work grows with the pairs of equal characters, and faster than that where texts repeat themselves.
MAX_COMPARED = 1_000
MAX_PAIRS = 120_000
_MAX_JSON = 1_000_000
# Colours and cursor moves; what it matches has no part that could be matched in two ways.
_ANSI = re.compile(r"\x1b\[[0-9;?]*[@-~]")


def tidy(text: str) -> str:
    """The text without what nobody sees: blanks and carriage returns at the ends of lines, empty lines at the end."""
    lines = [line.rstrip(" \t\r") for line in text.split("\n")]
    return "\n".join(lines).rstrip("\n")


def similarity(expected: str, actual: str) -> float:
    """How alike two outputs are, from 0.0 to 1.0, by the first rule that applies.

    Both empty: 1.0; one empty: 0.0. Equal ignoring case: 1.0. Equal without ANSI codes, CRLF and trailing blanks: 1.0.
    Equal as JSON: 1.0. Equal as numbers: 1.0, within 1e-9: 0.99 (the last word counts where ``=`` occurs). Equal
    ignoring white space: 0.95. Else the ratio of ``difflib.SequenceMatcher`` in lower case, over as much of the texts'
    beginnings as can be compared in a fraction of a second.
    """
    if equal_outputs(expected, actual):
        return 1.0
    if not expected.strip() or not actual.strip():
        return 0.0
    near = _nearness(number(_last_word(expected)), number(_last_word(actual)))
    if near:
        return near
    if "".join(expected.split()).lower() == "".join(actual.split()).lower():
        return 0.95
    return ratio(expected.strip().lower(), actual.strip().lower())


def equal_outputs(expected: str, actual: str) -> bool:
    """Whether two outputs are equal by a rule that does not guess.

    That is as text but for case, trailing blanks, line ends and ANSI codes; as JSON; or as one number each.
    """
    first, second = expected.strip(), actual.strip()
    if not first or not second:
        return first == second
    if first.lower() == second.lower():
        return True
    first, second = (tidy(_ANSI.sub("", text)).strip() for text in (first, second))
    if first.lower() == second.lower():
        return True
    value = number(first)
    if value is not None:
        return _nearness(value, number(second)) == 1.0
    return _equal_json(first, second)


def ratio(first: str, second: str) -> float:
    """``SequenceMatcher``'s ratio without its heuristic for frequent characters.

    Of long texts the beginnings are compared, and they are at most 0.99 alike.
    """
    size = MAX_COMPARED
    while True:
        head, other = first[:size], second[:size]
        counts = Counter(other)
        if sum(counts[char] for char in head) <= MAX_PAIRS:
            found = SequenceMatcher(None, head, other, autojunk=False).ratio()
            return found if len(first) <= size and len(second) <= size else min(found, 0.99)
        size //= 2


def _last_word(text: str) -> str:
    return text.split()[-1].rpartition("=")[2] if "=" in text else text.strip()


def number(text: str) -> int | float | None:
    """The number that a text is; integers stay exact. None if it is anything else, or beyond the range of floats."""
    text = text.strip()
    # The length keeps the conversion cheap; float() would take "nan", "inf" and "1_0" too.
    if not 0 < len(text) <= 400 or not text.isascii() or any(char not in "+-.0123456789eE" for char in text):
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _nearness(expected: int | float | None, actual: int | float | None) -> float:
    if expected is None or actual is None:
        return 0.0
    if expected == actual:  # Python compares int with float exactly
        return 1.0
    if isinstance(expected, int) and isinstance(actual, int):
        return 0.0
    try:
        return 0.99 if abs(float(expected) - float(actual)) <= 1e-9 else 0.0
    except OverflowError:
        return 0.0


def _equal_json(expected: str, actual: str) -> bool:
    if expected[0] not in '[{"' or len(expected) + len(actual) > _MAX_JSON:
        return False  # words and numbers are compared as such
    try:
        return _same_json(json.loads(expected), json.loads(actual))
    except (ValueError, RecursionError):
        return False


def _same_json(expected: Any, actual: Any) -> bool:
    """Equality of parsed JSON in which true is not 1."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(_same_json(expected[key], actual[key]) for key in expected)
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(_same_json, expected, actual))
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    return bool(expected == actual)
