"""The base of environments whose agent calls tools between its turns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from ..datasets.task import Task, TaskSource
from ..runtimes.workers import available_cores
from .episode import Episode
from .text_env import TextEnv
from .tools.formats import FORMATS, ToolFormat
from .tools.reply import assistant_message
from .tools.tool import Tool
from .tools.toolbox import Account, ToolBox


@dataclass(slots=True, eq=False)
class ToolEpisode(Episode):
    """An episode with tools.

    Attributes:
        account: what it has done with them.
    """

    account: Account = field(default_factory=Account)

    @property
    def response(self) -> str:
        """What is graded: the last message if it is the answer, and nothing if it called tools."""
        # What a tool or the budget replied to was a call: its message did not know the result.
        last = self.messages[-1]
        return str(last["content"] or "") if last["role"] == "assistant" else ""


class ToolEnv(TextEnv):
    """A text environment whose agent may call tools.

    A message with calls is answered with their results; one without calls is the answer, and ends the episode. What
    stands beside a call is never graded, also where the episode ends with it: at the turn limit, or by a call that the
    rest of the budget does not cover, which is not run. The opening messages say which tools there are and how they are
    called. What the agent gets wrong comes back as a message; a tool that breaks is a failure of ours (status
    ``error``).

    To write one, define ``make_tools`` beside what `TextEnv` wants. Calls of different episodes run at the same time.

    Args:
        tasks: as in `TextEnv`.
        tool_format: how calls are written: ``hermes``, ``named``, ``tagged``, or ``native``, for endpoints that send
            ``tool_calls``; those are read first in every format.
        budget: what all calls of an episode may cost; ``None`` for no limit.
        max_turns: the most actions of an episode.
        render_mode: as in `TextEnv`.
        **arguments: arguments of the class's own source.

    Raises:
        ValueError: if the format is unknown, or the budget is negative.
    """

    default_format: ClassVar[str] = "hermes"
    formats: ClassVar[Mapping[str, ToolFormat]] = FORMATS

    def __init__(
        self,
        tasks: TaskSource | str | Path | None = None,
        *,
        tool_format: str | None = None,
        budget: float | None = None,
        max_turns: int | None = 8,
        render_mode: str | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(tasks, max_turns=max_turns, render_mode=render_mode, **arguments)
        name = self.default_format if tool_format is None else tool_format
        self.toolbox = ToolBox(self.make_tools(), name, budget, formats=self.formats)
        self.tool_schemas = self.toolbox.schemas
        self._pool: ThreadPoolExecutor | None = None

    @abstractmethod
    def make_tools(self) -> Sequence[Tool]:
        """The tools, made once."""

    def open(self, task: Task) -> ToolEpisode:
        """Starts an episode whose first message is about the tools."""
        return ToolEpisode(task, self.toolbox.opening(task.messages))

    def respond(self, episode: Episode, action: str) -> None:
        """Runs the calls of a message, or ends the episode if there are none."""
        assert isinstance(episode, ToolEpisode)
        episode.messages.append(assistant_message(action))
        calls = self.toolbox.read(action)
        results, spent = self.toolbox.run(episode.account, calls, episode.turns)
        episode.messages += results
        episode.finished = spent or not calls

    def respond_all(self, episodes: Sequence[Episode], actions: Sequence[str]) -> None:
        """Runs the calls of different episodes at the same time; those of a tool with ``run_many`` in one."""
        if len(episodes) < 2:
            return super().respond_all(episodes, actions)
        pairs = zip(episodes, actions, strict=True)
        self.toolbox.look_ahead(
            [(episode.account, said) for episode, said in pairs if isinstance(episode, ToolEpisode)]
        )
        if self._pool is None:
            self._pool = ThreadPoolExecutor(4 * available_cores(), thread_name_prefix="tools")
        list(self._pool.map(self.respond_safely, episodes, actions))
        return None

    def close(self) -> None:
        """Ends the threads; safe to call again."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def __getstate__(self) -> dict[str, Any]:
        """Pickles without threads, which are started anew when they are needed."""
        return self.__dict__ | {"_pool": None}
