"""What an edit keeps and another problem of the same template changes: numbers, expressions, names.

All texts are in normal form (see `normal`), where operators are words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import product

from .normal import OPERATOR_WORDS

_OPERAND = re.compile(r"\d+[a-z]?|[a-z]")
_DIGITS = re.compile(r"\d+")
# fmt: off
_SMALL = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
]
# fmt: on
_TENS = ["thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred"]
_WORDS_OF = {str(i): word for i, word in enumerate(_SMALL)} | {str(10 * i): w for i, w in enumerate(_TENS, 3)}
_DIGITS_OF = {word: digits for digits, word in _WORDS_OF.items()}
# "One" is too often no number.
NUMBER_WORDS = frozenset(_WORDS_OF.values()) - {"zero", "one"}
# Share of the letters of a word that a slip of the pen keeps.
_SLIP = 0.7


@dataclass(frozen=True, slots=True)
class Quantities:
    """The numbers and expressions of a text.

    Attributes:
        words: all words of the text, in order.
        known: the different ones.
        numbers: digits, with their sign, in order.
        places: where in ``words`` each of them stands.
        chains: operands with operators between them, as long as they go on.
    """

    words: list[str]
    known: frozenset[str]
    numbers: list[str]
    places: list[int]
    chains: set[tuple[str, ...]]

    @classmethod
    def of(cls, text: str) -> Quantities:
        """Reads a text."""
        words = text.split(" ")
        numbers, places = [], []
        for place, word in enumerate(words):
            # Few words are more than letters, and no digits are in those.
            for digits in () if word.isalpha() else _DIGITS.findall(word):
                negative = place and words[place - 1] == "minus" and not _is_operand(words, place - 2)
                numbers.append(("-" if negative else "") + (digits.lstrip("0") or "0"))
                places.append(place)
        known = frozenset(words)
        return cls(words, known, numbers, places, set(_chains(words)) if known & OPERATOR_WORDS else set())


def _is_operand(words: list[str], place: int) -> bool:
    return 0 <= place < len(words) and _OPERAND.fullmatch(words[place]) is not None


def _chains(words: list[str]) -> Iterator[tuple[str, ...]]:
    place = 0
    while place < len(words):
        end = place + 1
        while end + 1 < len(words) and words[end] in OPERATOR_WORDS:
            signed = words[end + 1] == "minus"
            if not _is_operand(words, end + 1 + signed):
                break
            end += 2 + signed
        if end > place + 1 and _is_operand(words, place):
            yield tuple(words[place:end])
            place = end
        else:
            place += 1


def spelled_numbers(text: str) -> list[str]:
    """The digits of the numbers that are words of a text."""
    return [_DIGITS_OF[word] for word in _DIGITS_OF.keys() & text.split(" ")]


def same_quantities(evaluation: Quantities, train: Quantities) -> bool:
    """Whether all numbers of the evaluation prompt are in the training prompt, and neither's expressions differ."""
    asked, given = evaluation.numbers, train.numbers
    changed = product(evaluation.chains - train.chains, train.chains - evaluation.chains)
    if not train.chains and "minus" not in train.words:
        # An edit took the operators away: nothing is left that could contradict.
        asked = [number.lstrip("-") for number in asked]
    elif any(_contradicts(one, other) for one, other in changed):
        return False
    missing = Counter(asked) - Counter(given)
    spelled = Counter(train.words)
    if any(spelled[_WORDS_OF.get(number, "")] < count for number, count in missing.items()):
        return False
    return _in_order(*map(_alone, (evaluation, train))) or _keep_their_places(evaluation, train)


def is_cut(evaluation: Quantities, train: Quantities) -> bool:
    """Whether the training prompt has some of the evaluation prompt's numbers and no others, in their order."""
    return len(train.numbers) < len(evaluation.numbers) and _in_order(train.numbers, evaluation.numbers)


def _contradicts(asked: tuple[str, ...], given: tuple[str, ...]) -> bool:
    """Whether one expression is the other changed: other operators, other order, or gone on with."""
    if len(asked) == len(given):
        operands = [[word for word in chain if word not in OPERATOR_WORDS] for chain in (asked, given)]
        return sorted(operands[0]) == sorted(operands[1])
    return any(given[i : i + len(asked)] == asked for i in range(len(given) - len(asked) + 1))


def _alone(of: Quantities) -> list[str]:
    """The numbers that are words of their own: others are told by the letters around them, wherever they stand."""
    return [of.words[place] for place in of.places if of.words[place].isdigit()]


def _in_order(few: list[str], many: list[str]) -> bool:
    rest = iter(many)
    return all(number in rest for number in few)


def _keep_their_places(evaluation: Quantities, train: Quantities) -> bool:
    """Whether most numbers stand beside the words that they stood beside: clauses changed places, not numbers."""
    known = {context for place in train.places for context in _contexts(train.words, place)}
    found: dict[tuple[str, ...], set[str]] = {}
    for place in evaluation.places:
        for number, *context in _contexts(evaluation.words, place):
            found.setdefault(tuple(context), set()).add(number)
    # What stands beside several numbers tells none of them.
    telling = {context for context, numbers in found.items() if len(numbers) == 1}
    kept = sum(
        any(context in known and context[1:] in telling for context in _contexts(evaluation.words, place))
        for place in evaluation.places
    )
    return 2 * kept >= len(evaluation.places)


def _contexts(words: list[str], place: int) -> Iterator[tuple[str, ...]]:
    """A number with one or two words before it, or behind it."""
    for reach in (1, 2):
        if place >= reach:
            yield (words[place], "before", *words[place - reach : place])
        if place + reach < len(words):
            yield (words[place], "behind", *words[place + 1 : place + reach + 1])


def is_slip(one: str, other: str) -> bool:
    """Whether a word could be another one with letters lost, changed or in another order."""
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= _SLIP
