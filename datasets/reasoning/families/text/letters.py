"""Words and their letters."""

from __future__ import annotations

from ....drawing import Rng, sample
from ...family import Family, Problem
from .vocabulary import WORDS


class ReverseWords(Family):
    """Write 3, 5, 7 or 9 words in reverse order; from level 3 on also each word backwards."""

    name = "reverse_words"
    grader = "eq"

    def problem(self, rng: Rng, level: int) -> Problem:
        words = sample(rng, WORDS, 1 + 2 * level)
        backwards = level >= 3
        answer = [word[::-1] if backwards else word for word in reversed(words)]
        how = "and write each word backwards, " if backwards else ""
        question = f"Put these words in reverse order, {how}with blanks between them: {' '.join(words)}"
        wrong = [" ".join(answer[1:]), " ".join([*answer[1:], answer[0]]), " ".join(reversed(answer))]
        return Problem(question, " ".join(answer), wrong, " ".join(words))
