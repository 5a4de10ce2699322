import json
import time

import pytest

from infinite_rl.envs.tools.formats import FORMATS, MAX_CALLS
from infinite_rl.envs.tools.reply import Reply, assistant_message, length
from infinite_rl.envs.tools.tool import Tool, ToolCall, ToolError
from infinite_rl.envs.tools.toolbox import Account, ToolBox

ONE = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
TWO = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}
SEARCH = Tool("search", "Finds.", ONE, lambda query: f"found {query}", cost=0.5)
ADD = Tool("add", "Adds.", TWO, lambda a, b: str(a + b))
TOOLS = {"search": SEARCH, "add": ADD}
IN_TEXT = ("hermes", "named", "tagged")


def read(name, text):
    return FORMATS[name].read(text, TOOLS)


@pytest.mark.parametrize("name", IN_TEXT)
@pytest.mark.parametrize("call", [ToolCall("search", {"query": 'a "b" <c> é\n'}), ToolCall("add", {"a": 1, "b": -2})])
def test_what_is_written_is_read(name, call):
    written = FORMATS[name].write(call)
    assert read(name, f"Let me see. {written} {written} So") == [call, call]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("hermes", '<tool_call>{"name": "add", "arguments": {"a": 1, "b": 2}}', ToolCall("add", {"a": 1, "b": 2})),
        ("hermes", '<tool_call>{"name": "add", "arguments": "{\\"a\\": 1}"}</tool_call>', ToolCall("add", {"a": 1})),
        ("hermes", '<tool_call>{"name": "add"}</tool_call>', ToolCall("add", {})),
        ("named", '<tool name="search"> what is it </tool>', ToolCall("search", "what is it")),
        ("named", '<tool name="add">{"a": 1, "b": 2}</tool>', ToolCall("add", {"a": 1, "b": 2})),
        ("tagged", "<search>what is it</search>", ToolCall("search", "what is it")),
        ("tagged", "<search>{not json</search>", ToolCall("search", "{not json")),
    ],
)
def test_spellings_of_models(name, text, expected):
    assert read(name, text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>add 1 2</tool_call>",
        '<tool_call>["add"]</tool_call>',
        '<tool_call>{"name": 3}</tool_call>',
        '<tool_call>{"name": "add", "arguments": [1]}</tool_call>',
        '<tool_call>{"name": "add", "arguments": {"a": NaN}}</tool_call>',
        "<tool_call>" + '{"a":' * 5_000,
    ],
)
def test_a_malformed_call_is_a_call_with_a_problem(text):
    (call,) = read("hermes", text)
    assert call.problem


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no call",
        '```json\n{"name": "add", "arguments": {"a": 1, "b": 2}}\n```',
        '{"name": "add", "arguments": {"a": 1, "b": 2}}',
        '<think><tool_call>{"name": "add"}</tool_call><search>x</search></think>done',
        "<answer>search</answer>",
    ],
)
@pytest.mark.parametrize("name", IN_TEXT)
def test_answers_and_thoughts_are_no_calls(name, text):
    assert read(name, text) == []


def test_calls_of_different_tools_keep_their_order():
    text = "<search>one</search><add>{}</add><search>two</search>"
    assert [call.name for call in read("tagged", text)] == ["search", "add", "search"]


@pytest.mark.parametrize("name", IN_TEXT)
def test_one_message_holds_a_bounded_number_of_calls(name):
    written = FORMATS[name].write(ToolCall("search", {"query": "x"}))
    assert len(read(name, written * 1_000)) == MAX_CALLS


@pytest.mark.parametrize("name", IN_TEXT)
@pytest.mark.parametrize("piece", ["<tool_call>", '<tool name="', "<search>", "</search>", "<", "{", '{"name": "a"}'])
def test_garbage_takes_linear_time(name, piece):
    def seconds(size):
        text = piece * (size // len(piece))
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            read(name, text)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(1_000_000) < 40 * seconds(100_000) + 0.05


@pytest.mark.parametrize("depth", [60, 900, 100_000])
def test_parsed_arguments_have_the_limits_of_text(depth):
    arguments = {}
    for _ in range(depth):
        arguments = {"a": arguments}
    call = {"id": "c", "function": {"name": "echo", "arguments": arguments}}
    (read,) = Reply.from_message({"tool_calls": [call]}).tool_calls
    assert "not JSON" in read.problem
    assert length(Reply("", [read])) < 200
    while arguments:  # a garbage collector that calls itself would come to its limit
        arguments = arguments["a"]


def test_native_calls_are_read_from_messages():
    message = {
        "content": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1, "b": 2}'}},
            {"id": "c2", "function": {"name": "add", "arguments": "{"}},
            {"id": "c3", "function": {"name": "add", "arguments": "[1]"}},
            {"id": "c4"},
            None,
        ],
    }
    reply = Reply.from_message(message)
    assert (reply, reply.tool_calls[0]) == ("", ToolCall("add", {"a": 1, "b": 2}, "c1"))
    assert [bool(call.problem) for call in reply.tool_calls] == [False, True, True, True, True]
    sent = assistant_message(Reply("x", reply.tool_calls[:1]))
    assert sent["content"] == "x"
    assert json.loads(sent["tool_calls"][0]["function"]["arguments"]) == {"a": 1, "b": 2}
    assert "tool_calls" not in assistant_message("x")
    assert FORMATS["native"].read(FORMATS["hermes"].write(reply.tool_calls[0]), TOOLS) == []


def test_every_format_tells_the_agent_of_tools_and_costs():
    for name in IN_TEXT:
        told = FORMATS[name].describe([SEARCH, ADD])
        assert "search" in told
        assert "query" in told
        assert "It costs 0.5." in told
    assert FORMATS["native"].describe([SEARCH]) == ""
    assert SEARCH.schema["function"]["parameters"] == ONE


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "query"),
        ({"query": 3}, "query"),
        ("text for two", "takes the arguments a, b"),
    ],
)
def test_arguments_are_checked_before_a_tool_runs(arguments, problem):
    with pytest.raises(ToolError, match=problem):
        (ADD if isinstance(arguments, str) else SEARCH).check(arguments)
    assert SEARCH.check("text") == {"query": "text"}


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "a b"},
        {"cost": -1.0},
        {"cost": float("nan")},
        {"parameters": {"type": "array"}},
        {"parameters": {"type": "object", "no_such_keyword": 1}},
    ],
)
def test_a_tool_that_cannot_work_is_refused(changed):
    with pytest.raises(ValueError):
        Tool(**({"name": "x", "description": "", "parameters": ONE, "run": str} | changed))


@pytest.mark.parametrize("tools", [None, ["search"], "search"])
def test_a_toolbox_takes_tools_only(tools):
    with pytest.raises(TypeError, match="make_tools must return a list of Tool"):
        ToolBox(tools)


def test_a_tool_that_returns_no_text_is_a_failure_of_ours():
    toolbox = ToolBox([Tool("count", "Counts.", {"type": "object"}, lambda: 3)])
    with pytest.raises(TypeError, match="the tool count returned int"):
        toolbox.run(Account(), [ToolCall("count")], 1)
