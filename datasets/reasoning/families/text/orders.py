"""Lists of words to sort, to choose from, to join and to change."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

from ....drawing import LETTERS, Rng, integer, pick, sample, shuffled, word
from ...family import Family, Problem
from ...lists import same_items, words_in
from .vocabulary import WORDS

_RULES = (
    ("by their last letter", lambda text: text[-1], 1),
    ("by their length, shortest first", len, 1),
    ("by their second letter", lambda text: text[1], 1),
    ("by their last two letters", lambda text: text[-2:], 2),
    ("as if each word were written backwards", lambda text: text[::-1], 2),
    ("by the number of their vowels (a, e, i, o, u), fewest first", lambda text: sum(map(text.count, "aeiou")), 3),
    ("by the number of different letters, fewest first", lambda text: len(set(text)), 3),
    ("by the letter that comes last in the alphabet of those it holds", max, 4),
    ("by their length, longest first", lambda text: -len(text), 4),
)


class UnusualSort(Family):
    """Sort 5, 7, 9 or 12 words by a rule such as their last letter; with each level more rules."""

    name = "unusual_sort"
    grader = "family"
    chance = (1 / 120, 0.0, 0.0, 0.0)

    def problem(self, rng: Rng, level: int) -> Problem:
        words = sample(rng, WORDS, (5, 7, 9, 12)[level - 1])
        text, value, _ = pick(rng, [rule for rule in _RULES if rule[2] <= level])
        answer = sorted(sorted(words), key=value)
        ask = pick(rng, ("Sort these words", "Put these words in order", "Arrange these words"))
        question = (
            f"{ask} {text}; words that are equal in this come in alphabetical order. Write them with commas between "
            f"them.\n{', '.join(words)}"
        )
        slips = [answer[::-1], sorted(words), answer[1:], [answer[1], answer[0], *answer[2:]]]
        wrong = [", ".join(slip) for slip in slips if slip != answer]
        return Problem(question, {"words": answer}, wrong, f"{text} {' '.join(sorted(words))}", ", ".join(answer))

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        return bool(words_in(given) == answer["words"])


class LetterPool(Family):
    """Which of 6, 8, 10 or 12 words can be written with the letters given?"""

    name = "letter_pool"
    grader = "family"
    chance = (0.07, 0.04, 0.02, 0.02)

    def problem(self, rng: Rng, level: int) -> Problem:
        words = sample(rng, WORDS, 4 + 2 * level)
        # Of two or three words the greater number of each letter: enough for any of them.
        base = [Counter(text) for text in sample(rng, words, 3)]
        pool = base[0] | base[1] | (base[2] if level > 2 else Counter())
        pool += Counter(word(rng, 1 + level))
        right = sorted(text for text in words if not Counter(text) - pool)
        letters = sample(rng, sorted(pool.elements()), pool.total())
        ask = pick(rng, ("Which of these words can be written", "Of these words, which can be written"))
        question = (
            f"{ask} with the letters {' '.join(letters)}, each used at most as often as it is there? Write all of them "
            f"with commas between them.\n{', '.join(words)}"
        )
        others = [text for text in words if text not in right]
        slips = [right[1:], [*right, others[0]], others] if others else [right[1:]]
        key = f"{''.join(sorted(letters))} {' '.join(sorted(words))}"
        return Problem(question, {"words": right}, [", ".join(s) for s in slips if s], key, ", ".join(right))

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        return same_items(given, answer["words"])


class ListDifference(Family):
    """Which words are in only one of two lists (1, 2), or exactly two of three lists (3, 4)?"""

    name = "list_difference"
    grader = "family"
    chance = (0.01, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        pool = sample(rng, WORDS, (9, 16, 16, 26)[level - 1])
        count = 2 if level < 3 else 3
        # The first words are the answer; of the rest some are in all lists, some in one of three.
        right = sorted(pool[: integer(rng, 3, 3 + level)])
        lists: list[list[str]] = [[] for _ in range(count)]
        for text in pool:
            number = count - 1 if text in right else count if count == 2 or pick(rng, (True, False)) else 1
            for index in sample(rng, range(count), number):
                lists[index].append(text)
        shown = "\n".join(f"List {i}: {', '.join(shuffled(rng, held))}" for i, held in enumerate(lists, 1))
        which = "in only one of both lists" if count == 2 else "in exactly two of the three lists"
        ask = pick(rng, ("Which words are", "Find the words that are", "Name all words that are"))
        question = (
            f"{shown}\n{ask} {which}{'?' if ask.startswith('Which') else '.'} Write them with commas between them."
        )
        other = next(text for text in pool if text not in right)
        slips = [right[1:], [*right, other], lists[0]]
        wrong = [", ".join(slip) for slip in slips if sorted(slip) != right]
        return Problem(question, {"words": right}, wrong, str([sorted(held) for held in lists]), ", ".join(right))

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        return same_items(given, answer["words"])


class Interleaving(Family):
    """Take letters in turn from 2, 3, 3 or 4 words; from level 3 on some are read backwards."""

    name = "interleaving"
    grader = "eq"

    def problem(self, rng: Rng, level: int) -> Problem:
        words = sample(rng, WORDS, (2, 3, 3, 4)[level - 1])
        turned = [level >= 3 and pick(rng, (True, False)) for _ in words]
        read = [text[::-1] if back else text for text, back in zip(words, turned, strict=True)]
        answer = "".join(text[i] for i in range(max(map(len, words))) for text in read if i < len(text))
        listed = ", ".join(
            f"{text} (read backwards)" if back else text for text, back in zip(words, turned, strict=True)
        )
        ask = pick(rng, ("Take one letter in turn of each word", "Interleave the letters of these words one by one"))
        question = (
            f"{ask}, from the first word to the last and then again, until all letters are used; a word that has none "
            f"left is passed over. Write the letters as one text.\n{listed}"
        )
        slips = ["".join(read), answer[1:], answer[::-1]]
        return Problem(question, answer, [slip for slip in slips if slip != answer], listed)


class CodeLadder(Family):
    """From one code to another over codes of a list that differ in one letter; any ladder is right."""

    name = "code_ladder"
    grader = "family"
    chance = (0.01, 0.0, 0.0, 0.0)

    def problem(self, rng: Rng, level: int) -> Problem:
        # Without d no code is "and", which may stand between the items of a list.
        letters, size = sample(rng, LETTERS.replace("d", ""), 3 + level), 3 + level // 2
        ladder = [word(rng, size, "".join(letters))]
        others = set(ladder)
        steps = (4, 5, 7, 9)[level - 1]
        for _ in range(4 * steps):
            start = ladder[-1] if len(ladder) <= steps else pick(rng, ladder)
            place = integer(rng, 0, size - 1)
            changed = start[:place] + pick(rng, letters) + start[place + 1 :]
            if changed not in others:
                others.add(changed)
                if len(ladder) <= steps:
                    ladder.append(changed)
        codes = sorted(others)
        ask = pick(rng, ("Find a way", "Get", "Find a ladder"))
        question = (
            f"{ask} from {ladder[0]} to {ladder[-1]}: each step changes one letter, and every code on the way is in "
            f"this list: {', '.join(shuffled(rng, codes))}.\nWrite all codes of the way, both ends included, "
            "with commas between them."
        )
        answer = {"codes": codes, "start": ladder[0], "goal": ladder[-1]}
        slips = [ladder[1:], ladder[:-1], ladder[::-1], [ladder[0], ladder[-1]], [*ladder[:2], *ladder[3:]]]
        wrong = [", ".join(slip) for slip in slips if not self.accepts(answer, ", ".join(slip))]
        key = f"{ladder[0]} {ladder[-1]} {' '.join(codes)}"
        return Problem(question, answer, wrong, key, ", ".join(ladder))

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        way, codes = words_in(given), answer["codes"]
        if not 0 < len(way) <= len(codes) or way[0] != answer["start"] or way[-1] != answer["goal"]:
            return False
        return set(way) <= set(codes) and all(
            sum(a != b for a, b in zip(x, y, strict=True)) == 1 for x, y in pairwise(way)
        )
