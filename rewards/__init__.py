"""Scores of responses: what they answered, and whether it is right.

Answers are judged by value, exactly and with a stated reason. What a model wrote is only ever run in a sandbox.
"""

from __future__ import annotations

from typing import Any, Protocol

# By way of the package, so that a bare `import rewards` from the repository's root fails here, at once.
from ..rewards.coding import CodingRewardFunction
from ..rewards.equivalence.batch import verify_many
from ..rewards.equivalence.verdict import Verdict, verify
from ..rewards.math import MathRewardFunction
from ..rewards.score import RewardFunctionScore, Status

__all__ = [
    "CodingRewardFunction",
    "MathRewardFunction",
    "RewardFunction",
    "RewardFunctionScore",
    "Status",
    "Verdict",
    "get_reward_functions",
    "verify",
    "verify_many",
]


class RewardFunction(Protocol):
    """What every reward function offers."""

    def initialize(self) -> None:
        """Prepares the function, once; `compute_reward` does so itself when it is first used."""

    def compute_reward(
        self, model_output: str, expected_output: Any, answer_tag: str = "answer"
    ) -> RewardFunctionScore:
        """Scores one response against what was expected of it."""


def get_reward_functions(timeout: float = 10) -> dict[str, RewardFunction]:
    """The reward functions by the name of their task type.

    Args:
        timeout: seconds that a program may run; judging mathematics is bounded by its limits instead.
    """
    return {"math": MathRewardFunction(timeout), "coding": CodingRewardFunction(timeout)}
