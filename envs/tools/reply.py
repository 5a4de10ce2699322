"""An assistant's message that carries calls which are not in its text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...datasets.task import Message
from ...rewards.schemas.text import JsonLimitError, read_json
from .tool import ToolCall, as_message


class Reply(str):
    """The text of an assistant's message with its native ``tool_calls``, as endpoints return them.

    It is a ``str``, so every environment takes it; those with tools read its calls instead of its text.

    Attributes:
        tool_calls: the calls.
    """

    tool_calls: tuple[ToolCall, ...]

    def __new__(cls, text: str = "", tool_calls: Sequence[ToolCall] = ()) -> Reply:
        """The reply of this text with these calls."""
        reply = super().__new__(cls, text)
        reply.tool_calls = tuple(tool_calls)
        return reply

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Reply:
        """The reply that an endpoint sent, in OpenAI's form. What is malformed becomes a call with a problem."""
        return cls(str(message.get("content") or ""), [_read(call) for call in message.get("tool_calls") or ()])


def assistant_message(action: str) -> Message:
    """The message that an action is."""
    message: Message = {"role": "assistant", "content": str(action)}
    if isinstance(action, Reply) and action.tool_calls:
        message["tool_calls"] = [as_message(call) for call in action.tool_calls]
    return message


def length(action: str) -> int:
    """The characters of an assistant's message, those of its native calls included."""
    calls = action.tool_calls if isinstance(action, Reply) else ()
    told = (as_message(call) for call in calls)
    return len(action) + sum(len(call["id"]) + sum(map(len, call["function"].values())) for call in told)


def _read(call: Any) -> ToolCall:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        return ToolCall("", problem="the call names no function")
    name, arguments, id = function["name"], function.get("arguments") or {}, str(call.get("id") or "")
    try:
        # Some servers send them parsed; the limits are the same.
        arguments = read_json(arguments if isinstance(arguments, str) else json.dumps(arguments))
    except (ValueError, TypeError, RecursionError, JsonLimitError) as error:
        return ToolCall(name, id=id, problem=f"the arguments are not JSON: {error}")
    if not isinstance(arguments, Mapping):
        return ToolCall(name, id=id, problem="the arguments must be an object")
    return ToolCall(name, arguments, id)
