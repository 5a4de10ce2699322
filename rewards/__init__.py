"""Scores of responses: what they answered, and whether it is right.

Answers are judged by value, exactly and with a stated reason. What a model wrote is only ever run in a sandbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

# By way of the package, so that a bare `import rewards` from the repository's root fails here, at once.
from ..rewards.callables import CallableRewardFunction
from ..rewards.coding import CodingRewardFunction
from ..rewards.composition import Combination, Criterion, Gate, Minimum, Product, Sequential, WeightedSum
from ..rewards.equivalence.batch import verify_many
from ..rewards.equivalence.verdict import Verdict, verify
from ..rewards.exact_match import ExactMatchRewardFunction
from ..rewards.json_schema import JsonSchemaRewardFunction
from ..rewards.judge import JudgeRewardFunction
from ..rewards.math import MathRewardFunction
from ..rewards.multiple_choice import MultipleChoiceRewardFunction
from ..rewards.reward_function import BatchedRewardFunction, RewardFunction
from ..rewards.rubric import Deficits, Rubric
from ..rewards.rubric_file import load_rubric
from ..rewards.score import RewardFunctionScore, Status
from ..rewards.search import SearchRewardFunction

if TYPE_CHECKING:
    from ..runtimes import ChatEndpoint

__all__ = [
    "BatchedRewardFunction",
    "CallableRewardFunction",
    "CodingRewardFunction",
    "Combination",
    "Criterion",
    "Deficits",
    "ExactMatchRewardFunction",
    "Gate",
    "JsonSchemaRewardFunction",
    "JudgeRewardFunction",
    "MathRewardFunction",
    "Minimum",
    "MultipleChoiceRewardFunction",
    "Product",
    "RewardFunction",
    "RewardFunctionScore",
    "Rubric",
    "SearchRewardFunction",
    "Sequential",
    "Status",
    "Verdict",
    "WeightedSum",
    "get_reward_functions",
    "load_rubric",
    "verify",
    "verify_many",
]


def get_reward_functions(
    timeout: float = 10, judge: ChatEndpoint | None = None, limits: str = "time"
) -> dict[str, BatchedRewardFunction]:
    """The reward functions by the name of their task type.

    Args:
        timeout: seconds that a program may run; judging text and mathematics is bounded by its limits instead.
        judge: a model that judges; with it there is a reward function of that name, too.
        limits: of programs: ``time``, or ``fuel`` for verdicts that don't depend on the machine's speed.
    """
    found: dict[str, BatchedRewardFunction] = {
        "math": MathRewardFunction(timeout),
        "coding": CodingRewardFunction(timeout, limits=limits),
        "eq": ExactMatchRewardFunction(),
        "search": SearchRewardFunction(),
        "multiple_choice": MultipleChoiceRewardFunction(),
        "json_schema": JsonSchemaRewardFunction(),
        "callable": CallableRewardFunction(),
    }
    return found if judge is None else found | {"judge": JudgeRewardFunction(judge)}
