"""Answers compared as text: equal up to spacing, wrappers and the case of a word."""

from __future__ import annotations

from itertools import pairwise

from .limits import SPACES
from .wrappers import unwrap

# Next to these white space means nothing.
_TIGHT = frozenset("+-*/^=<>()[]{}|,;")
_TEXT_COMMANDS = ("\\text{", "\\textbf{", "\\textit{", "\\mathrm{", "\\mbox{")
# Words that are answers of their own, so that their case can't matter. Of other letters it may: AB is not ab.
_ANSWER_WORDS = frozenset({"yes", "no", "true", "false", "odd", "even", "always", "never", "none"})


def same_text(first: str, second: str) -> bool:
    """Whether two answers are the same text; empty text never is."""
    (first, first_marked), (second, second_marked) = (_content(unwrap(text)) for text in (first, second))
    first, second = tighten(first), tighten(second)
    if not first or not second:
        return False
    if first == second:
        return True
    marked = first_marked or second_marked or first.lower() in _ANSWER_WORDS
    return marked and _is_word(first) and _is_word(second) and first.lower() == second.lower()


def tighten(text: str) -> str:
    """Takes out the white space that means nothing.

    ``1 2`` stays apart from ``12``, and ``1, 234`` (two numbers) from ``1,234`` (perhaps one).
    """
    pieces = text.split()
    tight = pieces[:1]
    for previous, piece in pairwise(pieces):
        meaningless = previous[-1] in _TIGHT or piece[0] in _TIGHT or (piece[0] == "\\" and previous[-1] != "\\")
        if not meaningless or (previous[-1] == "," and previous[-2:-1].isdigit() and _starts_group(piece)):
            tight.append(" ")
        tight.append(piece)
    return "".join(tight)


def _starts_group(piece: str) -> bool:
    """Whether a piece may be read on as a group of thousands."""
    return piece[:3].isdigit() and len(piece[:3]) == 3 and not piece[3:4].isdigit()


def _content(text: str) -> tuple[str, bool]:
    r"""What is inside a ``\text{…}`` around the whole, and whether there was one."""
    for command in _TEXT_COMMANDS:
        inner = text[len(command) : -1]
        if text.startswith(command) and text.endswith("}") and not set(inner) & set("{}\\$"):
            return inner.strip(SPACES), True
    return text, False


def _is_word(text: str) -> bool:
    return len(text) > 1 and text.replace(" ", "").isalpha()
