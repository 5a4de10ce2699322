"""Environments as rows of tasks and a function that scores responses: what trainers of other libraries want."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium

from ...datasets.task import Message
from ...rewards import RewardFunctionScore
from ..episode import Episode
from ..text_env import TextEnv


def make_text_env(env: str | TextEnv, **arguments: Any) -> TextEnv:
    """The environment of an id, made with ``arguments``; or the one that is given.

    Raises:
        TypeError: it is no text environment, or there are arguments beside an instance.
    """
    if isinstance(env, TextEnv):
        if arguments:
            raise TypeError(f"{', '.join(arguments)}: an instance takes no more arguments; pass its id instead")
        return env
    made = gymnasium.make(env, disable_env_checker=True, **arguments).unwrapped
    if not isinstance(made, TextEnv):
        raise TypeError(f"{env} is no text environment; see infinite-rl envs")
    return made


def task_rows(
    env: TextEnv, count: int | None = None, *, start: int = 0, max_turns: int | None = None
) -> list[dict[str, Any]]:
    """Tasks ``start`` to ``start + count - 1`` as rows: ``prompt`` (messages), ``task_index``, ``task_id``, ``domain``.

    The answers are not in them: `score_responses` asks the environment by the index, and wants ``max_turns=1`` here.

    Raises:
        ValueError: ``count`` is missing for an endless source, or there are not as many tasks.
    """
    size = env.tasks.size
    if count is None:
        if size is None:
            raise ValueError("the environment's tasks have no end: say how many with count")
        count = size - start
    if count < 1 or start < 0 or (size is not None and start + count > size):
        raise ValueError(f"tasks {start} to {start + count - 1} are wanted, but there are {size or 'endlessly many'}")
    rows = []
    for index in range(start, start + count):
        episode = env.begin(env.tasks.task(index), index, max_turns=max_turns)
        prompt = episode.copy_messages()
        rows.append({"prompt": prompt, "task_index": index, "task_id": episode.task.id, "domain": episode.task.domain})
    return rows


def score_responses(env: TextEnv, task_indices: Sequence[int], responses: Sequence[str]) -> list[RewardFunctionScore]:
    """The score of each response as the only action of an episode of its task; all are graded in one call."""
    episodes = [env.begin(env.tasks.task(int(index)), int(index), max_turns=1) for index in task_indices]
    env.advance(episodes, responses)
    scores = [episode.score for episode in episodes]
    return [score if score is not None else RewardFunctionScore.error("it was not scored") for score in scores]


def replay(env: TextEnv, task_index: int, actions: Sequence[str]) -> RewardFunctionScore:
    """The score of one transcript: ``actions`` in turn, in an episode of their own.

    An episode that they leave unended is graded as it stands, as at a turn limit.
    """
    actions = actions or [""]
    most = min(len(actions), env.max_turns or len(actions))
    episode = env.begin(env.tasks.task(task_index), task_index, max_turns=most)
    for action in actions[:most]:
        if not episode.ended:
            env.advance([episode], [action])
    return episode.score if episode.score is not None else RewardFunctionScore.error("it was not scored")


def news(episode: Episode) -> list[Message]:
    """What the environment said since the assistant's last message, as new objects."""
    spoken = []
    for message in reversed(episode.messages):
        if message["role"] == "assistant":
            break
        spoken.append(message.copy())
    return spoken[::-1]
