"""How tool calls are written in text. Every environment names one format; fenced JSON is none, it may be an answer."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from ...datasets.task import Message
from ...rewards.extraction import visible_text
from ...rewards.schemas.text import JsonLimitError, read_json
from .tool import Tool, ToolCall

# More calls than this in one message are not read.
MAX_CALLS = 16


class ToolFormat(ABC):
    """One way of writing calls and results.

    Attributes:
        name: what environments call it.
    """

    name: ClassVar[str]

    @abstractmethod
    def describe(self, tools: Sequence[Tool]) -> str:
        """What the system message says about the tools and how to call them."""

    @abstractmethod
    def read(self, text: str, tools: Mapping[str, Tool]) -> list[ToolCall]:
        """The calls in a message, thinking left out, in order; at most ``MAX_CALLS``. Takes linear time."""

    @abstractmethod
    def write(self, call: ToolCall) -> str:
        """The call as text, as an agent would write it."""

    def result(self, call: ToolCall, text: str) -> Message:
        """The message that brings the agent a result."""
        return {"role": "tool", "name": call.name, "tool_call_id": call.id, "content": text}


class Hermes(ToolFormat):
    """``<tool_call>{"name": …, "arguments": {…}}</tool_call>``, as Hermes and Qwen models write it."""

    name = "hermes"

    def describe(self, tools: Sequence[Tool]) -> str:
        """The tools' schemas, and the form of a call."""
        lines = "\n".join(json.dumps(tool.schema, ensure_ascii=False) for tool in tools)
        return (
            f"You may call tools. Their signatures:\n<tools>\n{lines}\n</tools>\n"
            "Write a call as JSON between tags, then end your message:\n"
            '<tool_call>\n{"name": "the tool", "arguments": {"the argument": "its value"}}\n</tool_call>'
        )

    def read(self, text: str, tools: Mapping[str, Tool]) -> list[ToolCall]:
        """A last call without its closing tag counts: many engines stop there."""
        bodies = _between(visible_text(text), "<tool_call>", "</tool_call>", open_end=True)
        return [_from_json(body) for _, body in bodies]

    def write(self, call: ToolCall) -> str:
        """The call between its tags."""
        arguments = call.arguments if isinstance(call.arguments, str) else dict(call.arguments)
        value = {"name": call.name, "arguments": arguments}
        return f"<tool_call>\n{json.dumps(value, ensure_ascii=False)}\n</tool_call>"


class _TextResults(ToolFormat):
    """Results come as user messages, for models whose templates know no tools.

    Attributes:
        result_tag: the tag around a result.
    """

    result_tag: ClassVar[str] = "result"

    def result(self, call: ToolCall, text: str) -> Message:
        """The result between tags."""
        return {"role": "user", "content": f"<{self.result_tag}>\n{text}\n</{self.result_tag}>"}


class Named(_TextResults):
    """``<tool name="calculator">{"expression": "1+1"}</tool>``; the tool's only argument may stand bare."""

    name = "named"

    def describe(self, tools: Sequence[Tool]) -> str:
        """The tools, and the form of a call."""
        return f'{_listing(tools)}\nCall one with <tool name="its name">arguments</tool>, then end your message.'

    def read(self, text: str, tools: Mapping[str, Tool]) -> list[ToolCall]:
        """Calls with their closing tag."""
        calls = []
        for _, body in _between(visible_text(text), '<tool name="', "</tool>"):
            name, mark, arguments = body.partition('">')
            calls.append(
                ToolCall(name, _arguments(arguments)) if mark else ToolCall("", problem="the tag is malformed")
            )
        return calls

    def write(self, call: ToolCall) -> str:
        """The call between its tags."""
        return f'<tool name="{call.name}">{_written(call)}</tool>'


class Tagged(_TextResults):
    """A tag for each tool: ``<search>query</search>``."""

    name = "tagged"

    def describe(self, tools: Sequence[Tool]) -> str:
        """The tools, and the form of a call."""
        return f"{_listing(tools)}\nCall one with its name as the tag: <name>arguments</name>, then end your message."

    def read(self, text: str, tools: Mapping[str, Tool]) -> list[ToolCall]:
        """Calls with their closing tag."""
        shown = visible_text(text)
        found = [(at, name, body) for name in tools for at, body in _between(shown, f"<{name}>", f"</{name}>")]
        return [ToolCall(name, _arguments(body)) for _, name, body in sorted(found)[:MAX_CALLS]]

    def write(self, call: ToolCall) -> str:
        """The call between its tags."""
        return f"<{call.name}>{_written(call)}</{call.name}>"


class Native(ToolFormat):
    """No calls in text: the endpoint reads and writes ``tool_calls`` itself."""

    name = "native"

    def describe(self, tools: Sequence[Tool]) -> str:
        """Nothing: the endpoint is given the schemas."""
        return ""

    def read(self, text: str, tools: Mapping[str, Tool]) -> list[ToolCall]:
        """None."""
        return []

    def write(self, call: ToolCall) -> str:
        """Nothing."""
        return ""


FORMATS: dict[str, ToolFormat] = {one.name: one for one in (Hermes(), Named(), Tagged(), Native())}


def _between(text: str, opening: str, closing: str, *, open_end: bool = False) -> Iterator[tuple[int, str]]:
    """Where each pair of marks begins and what stands between them; ``open_end`` lets the last one stay open."""
    at = text.find(opening)
    for _ in range(MAX_CALLS):
        if at < 0:
            return
        end = text.find(closing, at + len(opening))
        if end < 0 and not open_end:
            return
        yield at, text[at + len(opening) : end if end >= 0 else len(text)]
        at = text.find(opening, end) if end >= 0 else -1


def _from_json(body: str) -> ToolCall:
    try:
        value = read_json(body)
    except (ValueError, JsonLimitError) as error:
        return ToolCall("", problem=f"the call is not JSON: {error}")
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return ToolCall("", problem='the call must be an object with "name" and "arguments"')
    arguments = value.get("arguments", {})
    if isinstance(arguments, str):  # some models write the arguments as JSON in a string
        arguments = _arguments(arguments)
    if not isinstance(arguments, dict | str):
        return ToolCall(value["name"], problem='"arguments" must be an object')
    return ToolCall(value["name"], arguments)


def _arguments(body: str) -> dict[str, Any] | str:
    """The JSON object that ``body`` is, else the text itself."""
    text = body.strip()
    if text.startswith("{"):
        try:
            value = read_json(text)
        except (ValueError, JsonLimitError):
            return text
        if isinstance(value, dict):
            return value
    return text


def _written(call: ToolCall) -> str:
    return call.arguments if isinstance(call.arguments, str) else json.dumps(dict(call.arguments), ensure_ascii=False)


def _listing(tools: Sequence[Tool]) -> str:
    lines = []
    for tool in tools:
        names = ", ".join(tool.parameters.get("properties", ()))
        lines.append(f"- {tool.name}({names}): {tool.told}")
    return "You may call tools:\n" + "\n".join(lines)
