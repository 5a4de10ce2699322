import json
import sys
import threading
from pathlib import Path

import gymnasium
import pytest

from infinite_rl import RewardFunctionScore, Task, TextEnv, cli
from infinite_rl.datasets.task import TaskList
from infinite_rl.envs.agent_loop import AgentLoop, summarize
from infinite_rl.envs.local_search.environment import LocalSearchEnv
from infinite_rl.envs.playing import INTERRUPTED, model_plays
from infinite_rl.envs.tool_env import ToolEnv
from infinite_rl.envs.tools.tool import Tool
from infinite_rl.runtimes import Budget, ChatEndpoint, EndpointError
from infinite_rl.wrappers import SystemPrompt, ToolUse

sys.path.insert(0, str(Path(__file__).parents[1] / "runtimes"))
from chat_server import completion, serving

WORDS = ("Ulm", "Rom", "Riga", "Oslo")
TASKS = TaskList([Task.ask(f"Say {word}.", word, id=word, domain="say") for word in WORDS])
WORD = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("infinite_rl.runtimes.endpoint._wait", lambda cut, seconds: None)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


class SayEnv(TextEnv):
    domain = "say"

    def grade(self, task, response):
        if response == "break":
            raise RuntimeError("the grader is broken")
        return RewardFunctionScore.scored(float(response == task.answer))


class LookUpEnv(ToolEnv):
    domain = "say"

    def make_tools(self):
        return [Tool("echo", "Says it again.", WORD, lambda word: word)]

    def grade(self, task, response):
        return RewardFunctionScore.scored(float(response == task.answer))


def asked(request):
    return request["messages"][0]["content"].removeprefix("Say ").removesuffix(".")


def played(env, answer, episodes=8, **arguments):
    with serving(answer) as server:
        loop = AgentLoop(env, ChatEndpoint(server.url, "tiny", retries=1), **arguments)
        return sorted(loop.play(episodes, seed=0), key=lambda result: result.number), server


def test_a_model_plays_and_its_right_answers_count():
    results, server = played(SayEnv(TASKS), lambda request: asked(request).replace("Rom", "Roma"), temperature=0.5)
    assert [result.number for result in results] == [*range(8)]
    assert {result.reward for result in results if result.task_id != "Rom"} == {1.0}
    assert {result.reward for result in results if result.task_id == "Rom"} <= {0.0}
    assert {(result.prompt_tokens, result.completion_tokens, result.turns) for result in results} == {(7, 3, 1)}
    assert {request["temperature"] for request in server.requests} == {0.5}
    assert all("tools" not in request for request in server.requests)
    assert results[0].messages[-1]["role"] == "assistant"


def test_a_seed_draws_the_same_tasks_at_any_concurrency_and_the_first_is_that_of_reset():
    env = SayEnv(TASKS)
    runs = [[r.task_index for r in played(env, asked, 16, concurrency=threads)[0]] for threads in (1, 5)]
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == 4
    assert env.reset(seed=0)[1]["task_index"] == runs[0][0]


class Halved(gymnasium.RewardWrapper):
    """Counts its own episodes, so two threads must not share it."""

    turns = 0

    def reset(self, **arguments):
        self.turns = 0
        return super().reset(**arguments)

    def step(self, action):
        self.turns += 1
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, reward - 0.125 * self.turns, terminated, truncated, info

    def reward(self, reward):
        return reward / 2


def test_wrappers_are_played_too():
    env = Halved(SystemPrompt(SayEnv(TASKS), "Speak up."))
    barrier = threading.Barrier(4, timeout=60)

    def answer(request):
        assert request["messages"][0] == {"role": "system", "content": "Speak up."}
        barrier.wait()
        return request["messages"][1]["content"].removeprefix("Say ").removesuffix(".")

    results, _ = played(env, answer, 8, concurrency=4)
    assert [(result.reward, result.turns, result.status) for result in results] == [(0.375, 1, "scored")] * 8
    assert {result.messages[0]["content"] for result in results} == {"Speak up."}
    assert env.turns == 0


def test_tools_of_a_wrapper_are_offered_and_run():
    def answer(request):
        assert request["tools"][0]["function"]["name"] == "calculator"
        if request["messages"][-1]["role"] == "tool":
            return {"42": asked(request)}[request["messages"][-1]["content"]]
        call = {"name": "calculator", "arguments": '{"expression": "6*7"}'}
        return 200, completion(None, tool_calls=[{"id": "c1", "type": "function", "function": call}]), {}

    results, _ = played(ToolUse(SayEnv(TASKS), ["calculator"], tool_format="native"), answer)
    assert {(result.reward, result.turns) for result in results} == {(1.0, 2)}


def test_what_a_wrapper_cuts_off_was_not_graded():
    class ChattyEnv(SayEnv):
        def respond(self, episode, action):
            episode.messages += [{"role": "assistant", "content": action}, {"role": "user", "content": "Go on."}]

    results, _ = played(gymnasium.wrappers.TimeLimit(ChattyEnv(TASKS), 2), asked, 4)
    assert {(result.status, result.reward, result.turns, result.counts) for result in results} == {
        ("timeout", 0.0, 2, True)
    }


def test_a_turn_limit_is_told_and_leaves_the_environment_as_it_was():
    env = LocalSearchEnv()
    results, server = played(env, lambda request: "hm", 4, max_turns=2)
    assert {result.turns for result in results} == {2}
    assert all("You have 2 turns; the best" in str(request["messages"][0]) for request in server.requests)
    assert env.max_turns is None


def test_a_wrapper_that_cannot_be_copied_is_refused():
    env = Halved(SayEnv(TASKS))
    env.lock = threading.Lock()
    with serving(asked) as server, pytest.raises(TypeError, match="a wrapper can't be copied: cannot pickle"):
        list(AgentLoop(env, ChatEndpoint(server.url, "tiny")).play(4))
    with pytest.raises(TypeError, match="an agent plays text environments, not CartPoleEnv"):
        AgentLoop(gymnasium.make("CartPole-v1"), ChatEndpoint(server.url, "tiny"))


def test_what_the_environment_holds_is_shared_by_the_threads():
    env = SayEnv(TASKS)
    env.lock = threading.Lock()
    assert {result.reward for result in played(env, asked, 16)[0]} == {1.0}


def test_tasks_can_be_named():
    with serving(asked) as server:
        loop = AgentLoop(SayEnv(TASKS), ChatEndpoint(server.url, "tiny"))
        assert sorted(result.task_id for result in loop.play(9, task_indices=range(4))) == sorted(WORDS)


def test_episodes_are_played_at_the_same_time():
    barrier = threading.Barrier(4, timeout=60)

    def answer(request):
        barrier.wait()
        return asked(request)

    results, _ = played(SayEnv(TASKS), answer, concurrency=4)
    assert all(result.reward == 1.0 for result in results)


def test_native_calls_are_run_and_their_results_sent_back():
    def answer(request):
        assert request["tools"][0]["function"]["name"] == "echo"
        if request["messages"][-1]["role"] == "tool":
            assert request["messages"][-2]["tool_calls"][0]["id"] == request["messages"][-1]["tool_call_id"] == "c1"
            return request["messages"][-1]["content"]
        call = {"name": "echo", "arguments": json.dumps({"word": asked(request)})}
        return 200, completion(None, tool_calls=[{"id": "c1", "type": "function", "function": call}]), {}

    results, _ = played(LookUpEnv(TASKS, tool_format="native"), answer)
    assert {(result.reward, result.turns, result.prompt_tokens) for result in results} == {(1.0, 2, 14)}


def test_more_calls_than_are_read_leave_no_call_without_a_result():
    def answer(request):
        roles = [message["role"] for message in request["messages"]]
        if roles[-1] == "tool":
            calls = next(message["tool_calls"] for message in request["messages"] if message.get("tool_calls"))
            assert len(calls) == roles.count("tool")
            return "enough"
        call = {"name": "echo", "arguments": "{"}
        calls = [{"id": f"c{i}", "type": "function", "function": call} for i in range(99)]
        return 200, completion("", tool_calls=calls), {}

    results, _ = played(LookUpEnv(TASKS, tool_format="native"), answer, 1)
    assert results[0].status == "scored"


def test_what_we_or_the_server_fail_at_is_no_wrong_answer():
    def answer(request):
        word = asked(request)
        return {"Ulm": "break", "Rom": (400, {"error": {}}, {}), "Riga": "Riga"}.get(word, "wrong")

    with serving(answer) as server:
        results = list(AgentLoop(SayEnv(TASKS), ChatEndpoint(server.url, "tiny")).play(4, task_indices=range(4)))
    statuses = {result.task_id: result.status for result in results}
    assert statuses == {"Ulm": "error", "Rom": "endpoint_error", "Riga": "scored", "Oslo": "scored"}
    summary = summarize(results, 1.0)
    assert (summary["counted"], summary["mean_reward"]) == (2, 0.5)
    assert summary["by_status"] == {"scored": 2, "error": 1, "endpoint_error": 1}


def test_a_dead_server_is_given_up_after_some_episodes():
    with serving(lambda request: (401, {"error": {"message": "who?"}}, {})) as server:
        loop = AgentLoop(SayEnv(TASKS), ChatEndpoint(server.url, "tiny"), concurrency=2, patience=3)
        results = []
        with pytest.raises(EndpointError, match=r"3 episodes in a row.*who"):
            results.extend(result for result in loop.play(1_000, seed=0))
        assert len(server.requests) < 50


def test_a_spent_budget_ends_the_run():
    with serving(asked) as server:
        endpoint = ChatEndpoint(server.url, "tiny", budget=Budget(calls=3))
        results = []
        with pytest.raises(EndpointError, match="budget of 3 calls"):
            for result in AgentLoop(SayEnv(TASKS), endpoint, concurrency=1).play(100, seed=0):
                results.append(result)
        assert [result.status for result in results] == ["scored"] * 3


def test_calls_that_are_no_list_are_a_failure_of_the_server():
    results, _ = played(SayEnv(TASKS), lambda request: (200, completion("x", tool_calls=3), {}), 1)
    assert results[0].status == "endpoint_error"
    assert "tool_calls are no list" in results[0].error_msg


def test_who_stops_to_iterate_ends_the_run():
    with serving(asked) as server:
        playing = AgentLoop(SayEnv(TASKS), ChatEndpoint(server.url, "tiny"), concurrency=2).play(10_000, seed=0)
        next(playing)
        playing.close()
        assert list(playing) == []
    assert len(server.requests) < 10_000


def test_an_interrupt_shows_what_has_ended(capsys, tmp_path, monkeypatch):
    with serving(asked) as server:
        loop = AgentLoop(SayEnv(TASKS), ChatEndpoint(server.url, "tiny"), concurrency=1)
        play = loop.play

        def interrupted(*args, **kwargs):
            for count, result in enumerate(play(*args, **kwargs)):
                if count == 3:
                    raise KeyboardInterrupt
                yield result

        monkeypatch.setattr(loop, "play", interrupted)
        out = tmp_path / "new" / "out.jsonl"
        assert model_plays(loop, episodes=100, seed=0, out=out) == INTERRUPTED
    output = capsys.readouterr()
    assert "1.000" in output.out
    assert "Interrupted" in output.err
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["reward"] for row in rows] == [1.0] * 3
    assert "answer" not in rows[0]
    assert rows[0]["messages"][-1] == {"role": "assistant", "content": rows[0]["task_id"]}


def test_the_command_plays(capsys):
    with serving(lambda request: "<answer>\x1b[31m7</answer>") as server:
        flags = ["--base-url", server.url, "--model", "tiny", "--episodes", "3", "--seed", "1", "--max-tokens", "9"]
        assert cli.main(["play", "InfiniteRL/Math-v0", *flags, "--json", "--level", "1"]) == 0
    assert {request["max_tokens"] for request in server.requests} == {9}
    *episodes, summary = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [episode["event"] for episode in episodes] == ["episode"] * 3
    assert (summary["event"], summary["episodes"], summary["counted"]) == ("summary", 3, 3)


def test_the_command_plays_the_wrappers_of_an_id(capsys, monkeypatch):
    spec = SystemPrompt(gymnasium.make("InfiniteRL/Math-v0"), "Be brief.").spec
    spec.name = "Brief"
    monkeypatch.setitem(gymnasium.registry, spec.id, spec)
    with serving(lambda request: "<answer>7</answer>") as server:
        flags = ["--base-url", server.url, "--model", "tiny", "--episodes", "2"]
        assert cli.main(["play", spec.id, *flags, "--json"]) == 0
    assert {request["messages"][0]["content"] for request in server.requests} == {"Be brief."}
    assert capsys.readouterr().out.count('"scored"') == 3


def test_a_run_in_which_nothing_counts_fails(capsys):
    with serving(lambda request: (404, {"error": {"message": "no \x1b[31mmodel"}}, {})) as server:
        flags = ["--base-url", server.url, "--model", "tiny", "--episodes", "2"]
        assert cli.main(["play", "InfiniteRL/Math-v0", *flags]) == 1
    output = capsys.readouterr()
    assert "none counts" in output.out
    assert "no ␛[31mmodel" in " ".join(output.err.split())


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--model", "tiny"], "go together"),
        (["--base-url", "http://localhost:1/v1"], "go together"),
        (["--base-url", "ftp://x", "--model", "tiny"], "base_url"),
        (["--base-url", "http://x/v1", "--model", "tiny", "--concurrency", "0"], "concurrency must be at least 1"),
        (["--base-url", "http://x/v1", "--model", "tiny", "--max-turns", "0"], "max_turns must be at least 1"),
        (["--base-url", "http://x/v1", "--model", "tiny", "--wrap"], "--wrap is for people"),
        (["--tool-format", "native"], "Math-v0 has no tools"),
        (["--base-url", "http://x/v1", "--model", "tiny", "--out", "no/such/x.jsonl"], "there is no folder no"),
    ],
)
def test_wrong_arguments_are_one_line(flags, says, capsys):
    assert cli.main(["play", "InfiniteRL/Math-v0", *flags]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1
