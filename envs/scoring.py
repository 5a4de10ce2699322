"""Scores that an environment's own code gives, and what becomes of an episode when that code fails."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from ..rewards.score import RewardFunctionScore, Status

logger = logging.getLogger(__name__)

CUT_OFF = RewardFunctionScore(0.0, 0.0, "A wrapper cut the episode off before it was graded.", status=Status.TIMEOUT)
"""What is shown where a wrapper ended an episode, such as one that limits the time."""


def checked(scores: Iterable[RewardFunctionScore], count: int) -> list[RewardFunctionScore]:
    """The scores, if there are ``count`` of them.

    Raises:
        TypeError: if one is no score.
        ValueError: if there are more or fewer.
    """
    found = list(scores)
    if len(found) != count:
        raise ValueError(f"finish returned {len(found)} scores for {count} episodes")
    for score in found:
        if not isinstance(score, RewardFunctionScore):
            raise TypeError(f"a score must be a RewardFunctionScore, not {type(score).__name__}")
    return found


def failure(what: str, error: Exception) -> RewardFunctionScore:
    """The score of an episode in which our own code raised; the log tells where."""
    logger.warning("%s failed", what, exc_info=error)
    return RewardFunctionScore.error(f"{what} raised {type(error).__name__}: {error}")
