import asyncio
import importlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import gymnasium
import pytest

vf = pytest.importorskip("verifiers.v1")
from verifiers.v1.cli.eval.runner import run_eval
from verifiers.v1.configs.cli.eval import EvalConfig

from infinite_rl import RewardFunctionScore, Task, ToolEnv
from infinite_rl.datasets.task import TaskList
from infinite_rl.envs.adapters.rows import make_text_env
from infinite_rl.envs.adapters.verifiers import TextTask, TextTaskset, TextTasksetConfig, export
from infinite_rl.envs.tools.builtin import calculator

ID = "InfiniteRL/Math-v0"


@pytest.fixture
def endpoint():
    """A server in OpenAI's form: it says what ``answers`` has for the last user message."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.seen.append(body)
            asked = [message["content"] for message in body["messages"] if message["role"] == "user"][-1]
            if isinstance(asked, list):
                asked = asked[0]["text"]
            message = {"role": "assistant", "content": server.answers.get(asked, "no")}
            reply = {
                "id": "1",
                "object": "chat.completion",
                "created": 0,
                "model": body["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            }
            data = json.dumps(reply).encode()
            kind = "application/json"
            if body.get("stream"):
                chunk = reply | {"object": "chat.completion.chunk"}
                chunk["choices"] = [{"index": 0, "delta": message, "finish_reason": "stop"}]
                data = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode()
                kind = "text/event-stream"
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.answers, server.seen = {}, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def evaluate(endpoint, tmp_path, taskset, fine=True, **env):
    """The traces of verifiers' own evaluation, in the order of the tasks."""
    config = EvalConfig(
        env={"taskset": taskset, "agent": {"harness": {"id": "null"}, "runtime": {"type": "subprocess"}}} | env,
        model="none",
        client={"base_url": f"http://127.0.0.1:{endpoint.server_port}/v1", "api_key_var": "FAKE_KEY"},
        push=False,
        rich=None,
        output_dir=tmp_path / "outputs",
    )
    episodes = asyncio.run(run_eval(config))
    traces = [trace for episode in episodes for trace in episode.traces]
    assert not fine or [trace.errors for trace in traces] == [[]] * len(traces)
    return sorted(traces, key=lambda trace: trace.task.data.task_index)


def taskset(count=3, **arguments):
    config = TextTasksetConfig(env=ID, num_tasks=count, start=2, arguments=arguments)
    return TextTaskset(config)


def test_the_taskset_holds_the_tasks_and_not_the_answers():
    env = make_text_env(ID, level=2)
    tasks = list(taskset(level=2))
    assert [task.data.prompt for task in tasks] == [env.tasks.task(index).prompt for index in (2, 3, 4)]
    for task in tasks:
        assert isinstance(task, TextTask)
        assert env.tasks.task(task.data.task_index).answer not in json.dumps(task.data.task_index)


@pytest.mark.parametrize("id", ["", "single_agent"])
def test_verifiers_scores_an_exported_package(endpoint, tmp_path, monkeypatch, id):
    monkeypatch.setenv("FAKE_KEY", "none")
    name = f"infinite_math_{id}"
    export(tmp_path / name, ID, 3, start=1, level=2, split="test")
    assert "infinite-rl" in (tmp_path / name / "pyproject.toml").read_text()
    monkeypatch.syspath_prepend(tmp_path / name)
    importlib.invalidate_caches()
    env = make_text_env(ID, level=2, split="test")
    for index in (1, 3):
        endpoint.answers[env.tasks.task(index).prompt] = f"It is <answer>{env.tasks.task(index).answer}</answer>."
    traces = evaluate(endpoint, tmp_path, {"id": name}, **({"id": id} if id else {}))
    assert [trace.rewards["correctness"].value for trace in traces] == [1.0, 0.0, 1.0]
    assert [trace.metrics["format"] for trace in traces] == [1.0, 0.0, 1.0]
    sys.modules.pop(name, None)


class SumEnv(ToolEnv):
    """Compute."""

    def make_tools(self):
        return [calculator(cost=0.1)]

    def grade(self, task, response):
        if task.answer == "broken":
            raise OSError("no disk")
        return RewardFunctionScore.scored(float(task.answer in response))


CALL = '<tool_call>{"name": "calculator", "arguments": {"expression": "2^64"}}</tool_call>'


@pytest.fixture
def sums(monkeypatch, tmp_path):
    monkeypatch.setenv("FAKE_KEY", "none")
    tasks = [Task.ask("What is 2^64?", answer, id="power", domain="sums") for answer in (str(2**64), "broken")]
    gymnasium.register("Sums-v0", entry_point=lambda: SumEnv(TaskList(tasks), budget=0.5))
    export(tmp_path / "infinite_sums", "Sums-v0", 1)
    monkeypatch.syspath_prepend(tmp_path / "infinite_sums")
    importlib.invalidate_caches()
    yield {"id": "infinite_sums"}
    sys.modules.pop("infinite_sums", None)
    del gymnasium.registry["Sums-v0"]


def test_several_turns(endpoint, tmp_path, sums):
    endpoint.answers = {"What is 2^64?": CALL, str(2**64): f"It is {2**64}."}
    (trace,) = evaluate(endpoint, tmp_path, sums)
    assert trace.reward == 1.0
    assert trace.num_turns == 2
    # Where verifiers' own env asks one answer, the call is the answer, and is graded as one.
    (trace,) = evaluate(endpoint, tmp_path / "single", sums, id="single_agent")
    assert (trace.reward, trace.num_turns) == (0.0, 1)


def test_a_failure_of_ours_is_an_error_and_no_reward(endpoint, tmp_path, sums):
    (trace,) = evaluate(endpoint, tmp_path, sums | {"start": 1}, fine=False)
    assert trace.rewards == {"correctness": None}
    assert "no disk" in trace.errors[0].message


def test_what_cannot_be_exported_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no name of a Python module"):
        export(tmp_path / "infinite-math", ID, 3)
    with pytest.raises(TypeError, match="JSON"):
        export(tmp_path / "infinite_math", ID, 3, operations={"add"})
