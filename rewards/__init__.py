"""Scores of responses: what they answered, and whether it is right.

Answers are judged by value, exactly and with a stated reason. What a model wrote is only ever run in a sandbox.
"""

from __future__ import annotations

# By way of the package, so that a bare `import rewards` from the repository's root fails here, at once.
from ..rewards.callables import CallableRewardFunction
from ..rewards.coding import CodingRewardFunction
from ..rewards.equality import Verdict, verify
from ..rewards.exact_match import ExactMatchRewardFunction
from ..rewards.json_schema import JsonSchemaRewardFunction
from ..rewards.math import MathRewardFunction
from ..rewards.multiple_choice import MultipleChoiceRewardFunction
from ..rewards.reward_function import RewardFunction
from ..rewards.score import RewardFunctionScore, Status
from ..rewards.search import SearchRewardFunction

__all__ = [
    "CallableRewardFunction",
    "CodingRewardFunction",
    "ExactMatchRewardFunction",
    "JsonSchemaRewardFunction",
    "MathRewardFunction",
    "MultipleChoiceRewardFunction",
    "RewardFunction",
    "RewardFunctionScore",
    "SearchRewardFunction",
    "Status",
    "Verdict",
    "get_reward_functions",
    "verify",
]


def get_reward_functions(timeout: float = 10) -> dict[str, RewardFunction]:
    """The reward functions by the name of their task type.

    Args:
        timeout: seconds that a program may run; judging text and mathematics is bounded by its limits instead.
    """
    return {
        "math": MathRewardFunction(timeout),
        "coding": CodingRewardFunction(timeout),
        "eq": ExactMatchRewardFunction(),
        "search": SearchRewardFunction(),
        "multiple_choice": MultipleChoiceRewardFunction(),
        "json_schema": JsonSchemaRewardFunction(),
        "callable": CallableRewardFunction(),
    }
