"""The tools of an environment: what agents are told of them, and what their calls give and cost."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from ...datasets.task import Message
from .formats import FORMATS, MAX_CALLS, ToolFormat
from .reply import Reply
from .tool import Tool, ToolCall, ToolError

logger = logging.getLogger(__name__)

# Longer results are cut: they would fill the context.
MAX_RESULT = 8_192


@dataclass(slots=True)
class Account:
    """What an episode has done with its tools.

    Attributes:
        spent: what the calls have cost.
        calls: how many calls were run.
        failed_calls: how many calls were refused or failed by the agent's fault.
        ahead: what `ToolBox.look_ahead` has found for the next message: tool, arguments, result.
    """

    spent: float = 0.0
    calls: int = 0
    failed_calls: int = 0
    ahead: list[tuple[Tool, dict[str, Any], str | ToolError]] = field(default_factory=list)


class ToolBox:
    """Tools, the format of their calls, and a budget.

    Args:
        tools: under different names.
        tool_format: how calls are written; see `FORMATS`.
        budget: what all calls of an episode may cost; None for no limit.
        note: what else agents are told of the tools.
        formats: the formats by name.

    Raises:
        ValueError: if the format is unknown, two tools have one name, or the budget is negative.
    """

    def __init__(
        self,
        tools: Sequence[Tool],
        tool_format: str = "hermes",
        budget: float | None = None,
        note: str = "",
        *,
        formats: Mapping[str, ToolFormat] = FORMATS,
    ) -> None:
        if tool_format not in formats:
            raise ValueError(f"tool_format must be one of {', '.join(formats)}, not {tool_format!r}")
        if budget is not None and not budget >= 0:
            raise ValueError(f"budget must be at least 0, not {budget}")
        if not isinstance(tools, Sequence) or not all(isinstance(tool, Tool) for tool in tools):
            raise TypeError(f"make_tools must return a list of Tool, not {tools!r}")
        self.format = formats[tool_format]
        self.budget = budget
        self.note = note
        self.tools = {tool.name: tool for tool in tools}
        if len(self.tools) != len(tools):
            raise ValueError(f"two tools have one name: {', '.join(tool.name for tool in tools)}")
        self.schemas = [tool.schema for tool in tools]

    def opening(self, messages: Sequence[Message]) -> list[Message]:
        """The opening messages with what the agent is told about the tools, in the system message."""
        told = self.format.describe([*self.tools.values()])
        if self.budget is not None:
            told += f"\nYou have a budget of {self.budget:g} for all calls together."
        told = f"{told}\n{self.note}".strip()
        if not told:
            return list(messages)
        first, *rest = messages
        if first["role"] == "system":
            return [first | {"content": f"{first['content']}\n\n{told}"}, *rest]
        return [{"role": "system", "content": told}, first, *rest]

    def read(self, action: str) -> list[ToolCall]:
        """The calls in a message: native ones, else those in its text."""
        if isinstance(action, Reply) and action.tool_calls:
            return [*action.tool_calls[:MAX_CALLS]]
        return self.format.read(action, self.tools)

    def look_ahead(self, messages: Sequence[tuple[Account, str]]) -> None:
        """Asks each tool that has ``run_many`` once, for the calls of all these messages; `run` finds the results.

        If that fails, nothing is known ahead, and `run` asks for each call alone: one episode must not spoil the
        others'. A call that the budget turns out not to cover is asked for in vain.
        """
        for tool in self.tools.values():
            if tool.run_many is None:
                continue
            wanted = [(account, told) for account, action in messages for told in self._arguments(tool, action)]
            if len(wanted) < 2:
                continue
            try:
                results = tool.run_many([arguments for _, arguments in wanted])
                if len(results) != len(wanted):
                    raise ValueError(f"run_many of {tool.name} gave {len(results)} results for {len(wanted)} calls")
                for (account, arguments), result in zip(wanted, results, strict=True):
                    account.ahead.append((tool, arguments, result))
            except Exception as error:
                logger.warning("%s could not be asked for %d calls at once", tool.name, len(wanted), exc_info=error)

    def _arguments(self, tool: Tool, action: str) -> list[dict[str, Any]]:
        """What a message asks a tool; nothing where `run` will say what is wrong."""
        found = []
        with suppress(Exception):
            for call in self.read(action):
                if call.name == tool.name and not call.problem:
                    with suppress(ToolError):
                        found.append(tool.check(call.arguments))
        return found

    def run(self, account: Account, calls: Sequence[ToolCall], turn: int) -> tuple[list[Message], bool]:
        """Runs calls.

        Args:
            account: of the episode; changed.
            calls: of one message.
            turn: which message of the episode it is; names calls that have no id.

        Returns:
            The results as messages, and whether the budget was met: the call that it does not cover was not run, nor
            were those behind it.
        """
        messages = []
        ahead, account.ahead = account.ahead, []
        for number, call in enumerate(calls, 1):
            named = call if call.id else replace(call, id=f"call_{turn}_{number}")
            # A little slack: ten calls of 0.1 are a budget of 1.
            if self.budget is not None and account.spent + self._price(named) > self.budget + 1e-9:
                messages.append(self.format.result(named, "The budget is spent."))
                return messages, True
            messages.append(self.format.result(named, self._result(account, named, ahead)))
        return messages, False

    def _price(self, call: ToolCall) -> float:
        return self.tools[call.name].cost if call.name in self.tools else 0.0

    def _result(
        self, account: Account, call: ToolCall, ahead: Sequence[tuple[Tool, dict[str, Any], str | ToolError]]
    ) -> str:
        """What the call gives the agent: a result, or what is wrong with it. A call that can't be run costs nothing."""
        try:
            if call.problem:
                raise ToolError(call.problem)
            if call.name not in self.tools:
                raise ToolError(f"there is no tool {call.name[:80]!r}; there are {', '.join(self.tools)}")
            tool = self.tools[call.name]
            arguments = tool.check(call.arguments)
            account.calls += 1
            account.spent += tool.cost
            known = (result for asked, told, result in ahead if asked is tool and told == arguments)
            result = next(known, None)
            if result is None:
                result = tool.run(**arguments)
            if isinstance(result, ToolError):
                raise result
            if not isinstance(result, str):
                raise TypeError(f"the tool {tool.name} returned {type(result).__name__}; tools return text")
        except ToolError as error:
            account.failed_calls += 1
            result = f"Error: {error}"
        return result if len(result) <= MAX_RESULT else f"{result[:MAX_RESULT]}\n[cut after {MAX_RESULT:,} characters]"
