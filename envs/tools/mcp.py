"""The tools of MCP servers."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

from .tool import Tool, ToolError

T = TypeVar("T")

# A server that lists more is broken.
_MOST_TOOLS = 1_000
_INVALID_PARAMETERS = -32602


@dataclass(frozen=True, eq=False)
class McpTool(Tool):
    """A tool that checks its arguments itself, by a schema whose keywords we need not know."""

    def check_schema(self) -> None:
        """Leaves the schema to the server."""

    def check(self, arguments: Mapping[str, Any] | str) -> dict[str, Any]:
        """The arguments by name; the server checks them."""
        return self._named(arguments)


class McpServer:
    """A connection to an MCP server, whose tools environments can offer to their agents.

    It wants the ``mcp`` package. A call that the server answers with an error, or does not answer in time, is the
    agent's affair and comes back as a message; a server that is gone is a failure of ours.

    Args:
        server: the URL of a server (streamable HTTP), or the command that starts one (stdio) as a list.
        timeout: seconds for connecting, and for each call.
        cost: what a call takes from the budget, or that by the tools' names.
        environment: variables for the command, beside the few that are always passed on.

    Raises:
        ImportError: the ``mcp`` package is missing.
        ConnectionError: the server can't be reached or started.
    """

    def __init__(
        self,
        server: str | Sequence[str],
        *,
        timeout: float = 30,
        cost: float | Mapping[str, float] = 0.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        try:
            import mcp
        except ImportError:
            raise ImportError("MCP servers want the mcp package: pip install 'infinite-rl[mcp]'") from None
        if not isinstance(server, str):
            command, *arguments = server
            variables = dict(environment or {})
            parameters: Any = mcp.StdioServerParameters(command=command, args=arguments, env=variables)
        else:
            parameters = server
        self._name = server if isinstance(server, str) else " ".join(server)
        self._timeout, self._cost = timeout, cost
        self._error_type: type[Exception] = mcp.MCPError
        self._client = mcp.Client(parameters, read_timeout_seconds=timeout)
        self._loop = asyncio.new_event_loop()
        self._ready: Future[None] = Future()
        self._leave = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._stay(),), daemon=True)
        self._thread.start()
        try:
            self._ready.result(timeout)
        except BaseException as error:
            self.close()
            if isinstance(error, Exception):
                why = "no answer in time" if isinstance(error, FutureTimeoutError) else _reason(error)
                raise ConnectionError(f"the MCP server {self._name} can't be used: {why}") from error
            raise

    def tools(self) -> list[Tool]:
        """The server's tools; characters of their names that ours can't have become underscores.

        Raises:
            ConnectionError: the server does not answer.
        """
        listed = self._run(self._list())
        made: list[Tool] = []
        for found, name in zip(listed, _names([found.name for found in listed]), strict=True):
            cost = self._cost if isinstance(self._cost, float | int) else self._cost.get(found.name, 0.0)
            schema = {"type": "object", **found.input_schema}
            call = partial(self._call, found.name)
            made.append(McpTool(name, found.description or found.title or name, schema, _by_name(call), cost))
        return made

    def close(self) -> None:
        """Ends the connection and the command; safe to call again."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._leave.set)
            self._thread.join(self._timeout)
            if not self._thread.is_alive():
                self._loop.close()

    def __enter__(self) -> McpServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _stay(self) -> None:
        """Holds the connection, which the same task must open and close, until it is asked to leave."""
        opening = asyncio.ensure_future(self._hold())
        leaving = asyncio.ensure_future(self._leave.wait())
        await asyncio.wait([opening, leaving], return_when=asyncio.FIRST_COMPLETED)
        if not self._ready.done():
            opening.cancel()  # still connecting
        await asyncio.wait([opening])
        leaving.cancel()
        if not opening.cancelled() and opening.exception() is not None and not self._ready.done():
            self._ready.set_exception(opening.exception())

    async def _hold(self) -> None:
        async with self._client:
            self._ready.set_result(None)
            await self._leave.wait()

    async def _list(self) -> list[Any]:
        found: list[Any] = []
        cursor = None
        while True:
            page = await self._client.list_tools(cursor=cursor)
            found += page.tools
            cursor = page.next_cursor
            if not cursor or len(found) > _MOST_TOOLS:
                return found[:_MOST_TOOLS]

    def _call(self, name: str, arguments: dict[str, Any]) -> str:
        try:
            result = self._run(self._client.call_tool(name, arguments))
        except TimeoutError:
            raise ToolError(f"{name} took longer than {self._timeout:g} s") from None
        except self._error_type as error:
            if getattr(error, "code", None) == _INVALID_PARAMETERS:
                raise ToolError(str(error)) from None
            raise
        text = _joined(result.content) or (str(result.structured_content) if result.structured_content else "")
        if result.is_error:
            raise ToolError(text)
        return text

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs ``work`` in the connection's thread; ``TimeoutError`` if that takes too long."""
        if not self._thread.is_alive():
            work.close()
            raise ConnectionError(f"the connection to the MCP server {self._name} is closed")
        running = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, self._timeout), self._loop)
        # A little longer than the work's own limit: then the loop itself is stuck.
        return running.result(self._timeout + 5)


def _by_name(call: Callable[[dict[str, Any]], str]) -> Callable[..., str]:
    # Arguments may have any name, so none of ours may stand beside them.
    def run(**arguments: Any) -> str:
        return call(arguments)

    return run


def _names(names: Iterable[str]) -> list[str]:
    """Names that tools can have, all different."""
    made: list[str] = []
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_]", "_", name) or "_"
        plain = f"_{plain}" if plain[0].isdigit() else plain
        number, free = 2, plain
        while free in made:
            number, free = number + 1, f"{plain}_{number}"
        made.append(free)
    return made


def _joined(content: Iterable[Any]) -> str:
    """The texts of a result; what is no text is named."""
    parts = []
    for block in content:
        text = getattr(block, "text", None) or getattr(getattr(block, "resource", None), "text", None)
        parts.append(text if isinstance(text, str) else "" if block.type == "text" else f"[{block.type}]")
    return "\n".join(parts)


def _reason(error: BaseException) -> str:
    """What went wrong; task groups wrap it in groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
