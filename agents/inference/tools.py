"""Tools by name, told to a policy in its prompt, and the calls read from what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

from ...envs.tools.builtin import calculator, sandbox, search_tool
from ...envs.tools.formats import FORMATS
from ...envs.tools.tool import Tool, ToolError
from ...envs.tools.tool import ToolCall as ToolCall


class _NoDocuments:
    """Stands for documents where none were given: a policy may learn to call a search that others run."""

    def search(self, queries: Sequence[str], k: int) -> NoReturn:
        raise ToolError("there are no documents to search: pass infinite_rl.envs.tools.builtin.search_tool(retriever)")


def find_tool(tool: str | Tool) -> Tool:
    """A tool, or the one of that name that comes with the package.

    Raises:
        ValueError: if there is none of that name.
    """
    if isinstance(tool, Tool):
        return tool
    if tool == "calculator":
        return calculator()
    if tool in ("python", "javascript"):
        return sandbox(tool)
    if tool == "search":
        return search_tool(_NoDocuments())
    raise ValueError(f"there is no tool {tool!r}: names are calculator, python, javascript and search; or pass a Tool")


def told_of_tools(available: Sequence[str | Tool], tool_format: str) -> tuple[Mapping[str, Tool], str]:
    """The tools by name, and what a policy is told of them.

    Raises:
        ValueError: for an unknown tool or format.
    """
    if isinstance(available, str):
        raise ValueError(f"available_tools must be a list; for a single one write [{available!r}]")
    if tool_format not in FORMATS:
        raise ValueError(f"tool_format must be one of {', '.join(FORMATS)}, not {tool_format!r}")
    tools = {tool.name: tool for tool in map(find_tool, available)}
    return tools, FORMATS[tool_format].describe(list(tools.values()))


def read_calls(text: str, tools: Mapping[str, Tool], tool_format: str) -> list[ToolCall]:
    """The calls in what a policy said."""
    return FORMATS[tool_format].read(text, tools)
