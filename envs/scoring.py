"""Scores that an environment's own code gives, and what becomes of an episode when that code fails."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable

from ..rewards.score import RewardFunctionScore, Status

logger = logging.getLogger(__name__)

CUT_OFF = RewardFunctionScore(0.0, 0.0, "A wrapper cut the episode off before it was graded.", status=Status.TIMEOUT)
"""What is shown where a wrapper ended an episode, such as one that limits the time."""


def checked(scores: Iterable[RewardFunctionScore], count: int) -> list[RewardFunctionScore]:
    """The scores; one that nobody can learn from is a failure of ours, and costs the others nothing.

    Raises:
        ValueError: if there are not ``count`` of them.
    """
    found = list(scores)
    if len(found) != count:
        raise ValueError(f"finish returned {len(found)} scores for {count} episodes")
    return [_checked(score) for score in found]


def _checked(score: RewardFunctionScore) -> RewardFunctionScore:
    try:
        if not isinstance(score, RewardFunctionScore):
            raise TypeError(f"a score must be a RewardFunctionScore, not {type(score).__name__}")
        # A single NaN would spoil the weights of whoever learns from it.
        if not all(map(math.isfinite, (score.correctness_score, *score.components.values()))):
            raise ValueError(f"the parts of a score must be finite, not {dict(score.components)}")
    except (TypeError, ValueError) as error:
        return failure("grading", error)
    return score


def failure(what: str, error: Exception) -> RewardFunctionScore:
    """The score of an episode in which our own code raised; the log tells where."""
    logger.warning("%s failed", what, exc_info=error)
    return RewardFunctionScore.error(f"{what} raised {type(error).__name__}: {error}")
