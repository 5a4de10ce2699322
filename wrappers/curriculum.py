"""Difficulty that follows success."""

from __future__ import annotations

from collections import deque
from typing import Any

import gymnasium

from ..datasets.mixture import Mixture
from ..datasets.procedural import ProceduralSource
from ..rewards import Status
from .base import Step, TextWrapper


class CurriculumDifficulty(TextWrapper):
    """Raises the level of procedural tasks when the mean reward is high, and lowers it when it is low.

    ``info["level"]`` is the level of the episode. Every level has tasks of its own with the split and seed of the
    environment. After a change the mean starts anew. Episodes that our own code failed are left out of it.

    Args:
        env: an environment on procedural tasks, or on a mixture of them at one level; it begins at that level.
        up: the mean reward from which on the level rises.
        down: the mean reward below which it falls.
        window: how many episodes the mean is over; nothing changes before there are as many.
        highest: the highest level; by default that of the source.

    Raises:
        TypeError: if the environment's tasks have no levels.
        ValueError: if the bounds are impossible.
    """

    def __init__(
        self,
        env: gymnasium.Env[str, str],
        up: float = 0.8,
        down: float = 0.3,
        window: int = 20,
        highest: int | None = None,
    ) -> None:
        super().__init__(env, up=up, down=down, window=window, highest=highest)
        source = self.text_env.tasks
        level = source.level if isinstance(source, ProceduralSource | Mixture) else None
        if not isinstance(source, ProceduralSource | Mixture) or level is None:
            raise TypeError(f"the tasks of {type(self.text_env).__name__} have no levels to choose from")
        if not 0 <= down < up <= 1 or window < 1:
            raise ValueError(f"0 <= down < up <= 1 and window >= 1, not down={down}, up={up}, window={window}")
        self._source = source
        self.level = level
        self.up, self.down = up, down
        self.highest = source.max_level if highest is None else highest
        self._rewards: deque[float] = deque(maxlen=window)
        self._return = 0.0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Starts an episode at the present level."""
        self._move()
        self._return = 0.0
        observation, info = self.env.reset(seed=seed, options=options)
        return observation, info | {"level": self.level}

    def step(self, action: str) -> Step:
        """Takes an action."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._return += float(reward)
        if (terminated or truncated) and info.get("status") != Status.ERROR:
            self._rewards.append(self._return)
        return observation, float(reward), terminated, truncated, info | {"level": self.level}

    def _move(self) -> None:
        if len(self._rewards) < (self._rewards.maxlen or 1):
            return
        mean = sum(self._rewards) / len(self._rewards)
        step = int(mean >= self.up and self.level < self.highest) - int(mean < self.down and self.level > 1)
        if step:
            self.level += step
            self.text_env.tasks = self._source.at_level(self.level)
            self._rewards.clear()
