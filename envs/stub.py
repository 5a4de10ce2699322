"""Rewards by chance: to exercise trainers and schedulers without a model that can do anything."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..datasets.drawing import integer
from ..datasets.procedural import stream
from ..datasets.stub import StubSource
from ..datasets.task import Task, TaskSource
from ..rewards import Criterion, RewardFunctionScore, Rubric
from .text_env import TextEnv
from .vector import TextVectorEnv


class StubEnv(TextEnv):
    """Answer anything; a draw decides.

    Observation: the domain and a number, for example ``math task 318204``.
    Action: any text.
    Reward: 1.0 with the pass rate of the task's domain, else 0.0. The draw is keyed by the task and the action, so that
    the same answer to the same task earns the same, and different ones are independent.
    Info: ``components`` holds ``pass``, ``mean_level`` and the scores of three criteria, ``accuracy``, ``completeness``
    and ``clarity``, whose levels are 3 or 4 where the answer passes, and 1 or 2 where it fails.
    Termination: after one action.
    Truncation: never.
    Arguments: ``pass_rates`` (by domain; the default has ``math`` 0.6, ``code`` 0.4, ``language`` 0.8 and ``tool_use``
    0.2), ``level`` (1 to 4; at level k a rate p becomes p^k), ``split``, ``seed``.
    Floor: the pass rates: 0.50 on average at level 1, for every policy alike.
    Versions: v0, first release.
    """

    domain = "stub"
    rubric = Rubric([Criterion(name) for name in ("accuracy", "completeness", "clarity")], binary=True)

    def make_source(self, **arguments: Any) -> TaskSource:
        """Tasks without content."""
        return StubSource(**arguments)

    def grade(self, task: Task, response: str) -> RewardFunctionScore:
        """Draws the verdict, and levels that agree with it."""
        rng = stream("stub", task.id, response)
        lowest = 3 if rng.random() < float(task.answer) else 1
        levels: Mapping[str, float] = {one.name: integer(rng, lowest, lowest + 1) for one in self.rubric.criteria}
        return self.rubric.score_levels(levels)


StubVectorEnv = partial(TextVectorEnv, StubEnv)
