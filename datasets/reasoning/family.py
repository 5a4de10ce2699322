"""What a family of reasoning tasks is: a question with drawn values, its answer, and how answers are judged."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from ...rewards.forms import AnswerForm
from ..drawing import Rng

Grader: TypeAlias = Literal["math", "eq", "multiple_choice", "family"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One question.

    Attributes:
        question: the text, which also says in which form to answer where that is not plain.
        answer: what graders get: the right answer as text; for families that judge answers themselves a JSON object,
            from which ``accepts`` knows what is right.
        wrong: plausible wrong answers. Tests use them: none may earn anything.
        key: names the problem, equal for questions that ask the same in other words or another order.
        solution: a right answer as text, where ``answer`` is none.
    """

    question: str
    answer: Any
    wrong: Sequence[str]
    key: str
    solution: str = ""


class Family(ABC):
    """Questions that ask for the same thing with different values.

    Every family has four levels. The values are drawn widely enough that each level has some hundreds of problems at
    least, and no constant answer earns more than ``chance``.

    Attributes:
        name: the family's name, in lower case with underscores.
        grader: how answers are judged: ``math`` (by value), ``eq`` (as text, up to case and white space),
            ``multiple_choice``, or ``family``: by its own ``accepts``, where there are many right answers.
        answer_form: the form of mathematical answers; see ``MathRewardFunction``.
        chance: for each level, the most that a policy earns that does not understand the question: the share of the
            most common answer, or of lucky guesses.
    """

    name: ClassVar[str]
    grader: ClassVar[Grader] = "math"
    answer_form: ClassVar[AnswerForm] = "numeral"
    chance: ClassVar[tuple[float, float, float, float]] = (0.0, 0.0, 0.0, 0.0)

    @abstractmethod
    def problem(self, rng: Rng, level: int) -> Problem:
        """Draws a question of a level from 1 to 4."""

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        """Whether the text ``given``, which a model wrote and nothing has checked, solves the problem of ``answer``.

        Called for the grader ``family`` alone, with at most 100,000 characters, which must take linear time. It raises
        nothing.
        """
        raise NotImplementedError(f"{self.name} is judged by {self.grader}")
