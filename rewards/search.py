"""The reward of a short factual answer, as question answering data sets score it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import Any, Literal, get_args

from .exact_match import canonical_form, plain
from .expected import expected_text
from .reward_function import Judged, TaggedRewardFunction, clip

Metric = Literal["exact_match", "f1"]

_ARTICLES = frozenset({"a", "an", "the"})
# Half a "yes" is no answer: words in common with a whole sentence don't count.
_CLOSED = frozenset({"yes", "no", "noanswer"})


class _Punctuation(dict[int, str]):
    """For ``str.translate``: drops ASCII's punctuation and symbols, and the punctuation of all scripts."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        category = unicodedata.category(letter)
        self[code] = "" if category[0] == "P" or (code < 0x80 and category[0] == "S") else letter
        return self[code]


_PUNCTUATION = _Punctuation()
# Points within a number and the sign before it: without them 1.5 would be 15, and -5 be 5.
_OF_NUMBER = re.compile(r"((?<=\d)[./:](?=\d)|(?<!\S)-(?=\.?\d))")


class SearchRewardFunction(TaggedRewardFunction[tuple[str, ...]]):
    """Right is an answer that equals one of the expected texts after SQuAD's normalisation (see `normalize_answer`).

    Components: ``exact_match`` and ``f1``, each the best over the expected texts.

    Args:
        metric: ``exact_match`` (1.0 or 0.0) or ``f1`` (partial credit for words in common) is the correctness.

    Raises:
        ValueError: the metric is unknown.
    """

    max_characters = 10_000

    def __init__(self, metric: Metric = "exact_match") -> None:
        if metric not in get_args(Metric):
            raise ValueError(f"metric must be one of {', '.join(get_args(Metric))}, not {metric!r}")
        self.metric: Metric = metric

    def read_expected(self, expected_output: Any) -> tuple[str, ...]:
        """The texts, from one (text or a number, as in `expected_text`) or a list of them.

        Raises:
            TypeError: one is neither text nor a number.
            ValueError: there is none, or one is empty.
        """
        golds = expected_output if isinstance(expected_output, list | tuple) else [expected_output]
        texts = tuple(expected_text(gold) for gold in golds)
        if not texts or not all(text.strip() for text in texts):
            raise ValueError("it is empty")
        return texts

    def judge(self, answer: str, expected: tuple[str, ...]) -> Judged:
        """Compares the answer with each text, and takes the best."""
        exact = float(any(exact_match(gold, answer) for gold in expected))
        f1 = max(f1_score(gold, answer) for gold in expected)
        correctness = exact if self.metric == "exact_match" else f1
        message = "" if correctness == 1.0 else f"The answer is not the expected one. Expected {clip(expected[0])}"
        components = {"exact_match": exact, "f1": f1}
        return Judged(correctness, normalize_answer(answer) or plain(answer), message, components=components)


def normalize_answer(text: str) -> str:
    """A text as SQuAD compares it: lower case, without punctuation and articles, white space squeezed (and in NFC).

    Unlike there, the points within a number and the sign before it stay.
    """
    pieces = _OF_NUMBER.split(canonical_form(text).lower().replace("\u2212", "-"))
    words = "".join(piece if at % 2 else piece.translate(_PUNCTUATION) for at, piece in enumerate(pieces)).split()
    return " ".join(word for word in words if word not in _ARTICLES)


def exact_match(gold: str, answer: str) -> bool:
    """Whether two texts are equal as SQuAD compares them; what then leaves nothing is compared as it is."""
    first, second = normalize_answer(gold), normalize_answer(answer)
    return first == second if first or second else plain(gold) == plain(answer)


def f1_score(gold: str, answer: str) -> float:
    """The harmonic mean of precision and recall over the words of two texts, in [0, 1]."""
    first, second = normalize_answer(gold), normalize_answer(answer)
    if first in _CLOSED or second in _CLOSED or not first or not second:
        return float(exact_match(gold, answer))
    gold_words, words = Counter(first.split()), Counter(second.split())
    common = (gold_words & words).total()
    return 2 * common / (gold_words.total() + words.total())
