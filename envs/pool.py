"""Episodes that advance each at its own pace: actions are sent, and what is ready is received."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .choice import check_action
from .columns import columns, score_columns
from .episode import EPISODE_INFO, Episode
from .text_env import TextEnv
from .timed import timed_out
from .vector import Step, TextVectorEnv
from .workers import Job, Workers


class TextEnvPool:
    """``num_envs`` episodes, of which ``batch_size`` are received at a time, in the manner of EnvPool.

    ``async_reset`` starts all. ``recv`` waits for the first ``batch_size`` that are ready and says in
    ``infos["env_id"]`` which they are; ``send`` takes an action for each of some environments and returns at once. An
    episode that has ended starts anew with the next action that is sent to it, which is not read. ``step`` is a
    ``send`` and a ``recv``.

    Each action is taken and graded in a thread, so graders that like batches are better off with `TextVectorEnv`.

    Args:
        env: the environment's class, or an instance that this one then drives and closes.
        num_envs: how many episodes there are.
        batch_size: how many ``recv`` returns; all, if not given.
        deadline: seconds that an action may take; see `TextVectorEnv`.
        **arguments: arguments of the class.

    Raises:
        TypeError: if there are arguments beside an instance.
        ValueError: if ``batch_size`` is not from 1 to ``num_envs``, or the deadline is not positive.
    """

    def __init__(
        self,
        env: Callable[..., TextEnv] | TextEnv,
        num_envs: int,
        batch_size: int | None = None,
        *,
        deadline: float | None = None,
        **arguments: Any,
    ) -> None:
        self._vector = TextVectorEnv(env, num_envs, **arguments)
        self.env = self._vector.env
        self.num_envs = num_envs
        self.batch_size = num_envs if batch_size is None else batch_size
        if not 1 <= self.batch_size <= num_envs:
            raise ValueError(f"batch_size must be from 1 to {num_envs}, not {batch_size}")
        self._workers: Workers[Episode] = Workers(deadline)
        self._episodes: list[Episode] = []
        self._heard = [0] * num_envs
        self._actions = [""] * num_envs
        self._away: set[int] = set()

    def async_reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> None:
        """Starts every episode; ``recv`` returns the first observations. Takes what `TextVectorEnv.reset` takes.

        Raises:
            RuntimeError: if actions are under way: receive them first.
        """
        if self._away:
            raise RuntimeError(f"{len(self._away)} actions are under way: receive them before async_reset()")
        self._vector.reset(seed=seed, options=options)
        self._episodes = [self.env.begin(episode.task, episode.task_index) for episode in self._vector.episodes]
        self._away = set(range(self.num_envs))
        self._workers.submit(Job(place, partial(_unchanged, episode)) for place, episode in enumerate(self._episodes))

    def send(self, actions: Sequence[str], env_id: Sequence[int] | NDArray[np.int64]) -> None:
        """Takes one action in each of the environments ``env_id``, and returns at once.

        Raises:
            RuntimeError: before ``async_reset``, or if one of them was not received yet.
            TypeError: if an action is not a ``str``.
            ValueError: if there are not as many actions as environments, or one is named twice or does not exist.
        """
        places = [int(place) for place in env_id]
        if len(actions) != len(places) or len(set(places)) != len(places):
            raise ValueError(f"{len(actions)} actions for the environments {places}: give one for each of them, once")
        if any(not 0 <= place < self.num_envs for place in places):
            raise ValueError(f"env_id must be from 0 to {self.num_envs - 1}, not {places}")
        if not self._episodes or self._away.intersection(places):
            raise RuntimeError("send() is for environments that were received: call async_reset() and recv() first")
        for action in actions:
            check_action(action)
        jobs = [self._job(place, action) for place, action in zip(places, actions, strict=True)]
        self._away.update(places)
        self._workers.submit(jobs)

    def recv(self) -> Step:
        """Waits for ``batch_size`` environments.

        Returns:
            Observations (a tuple of texts), rewards (float64), terminations, truncations (bool), each [batch_size], and
            infos in Gymnasium's array form, with ``env_id``.

        Raises:
            RuntimeError: if fewer are under way.
        """
        if len(self._away) < self.batch_size:
            raise RuntimeError(f"{len(self._away)} environments are under way, and recv() waits for {self.batch_size}")
        jobs = self._workers.collect(self.batch_size)
        places = [job.key for job in jobs]
        self._away.difference_update(places)
        for job in jobs:
            if job.late:
                self._episodes[job.key] = self._late(job.key)
            elif job.result is not None:
                self._episodes[job.key] = job.result
        # Only now, so that the others may go on.
        for job in jobs:
            if job.error is not None:
                raise job.error
        return self._returned(places, [self._episodes[place] for place in places])

    def step(self, actions: Sequence[str], env_id: Sequence[int] | NDArray[np.int64]) -> Step:
        """``send``, then ``recv``."""
        self.send(actions, env_id)
        return self.recv()

    def close(self) -> None:
        """Closes the environment, and forgets the actions that were not begun; safe to call again."""
        self._workers.drop()
        self._away.clear()
        self._episodes = []
        self.env.close()

    def _job(self, place: int, action: str) -> Job[Episode]:
        """Takes an action; or starts a new episode, if the last one has ended."""
        episode = self._episodes[place]
        self._actions[place], self._heard[place] = action, len(episode.messages)
        if not episode.ended:
            return Job(place, partial(_advanced, self.env, episode, action))
        # Drawn here and not in the thread, so that the tasks do not depend on who comes first.
        return Job(place, partial(_begun, self.env, self._vector.draw_index(place)))

    def _late(self, place: int) -> Episode:
        episode, action = self._episodes[place], self._actions[place]
        return timed_out(episode, self._heard[place], action, self._workers.deadline)

    def _returned(self, places: Sequence[int], episodes: Sequence[Episode]) -> Step:
        count = len(places)
        over = {i: episode for i, episode in enumerate(episodes) if episode.ended}
        infos = columns(EPISODE_INFO, count, range(count), episodes) | score_columns(count, over)
        infos["env_id"] = np.array(places, dtype=np.int64)
        return (
            tuple(self.env.observe(episode) for episode in episodes),
            np.array([episode.reward for episode in episodes]),
            np.array([episode.terminated for episode in episodes]),
            np.array([episode.truncated for episode in episodes]),
            infos,
        )


def _unchanged(episode: Episode) -> Episode:
    return episode


def _advanced(env: TextEnv, episode: Episode, action: str) -> Episode:
    env.advance([episode], [action])
    return episode


def _begun(env: TextEnv, index: int) -> Episode:
    return env.begin(env.tasks.task(index), index)
