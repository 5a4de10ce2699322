"""Texts encoded, rewritten and completed."""

from __future__ import annotations

from typing import Any

from ....drawing import LETTERS, Rng, integer, pick, sample, word
from ...family import Family, Problem
from .vocabulary import WORDS


def shift(text: str, by: int) -> str:
    """The text with each letter moved so far along the alphabet, from z on to a; other signs stay."""
    return text.translate({ord(a): LETTERS[(i + by) % 26] for i, a in enumerate(LETTERS)})


class Decipher(Family):
    """Decipher words of a Caesar cipher (1), shifted Atbash (2), Vigenère (3), or Caesar without its key (4)."""

    name = "decipher"
    grader = "eq"

    def problem(self, rng: Rng, level: int) -> Problem:
        plain = " ".join(sample(rng, WORDS, 2 if level < 3 else 4))
        by = integer(rng, 3, 22)
        if level == 2:
            secret = shift(plain.translate(str.maketrans(LETTERS, LETTERS[::-1])), by)
            how = f"each letter was exchanged for its mirror image (a for z, b for y …), then moved {by} places forward"
        elif level == 3:
            key = word(rng, 3)
            moves = [LETTERS.index(letter) for letter in key] * len(plain)
            places = iter(moves)
            secret = "".join(" " if letter == " " else shift(letter, next(places)) for letter in plain)
            how = f"a Vigenère cipher with the key {key} was used (a moves by 0, b by 1 …; blanks use up no key letter)"
        else:
            secret = shift(plain, by)
            places_text = f"{by} places" if level == 1 else "the same unknown number of places"
            how = f"each letter was moved forward in the alphabet by {places_text}, from z on to a"
        ask = pick(rng, ("Decipher this text", "Find the plain English words", "What does this text say"))
        question = f"{ask}: {how}. Write the plain text in lower case, with blanks between the words.\n{secret}"
        slips = [shift(plain, 1), shift(plain, -1), secret, plain.rpartition(" ")[0]]
        return Problem(question, plain, [slip for slip in slips if slip != plain], f"{how} {secret}")


class Rewriting(Family):
    """Rewrite all letters of a text by rules at once, 2, 3, 4 or 5 times (a Lindenmayer system)."""

    name = "rewriting"
    grader = "eq"

    def problem(self, rng: Rng, level: int) -> Problem:
        letters = sample(rng, LETTERS, 3 + level // 3)
        # Some letters double and some stay one, so that texts grow slowly.
        sizes = [2, 2, *([1] * (len(letters) - 2))]
        rules = {a: word(rng, size, "".join(letters)) for a, size in zip(letters, sizes, strict=True)}
        start = "".join(letters[:2]) + word(rng, 1 + level // 2, "".join(letters))
        text, before = start, start
        for _ in range(1 + level):
            before, text = text, "".join(rules[letter] for letter in text)
        listed = ", ".join(f"{a} → {rules[a]}" for a in sorted(rules))
        ask = pick(rng, ("What is the text afterwards?", "Which text is there at the end?", "Write the last text."))
        question = (
            f"In each round every letter of a text is replaced at once by these rules: {listed}. Start with {start} "
            f"and do {1 + level} rounds. {ask} Write it without blanks."
        )
        slips = [before, text + letters[0], text[1:], "".join(rules[letter] for letter in text)]
        return Problem(question, text, [slip for slip in slips if slip != text], f"{listed} {start} {level}")


class RunLengths(Family):
    """Decode run lengths (1, 2) or encode a text by them (3, 4)."""

    name = "run_lengths"
    grader = "eq"

    def problem(self, rng: Rng, level: int) -> Problem:
        runs = []
        last = ""
        for _ in range((4, 8, 8, 16)[level - 1]):
            last = pick(rng, [letter for letter in "abcdefgh" if letter != last])
            runs.append((integer(rng, 1, 6 if level < 3 else 5), last))
        text = "".join(count * letter for count, letter in runs)
        code = "".join(f"{count}{letter}" for count, letter in runs)
        rule = "Each number says how often the letter behind it is repeated, as in 3a2b for aaabb."
        if level < 3:
            ask = pick(rng, ("Decode this text", "Write out this text", "Expand this text"))
            answer, shown = text, code
        else:
            ask = pick(rng, ("Encode this text", "Write this text by its runs", "Compress this text"))
            answer, shown = code, text
            rule += " Write also the 1 of letters that stand alone."
        slips = [answer[1:], answer + answer[-1], answer[::-1], shown]
        return Problem(
            f"{ask}. {rule}\n{shown}", answer, [slip for slip in slips if slip != answer], f"{level > 2} {shown}"
        )


_BRACKETS = {"(": ")", "[": "]", "{": "}"}


class BracketCompletion(Family):
    """Which brackets are missing at the end of 10, 18, 30 or 50 brackets, at least 4, 5, 6 or 8?"""

    name = "bracket_completion"
    grader = "family"
    chance = (0.02, 0.01, 0.0, 0.0)

    def problem(self, rng: Rng, level: int) -> Problem:
        missing = integer(rng, 3 + level, 5 + level) + (level == 4)
        length = (10, 18, 30, 50)[level - 1]
        text, pending = "", ""
        # All that stays open must fit in: close only while there is room for what has to be opened.
        while len(text) < length or len(pending) < missing:
            room = length - len(text) > missing - len(pending) + 1
            if pending and room and integer(rng, 0, 1):
                text, pending = text + _BRACKETS[pending[-1]], pending[:-1]
            else:
                opened = pick(rng, "([{")
                text, pending = text + opened, pending + opened
        answer = "".join(_BRACKETS[opened] for opened in reversed(pending))
        ask = pick(
            rng,
            (
                "Which closing brackets must be added at the end, so that all brackets match?",
                "Complete this by closing brackets, so that it is balanced.",
                "What is missing at the end of these nested brackets?",
            ),
        )
        question = f"{ask} Write only the missing brackets.\n{text}"
        mirrored = {")": "]", "]": "}", "}": ")"}
        slips = [answer[::-1], answer[1:], answer + answer[-1], mirrored[answer[0]] + answer[1:], text]
        return Problem(question, {"missing": answer}, [slip for slip in slips if slip != answer], text, answer)

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        return bool("".join(given.split()) == answer["missing"])


def longest_palindromes(text: str) -> int:
    """The length of the longest palindrome within a text."""
    best = 0
    for middle in range(2 * len(text) - 1):
        left, right = middle // 2, (middle + 1) // 2
        while left >= 0 and right < len(text) and text[left] == text[right]:
            left, right = left - 1, right + 1
        best = max(best, right - left - 1)
    return best


class LongestPalindrome(Family):
    """A longest palindrome within 10, 16, 26 or 40 letters of three kinds; any of the greatest length is right."""

    name = "longest_palindrome"
    grader = "family"
    chance = (0.06, 0.04, 0.02, 0.02)

    def problem(self, rng: Rng, level: int) -> Problem:
        letters = sample(rng, LETTERS, 3 + level // 3)
        half = word(rng, 2 + level, "".join(letters))
        core = half + half[::-1][integer(rng, 0, 1) :]
        rest = (10, 16, 26, 40)[level - 1] - len(core)
        before = integer(rng, 0, rest)
        text = word(rng, before, "".join(letters)) + core + word(rng, rest - before, "".join(letters))
        length = longest_palindromes(text)
        found = next(text[i : i + length] for i in range(len(text)) if (part := text[i : i + length]) == part[::-1])
        ask = pick(
            rng,
            ("What is a longest part", "Which is a longest part", "What is the longest part, or one of the longest,"),
        )
        question = (
            f"{ask} of this text, of letters that stand side by side, that reads the same backwards? If there are "
            f"several, write any one.\n{text}"
        )
        slips = [found[1:], found[1:-1], found + found[-1], text]
        answer = {"text": text, "length": length}
        wrong = [slip for slip in slips if slip and not self.accepts(answer, slip)]
        return Problem(question, answer, wrong, text, found)

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        part = given.strip().casefold()
        return len(part) == answer["length"] and part in answer["text"] and part == part[::-1]
