"""The reward of an answer that must be a given text."""

from __future__ import annotations

import unicodedata
from typing import Any

from .expected import expected_text
from .reward_function import Judged, TaggedRewardFunction, clip

# Sorting a run of combining marks takes quadratic time; no writing system stacks as many (UAX 15, section 13).
_MAX_MARKS = 30


class ExactMatchRewardFunction(TaggedRewardFunction[str]):
    """Right is an answer that is the expected text, up to case, white space and Unicode's canonical forms.

    Compatibility forms (NFKC) stay apart, since they would make 42 of ``4²``, and so does punctuation.

    Args:
        ignore_case: whether ``Paris`` equals ``paris``.
    """

    max_characters = 20_000

    def __init__(self, ignore_case: bool = True) -> None:
        self.ignore_case = ignore_case

    def read_expected(self, expected_output: Any) -> str:
        """The text, from text or a number as in `expected_text`.

        Raises:
            TypeError: it is neither text nor a number.
            ValueError: it is empty, or no finite number.
        """
        expected = plain(expected_text(expected_output), self.ignore_case)
        if not expected:
            raise ValueError("it is empty")
        return expected

    def judge(self, answer: str, expected: str) -> Judged:
        """Compares the texts."""
        actual = plain(answer, self.ignore_case)
        if actual == expected:
            return Judged(1.0, actual)
        return Judged(0.0, actual, f"The answer is not the expected text. Expected {clip(expected)}")


def plain(text: str, ignore_case: bool = True) -> str:
    """A text in canonical form (NFC), its white space squeezed, in one case."""
    text = canonical_form(" ".join(text.split()))
    return canonical_form(text.casefold()) if ignore_case else text


def canonical_form(text: str) -> str:
    """The text in Unicode's NFC; as it is if it stacks more marks on a letter than could be sorted in linear time."""
    if text.isascii():
        return text
    marks = 0
    for letter in text:
        marks = marks + 1 if unicodedata.combining(letter) else 0
        if marks > _MAX_MARKS:
            return text
    return unicodedata.normalize("NFC", text)
