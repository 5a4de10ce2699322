"""Words that tell the problems of one template apart as numbers do: names, words in quotes, spelled numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .normal import normal_form
from .quantities import NUMBER_WORDS, is_slip

_WORD = re.compile(r"[^\W\d_]+")
_QUOTED = re.compile(r"[\"'`“‘]([^\W\d_]+)[\"'`”’]")
# What stands before a word within a sentence.
_GOES_ON = re.compile(r"[a-z0-9,] [\"'`“‘(*]*\Z")


@dataclass(frozen=True, slots=True)
class Capitals:
    """How the words of a text are written, each in normal form.

    Attributes:
        within: with a capital within a sentence.
        first: with a capital at the beginning of one.
        small: without.
        quoted: alone between quotation marks.
    """

    within: frozenset[str]
    first: frozenset[str]
    small: frozenset[str]
    quoted: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Capitals:
        """Reads a text; one that is all in capitals or all in small letters has no names to see."""
        within, first, small = set(), set(), set()
        telling = not (text.isupper() or text.islower())
        for match in _WORD.finditer(text):
            if not telling or not match[0][0].isupper():
                small.add(match[0])
            elif _GOES_ON.search(text[max(0, match.start() - 5) : match.start()]):
                within.add(match[0])
            else:
                first.add(match[0])
        return cls(*map(_normal, (within, first, small, _QUOTED.findall(text))))

    @property
    def any(self) -> frozenset[str]:
        """With a capital anywhere."""
        return self.within | self.first


def _normal(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word.lower() if word.isascii() else normal_form(word) for word in words)


def fillers(prompts: list[Capitals]) -> list[frozenset[str]]:
    """For each prompt the words that could be another problem's in its place, besides spelled numbers.

    A capital at the beginning of a sentence says nothing; but who has one elsewhere, and is never written small, is a
    name there too.
    """
    small = frozenset[str]().union(*(prompt.small for prompt in prompts))
    names = frozenset[str]().union(*(prompt.within for prompt in prompts)) - small
    return [(prompt.any & names) | prompt.quoted for prompt in prompts]


def another_name(words: list[str], fillers: frozenset[str], train: list[str], train_text: str) -> bool:
    """Whether a word of the training prompt stands where the evaluation prompt has a name that is nowhere else in it.

    Args:
        words: of the evaluation prompt, in normal form.
        fillers: the names among them.
        train: words of the training prompt, in normal form.
        train_text: the training prompt as it is written.
    """
    given, known = set(train), set(words)
    missing = [
        place for place, word in enumerate(words) if word not in given and (word in fillers or word in NUMBER_WORDS)
    ]
    new = [place for place, word in enumerate(train) if word not in known]
    if not missing or not new:
        return False
    capitals = Capitals.of(train_text)
    for place in missing:
        word = words[place]
        if any(is_slip(word, train[other]) for other in new):
            continue
        for other in new:
            before = _at(words, place - 1) == _at(train, other - 1)
            after = _at(words, place + 1) == _at(train, other + 1)
            if (before or after) and _is_another(word, train[other], before and after, capitals):
                return True
    return False


def _at(words: list[str], place: int) -> str:
    return words[place] if 0 <= place < len(words) else ""


def _is_another(word: str, other: str, in_place: bool, capitals: Capitals) -> bool:
    """Whether a word of the training prompt is of the kind of a name that it may have replaced."""
    if word in NUMBER_WORDS:
        return other in NUMBER_WORDS or other.isdigit()
    if other in capitals.within or other in capitals.quoted:
        return True
    # Without capitals a name is told by its place alone.
    return in_place and (other in capitals.first or not capitals.any)
