import json
import re
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gymnasium
import pytest

from infinite_rl import RewardFunctionScore, Task, TextEnv
from infinite_rl.datasets.task import TaskList
from infinite_rl.envs.http.server import HttpLimits
from infinite_rl.envs.tool_env import ToolEnv
from infinite_rl.envs.tools.tool import Tool

sys.path.insert(0, str(Path(__file__).parent))
from serving_client import Client, serving, wait_for

MATH = "InfiniteRL/Math-v0"
WORD = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
WORDS = ("secret-Ulm", "secret-Rom", "secret-Riga")


class GuessEnv(ToolEnv):
    """Guess the word."""

    domain = "guess"

    def make_source(self, split="train", file=None):
        if split == "none":
            raise ValueError("split must be train")
        return TaskList([Task.ask(f"Guess word {i}.", word, id=f"{i}", domain="guess") for i, word in enumerate(WORDS)])

    def make_tools(self):
        return [Tool("echo", "Says it again.", WORD, lambda word: word)]

    def grade(self, task, response):
        if response == "break":
            raise RuntimeError(f"the answer is {task.answer}")
        return RewardFunctionScore.scored(float(response == task.answer))


class SlowEnv(TextEnv):
    """Waits."""

    entered, leave = threading.Semaphore(0), threading.Event()

    def make_source(self):
        return TaskList([Task.ask("Wait.", "", id="wait", domain="slow")])

    def grade(self, task, response):
        self.entered.release()
        assert self.leave.wait(60)
        return RewardFunctionScore.scored(1.0)


class EndlessEnv(TextEnv):
    """Never ends."""

    def make_source(self):
        return TaskList([Task.ask("Talk.", "", id="talk", domain="talk")])

    def respond(self, episode, action):
        episode.messages += [{"role": "assistant", "content": action}, {"role": "user", "content": "Go on."}]

    def grade(self, task, response):
        return RewardFunctionScore.scored(0.5)


@pytest.fixture(autouse=True)
def environments():
    for name, entry_point in (("Guess-v0", GuessEnv), ("Slow-v0", SlowEnv), ("Endless-v0", EndlessEnv)):
        gymnasium.register(f"Test/{name}", entry_point=entry_point)
    SlowEnv.leave.clear()
    yield
    for name in ("Guess-v0", "Slow-v0", "Endless-v0"):
        del gymnasium.registry[f"Test/{name}"]


@pytest.fixture
def client():
    with serving("Test/Guess-v0", MATH, limit=4) as found:
        yield found


def test_an_episode_with_the_right_answer(client):
    started = client.ok("/reset", options={"task_index": 0}, episode_id="mine")
    id = started["session_id"]
    assert started["reward"] is None
    assert started["done"] is False
    assert started["observation"]["text"].endswith("Guess word 0.")
    assert [message["role"] for message in started["observation"]["messages"]] == ["system", "user"]
    assert started["observation"]["info"]["task_id"] == "0"
    ended = client.ok("/step", session_id=id, action=WORDS[0])
    assert (ended["reward"], ended["done"], ended["observation"]["info"]["status"]) == (1.0, True, "scored")
    assert ended["observation"]["info"]["components"] == {"format": 1.0, "correctness": 1.0}
    _, state = client.get(f"/state?session_id={id}")
    assert (state["episode_id"], state["step_count"], state["done"], state["reward"]) == ("mine", 1, True, 1.0)
    assert state["messages"][-1] == {"role": "assistant", "content": WORDS[0]}
    assert client.ok("/close", session_id=id)["closed"] is True
    assert client.post("/step", {"session_id": id, "action": "x"})[0] == 404


def test_equal_seeds_and_arguments_open_equal_episodes(client):
    def opened(**request):
        return client.ok("/reset", env=MATH, **request)["observation"]

    first = opened(seed=3, arguments={"level": 2, "split": "test"})
    assert opened(seed=3, arguments={"level": 2, "split": "test"}) == first
    assert opened(seed=4, arguments={"level": 2, "split": "test"}) != first
    made = gymnasium.make(MATH, level=2, split="test")
    assert made.reset(seed=3)[0] == first["text"]


def test_a_session_goes_on_with_new_episodes(client):
    id = client.ok("/reset", env=MATH, seed=5)["session_id"]
    tasks = [client.ok("/reset", session_id=id)["observation"]["info"]["task_index"] for _ in range(4)]
    assert len(set(tasks)) == 4
    assert len(client.server.sessions) == 1
    again = client.ok("/reset", env=MATH, seed=5, session_id=id)["observation"]["info"]["task_index"]
    assert again == gymnasium.make(MATH).reset(seed=5)[1]["task_index"]


@pytest.mark.parametrize("name", ["action", "message"])
def test_tools_are_called_as_openai_s_messages_have_it(client, name):
    assert client.get("/tools?env=Test/Guess-v0")[1]["tools"][0]["function"]["name"] == "echo"
    assert client.get(f"/tools?env={MATH}")[1] == {"tools": []}
    id = client.ok("/reset", options={"task_index": 0})["session_id"]
    assert client.get(f"/tools?session_id={id}")[1]["tools"][0]["function"]["parameters"] == WORD
    call = {"id": "c1", "type": "function", "function": {"name": "echo", "arguments": '{"word": "hi"}'}}
    found = client.ok("/step", session_id=id, **{name: {"role": "assistant", "content": None, "tool_calls": [call]}})
    assert found["done"] is False
    result = {"role": "tool", "name": "echo", "tool_call_id": "c1", "content": "hi"}
    assert found["observation"]["messages"] == [result]
    assert client.get(f"/state?session_id={id}")[1]["messages"][-2]["tool_calls"] == [call]


@pytest.mark.parametrize("action", [{"text": WORDS[0]}, {"content": WORDS[0]}, {"content": [{"text": WORDS[0]}]}])
def test_actions_may_be_objects(client, action):
    id = client.ok("/reset", options={"task_index": 0})["session_id"]
    assert client.ok("/step", session_id=id, action=action)["reward"] == 1.0


def test_the_expected_answer_never_leaves(client):
    seen = []
    for action in ("wrong", "break", "x" * 300_000, ""):
        id = client.ok("/reset", options={"task_index": 0})["session_id"]
        seen += [client.ok("/step", session_id=id, action=action), client.get(f"/state?session_id={id}")]
        seen.append(client.ok("/close", session_id=id))
    seen += [client.get(path) for path in ("/metadata", "/schema", "/openapi.json", "/tools")]
    assert "secret" not in json.dumps(seen)
    assert seen[3]["observation"]["info"]["status"] == "error"


REFUSED = [
    ("/reset", {"env": "CartPole-v1"}, 404, "not offered"),
    ("/reset", {"env": 7}, 422, '"env" must be a text'),
    ("/reset", {"arguments": {"tasks": "/etc/passwd"}}, 422, "'tasks' is not for clients"),
    ("/reset", {"arguments": {"file": "/etc/passwd"}}, 422, "'file' is not for clients"),
    ("/reset", {"arguments": {"split": "none"}}, 422, "split must be train"),
    ("/reset", {"arguments": {"tool_format": "fenced"}}, 422, "tool_format must be"),
    ("/reset", {"arguments": []}, 422, '"arguments" must be an object'),
    ("/reset", {"seed": "1"}, 422, '"seed" must be an integer'),
    ("/reset", {"seed": True}, 422, '"seed" must be an integer'),
    ("/reset", {"seed": -1}, 422, "seed must be from 0"),
    ("/reset", {"seed": 10**30}, 422, "seed must be from 0"),
    ("/reset", {"options": {"task_index": 3}}, 422, "task_index must be from 0 to 2"),
    ("/reset", {"options": {"task_index": "0"}}, 422, "task_index must be an integer"),
    ("/reset", {"options": {"domain": 3}}, 422, '"domain" must be a text'),
    ("/reset", {"options": {"answer": 1}}, 422, "unknown reset option"),
    ("/reset", {"session_id": "nobody's"}, 404, "no such session"),
    ("/reset", {"episode_id": "x" * 256}, 422, "255 characters"),
    ("/step", {"action": "x"}, 422, '"session_id" is missing'),
    ("/step", {"session_id": "nobody's", "action": "x"}, 404, "no such session"),
    ("/step", {"session_id": "OWN"}, 422, 'either "action" or "message"'),
    ("/step", {"session_id": "OWN", "action": "x", "message": {}}, 422, 'either "action" or "message"'),
    ("/step", {"session_id": "OWN", "action": 3}, 422, "an action is a text"),
    ("/step", {"session_id": "OWN", "action": {}}, 422, "an action is a text"),
    ("/step", {"session_id": "OWN", "action": {"role": "system", "content": "x"}}, 422, "assistant's message"),
    ("/step", {"session_id": "OWN", "action": {"content": {}}}, 422, '"content" must be a text'),
    ("/step", {"session_id": "OWN", "action": {"content": [{}]}}, 422, '"content" must be a text'),
    ("/step", {"session_id": "OWN", "action": {"content": "", "tool_calls": 3}}, 422, "must be a list"),
    ("/reset", {"session_id": "OWN", "env": MATH}, 422, "keeps its environment"),
    ("/reset", {"session_id": "OWN", "arguments": {"level": 2}}, 422, "keeps its environment"),
    ("/close", {"session_id": 3}, 422, '"session_id" must be a text'),
    ("/reset", {"arguement": {}}, 422, "unknown member 'arguement'; known: session_id, env, arguments, seed, options"),
    ("/step", {"session_id": "OWN", "action": "x", "reward": 1}, 422, "unknown member 'reward'; known: session_id, "),
    ("/step", {"session_id": "OWN", "action": {"text": "x", "content": "y"}}, 422, "unknown member 'content'"),
    ("/close", {"session_id": "OWN", "now": True}, 422, "unknown member 'now'; known: session_id"),
    ("/steps", {}, 404, "there is no such address"),
    ("/health", {}, 405, "/health takes GET"),
]


@pytest.mark.parametrize(("path", "body", "status", "says"), REFUSED)
def test_what_can_t_be_done_is_refused_in_json(client, path, body, status, says):
    own = client.ok("/reset")["session_id"]
    if body.get("session_id") == "OWN":
        body = body | {"session_id": own}
    found_status, found = client.post(path, body)
    assert (found_status, says in found["error"]["message"]) == (status, True), found
    assert client.ok("/step", session_id=own, action="the session lives")["done"]


@pytest.mark.parametrize("call", [3, None, {}, {"function": 3}, {"function": {"name": "echo", "arguments": "{"}}])
def test_malformed_calls_are_the_agent_s_affair(client, call):
    id = client.ok("/reset")["session_id"]
    found = client.ok("/step", session_id=id, action={"tool_calls": [call]})
    assert found["observation"]["text"].startswith("Error: ")
    assert found["done"] is False


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"\xff", {}, 400),
        (b'{"seed": 1, "seed": 2}', {}, 400),
        (b"[" * 100_000, {}, 400),
        (b'{"a": ' * 100 + b"1" + b"}" * 100, {}, 400),
        (b'{"seed": NaN}', {}, 400),
        (b'{"seed": ' + b"9" * 10_000 + b"}", {}, 400),
        (b"[]", {}, 422),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"x" * 2_000, {}, 413),
        (b"{}", {"Content-Length": "-2"}, 400),
        (b"{}", {"Content-Length": "+2"}, 400),
        (b"{}", {"Content-Length": "9" * 400}, 400),
        (b"0\r\n\r\n", {"Transfer-Encoding": "chunked"}, 411),
        (b"{}", {"Origin": "http://elsewhere"}, 403),
        (b"{}", {"Host": "elsewhere:80"}, 403),
    ],
)
def test_hostile_bodies_and_headers_are_refused(body, headers, status):
    with serving("Test/Guess-v0", limits=HttpLimits(1_000 if len(body) == 2_000 else 1 << 20)) as client:
        found, _, answer = client.raw("POST", "/reset", body, {"Content-Type": "application/json", **headers})
        assert (found, "message" in answer["error"]) == (status, True)
        assert Client(client.server).ok("/reset")["done"] is False


def exchange(server, sent):
    with socket.create_connection(server.server_address, timeout=60) as plain:
        plain.sendall(sent)
        plain.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: plain.recv(65_536), b""))


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
        (b"nonsense\r\n\r\n", b'"BAD_REQUEST"'),
        (b"DELETE /reset HTTP/1.1\r\nHost: localhost\r\n\r\n", b"501"),
        (b"GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
        (b"POST /reset HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", b"400"),
        (b"\x16\x03\x01\x02\x00\x01", b""),
    ],
)
def test_what_is_hardly_http_is_refused_and_the_server_lives(client, sent, status):
    assert status in exchange(client.server, sent)
    assert client.get("/health") == (200, {"status": "healthy"})


def test_a_request_that_trickles_is_cut_off():
    with serving("Test/Guess-v0", limits=HttpLimits(seconds=2)) as client:
        with socket.create_connection(client.server.server_address, timeout=60) as slow:
            slow.sendall(b"POST /reset HTTP/1.1\r\n")
            began = time.monotonic()
            with pytest.raises(OSError):
                while time.monotonic() - began < 60:
                    slow.sendall(b"A: b\r\n"[:1])
                    time.sleep(0.02)
        assert Client(client.server).get("/health")[0] == 200


def test_sessions_are_limited_and_idle_ones_end():
    with serving("Test/Guess-v0", limit=2) as client:
        for _ in range(2):
            client.ok("/reset")
        status, headers, found = client.raw("POST", "/reset")
        assert (status, found["error"]["code"], headers["Retry-After"]) == (503, "CAPACITY_REACHED", "1")
        client.server.sessions.idle_seconds = 0.1
        wait_for(lambda: not len(client.server.sessions))
        assert client.ok("/reset")["done"] is False


def test_connections_are_limited():
    with serving("Test/Guess-v0", limit=1, limits=HttpLimits(connections=3)) as client:
        plain = [socket.create_connection(client.server.server_address, timeout=60) for _ in range(3)]
        wait_for(lambda: client.server.connections == 3)
        assert b" 503 " in exchange(client.server, b"")
        for one in plain:
            one.close()
        wait_for(lambda: not client.server.connections)
        assert client.get("/health")[0] == 200


def test_environments_are_shared_by_sessions_and_closed_with_the_last(client):
    made = client.server.sessions.catalogue._made
    first, second = (client.ok("/reset", env=MATH, arguments={"level": 3})["session_id"] for _ in range(2))
    assert len(made) == 2
    client.ok("/close", session_id=first)
    assert len(made) == 2
    client.ok("/close", session_id=second)
    assert len(made) == 1
    assert client.post("/reset", {"env": MATH, "arguments": {"level": 3}, "options": {"task_index": -1}})[0] == 422
    assert len(made) == 1


def test_one_request_at_a_time_in_a_session_and_many_sessions_at_once():
    with serving("Test/Slow-v0") as client, ThreadPoolExecutor(8) as threads:
        ids = [client.ok("/reset")["session_id"] for _ in range(8)]
        steps = [
            threads.submit(lambda id=id: Client(client.server).ok("/step", session_id=id, action="")) for id in ids
        ]
        for _ in ids:
            assert SlowEnv.entered.acquire(timeout=60)
        status, found = client.post("/step", {"session_id": ids[0], "action": ""})
        assert (status, "at work" in found["error"]["message"]) == (409, True)
        SlowEnv.leave.set()
        assert [step.result()["reward"] for step in steps] == [1.0] * 8


def test_an_episode_without_a_turn_limit_ends_some_time():
    with serving("Test/Endless-v0") as client:
        id = client.ok("/reset")["session_id"]
        steps = [client.ok("/step", session_id=id, action="x") for _ in range(200)]
        assert [step["done"] for step in steps] == [False] * 199 + [True]
        assert steps[-1]["observation"]["info"]["truncated"]
        assert client.post("/step", {"session_id": id, "action": "x"})[0] == 409


def test_an_episode_holds_no_more_than_so_much_text(monkeypatch):
    monkeypatch.setattr("infinite_rl.envs.serving.sessions._MOST_TEXT", 1_000)
    with serving("Test/Endless-v0") as client:
        id = client.ok("/reset")["session_id"]
        statuses = [client.post("/step", {"session_id": id, "action": "x" * 400})[0] for _ in range(3)]
        assert statuses == [200, 200, 413]
        client.ok("/reset", session_id=id)
        client.ok("/step", session_id=id, action="x" * 400)


def test_a_token_is_asked_for_everywhere_but_for_health():
    with serving("Test/Guess-v0", token="s3cret") as client:
        assert client.get("/health")[0] == 200
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "s3cret"}, {"Authorization": "\xff"}):
            status, found = client.post("/reset", {}, **headers)
            assert (status, found["error"]["code"]) == (401, "UNAUTHORIZED")
            assert "s3cret" not in json.dumps(found)
        assert client.get("/ws")[0] == 401
        assert client.post("/reset", {}, Authorization="Bearer s3cret")[0] == 200


def test_the_server_describes_itself(client):
    _, found = client.get("/metadata")
    assert (found["name"], found["description"]) == ("Test/Guess-v0", "Guess the word.")
    assert found["environments"][1] == {"id": MATH, "asks": "Work out a math problem, by default arithmetic."}
    assert {"action", "observation", "state"} == client.get("/schema")[1].keys()
    assert {"/reset", "/step", "/state", "/tools"} <= client.get("/openapi.json")[1]["paths"].keys()
    assert client.post("/mcp", {"id": 3})[1]["jsonrpc"] == "2.0"


def test_requests_at_work_are_answered_when_the_server_ends():
    with serving("Test/Slow-v0") as client, ThreadPoolExecutor(1) as threads:
        id = client.ok("/reset")["session_id"]
        other = Client(client.server)
        step = threads.submit(lambda: other.ok("/step", session_id=id, action=""))
        assert SlowEnv.entered.acquire(timeout=60)
        client.server.shutdown()
        ending = threading.Thread(target=client.server.close, args=(60,))
        ending.start()
        SlowEnv.leave.set()
        assert step.result()["reward"] == 1.0
        ending.join(60)
        assert not ending.is_alive()
        assert not client.server.connections


def test_ids_of_ours_need_no_namespace():
    with serving("Math-v0", "Stub-v0") as client:
        assert client.ok("/reset", env="Stub-v0")["observation"]
        started = client.ok("/reset", env="InfiniteRL/Math-v0")
        assert client.ok("/reset", env="Math-v0", session_id=started["session_id"])["observation"]["text"]
        assert client.get("/tools?env=Stub-v0") == (200, {"tools": []})
        assert client.get("/reset")[1]["error"]["message"] == "/reset takes POST"
        assert client.post("/reset", {"env": "Coding-v0"})[0] == 404


def test_every_code_of_a_refusal_is_documented():
    root = Path(__file__).resolve().parents[3]
    sources = [*(root / "envs" / "http").glob("*.py"), *(root / "envs" / "serving").glob("*.py")]
    codes = {code for path in sources for code in re.findall(r'"([A-Z_]{7,})"', path.read_text("utf-8"))}
    page = (root / "docs" / "serving.md").read_text("utf-8")
    assert len(codes) >= 15
    assert not {code for code in codes if f"`{code}`" not in page}
