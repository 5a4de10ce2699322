"""Problems for long reasoning."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from ..datasets.reasoning.source import BOXED, ReasoningSource
from ..datasets.task import TaskSource
from ..rewards import RewardFunctionScore
from .episode import Episode
from .grading import Graders
from .math import math_families
from .text_env import TextEnv
from .vector import TextVectorEnv


class OrzEnv(TextEnv):
    r"""Reason at length about a math problem, and box the answer.

    Observation: the problem as text, for example ``Solve for x: 12(x + 6) = 9x + 11``, then a line that asks for
    ``\boxed{}``.
    Action: text of any length. What stands in ``<think>`` counts as thinking; the answer is what stands in the last
    ``\boxed{…}`` after it, or between ``<answer>`` and ``</answer>``, which wins where there are both.
    Reward: 1.0 if the answer equals the expected one in value and in the form that the task wants, else 0.0.
    Termination: after one action.
    Truncation: only if grading fails (status ``error``).
    Arguments: ``level`` (1 to 4, by default 3), ``families`` (names of families of mathematics, or ``all``, the
    default), ``split`` (``train``, ``validation``, ``test``; no problem is in two of them, whatever the seed),
    ``seed`` and ``closing`` (the line that asks for the box), as in ``ReasoningSource``. Or ``tasks``: a file of tasks
    or a task source, such as one of the MATH or AIME layouts.
    Floor: 0.00 for empty and copying policies; constant, majority and random ones earn what the families' own pages
    say, 0.05 at most on average.
    Versions: v0, first release.
    """

    domain = "math"
    default_grader = "math"
    graders = Graders("math", boxed=True)

    def make_source(
        self, *, level: int = 3, families: Sequence[str] | str = "all", closing: str = BOXED, **arguments: Any
    ) -> TaskSource:
        """The families of mathematics."""
        return ReasoningSource(level=level, families=math_families(families), closing=closing, **arguments)

    def finish(self, episodes: Sequence[Episode]) -> list[RewardFunctionScore]:
        """Compares the boxed or tagged answers with the expected ones by value."""
        return self.graders.score(episodes)


OrzVectorEnv = partial(TextVectorEnv, OrzEnv)
