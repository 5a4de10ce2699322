"""Math problems."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..datasets.arithmetic import QUESTION, ArithmeticSource
from ..datasets.naming import check_names
from ..datasets.reasoning.families import DOMAINS
from ..datasets.reasoning.source import TAGGED, ReasoningSource
from ..datasets.task import TaskSource
from ..rewards import RewardFunctionScore
from .episode import Episode
from .grading import Graders
from .text_env import TextEnv
from .vector import TextVectorEnv


class MathEnv(TextEnv):
    """Work out a math problem.

    Observation: the problem as text, for example ``What is 3+4? Give the number between <answer> and </answer>.``
    Action: text with one answer between ``<answer>`` and ``</answer>``.
    Reward: 1.0 if the answer equals the expected one exactly, in the form that the task wants, else 0.0. Arithmetic
    wants a numeral: ``3+4`` is no answer to ``3+4``.
    Termination: after one action.
    Truncation: only if grading fails (status ``error``).
    Arguments: ``level`` (1 to 4: one digit, two digits, with products and quotients, three digits), ``split``
    (``train``, ``validation``, ``test``; no problem is in two of them, whatever the seed), ``seed``, ``operations``,
    ``digits`` and ``template``, as in ``ArithmeticSource``. Or ``families``: names of families of mathematics instead
    of arithmetic, such as ``linear_equation``, or ``all``, with ``level``, ``split``, ``seed`` and ``closing`` as in
    ``ReasoningSource``. Or ``tasks``: a file of tasks or a task source; its tasks may say in their metadata which
    ``answer_form`` they want (``numeral``, ``simplified``, ``any``; by default ``any``), which ``expression`` they ask
    about, and which ``grader`` judges them (by default ``math``). With either ``answer_tag``, another name for the tag.
    Floor: 0.00 for empty and copying policies; at most 0.04 for random ones, and for constant and majority ones, whose
    answer is chosen in training. Level 1 has so few answers that the best constant of its test split, known only
    afterwards, would earn 0.14.
    Versions: v0, first release.
    """

    domain = "math"
    default_grader = "math"

    def __init__(
        self,
        tasks: TaskSource | str | Path | None = None,
        *,
        answer_tag: str = "answer",
        max_turns: int | None = None,
        render_mode: str | None = None,
        **arguments: Any,
    ) -> None:
        self.graders = Graders("math", answer_tag=answer_tag)
        super().__init__(tasks, max_turns=max_turns, render_mode=render_mode, **arguments)

    def make_source(self, *, families: Sequence[str] | str | None = None, **arguments: Any) -> TaskSource:
        """Two integers, one operation; or the problems of families."""
        tag = self.graders.answer_tag
        if families is None:
            return ArithmeticSource(**{"template": QUESTION.replace("answer>", f"{tag}>")} | arguments)
        closing = TAGGED.replace("answer>", f"{tag}>")
        return ReasoningSource(families=math_families(families), **{"closing": closing} | arguments)

    def finish(self, episodes: Sequence[Episode]) -> list[RewardFunctionScore]:
        """Compares the tagged answers with the expected ones by value."""
        return self.graders.score(episodes)


def math_families(families: Sequence[str] | str) -> Sequence[str]:
    """The names of families of mathematics.

    Raises:
        ValueError: if one is of another domain.
    """
    return DOMAINS["math"] if families == "all" else check_names("families", families, DOMAINS["math"])


MathVectorEnv = partial(TextVectorEnv, MathEnv)
