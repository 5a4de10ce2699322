"""Advantages inside groups of episodes on one task."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv, VectorWrapper
from numpy.typing import NDArray

from ..rewards import Status


class GroupBaseline(VectorWrapper, RecordConstructorArgs):
    """Adds ``infos["advantage"]``: an episode's return minus the mean return of its group (GRPO's baseline).

    A group is ``group_size`` neighbours that are given the same tasks one after the other, as by
    ``reset(options={"group_size": G})`` or equal seeds. Its members end at different times: the advantages of their
    n-th episodes come in the step in which the last of these ends, with n, counted from 0, in
    ``infos["advantage_episode"]``; ``infos["_advantage"]`` tells where they hold. Episodes that our own code failed are
    left out of the mean, and their advantage is 0.

    Args:
        env: a vector environment.
        group_size: how many neighbours are a group.

    Raises:
        ValueError: if the groups don't fill the environments.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], group_size: int) -> None:
        RecordConstructorArgs.__init__(self, group_size=group_size)
        VectorWrapper.__init__(self, env)
        if group_size < 1 or env.num_envs % group_size:
            raise ValueError(f"group_size must divide the {env.num_envs} environments, and {group_size} does not")
        self.group_size = group_size
        self._sums = np.zeros(env.num_envs)
        # Of each place the returns of ended episodes whose group is not complete yet; NaN for a failure of ours.
        self._waiting: list[list[float]] = [[] for _ in range(env.num_envs)]
        self._complete = [0] * (env.num_envs // group_size)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Starts episodes; one without ``reset_mask`` begins to count anew."""
        started = self.env.reset(seed=seed, options=options)
        mask = (options or {}).get("reset_mask")
        self._sums[... if mask is None else mask] = 0.0
        if mask is None:
            self._waiting = [[] for _ in self._waiting]
            self._complete = [0] * len(self._complete)
        return started

    def step(
        self, actions: Any
    ) -> tuple[Any, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Takes an action in each episode."""
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        self._sums += rewards
        statuses = infos.get("final_info", infos).get("status", {})
        for place in np.flatnonzero(terminations | truncations):
            failed = len(statuses) and statuses[place] == Status.ERROR
            self._waiting[place].append(math.nan if failed else float(self._sums[place]))
            self._sums[place] = 0.0
        return observations, rewards, terminations, truncations, infos | self._advantages()

    def _advantages(self) -> dict[str, Any]:
        count = len(self._waiting)
        advantages, episodes, mask = np.zeros(count), np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.bool_)
        for group, start in enumerate(range(0, count, self.group_size)):
            places = slice(start, start + self.group_size)
            if all(self._waiting[places]):
                returns = np.array([waiting.pop(0) for waiting in self._waiting[places]])
                valid = ~np.isnan(returns)
                mean = returns[valid].mean() if valid.any() else 0.0
                advantages[places] = np.where(valid, returns - mean, 0.0)
                episodes[places], mask[places] = self._complete[group], True
                self._complete[group] += 1
        if not mask.any():
            return {}
        told = {"advantage": advantages, "advantage_episode": episodes}
        return told | {f"_{name}": mask.copy() for name in told}
