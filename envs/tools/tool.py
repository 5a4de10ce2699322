"""A tool, a call of it, and what a call may get wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...rewards.schemas.text import JsonLimitError
from ...rewards.schemas.validation import JsonValidator


class ToolError(Exception):
    """What the agent did wrong in a call, in words that it can act on; the message goes to the agent."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call, as the agent wrote it.

    Attributes:
        name: the tool.
        arguments: by name; or plain text, which is meant for the tool's only argument.
        id: pairs the call with its result.
        problem: what makes the call unreadable; then it is answered with that.
    """

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)
    id: str = ""
    problem: str = ""


@dataclass(frozen=True, eq=False)
class Tool:
    """Something that an agent may call.

    Attributes:
        name: ASCII letters, digits and underscores.
        description: what it does, for the agent.
        parameters: a JSON schema of the arguments, an object; checked before ``run`` is called.
        run: gets the arguments by name and returns text. What the agent did wrong it raises as `ToolError`; any other
            exception is a failure of ours. It may be called from several threads at once.
        cost: what one call takes from the budget of the episode.
        run_many: if it is cheaper to ask for many results at once: gets the arguments of many calls, of several
            episodes, and returns for each what ``run`` would return, or the `ToolError` that it would raise.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    run: Callable[..., str]
    cost: float = 0.0
    run_many: Callable[[Sequence[Mapping[str, Any]]], Sequence[str | ToolError]] | None = None

    def __post_init__(self) -> None:
        if not self.name.isascii() or not self.name.isidentifier():
            raise ValueError(f"a tool's name has ASCII letters, digits and underscores; {self.name!r} has others")
        if not 0 <= self.cost < float("inf"):
            raise ValueError(f"the cost of {self.name} must be a number of at least 0, not {self.cost}")
        if self.parameters.get("type") != "object":
            raise ValueError(f'the parameters of {self.name} must be a JSON schema with "type": "object"')
        self.check_schema()

    def check_schema(self) -> None:
        """Refuses a schema that can't be checked, with a ``ValueError``."""
        JsonValidator(self.parameters)

    @property
    def told(self) -> str:
        """The description with the cost, for the agent."""
        return f"{self.description} It costs {self.cost:g}." if self.cost else self.description

    @property
    def schema(self) -> dict[str, Any]:
        """The tool in the form of OpenAI's ``tools``."""
        function = {"name": self.name, "description": self.told, "parameters": dict(self.parameters)}
        return {"type": "function", "function": function}

    def check(self, arguments: Mapping[str, Any] | str) -> dict[str, Any]:
        """The arguments by name.

        Raises:
            ToolError: they don't fit.
        """
        checked = self._named(arguments)
        try:
            # One validator a call: it counts its steps, and calls run in several threads.
            problem = JsonValidator(self.parameters).problem(checked)
        except JsonLimitError as error:
            problem = str(error)
        if problem:
            raise ToolError(f"the arguments of {self.name} don't fit: {problem}")
        return checked

    def _named(self, arguments: Mapping[str, Any] | str) -> dict[str, Any]:
        if not isinstance(arguments, str):
            return dict(arguments)
        names = list(self.parameters.get("properties", ()))
        if len(names) != 1:
            raise ToolError(f"{self.name} takes the arguments {', '.join(names)}: write them as a JSON object")
        return {names[0]: arguments}


def as_message(call: ToolCall) -> dict[str, Any]:
    """The call in the form of OpenAI's ``tool_calls``."""
    arguments = call.arguments if isinstance(call.arguments, str) else json.dumps(dict(call.arguments))
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}
