"""Rollouts: an environment and a policy, driven to the end of every episode, many episodes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from typing import Any, TypedDict

import numpy as np

from ...buffers.tasks import TaskDraw
from ...envs.episode import Episode
from ...envs.hosts import Hosts
from ...envs.text_env import TextEnv
from ...rewards.score import RewardFunctionScore
from ..environments.base import BaseEnvironment
from ..inference.module import InferenceModule
from ..inference.sampling import TokenFilter, stream_key
from ..parallel.processes import Processes
from .columns import Columns
from .exchange import pack, unpack
from .facade import collect_programs, find_policy
from .failures import Failures
from .player import Player
from .trajectory import Trajectory, join


@dataclass(frozen=True, slots=True)
class RolloutConfig:
    """How trajectories are collected.

    Attributes:
        num_parallel: at most so many episodes at once.
        max_new_tokens: at most so many tokens a response.
        temperature: of sampling.
        token_filter: which tokens may be sampled: for evaluation only, see :class:`TokenFilter`.
        max_length: at most so many tokens an episode, all messages included; None for what the model was made for.
        seed: of the run.
        stream: names the random streams, so that training and evaluation never share one.
        deadline: seconds that the environment may take over one turn of one episode; None for any time. Episodes are
            then graded one by one in threads, instead of all in one call.
        patience: so many collections in a row in which no episode comes to a verdict end the run.
        maintain_parallel_count: begin an episode as soon as another ends, instead of waiting for all that are played;
            for environments that ask the policy themselves.
        verbose: print what was collected, likewise.
        enable_progress_bar: show progress, likewise.
    """

    num_parallel: int = 256
    max_new_tokens: int = 128
    temperature: float = 1.0
    token_filter: TokenFilter | None = None
    max_length: int | None = None
    seed: int = 0
    stream: str = "train"
    deadline: float | None = None
    patience: int = 3
    maintain_parallel_count: bool = False
    verbose: bool = False
    enable_progress_bar: bool = False

    def __post_init__(self) -> None:
        """Refuses what cannot be played; NaN too.

        Raises:
            ValueError: names the attribute.
        """
        for name in ("num_parallel", "max_new_tokens", "max_length", "patience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        if not 0 <= self.temperature < inf:
            raise ValueError(f"temperature must be at least 0, not {self.temperature}")
        if self.deadline is not None and not self.deadline > 0:
            raise ValueError(f"deadline must be above 0, not {self.deadline}; leave it out for any time")


class RolloutStatistics(TypedDict):
    """What a manager has collected so far; lengths in sampled tokens."""

    trajectories: int
    tokens: int
    avg_trajectory_length: float


class RolloutManager:
    """Collects trajectories: the environment asks and grades, the policy answers, both in batches.

    Args:
        env: the environment.
        config: how trajectories are collected.
        inference: the policy; by default the environment's own, where it has one.
        num_parallel: overrides the config's.
        processes: of the run: each plays its share of the groups, and gets those of all; by default this one alone.
        first_plays: the first of them plays all groups, because it alone asks the policy.
        hosts: where a text environment works; None for this process.

    Raises:
        ValueError: if there is no policy, or another one than the environment asks.
    """

    def __init__(
        self,
        env: TextEnv | BaseEnvironment[Any],
        config: RolloutConfig | None = None,
        *,
        inference: InferenceModule | None = None,
        num_parallel: int | None = None,
        hosts: Hosts[Any] | None = None,
        processes: Processes | None = None,
        first_plays: bool = False,
    ) -> None:
        self.hosts, self.first_plays = hosts, first_plays
        config = config or RolloutConfig()
        self.processes = processes or Processes()
        # Makes a context for what may be left in the midst, as it changes nothing before its end.
        self.leaving: Callable[[], AbstractContextManager[Any]] = nullcontext
        self.config = config if num_parallel is None else replace(config, num_parallel=num_parallel)
        self.env = env
        self.inference = find_policy(env, inference)
        self.failures = Failures(self.config.patience)
        self._free_draws = 0
        self._rng = np.random.default_rng(self._key("draws"))
        self._trajectories = 0
        self._tokens = 0

    def collect(
        self, draws: Sequence[TaskDraw], group_size: int = 1, max_steps_per_rollout: int | None = None
    ) -> Trajectory:
        """One group of ``group_size`` trajectories for each draw.

        Args:
            draws: the tasks.
            group_size: trajectories on each task.
            max_steps_per_rollout: truncates episodes after so many turns.

        Returns:
            A stack of [len(draws) * group_size] trajectories, groups in the order of ``draws``.

        Raises:
            RolloutError: after ``patience`` calls in a row in which no episode came to a verdict.
        """
        trajectories = self._play_together(draws, group_size, max_steps_per_rollout)
        self.note(trajectories)
        return trajectories

    def play(
        self, draws: Sequence[TaskDraw], group_size: int = 1, max_steps_per_rollout: int | None = None
    ) -> Trajectory:
        """Does what :meth:`collect` does, and counts nothing: threads may play a text environment at once."""
        members = [(group, draw, sample) for group, draw in enumerate(draws) for sample in range(group_size)]
        keys = [self._key(draw.task_index, draw.attempt, sample) for _, draw, sample in members]
        if isinstance(self.env, BaseEnvironment):
            keyed = [(group, draw.task_index, key) for (group, draw, _), key in zip(members, keys, strict=True)]
            return collect_programs(self.env, self.inference, self.config, keyed, max_steps_per_rollout)
        waves = []
        for start in range(0, len(members), self.config.num_parallel):
            wave = members[start : start + self.config.num_parallel]
            with self.failures.told_once():
                episodes = [self._begin(draw.task_index, max_steps_per_rollout) for _, draw, _ in wave]
                groups = [group for group, _, _ in wave]
                waves.append(self._player.play(episodes, keys[start : start + len(wave)], groups))
        return join(waves)

    def note(self, trajectories: Trajectory) -> None:
        """Counts what was collected.

        Raises:
            RolloutError: see :meth:`collect`.
        """
        self.failures.note(trajectories)
        self._trajectories += len(trajectories)
        self._tokens += int(Columns(trajectories).mask.sum())

    def collect_rollouts(
        self, min_trajectories: int, max_steps_per_rollout: int | None = None, *, group_size: int = 1
    ) -> Trajectory:
        """Whole groups of trajectories on tasks drawn at random, at least ``min_trajectories`` trajectories in all."""
        draws = []
        for _ in range(-(-min_trajectories // group_size)):
            draws.append(TaskDraw(self.env.draw_index(self._rng), attempt=self._free_draws))
            self._free_draws += 1
        return self.collect(draws, group_size, max_steps_per_rollout)

    def opening_lengths(self, most: int) -> Iterator[int]:
        """How many tokens each of the first ``most`` tasks opens with, one at a time; those that fail are left out."""
        if isinstance(self.env, TextEnv):
            for index in range(min(most, self.env.tasks.size or most)):
                episode = self._begin(index, None)
                if not episode.ended:
                    yield self._player.opening_length(episode)

    def close(self) -> None:
        """Ends the hosts, if there are any."""
        if self.hosts is not None:
            self.hosts.close()

    def get_statistics(self) -> RolloutStatistics:
        """Counts over everything collected so far."""
        mean = self._tokens / self._trajectories if self._trajectories else 0.0
        return {"trajectories": self._trajectories, "tokens": self._tokens, "avg_trajectory_length": mean}

    def state_dict(self) -> dict[str, Any]:
        """What the next draws depend on, and the counts; plain values."""
        counts = {"draws": self._free_draws, "trajectories": self._trajectories, "tokens": self._tokens}
        counts["failed_in_a_row"] = self.failures.in_a_row
        return {"random": self._rng.bit_generator.state, "version": self.inference.version, **counts}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores what :meth:`state_dict` gave."""
        self._rng.bit_generator.state = state["random"]
        self.inference.version = state["version"]
        self._free_draws, self._trajectories = state["draws"], state["trajectories"]
        self._tokens, self.failures.in_a_row = state["tokens"], state["failed_in_a_row"]

    def _play_together(self, draws: Sequence[TaskDraw], group_size: int, max_steps: int | None) -> Trajectory:
        """Every process plays its share, and gets the trajectories of all."""
        share = self.processes.share(len(draws))
        if self.first_plays:
            share = range(len(draws) if self.processes.first else 0)

        def play() -> Trajectory | None:
            if not share:
                return None
            with self.leaving():
                found = self.play([draws[place] for place in share], group_size, max_steps)
            if share.start:
                found.group = found.group + share.start
            return found

        if self.processes.size == 1:
            found = [play()]
        else:
            parcels = self.processes.exchange(lambda: pack(own) if (own := play()) is not None else None)
            found = [unpack(parcel) for parcel in parcels if parcel is not None]
        return join([one for one in found if one is not None])

    @cached_property
    def _player(self) -> Player:
        assert isinstance(self.env, TextEnv)
        config = self.config
        return Player(
            self.env,
            self.inference,
            max_new_tokens=config.max_new_tokens,
            max_length=config.max_length,
            temperature=config.temperature,
            token_filter=config.token_filter,
            deadline=config.deadline,
            hosts=self.hosts,
        )

    def _key(self, *parts: object) -> int:
        return stream_key(self.config.seed, self.config.stream, *parts)

    def _begin(self, task_index: int, max_turns: int | None) -> Episode:
        """An episode of a task; one that has failed already, if the environment cannot open it."""
        assert isinstance(self.env, TextEnv)
        task = self.env.tasks.task(task_index)
        try:
            return self.env.begin(task, task_index, max_turns=max_turns)
        except Exception as error:
            problem = RewardFunctionScore.error(f"the task cannot be opened ({type(error).__name__}: {error})")
            return Episode(task, list(task.messages), task_index, truncated=True, score=problem)
