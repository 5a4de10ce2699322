"""A real MCP server on stdio, or over HTTP on the port of its first argument."""

import os
import sys
import time

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

server = MCPServer("test")


@server.tool(name="word-count")
def word_count(text: str, least: int = Field(default=0, ge=0, multiple_of=1)) -> str:
    """Counts words."""
    return str(len(text.split()))


@server.tool(name="word.count")
def word_count_again(text: str) -> str:
    """Counts words, too."""
    return "again " + str(len(text.split()))


@server.tool()
def fail(why: str) -> str:
    """Fails."""
    raise ToolError(why)


@server.tool()
def sleep(seconds: float) -> str:
    """Sleeps."""
    time.sleep(seconds)
    return "awake"


@server.tool()
def table(name: str, self: int = 1, call: int = 2) -> dict[str, int]:
    """Numbers."""
    return {name: self + call}


@server.tool()
def leave() -> str:
    """Ends the server."""
    os._exit(3)


@server.tool()
def variable(name: str) -> str:
    """An environment variable."""
    return os.environ.get(name, "none")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run(transport="streamable-http", port=int(sys.argv[1]))
    else:
        server.run()
