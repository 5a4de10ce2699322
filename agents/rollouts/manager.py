"""Rollouts: an environment and a policy, driven to the end of every episode, many episodes at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypedDict

import numpy as np

from ...buffers.tasks import TaskDraw
from ...envs.episode import Episode
from ...envs.text_env import TextEnv
from ..environments.base import BaseEnvironment
from ..inference.module import InferenceModule
from ..inference.sampling import stream_key
from ..inference.session import Session
from .facade import collect_programs, find_policy
from .trajectory import State, Trajectory, response_lengths, stack


@dataclass(frozen=True, slots=True)
class RolloutConfig:
    """How trajectories are collected.

    Attributes:
        num_parallel: at most so many episodes at once.
        max_new_tokens: at most so many tokens a response.
        temperature: of sampling.
        seed: of the run.
        stream: names the random streams, so that training and evaluation never share one.
        deadline: seconds that the environment may take over one turn of one episode; None for any time.
        maintain_parallel_count: begin an episode as soon as another ends, instead of waiting for all that are played;
            for environments that ask the policy themselves.
        verbose: print what was collected, likewise.
        enable_progress_bar: show progress, likewise.
    """

    num_parallel: int = 256
    max_new_tokens: int = 128
    temperature: float = 1.0
    seed: int = 0
    stream: str = "train"
    deadline: float | None = None
    maintain_parallel_count: bool = False
    verbose: bool = False
    enable_progress_bar: bool = False


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
    ) -> None:
        config = config or RolloutConfig()
        self.config = replace(config, num_parallel=num_parallel or config.num_parallel)
        self.env = env
        self.inference = find_policy(env, inference)
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
        """
        members = [(group, draw, sample) for group, draw in enumerate(draws) for sample in range(group_size)]
        found: list[Trajectory] = []
        if isinstance(self.env, BaseEnvironment):
            keyed = [(member, self._key(member[1].task_index, member[1].attempt, member[2])) for member in members]
            found = collect_programs(self.env, self.inference, self.config, keyed, max_steps_per_rollout)
            members = []
        for start in range(0, len(members), self.config.num_parallel):
            wave = members[start : start + self.config.num_parallel]
            found += self._play(
                [self.env.begin(self.env.tasks.task(draw.task_index), draw.task_index) for _, draw, _ in wave],
                [self._key(draw.task_index, draw.attempt, sample) for _, draw, sample in wave],
                [group for group, _, _ in wave],
                max_steps_per_rollout,
            )
        trajectories = stack(found)
        self._trajectories += len(found)
        self._tokens += int(response_lengths(trajectories).sum())
        return trajectories

    def collect_rollouts(
        self, min_trajectories: int, max_steps_per_rollout: int | None = None, *, group_size: int = 1
    ) -> Trajectory:
        """Whole groups of trajectories on tasks drawn at random, at least ``min_trajectories`` trajectories in all."""
        draws = []
        for _ in range(-(-min_trajectories // group_size)):
            draws.append(TaskDraw(self.env.draw_index(self._rng), attempt=self._free_draws))
            self._free_draws += 1
        return self.collect(draws, group_size, max_steps_per_rollout)

    def get_statistics(self) -> RolloutStatistics:
        """Counts over everything collected so far."""
        mean = self._tokens / self._trajectories if self._trajectories else 0.0
        return {"trajectories": self._trajectories, "tokens": self._tokens, "avg_trajectory_length": mean}

    def state_dict(self) -> dict[str, Any]:
        """What the next draws depend on, and the counts; plain values."""
        counts = {"draws": self._free_draws, "trajectories": self._trajectories, "tokens": self._tokens}
        return {"random": self._rng.bit_generator.state, "version": self.inference.version, **counts}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores what :meth:`state_dict` gave."""
        self._rng.bit_generator.state = state["random"]
        self.inference.version = state["version"]
        self._free_draws, self._trajectories = state["draws"], state["trajectories"]
        self._tokens = state["tokens"]

    def _key(self, *parts: object) -> int:
        return stream_key(self.config.seed, self.config.stream, *parts)

    def _play(
        self, episodes: Sequence[Episode], keys: Sequence[int], groups: Sequence[int], max_turns: int | None = None
    ) -> list[Trajectory]:
        """Plays all episodes at once, each to its end."""
        sessions = self._open(episodes, keys)
        live = list(range(len(episodes)))
        while live:
            replies = self.inference.respond(
                [sessions[i] for i in live],
                max_new_tokens=self.config.max_new_tokens,
                temperature=self.config.temperature,
            )
            heard = [len(episodes[i].messages) for i in live]
            self.env.advance([episodes[i] for i in live], replies, max_turns=max_turns)
            for i, before in zip(live, heard, strict=True):
                if not episodes[i].ended:
                    new = episodes[i].messages[before:]
                    sessions[i].observe([message for message in new if message["role"] != "assistant"])
            live = [i for i in live if not episodes[i].ended]
        return [
            session.trajectory(
                reward=episode.reward,
                group=group,
                valid=episode.score is not None and not episode.score.failed,
                truncated=episode.truncated,
                state=_state(episode),
            )
            for session, episode, group in zip(sessions, episodes, groups, strict=True)
        ]

    def _open(self, episodes: Sequence[Episode], keys: Sequence[int]) -> list[Session]:
        """A session for each episode. Neighbours that open alike, the members of a group, are tokenized once."""
        sessions: list[Session] = []
        for i, (episode, key) in enumerate(zip(episodes, keys, strict=True)):
            if i and episode.messages == episodes[i - 1].messages:
                sessions.append(sessions[-1].fork(key))
            else:
                sessions.append(Session(self.inference.tokenizer, key))
                sessions[-1].observe(episode.messages)
        return sessions


def _state(episode: Episode) -> State:
    score = episode.score
    assert score is not None, "an ended episode has a score"
    return {
        "prompt": episode.task.prompt,
        "response": episode.response,
        "messages": episode.messages,
        "task_id": episode.task.id,
        "task_index": episode.task_index,
        "domain": episode.task.domain,
        "answer": episode.task.answer,
        "status": str(score.status),
        "components": dict(score.components),
        "error_msg": score.error_msg,
    }
