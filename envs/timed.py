"""Actions under a deadline: one slow episode does not hold up the others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from ..rewards.score import RewardFunctionScore, Status
from .episode import Episode
from .hosts import Hosts
from .text_env import TextEnv
from .tools.reply import assistant_message
from .workers import Job, Workers


def advance_in_time(
    env: TextEnv | Hosts[Any], workers: Workers[None], episodes: Sequence[Episode], actions: Sequence[str]
) -> list[Episode]:
    """Takes one action in each episode, each in a thread, or in a host.

    Returns:
        The episodes. One that is late is replaced by another that has ended with the status ``timeout``: the thread
        that is still at work keeps the old one for itself.
    """
    heard = [len(episode.messages) for episode in episodes]
    found = list(episodes)
    if isinstance(env, Hosts):
        assert workers.deadline is not None
        for place, late in enumerate(env.advance_each(episodes, actions, workers.deadline)):
            if late:
                found[place] = timed_out(episodes[place], heard[place], actions[place], workers.deadline)
        return found
    try:
        workers.submit(
            Job(place, partial(env.advance, [episode], [action]))
            for place, (episode, action) in enumerate(zip(episodes, actions, strict=True))
        )
        jobs = workers.collect(len(found))
    except BaseException:  # Ctrl-C: what comes back later belongs to no step
        workers.drop()
        raise
    for job in jobs:
        if job.error is not None:
            raise job.error
        if job.late:
            found[job.key] = timed_out(episodes[job.key], heard[job.key], actions[job.key], workers.deadline)
    return found


def timed_out(episode: Episode, heard: int, action: str, deadline: float | None) -> Episode:
    """What is left of an episode whose action took too long.

    Args:
        episode: in which another thread still works.
        heard: how many messages it had before.
        action: what was to be taken.
        deadline: seconds.
    """
    message = f"the action was not done within {deadline:g} s"
    return Episode(
        episode.task,
        [*episode.messages[:heard], assistant_message(action)],
        task_index=episode.task_index,
        turns=episode.turns,
        truncated=True,
        score=RewardFunctionScore(0.0, 0.0, message, status=Status.TIMEOUT),
        shown=heard,
        printed=episode.printed,
    )
