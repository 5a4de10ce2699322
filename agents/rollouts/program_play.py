"""Episodes of environments that ask the policy themselves: how they begin, what comes of them, how they are played."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..environments.base import BaseEnvironment
from ..inference.calls import EpisodeContext, EpisodeStopped, EpisodeThread, inside
from ..inference.record import EpisodeRecord
from ..inference.sampling import stream_key


@dataclass(frozen=True, slots=True)
class Start:
    """How an episode begins.

    Attributes:
        key: of its random streams.
        task_index: which prompt.
        group: of its trajectory.
        state: the first state; or what ``reset`` raised.
    """

    key: int
    task_index: int
    group: int
    state: Any


@dataclass(slots=True)
class ProgramPlay:
    """An episode under way, and what came of it.

    Attributes:
        start: how it began.
        record: its tokens.
        thread: its program; None if it could not begin.
        state: the latest state.
        truncated: whether the limit of steps or the context cut it off.
        context_full: whether it was the context.
        status: ``scored``, ``timeout`` or ``error``.
        error_msg: what went wrong.
        since: when it was last set going.
    """

    start: Start
    record: EpisodeRecord
    thread: EpisodeThread | None = None
    state: Any = None
    truncated: bool = False
    context_full: bool = False
    status: str = "scored"
    error_msg: str = ""
    since: float = 0.0

    def move(self, state: Any) -> None:
        """Notes the state after a step."""
        self.state = state


class ContextFull(EpisodeStopped):
    """Ends a program whose prompt leaves no room for a response."""


@dataclass(frozen=True, slots=True)
class PlaySettings:
    """How episodes are played.

    Attributes:
        num_parallel: at most so many at once.
        refill: begin a new one as soon as one ends; else when all have ended.
        max_new_tokens: of a response, where the environment does not say.
        temperature: of sampling.
        max_steps: cuts episodes off; None for the environment's own end, at most 100.
        max_length: tokens that prompt and response may have together; None for any number.
        sampling: other arguments of the backend's ``sample``.
        deadline: seconds that an episode's own code may take between two calls; None for any.
        on_end: told of every episode that ends.
    """

    num_parallel: int
    max_new_tokens: int
    temperature: float
    refill: bool = False
    max_steps: int | None = None
    max_length: int | None = None
    sampling: Mapping[str, Any] = field(default_factory=dict)
    deadline: float | None = None
    on_end: Callable[[], None] = lambda: None


def open_group(env: BaseEnvironment[Any], keys: Sequence[int], task_index: int, group: int) -> list[Start]:
    """The starts of a group: copies of one state, which the first key's random numbers helped to make."""
    context = EpisodeContext(episode_random(keys[0], "reset"), task_index)
    try:
        state = inside(context, env.reset)
        if state is None:
            raise TypeError(f"{type(env).__name__}.reset returned None: it must return a state")
        states = [copy.deepcopy(state) for _ in keys]
    except Exception as error:  # what an author's code raises is an episode's failure
        states = [error] * len(keys)
    return [Start(key, task_index, group, state) for key, state in zip(keys, states, strict=True)]


def episode_random(key: int, use: str) -> np.random.Generator:
    """Random numbers of an episode for one use."""
    return np.random.default_rng(stream_key(key, use))
