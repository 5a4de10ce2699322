import json
import pickle
import random
import re
from functools import cache

import gymnasium
import pytest
from gymnasium.envs.registration import EnvSpec
from hypothesis import given
from hypothesis import strategies as st

from infinite_rl.datasets.task import TaskList
from infinite_rl.envs.multi_domain import MultiDomainVectorEnv, all_domains
from infinite_rl.envs.self_verification import COSTS, SelfVerificationEnv, SelfVerificationVectorEnv
from infinite_rl.envs.tools.formats import FORMATS
from infinite_rl.envs.tools.reply import Reply
from infinite_rl.envs.tools.tool import ToolCall
from infinite_rl.rewards import Status

LEVELS = (1, 2, 3, 4)
COUNT = 100
PROGRAM = {"python": "print(6*7)", "javascript": "console.log(6*7)"}


def tagged(answer):
    return f"<answer>{answer}</answer>"


def call(name, **arguments):
    return FORMATS["hermes"].write(ToolCall(name, arguments))


def solution(task):
    return str(task.metadata.get("solution", task.answer))


@cache
def tasks_of(level, split="test", **weights):
    source = all_domains(level=level, split=split, weights=weights or None)
    return TaskList([source.task(index) for index in range(COUNT)])


@cache
def arithmetic():
    return TaskList([all_domains(level=2, weights={"arithmetic": 1}).task(index) for index in range(20)])


def started(**arguments):
    env = SelfVerificationEnv(arithmetic(), **arguments)
    env.reset(options={"task_index": 0})
    return env


def right():
    return tagged(arithmetic().task(0).answer)


@pytest.mark.parametrize("level", LEVELS)
def test_who_knows_the_answers_earns_everything_without_calls(level):
    tasks = tasks_of(level)
    vector = SelfVerificationVectorEnv(COUNT, tasks=tasks)
    vector.reset(options={"task_index": list(range(COUNT))})
    _, rewards, terminated, _, _ = vector.step(tuple(tagged(solution(task)) for task in tasks.tasks))
    assert rewards.tolist() == [1.0] * COUNT
    assert terminated.all()
    assert len({task.domain.split("/")[0] for task in tasks.tasks}) == 5


@pytest.mark.parametrize("level", LEVELS)
def test_without_calls_any_policy_earns_what_it_earns_in_the_domains_themselves(level):
    tasks, rng = tasks_of(level), random.Random(0)
    solutions = [solution(task) for task in tasks_of(level, "train").tasks]
    policies = {
        "empty": lambda observation: "",
        "copying": lambda observation: observation,
        "copying, tagged": lambda observation: tagged(observation),
        "constant": lambda observation: tagged(5),
        "majority": lambda observation: tagged(max(set(solutions), key=solutions.count)),
        "random": lambda observation: tagged(rng.choice(solutions)),
    }
    for name, policy in policies.items():
        answers = tuple(policy(task.prompt) for task in tasks.tasks)
        rewards = []
        for make in (SelfVerificationVectorEnv, MultiDomainVectorEnv):
            vector = make(COUNT, tasks=tasks, max_turns=1)
            vector.reset(options={"task_index": list(range(COUNT))})
            rewards.append(vector.step(answers)[1].tolist())
        assert rewards[0] == rewards[1]
        floor = 0.0 if name.startswith(("empty", "copying")) else 0.08 if level == 1 else 0.03
        # Among so few tasks luck may give two more.
        assert sum(rewards[0]) / COUNT <= floor + 0.02 * (floor > 0), name


def test_copying_with_the_description_of_the_tools_earns_nothing():
    env = SelfVerificationEnv(tasks_of(1), max_turns=2)
    for index in range(20):
        observation, _ = env.reset(options={"task_index": index})
        assert env.step(observation)[1] == env.step(observation)[1] == 0.0


def test_a_policy_that_submits_what_the_calculator_says():
    env = SelfVerificationEnv(arithmetic())
    for index in range(20):
        observation, _ = env.reset(options={"task_index": index})
        expression = re.findall(r"\d[\d+*/ -]*\d", observation.splitlines()[-1] + observation.split("final.")[1])[0]
        result = env.step(call("calculator", expression=expression))[0]
        assert env.step(tagged(result))[1] == 0.99


@pytest.mark.parametrize(
    ("calls", "share"),
    [([], 0.0), (["calculator"], 0.1), (["python"], 0.3), (["python", "javascript", "python", "calculator"], 1.0)],
)
def test_calls_cost_a_share_of_the_reward(calls, share):
    for answer, quality in ((right(), 1.0), (tagged(-1), 0.0)):
        env = started(verification_weight=0.2)
        for name in calls:
            code = {"code": PROGRAM[name]} if name in PROGRAM else {"expression": "6*7"}
            assert env.step(call(name, **code))[0] == "42"
        _, reward, terminated, _, info = env.step(answer)
        assert (reward, terminated) == (pytest.approx(quality * (1 - 0.2 * share)), True)
        components = info["components"]
        assert components["quality"] == quality
        assert components["correctness"] == reward
        assert components["verification_cost"] == pytest.approx(share)
        assert components["efficiency"] == pytest.approx(1 - 0.2 * share)
        assert components["calls"] == len(calls)


def test_refused_calls_cost_nothing_and_are_counted():
    env = started()
    assert env.step(call("verify", answer="12"))[0].startswith("Error: there is no tool 'verify'")
    assert env.step(call("python"))[0].startswith("Error: the arguments of python don't fit")
    _, reward, _, _, info = env.step(right())
    assert (reward, info["components"]["failed_calls"], info["components"]["calls"]) == (1.0, 2.0, 0.0)


def test_a_call_that_the_budget_does_not_cover_ends_the_episode():
    env = started(budget=4)
    assert env.step(call("python", code="print(1)"))[0] == "1"
    observation, reward, terminated, truncated, info = env.step(call("python", code="print(2)"))
    assert (observation, reward, terminated, truncated) == ("The budget is spent.", 0.0, True, False)
    assert info["components"]["verification_cost"] == 0.75


def test_the_turn_limit_grades_the_last_message():
    env = started(max_turns=1)
    _, reward, terminated, truncated, info = env.step(call("calculator", expression="1+1"))
    assert (reward, terminated, truncated, info["status"]) == (0.0, False, True, Status.NO_ANSWER)


def test_tools_say_the_same_whatever_the_task():
    calls = (
        call("calculator", expression="12"),
        call("python", code="print(sorted(globals()), open, __import__('os').environ)"),
        call("javascript", code="console.log(Object.keys(globalThis))"),
    )
    env = SelfVerificationEnv(tasks_of(1))
    said = set()
    for index in range(8):
        env.reset(options={"task_index": index})
        said.add(tuple(env.step(one)[0] for one in calls))
    assert len({heard[0] for heard in said}) == len({heard[2] for heard in said}) == 1
    assert len({re.sub("0x[0-9a-f]+", "", heard[1]) for heard in said}) == 1


def test_programs_that_never_end_are_stopped_and_told_so():
    env = started(timeout=0.3)
    assert "time" in env.step(call("python", code="while True: pass"))[0].lower()
    assert env.step(right())[1] == pytest.approx(0.97)


def test_costs_and_tools_can_be_chosen():
    env = started(tools=["python"], costs={"python": 5})
    assert [*env.toolbox.tools] == ["python"]
    observation, _ = env.reset(options={"task_index": 0})
    assert "It costs 5." in observation
    assert "budget of 10" in observation
    assert "takes 10% off" in observation
    env.step(call("python", code="print(1)"))
    assert env.step(right())[1] == pytest.approx(0.95)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_tells_the_price_and_runs_calls(name):
    env = started(tool_format=name)
    observation, _ = env.reset(options={"task_index": 0})
    assert "budget of 10" in observation
    one = ToolCall("calculator", {"expression": "6*7"}, id="c1")
    action = Reply("", [one]) if name == "native" else env.toolbox.format.write(one)
    assert "42" in env.step(action)[0]
    assert env.step(right())[1] == pytest.approx(0.99)


def test_an_environment_with_sandboxes_can_be_pickled():
    env = started()
    copy = pickle.loads(pickle.dumps(env))
    for one in (env, copy):
        assert one.step(call("python", code="print(3)"))[0] == "3"
        assert one.step(right())[1] == 0.97


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_no_message_crashes_a_step(message):
    for action in (
        message,
        tagged(message),
        f"<tool_call>{message}</tool_call>",
        call("calculator", expression=message),
    ):
        assert started(max_turns=1).step(action)[4]["status"] is not Status.ERROR


def test_tasks_survive_a_file(tmp_path):
    file = tmp_path / "tasks.jsonl"
    file.write_text("\n".join(task.to_json() for task in tasks_of(1).tasks[:10]), encoding="utf-8")
    env = SelfVerificationEnv(str(file))
    for index in range(10):
        env.reset(options={"task_index": index})
        assert env.step(tagged(solution(tasks_of(1).task(index))))[1] == 1.0


def test_specs_with_arguments_survive_json():
    arguments = {"tools": ["calculator"], "costs": {"calculator": 2}, "budget": 6, "weights": {"math": 1}, "level": 2}
    env = gymnasium.make("InfiniteRL/SelfVerification-v0", **arguments, tool_format="named")
    again = gymnasium.make(EnvSpec.from_json(json.dumps(json.loads(env.spec.to_json()))))
    assert env.reset(seed=1)[1] == again.reset(seed=1)[1]
    assert again.unwrapped.toolbox.tools["calculator"].cost == 2
    assert set(COSTS) > {*again.unwrapped.toolbox.tools}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"budget": 0}, "budget must be above 0"),
        ({"verification_weight": 1.5}, "verification_weight must be from 0 to 1"),
        ({"tools": ["verify"]}, "tools must be of calculator"),
        ({"costs": {"verify": 1}}, "costs names 'verify'"),
        ({"costs": {"python": 1}, "tools": ["calculator"]}, "costs names 'python'; the tools are calculator"),
        ({"costs": {"python": -1}}, "cost"),
        ({"weights": {"chess": 1}}, "weights names 'chess'"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        SelfVerificationEnv(**arguments)


def test_documents_can_be_searched(tmp_path):
    corpus = tmp_path / "documents.jsonl"
    corpus.write_text('{"id": "1", "title": "Ulm", "text": "Ulm lies on the Danube."}\n')
    env = started(corpus=str(corpus), costs={"search": 2.0})
    assert "Danube" in env.step(call("search", query="Where does Ulm lie?"))[0]
    assert env.episode.account.spent == 2.0
    assert gymnasium.make("InfiniteRL/SelfVerification-v0", corpus=str(corpus)).spec.to_json()
    with pytest.raises(ValueError, match="needs documents"):
        started(tools=["search"])
