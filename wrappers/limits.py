"""How long an episode may last."""

from __future__ import annotations

import time
from typing import Any

import gymnasium

from .base import Step, TextWrapper


class TurnLimit(TextWrapper):
    """Truncates an episode after so many actions; the last response is graded like any other.

    Gymnasium's ``TimeLimit`` truncates too, but nothing is graded then.

    Args:
        env: the environment. A lower limit of its own stays.
        turns: the most actions.

    Raises:
        ValueError: if ``turns`` is less than 1.
    """

    def __init__(self, env: gymnasium.Env[str, str], turns: int) -> None:
        super().__init__(env, turns=turns)
        if turns < 1:
            raise ValueError(f"turns must be at least 1, not {turns}")
        own = self.text_env.max_turns
        self.text_env.max_turns = turns if own is None else min(own, turns)


class TimeLimit(TextWrapper):
    """Truncates an episode when so many seconds have passed since its reset, at the end of the action under way.

    What was not graded until then has no score. The limit depends on how fast machine and policy are, so runs that are
    to be repeated want `TurnLimit`.

    Args:
        env: the environment.
        seconds: of wall-clock time.

    Raises:
        ValueError: if ``seconds`` is not positive.
    """

    def __init__(self, env: gymnasium.Env[str, str], seconds: float) -> None:
        super().__init__(env, seconds=seconds)
        if not seconds > 0:
            raise ValueError(f"seconds must be positive, not {seconds}")
        self.seconds = seconds
        self._end = 0.0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Starts an episode and its clock."""
        started = self.env.reset(seed=seed, options=options)
        self._end = time.monotonic() + self.seconds
        return started

    def step(self, action: str) -> Step:
        """Takes an action."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        late = time.monotonic() >= self._end and not terminated
        return observation, float(reward), terminated, truncated or late, info
