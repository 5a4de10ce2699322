"""The base of environments whose agent calls tools between its turns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from ..datasets.task import Message, Task, TaskSource
from ..runtimes.workers import available_cores
from .episode import Episode
from .text_env import TextEnv
from .tools.formats import FORMATS, MAX_CALLS, ToolFormat
from .tools.reply import Reply, assistant_message
from .tools.tool import Tool, ToolCall, ToolError

# Longer results are cut: they would fill the context.
MAX_RESULT = 8_192


@dataclass(slots=True, eq=False)
class ToolEpisode(Episode):
    """An episode with tools.

    Attributes:
        spent: what the calls have cost.
        calls: how many calls were run.
        failed_calls: how many calls were refused: unreadable, unknown, with arguments that don't fit.
    """

    spent: float = 0.0
    calls: int = 0
    failed_calls: int = 0


class ToolEnv(TextEnv):
    """A text environment whose agent may call tools.

    A message with calls is answered with their results; one without calls is the answer, and ends the episode. The
    opening messages say which tools there are and how they are called. What the agent gets wrong comes back as a
    message; a tool that breaks is a failure of ours (status ``error``). A call that the rest of the budget does not
    cover is not run and ends the episode.

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
        if name not in self.formats:
            raise ValueError(f"tool_format must be one of {', '.join(self.formats)}, not {name!r}")
        if budget is not None and not budget >= 0:
            raise ValueError(f"budget must be at least 0, not {budget}")
        self.format = self.formats[name]
        self.budget = budget
        self.tools: dict[str, Tool] = {tool.name: tool for tool in self.make_tools()}
        self.tool_schemas = [tool.schema for tool in self.tools.values()]
        self._pool: ThreadPoolExecutor | None = None

    @abstractmethod
    def make_tools(self) -> Sequence[Tool]:
        """The tools, made once."""

    def open(self, task: Task) -> ToolEpisode:
        """Starts an episode whose first message is about the tools."""
        return ToolEpisode(task, self.opening(task))

    def opening(self, task: Task) -> list[Message]:
        """The opening messages: the tools are told in the system message, before the task's own."""
        told = self.format.describe([*self.tools.values()])
        if self.budget is not None and told:
            told += f"\nYou have a budget of {self.budget:g} for all calls together."
        messages = list(task.messages)
        if not told:
            return messages
        if messages[0]["role"] == "system":
            first = messages.pop(0)
            return [first | {"content": f"{first['content']}\n\n{told}"}, *messages]
        return [{"role": "system", "content": told}, *messages]

    def read_calls(self, action: str) -> list[ToolCall]:
        """The calls in a message: native ones, else those in its text."""
        if isinstance(action, Reply) and action.tool_calls:
            return [*action.tool_calls[:MAX_CALLS]]
        return self.format.read(action, self.tools)

    def respond(self, episode: Episode, action: str) -> None:
        """Runs the calls of a message, or ends the episode if there are none."""
        assert isinstance(episode, ToolEpisode)
        episode.messages.append(assistant_message(action))
        calls = self.read_calls(action)
        episode.finished = not calls
        for number, call in enumerate(calls, 1):
            named = call if call.id else replace(call, id=f"call_{episode.turns}_{number}")
            # A little slack: ten calls of 0.1 are a budget of 1.
            if self.budget is not None and episode.spent + self._price(named) > self.budget + 1e-9:
                episode.messages.append(self.format.result(named, "The budget is spent."))
                episode.finished = True
                return
            episode.messages.append(self.format.result(named, self._run(episode, named)))

    def respond_all(self, episodes: Sequence[Episode], actions: Sequence[str]) -> None:
        """Runs the calls of different episodes at the same time."""
        if len(episodes) < 2:
            return super().respond_all(episodes, actions)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(4 * available_cores(), thread_name_prefix="tools")
        list(self._pool.map(self.respond_safely, episodes, actions))
        return None

    def close(self) -> None:
        """Ends the threads; safe to call again."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _price(self, call: ToolCall) -> float:
        return self.tools[call.name].cost if call.name in self.tools else 0.0

    def _run(self, episode: ToolEpisode, call: ToolCall) -> str:
        """What the call gives the agent: a result, or what is wrong with it. A call that can't be run costs nothing."""
        try:
            if call.problem:
                raise ToolError(call.problem)
            if call.name not in self.tools:
                raise ToolError(f"there is no tool {call.name[:80]!r}; there are {', '.join(self.tools)}")
            tool = self.tools[call.name]
            arguments = tool.check(call.arguments)
            episode.calls += 1
            episode.spent += tool.cost
            result = tool.run(**arguments)
        except ToolError as error:
            episode.failed_calls += 1
            result = f"Error: {error}"
        return result if len(result) <= MAX_RESULT else f"{result[:MAX_RESULT]}\n[cut after {MAX_RESULT:,} characters]"
