import asyncio
import pickle
import threading
from functools import partial

import cloudpickle
import pytest

from infinite_rl import RewardFunctionScore, Task, TextVectorEnv
from infinite_rl.datasets.task import TaskList
from infinite_rl.envs.search import SearchEnv
from infinite_rl.envs.self_verification import SelfVerificationEnv
from infinite_rl.envs.tool_env import ToolEnv
from infinite_rl.envs.tools.reply import Reply
from infinite_rl.envs.tools.tool import Tool, ToolCall, ToolError
from infinite_rl.envs.tools.toolbox import MAX_RESULT
from infinite_rl.rewards import Status

TASKS = TaskList([Task.ask(f"How far is it to {name}?", name, id=name, domain="far") for name in ("Ulm", "Rom")])
NOTHING = {"type": "object", "properties": {}}
WORD = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}


def grumble():
    raise ToolError("not today")


def explode():
    raise RuntimeError("the server is gone")


class FarEnv(ToolEnv):
    domain = "far"

    def make_tools(self):
        return [
            Tool("echo", "Says it again.", WORD, lambda word: word, cost=0.4),
            Tool("long", "Says much.", NOTHING, lambda: "x" * (MAX_RESULT + 9)),
            Tool("grumble", "Refuses.", NOTHING, grumble, cost=0.4),
            Tool("explode", "Breaks.", NOTHING, explode),
        ]

    def grade(self, task, response):
        return RewardFunctionScore.scored(float(response == task.answer))


def call(name, **arguments):
    return FarEnv(TASKS).toolbox.format.write(ToolCall(name, arguments))


def started(**arguments):
    env = FarEnv(TASKS, **arguments)
    env.reset(options={"task_index": 0})
    return env


def test_an_episode_with_calls():
    env = FarEnv(TASKS, budget=1.0)
    observation, _ = env.reset(options={"task_index": 0})
    assert '"echo"' in observation
    assert "budget of 1 " in observation
    assert observation.endswith("How far is it to Ulm?")
    observation, reward, terminated, truncated, info = env.step(f"First {call('echo', word='A')} {call('long')}")
    assert observation == "A\n\n" + "x" * MAX_RESULT + f"\n[cut after {MAX_RESULT:,} characters]"
    assert (reward, terminated, truncated) == (0.0, False, False)
    assert [message["role"] for message in info["messages"]] == ["system", "user", "assistant", "tool", "tool"]
    assert len({message["tool_call_id"] for message in info["messages"][3:]}) == 2
    observation, reward, terminated, truncated, info = env.step("Ulm")
    assert (observation, reward, terminated, truncated) == ("", 1.0, True, False)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (call("nothing"), "Error: there is no tool 'nothing'; there are echo, long, grumble, explode"),
        (call("echo"), "Error: the arguments of echo don't fit"),
        (call("grumble"), "Error: not today"),
        ("<tool_call>oops</tool_call>", "Error: the call is not JSON"),
    ],
)
def test_what_the_agent_gets_wrong_comes_back_as_a_message(action, message):
    env = started()
    observation, _, terminated, truncated, _ = env.step(action)
    assert observation.startswith(message)
    assert not terminated
    assert not truncated
    assert env.step("Ulm")[1] == 1.0


def test_a_tool_that_breaks_is_a_failure_of_ours():
    _, reward, terminated, truncated, info = started().step(call("explode"))
    assert (reward, terminated, truncated, info["status"]) == (0.0, False, True, Status.ERROR)


def test_a_spent_budget_ends_the_episode_and_is_not_exceeded():
    env = started(budget=0.8)
    assert env.step(call("echo", word="A") + call("echo"))[0].startswith("A")  # the second can't be run: it is free
    assert not env.step(call("grumble"))[2]  # it was run, so it costs
    observation, reward, terminated, truncated, info = env.step(call("echo", word="B"))
    assert (observation, reward, terminated, truncated) == ("The budget is spent.", 0.0, True, False)
    assert info["status"] == Status.SCORED


def test_the_turn_limit_truncates():
    env = started(max_turns=2)
    assert not env.step(call("long"))[3]
    assert env.step(call("long"))[2:4] == (False, True)


@pytest.mark.parametrize("arguments", [{"max_turns": 1}, {"budget": 0.1}])
@pytest.mark.parametrize("make", [SearchEnv, partial(SelfVerificationEnv, costs={"calculator": 1.0})])
def test_an_answer_beside_a_call_is_never_graded(make, arguments):
    """A turn with a call is a tool turn, also where the turn limit or the budget ends the episode with it."""
    env = make(level=1, **arguments | ({"search_cost": 1.0} if make is SearchEnv else {}))
    env.reset(options={"task_index": 0})
    task = env.episode.task
    right = f"<answer>{task.metadata.get('solution', task.answer)}</answer>"
    one = ToolCall("search", {"query": "x"}) if make is SearchEnv else ToolCall("calculator", {"expression": "1+1"})
    for action in (right + env.toolbox.format.write(one), Reply(right, [one])):
        env.reset(options={"task_index": 0})
        _, reward, terminated, truncated, info = env.step(action)
        assert (reward, terminated or truncated, info["status"]) == (0.0, True, Status.NO_ANSWER)
        assert env.episode.response == ""
    env.reset(options={"task_index": 0})
    assert env.step(right)[1] == 1.0
    assert env.episode.response == right


@pytest.mark.parametrize("name", ["hermes", "native"])
def test_native_calls_come_first(name):
    env = started(tool_format=name)
    reply = Reply("thinking", [ToolCall("echo", {"word": "A"}, id="c7")])
    observation, _, _, _, info = env.step(reply)
    assert observation == "A"
    assert info["messages"][-2]["tool_calls"][0]["id"] == info["messages"][-1]["tool_call_id"] == "c7"
    assert [schema["function"]["name"] for schema in env.tool_schemas] == ["echo", "long", "grumble", "explode"]


def test_a_system_message_of_the_task_stays_first():
    task = Task("t", "far", ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where?"}), "Ulm")
    env = FarEnv(TaskList([task]))
    messages = env.reset(options={"task_index": 0})[1]["messages"]
    assert messages[0]["content"].startswith("Be brief.\n\nYou may call tools")
    assert task.messages[0]["content"] == "Be brief."
    assert len(messages) == 2


def test_calls_of_different_episodes_run_at_the_same_time():
    meeting = threading.Barrier(3, timeout=30)

    class MeetEnv(FarEnv):
        def make_tools(self):
            return [Tool("meet", "Waits for the others.", NOTHING, lambda: str(meeting.wait() >= 0))]

    vector = TextVectorEnv(MeetEnv, num_envs=3, tasks=TASKS)
    vector.reset(seed=0)
    assert vector.step((call("meet"),) * 3)[0] == ("True",) * 3
    vector.close()
    vector.close()


def test_an_event_loop_can_step():
    async def play():
        env = FarEnv(TASKS)
        await env.areset(options={"task_index": 0})
        return await asyncio.gather(env.astep("Ulm"))

    assert asyncio.run(play())[0][1] == 1.0


@pytest.mark.parametrize(
    ("arguments", "message"), [({"tool_format": "xml"}, "tool_format"), ({"budget": -1}, "budget")]
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        FarEnv(TASKS, **arguments)


def test_an_environment_that_has_threads_can_be_pickled():
    vector = TextVectorEnv(SearchEnv, 2)
    vector.reset(seed=0)
    vector.step(["<search>bells</search>"] * 2)
    again = pickle.loads(pickle.dumps(vector))
    assert again.step(["<search>bells</search>"] * 2)[0] == vector.step(["<search>bells</search>"] * 2)[0]


def test_native_calls_count_towards_the_length_of_a_message():
    env = started()
    most = env.action_space.max_length
    *_, info = env.step(Reply("", [ToolCall("echo", {"word": "x" * most})]))
    assert info["status"] == Status.RESOURCE_LIMIT
    env.reset(seed=0)
    assert env.step(Reply("", [ToolCall("echo", {"word": "x" * (most - 100)})]))[1:4] == (0.0, False, False)


def test_a_copy_starts_threads_of_its_own():
    vector = TextVectorEnv(FarEnv, 2, tasks=TASKS)
    vector.reset(options={"task_index": [0, 1]})
    vector.step((call("echo", word="A"), call("echo", word="B")))
    copy = cloudpickle.loads(cloudpickle.dumps(vector))
    assert copy.step(("Ulm", "Ulm"))[1].tolist() == [1.0, 0.0]
    assert vector.step(("Ulm", "Rom"))[1].tolist() == [1.0, 1.0]
