"""Programming tasks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..datasets.coding.source import CodingSource
from ..datasets.task import TaskSource
from ..rewards import CodingRewardFunction, RewardFunctionScore
from ..rewards.coding import Partial
from .episode import Episode
from .grading import Graders
from .text_env import TextEnv
from .vector import TextVectorEnv


class CodingEnv(TextEnv):
    """Write a program or a function.

    Observation: the task as text, with two examples, for example ``Write a Python function clamp(numbers). It …``
    Action: text with the program in a fenced block between ``<answer>`` and ``</answer>``.
    Reward: 1.0 if the program passes all hidden tests in the sandbox, else 0.0. Programs get each input in a fresh
    sandbox and must print the expected lines and end well; functions must return the expected values.
    Info: at the end ``components`` holds ``tests_passed``, the share of hidden tests up to the first that failed, and
    ``error_msg`` what an error or a limit says; expected results are never shown. Domains are families, such as
    ``coding/caesar``, so that ``reset(options={"domain": "coding/caesar"})`` draws a task of one.
    Termination: after one action.
    Truncation: only if grading fails (status ``error``).
    Arguments: ``language`` (``python`` or ``javascript``), ``level`` (1 to 4), ``families`` (names instead of a level),
    ``split`` (``train``, ``validation``, ``test``; no problem is in two of them, whatever the seed), ``seed`` and
    ``template``, as in ``CodingSource``. Or ``tasks``: a file of tasks (see ``docs/datasets.md``) or a task source,
    whose answers have one of the forms in ``docs/rewards.md``. Then ``timeout`` (seconds for each run, by default 5),
    ``memory_mb``, ``limits`` (``time``, or ``fuel`` for verdicts that no machine's speed can change) and ``partial``
    (``tests`` rewards the share of tests passed, ``similarity`` the likeness of outputs).
    Floor: 0.00 for empty, copying, constant and majority policies, and for those that know the examples. Only level 1
    has a family without hidden inputs, ``print_arithmetic``, of which the best constant solves about 0.01.
    Versions: v0, first release.
    """

    domain = "coding"
    default_grader = "coding"

    def __init__(
        self,
        tasks: TaskSource | str | Path | None = None,
        *,
        language: str = "python",
        timeout: float = 5.0,
        memory_mb: int = 128,
        limits: str = "time",
        partial: Partial | None = None,
        max_turns: int | None = None,
        render_mode: str | None = None,
        **arguments: Any,
    ) -> None:
        # The tasks of a file may leave their language open.
        self.reward = CodingRewardFunction(
            timeout, memory_mb=memory_mb, limits=limits, partial=partial, language=language
        )
        self.graders = Graders("coding", timeout=timeout, coding=self.reward)
        if tasks is None:
            arguments["language"] = self.reward.language
        super().__init__(tasks, max_turns=max_turns, render_mode=render_mode, **arguments)

    def make_source(self, **arguments: Any) -> TaskSource:
        """Small programs and functions."""
        return CodingSource(**arguments)

    def finish(self, episodes: Sequence[Episode]) -> list[RewardFunctionScore]:
        """Runs all programs, over all cores; tasks of files may name another grader."""
        return self.graders.score(episodes)


CodingVectorEnv = partial(TextVectorEnv, CodingEnv)
