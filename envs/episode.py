"""One episode: its task, its messages so far, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from ..datasets.task import Message, Task
from ..rewards.score import RewardFunctionScore


@dataclass(slots=True, eq=False)
class Episode:
    """The state of one episode. An environment with more state subclasses it and returns its own from ``open``.

    Attributes:
        task: what the episode asks.
        messages: the transcript so far; ``respond`` appends to it.
        task_index: the task's index in the environment's source.
        turns: how many actions were taken.
        max_turns: after how many actions it is truncated; ``None`` for no limit.
        finished: set by ``respond`` when the task is over.
        truncated: whether the episode was cut off: by the turn limit, or by a failure of ours.
        score: how the episode was judged; ``None`` until it has ended.
        shown: how many messages the observations have covered.
        printed: how many messages the terminal has shown.
    """

    task: Task
    messages: list[Message] = field(default_factory=list)
    task_index: int = -1
    turns: int = 0
    max_turns: int | None = None
    finished: bool = False
    truncated: bool = False
    score: RewardFunctionScore | None = None
    shown: int = 0
    printed: int = 0

    @property
    def ended(self) -> bool:
        """Whether the episode takes no more actions."""
        return self.finished or self.truncated

    @property
    def terminated(self) -> bool:
        """Whether the episode came to its own end, as Gymnasium means it."""
        return self.finished and not self.truncated

    @property
    def reward(self) -> float:
        """The correctness of an ended episode; 0.0 before its end, and where grading failed."""
        return 0.0 if self.score is None or self.score.failed else float(self.score.correctness_score)

    @property
    def response(self) -> str:
        """The text of the last assistant message; empty if there is none."""
        for message in reversed(self.messages):
            if message["role"] == "assistant":
                return message["content"] or ""
        return ""

    def copy_messages(self) -> list[Message]:
        """The messages as new objects, so that whoever keeps or changes them does not change the episode."""
        return [message.copy() for message in self.messages]


def components_of(episode: Episode) -> dict[str, float]:
    """The parts of the score by name, all of them floats; none before the end."""
    parts = episode.score.components if episode.score is not None else {}
    return {name: float(value) for name, value in parts.items()}


def passed(episode: Episode) -> bool:
    """Whether an ended episode earned a full score; where calls of tools cost something, the score before that."""
    parts = episode.score.components if episode.score is not None else {}
    return float(parts.get("quality", episode.reward)) >= 1.0


# What `info` holds, by key: its type in Gymnasium's array form, and how to read it. The single environment and the
# vector environment both build their infos from these tables, so that they cannot differ.
InfoFields = dict[str, tuple[type, Callable[[Any], Any]]]
EPISODE_INFO: InfoFields = {
    "messages": (object, Episode.copy_messages),
    "task_id": (object, attrgetter("task.id")),
    "task_index": (int, attrgetter("task_index")),
    "domain": (object, attrgetter("task.domain")),
}
SCORE_INFO: InfoFields = {
    "score": (object, attrgetter("score")),
    "status": (object, attrgetter("score.status")),
    "error_msg": (object, attrgetter("score.error_msg")),
}
