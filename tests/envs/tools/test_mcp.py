import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from infinite_rl import RewardFunctionScore, Task
from infinite_rl.datasets.task import TaskList
from infinite_rl.envs.tool_env import ToolEnv
from infinite_rl.envs.tools.mcp import McpServer, McpTool, _names
from infinite_rl.envs.tools.reply import Reply
from infinite_rl.envs.tools.tool import ToolCall, ToolError

SERVER = [sys.executable, str(Path(__file__).with_name("mcp_server.py"))]


def test_without_the_package_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(ImportError, match=r"pip install 'infinite-rl\[mcp\]'"):
        McpServer(SERVER)


def test_names_become_identifiers_and_stay_different():
    assert _names(["a-b", "a.b", "a_b_2", "2x", "", "é"]) == ["a_b", "a_b_2", "a_b_2_2", "_2x", "_", "__2"]


def test_schemas_with_unknown_keywords_are_not_refused():
    schema = {"type": "object", "properties": {"x": {"type": "string", "contentEncoding": "base64"}}, "$defs": {}}
    tool = McpTool("x", "X.", schema, lambda x: x)
    assert tool.check({"x": 3, "y": 4}) == {"x": 3, "y": 4}
    assert tool.check("bare") == {"x": "bare"}


class CountEnv(ToolEnv):
    def __init__(self, server, **arguments):
        self.server = server
        super().__init__(TaskList([Task.ask("How many?", "3", id="3", domain="count")]), **arguments)

    def make_tools(self):
        return self.server.tools()

    def grade(self, task, response):
        return RewardFunctionScore.scored(float(response == task.answer))


@pytest.fixture(scope="module")
def server():
    pytest.importorskip("mcp")
    with McpServer(SERVER, timeout=60, cost={"word-count": 0.5}, environment={"OURS": "passed on"}) as found:
        yield found


@pytest.fixture(scope="module")
def tools(server):
    return {tool.name: tool for tool in server.tools()}


def test_the_tools_of_a_server_over_stdio(tools):
    assert tools["word_count"].description == "Counts words."
    assert tools["word_count"].cost == 0.5
    assert tools["word_count"].parameters["properties"]["text"]["type"] == "string"
    assert tools["word_count"].run(text="one two three") == "3"
    assert tools["word_count_2"].run(text="one two three") == "again 3"
    assert tools["table"].run(name="x", self=3, call=4).replace(" ", "").replace("\n", "") in ('{"x":7}', "{'x':7}")
    assert tools["variable"].run(name="OURS") == "passed on"


def test_what_the_agent_gets_wrong_comes_back_as_a_message(tools):
    with pytest.raises(ToolError, match="no reason"):
        tools["fail"].run(why="no reason")
    with pytest.raises(ToolError):
        tools["word_count"].run(**tools["word_count"].check({"least": "many"}))
    assert tools["word_count"].run(text="it lives") == "2"


def test_an_environment_offers_them(server):
    env = CountEnv(server, budget=0.7)
    observation, _ = env.reset()
    assert '"word_count"' in observation
    observation, *_ = env.step(Reply("", [ToolCall("word_count", {"text": "a b c"}), ToolCall("fail", {"why": "so"})]))
    first, second = observation.split("\n\n")
    assert first == "3"
    assert second.startswith("Error: ")
    assert "so" in second
    assert env.step("3")[1] == 1.0


def test_calls_of_many_threads(tools):
    with ThreadPoolExecutor(8) as threads:
        texts = ["x " * count for count in range(1, 33)]
        assert list(threads.map(lambda text: tools["word_count"].run(text=text), texts)) == [
            str(i) for i in range(1, 33)
        ]


def test_a_call_that_takes_too_long_is_given_up():
    pytest.importorskip("mcp")
    with McpServer(SERVER, timeout=20) as server:
        tools = {tool.name: tool for tool in server.tools()}
        server._timeout = 0.2
        with pytest.raises(ToolError, match=r"longer than 0\.2 s"):
            tools["sleep"].run(seconds=3)
        server._timeout = 20


def test_a_server_that_dies_is_a_failure_of_ours_and_a_closed_one_says_so():
    pytest.importorskip("mcp")
    with McpServer(SERVER, timeout=20) as server:
        env = CountEnv(server)
        env.reset()
        info = env.step(Reply("", [ToolCall("leave", {})]))[-1]
        assert info["status"] == "error"
    with pytest.raises(ConnectionError, match="closed"):
        server.tools()
    server.close()


@pytest.mark.parametrize("command", [["/no/such/command"], [sys.executable, "-c", "print('hello')"]])
def test_a_server_that_can_t_be_used_is_named(command):
    pytest.importorskip("mcp")
    with pytest.raises(ConnectionError, match="MCP server"):
        McpServer(command, timeout=20)


def test_a_server_over_http():
    pytest.importorskip("mcp")
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with subprocess.Popen([*SERVER, str(port)], stderr=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + 60
            while time.monotonic() < until:
                try:
                    server = McpServer(f"http://127.0.0.1:{port}/mcp", timeout=20)
                    break
                except ConnectionError:
                    time.sleep(0.1)
            with server:
                tools = {tool.name: tool for tool in server.tools()}
                assert tools["word_count"].run(text="a b") == "2"
        finally:
            process.kill()
