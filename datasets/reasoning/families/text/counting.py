"""Letters counted and added up."""

from __future__ import annotations

from typing import Any

from ....drawing import LETTERS, Rng, integer, pick, sample, word
from ...family import Family, Problem
from ...lists import integers_in
from .vocabulary import WORDS


class _Counts(Family):
    """Answers of several numbers in a given order."""

    grader = "family"

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        return bool(integers_in(given) == answer["counts"])


def _counted(question: str, counts: list[int], key: str) -> Problem:
    """The problem with slips by one as wrong answers."""
    slips = [[n + (i == j) for j, n in enumerate(counts)] for i in range(len(counts))]
    slips += [counts[:-1], [*counts, 0]]
    wrong = [", ".join(map(str, slip)) for slip in slips]
    return Problem(question, {"counts": counts}, wrong, key, ", ".join(map(str, counts)))


class LetterCounts(_Counts):
    """How often do 4 letters occur in 4, 8, 14 or 22 words?"""

    name = "letter_counts"
    chance = (0.04, 0.03, 0.02, 0.02)

    def problem(self, rng: Rng, level: int) -> Problem:
        text = sample(rng, WORDS, (4, 8, 14, 22)[level - 1])
        letters = sample(rng, "aeiolnrstc", 4)
        counts = ["".join(text).count(letter) for letter in letters]
        asked = ", ".join(letters)
        ask = pick(
            rng,
            (
                f"How often does each of the letters {asked} occur in these words?",
                f"Count the letters {asked} in these words.",
                f"These words are written with how many of each of {asked}?",
            ),
        )
        question = f"{ask} Write the four counts in this order, with commas between them.\n{' '.join(text)}"
        return _counted(question, counts, f"{asked} {' '.join(sorted(text))}")


class PatternCounts(_Counts):
    """How often do 3 patterns, which may overlap, occur in a text of 12, 20, 32 or 50 letters of two or three kinds?"""

    name = "pattern_counts"
    chance = (0.08, 0.05, 0.05, 0.05)

    def problem(self, rng: Rng, level: int) -> Problem:
        letters = sample(rng, LETTERS, 2 + level // 3)
        text = word(rng, (12, 20, 32, 50)[level - 1], "".join(letters))
        pairs = [a + b for a in letters for b in letters]
        patterns = [*sample(rng, pairs, 2), pick(rng, pairs) + pick(rng, letters)]
        counts = [sum(text.startswith(pattern, start) for start in range(len(text))) for pattern in patterns]
        asked = ", ".join(patterns)
        ask = pick(rng, ("How often do {} occur", "How many times do {} occur", "At how many places do {} begin"))
        question = (
            f"{ask.format(asked)} in this text, each for itself, where places that overlap count separately? Write the "
            f"three counts in this order, with commas between them.\n{text}"
        )
        return _counted(question, counts, f"{asked} {text}")


class AlphabetSum(Family):
    """The letters' places in the alphabet added up: of one word (1), of 2 and 4 words (2, 3), weighted by word (4)."""

    name = "alphabet_sum"
    chance = (0.05, 0.03, 0.02, 0.02)

    def problem(self, rng: Rng, level: int) -> Problem:
        chosen = (
            sample(rng, WORDS, 3) if level == 4 else [word(rng, 5)] if level == 1 else sample(rng, WORDS, 2 * level - 2)
        )
        sums = [sum(LETTERS.index(letter) + 1 for letter in text) for text in chosen]
        total = sum(place * number for place, number in enumerate(sums, 1)) if level == 4 else sum(sums)
        ask = pick(
            rng,
            (
                "With a = 1, b = 2 and so on up to z = 26, what do the letters sum to?",
                "Each letter counts as its place in the alphabet (a = 1, z = 26). What is the sum of all letters?",
                "Add up the places in the alphabet (a = 1, z = 26) of all letters.",
            ),
        )
        times = " Multiply the sum of the second word by 2 and that of the third by 3." if level == 4 else ""
        question = f"{ask}{times} Write one integer.\n{' '.join(chosen)}"
        slips = [total + 1, total - 1, total - sums[0], total - len("".join(chosen))]
        return Problem(question, str(total), [str(slip) for slip in slips], " ".join(chosen))


_SMALL = """ one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen"""
_ONES = ("", *_SMALL.split())
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def in_words(number: int) -> str:
    """A number below a million million in English words."""
    for size, name in ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= size:
            rest = number % size
            joint = " and " if 0 < rest < 100 else " "
            return f"{in_words(number // size)} {name}{joint}{in_words(rest)}".strip()
    if number < 20:
        return _ONES[number]
    return _TENS[number // 10] + (f"-{_ONES[number % 10]}" if number % 10 else "")


class NumberWords(Family):
    """A number in words to write in digits (1, 2), the sum of two (3), the difference of a sum and one more (4)."""

    name = "number_words"
    chance = (0.01, 0.0, 0.0, 0.0)

    def problem(self, rng: Rng, level: int) -> Problem:
        digits = (6, 9, 7, 10)[level - 1]
        # Many zeros within: that is where digits get lost.
        count = max(1, level - 1)
        numbers = [
            int(
                "".join(
                    [
                        str(integer(rng, 1, 9)),
                        *(str(integer(rng, 0, 9) * integer(rng, 0, 1)) for _ in range(digits - 1)),
                    ]
                )
            )
            for _ in range(count)
        ]
        numbers.sort(reverse=True)
        value = sum(numbers) if count < 3 else numbers[0] + numbers[1] - numbers[2]
        texts = [in_words(number) for number in numbers]
        asked = texts[0] + (f", plus {texts[1]}" if count > 1 else "") + (f", minus {texts[2]}" if count > 2 else "")
        ask = pick(rng, ("Write in digits:", "Which number is this?", "Give the value as digits:"))
        question = f"{ask} {asked}.\nWrite one integer in digits."
        return Problem(question, str(value), [str(value * 10), str(value + 1), str(value - 1000)], asked)
