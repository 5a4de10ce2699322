"""Answers compared as text: equal up to spacing, wrappers, and the case and punctuation of words."""

from __future__ import annotations

import re
from itertools import pairwise

from ..limits import SPACES
from .english import date
from .vocabulary import PROSE
from .wrappers import TEXT_COMMANDS, unwrap

# Next to these white space means nothing.
_TIGHT = frozenset("+-*/^=<>()[]{}|,;")
# Words that are answers of their own, so that their case can't matter. Of other letters it may: AB is not ab.
ANSWER_WORDS = frozenset({"yes", "no", "true", "false", "odd", "even", "always", "never", "none"})
_CHOICES = frozenset("ABCDEFGHIJ")
_HEDGES = PROSE - {"the", "none", "nan", "null", "undefined", "return", "import"}
_HEDGES |= {"or", "no", "wrong", "incorrect", "false", "perhaps", "possibly", "probably", "unsure", "guess", "unlikely"}
_HEDGES |= {"cannot", "can't", "isn't", "except", "eliminated", "instead", "actually", "never", "neq", "ne", "lor"}
_HEDGES |= {"also", "well", "both", "with", "alternatively", "alternative", "otherwise"}
_GAPS = ("~", "\\ ", "\\,", "\\;", "\\quad", "\\qquad", " ")

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,14}")


def is_whole(text: str) -> bool:
    """Whether a text is a whole number as most are written. Two of them are equal if their texts are."""
    return _WHOLE.fullmatch(text) is not None


def same_text(first: str, second: str) -> bool:
    """Whether two answers are the same text; empty text never is."""
    (first, first_marked), (second, second_marked) = (_content(unwrap(text)) for text in (first, second))
    choices = choice(first), choice(second)
    first, second = tighten(first), tighten(second)
    if not first or not second:
        return False
    if first == second or _same_choice(*choices):
        return True
    words = _words(first), _words(second)
    if (day := date(first)) and day == date(second):
        return True
    if not words[0] or words[0] != words[1]:
        return False
    # The case of a single word matters, unless it is known to be one: AB is not ab.
    known = words[0][0] in ANSWER_WORDS or (len(words[0][0]) > 3 and not (first.isupper() or second.isupper()))
    return first_marked or second_marked or len(words[0]) > 1 or known


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
    for command in TEXT_COMMANDS:
        inner = text[len(command) : -1]
        if text.startswith(command) and text.endswith("}") and not set(inner) & set("{}\\$"):
            return inner.strip(SPACES), True
    return text, False


def _words(text: str) -> list[str]:
    """The words of a text that consists of words of two letters or more, in lower case; of any other text, none."""
    words = [word.strip(".,;:!").lower() for word in text.split()]
    if len(words) > 1 and words[0] in ("a", "an", "the"):
        del words[0]
    sentence = all(word.replace("-", "").replace("'", "").isalpha() and len(word) > 1 for word in words if word != "a")
    return words if sentence else []


def _same_choice(first: tuple[str, str], second: tuple[str, str]) -> bool:
    """Whether one is the letter of a choice, and the other the same with what it stands for: ``B`` and ``(B) 12``."""
    return "" != first[0] == second[0] and "" in (first[1], second[1])


def choice(text: str) -> tuple[str, str]:
    """The letter of a choice and what it stands for, from ``B``, ``(B)``, ``Option B``, ``(B) 12`` or ``B: 12``.

    Returns:
        Empty texts for all else: an answer that names another choice as well is none, nor one that takes it back.
    """
    for command in TEXT_COMMANDS:
        if text.startswith(command):
            text = text.removeprefix(command).replace("}", "", 1)
    head, _, rest = text.partition(" ")
    if head.lower().removesuffix(":") in ("option", "choice", "answer"):
        text = rest.strip(SPACES)
    text = text.strip("*")
    opened = text.startswith("(")
    letter, rest = text[opened : opened + 1], text[opened + 1 :]
    if letter not in _CHOICES or (rest and rest[0] not in ").:") or (opened and rest[:1] != ")"):
        return "", ""
    content = rest[1:].strip(SPACES + "*")
    names = [at for at, char in enumerate(content) if char in _CHOICES]
    others = any(content[at + 1 : at + 2] in (")", ".", ":") or content[at - 1 : at] == "(" for at in names)
    pieces = content
    for separator in "\\/,;{}":
        pieces = pieces.replace(separator, " ")
    words = [word.strip(".:!()[]{}*") for word in pieces.split()]
    # A and I alone are words.
    named = (len(words) == 1 and words[0].upper() in _CHOICES) or not _CHOICES.difference("AI").isdisjoint(words)
    hedged = "?" in content or not content.isascii() or not _HEDGES.isdisjoint(map(str.lower, words))
    return ("", "") if others or named or hedged or content.startswith("(") else (letter, content)


def value_of_choice(first: str, second: str) -> tuple[str, str]:
    r"""Both answers; of a choice beside one that is none only what it stands for: ``\textbf{(C)}\ 12`` and ``12``."""
    texts = unwrap(first), unwrap(second)
    (one, content), (other, other_content) = map(choice, texts)
    if bool(one) == bool(other):
        return first, second
    return (_without_gap(content) or first, second) if one else (first, _without_gap(other_content) or second)


def _without_gap(text: str) -> str:
    while gap := next((gap for gap in _GAPS if text.startswith(gap)), ""):
        text = text.removeprefix(gap)
    return text
