import asyncio
import threading
from pathlib import Path

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env

import infinite_rl  # noqa: F401
from infinite_rl.datasets.documents import Document
from infinite_rl.datasets.task import Task, TaskList
from infinite_rl.envs.module_env import ModuleEnv
from infinite_rl.envs.retrieval.bm25 import BM25Index
from infinite_rl.envs.retrieval.service import SearchServer
from infinite_rl.envs.vector import TextVectorEnv

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "environments"
CAPITAL = TaskList([Task.ask("What is the capital of France?", "Paris", id="capital", domain="facts")])


def write(folder, text):
    path = folder / "mine.py"
    path.write_text(text, encoding="utf-8")
    return path


COUNTING = """
def interact(messages):
    turns = sum(message["role"] == "assistant" for message in messages)
    messages.clear()
    return [{"role": "user", "content": f"{turns} so far"}] if turns < 3 else []

def reward_fn(messages, answer):
    return 0.25 * (messages[-1]["content"] == answer) + 0.5 * (len(messages) == 6)
"""


def test_the_episode_goes_on_until_there_is_no_new_message(tmp_path):
    env = ModuleEnv(write(tmp_path, COUNTING), CAPITAL)
    assert env.reset(seed=0)[0] == "What is the capital of France?"
    assert env.step("London")[:4] == ("1 so far", 0.0, False, False)
    assert env.step("London")[:4] == ("2 so far", 0.0, False, False)
    observation, reward, terminated, truncated, info = env.step("Paris")
    assert (observation, reward, terminated, truncated) == ("", 0.75, True, False)
    assert [message["role"] for message in info["messages"]] == ["user", "assistant"] * 3
    assert info["status"] == "scored"


def test_a_turn_limit_is_graded(tmp_path):
    env = ModuleEnv(write(tmp_path, COUNTING), CAPITAL, max_turns=1)
    env.reset(seed=0)
    assert env.step("Paris")[1:4] == (0.25, False, True)


def test_it_is_a_citizen_of_gymnasium(tmp_path):
    path = write(tmp_path, COUNTING)
    gymnasium.register(
        "Mine-v0",
        entry_point="infinite_rl.envs.module_env:ModuleEnv",
        kwargs={"path": str(path), "tasks": CAPITAL},
        nondeterministic=False,
    )
    try:
        check_env(gymnasium.make("Mine-v0").unwrapped, skip_render_check=True)
    finally:
        del gymnasium.registry["Mine-v0"]


ASYNC = """
import asyncio

together = asyncio.Event()
waiting = 0

async def interact(messages):
    global waiting
    waiting += 1
    if waiting == 4:
        together.set()
    await asyncio.wait_for(together.wait(), 30)
    return []

async def reward_fn(messages, answer):
    assert together.is_set()
    await asyncio.sleep(0)
    return messages[-1]["content"] == answer
"""


def test_asynchronous_functions_of_all_episodes_are_under_way_at_once(tmp_path):
    envs = TextVectorEnv(ModuleEnv, num_envs=4, path=write(tmp_path, ASYNC), tasks=CAPITAL)
    envs.reset(seed=0)
    rewards = envs.step(("Paris", "London", "Paris", "Rome"))[1]
    assert rewards.tolist() == [1.0, 0.0, 1.0, 0.0]
    envs.close()


def test_it_steps_inside_an_event_loop(tmp_path):
    env = ModuleEnv(write(tmp_path, ASYNC.replace("== 4", "== 1")), CAPITAL)

    async def play():
        env.reset(seed=0)
        return env.step("Paris")[1], (await env.areset(seed=0), (await env.astep("London"))[1])[1]

    assert asyncio.run(play()) == (1.0, 0.0)
    env.close()
    env.close()


FINE = {
    "interact": "def interact(messages):\n    return []\n",
    "reward_fn": "def reward_fn(messages, answer):\n    return 1\n",
}


@pytest.mark.parametrize(
    ("function", "body", "says"),
    [
        ("interact", "raise KeyError('query')", "raised KeyError: 'query'"),
        ("interact", "return None", "returned None, but it must be a list of messages"),
        ("interact", "return 'text'", "must be a list of messages"),
        ("interact", "return [{'role': 'assistant', 'content': 'x'}]", "must be a list of messages"),
        ("interact", "return [{'role': 'user', 'content': 3}]", "must be a list of messages"),
        ("reward_fn", "raise OSError('no disk')", "raised OSError: no disk"),
        ("reward_fn", "return None", "returned None, but a reward must be a finite number"),
        ("reward_fn", "return 'nan'", "a reward must be a finite number"),
        ("reward_fn", "return float('nan')", "a reward must be a finite number"),
    ],
)
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_failures_of_a_module_name_file_and_function(tmp_path, function, body, says, kind):
    arguments = "messages" if function == "interact" else "messages, answer"
    functions = FINE | {function: f"{kind} {function}({arguments}):\n    {body}\n"}
    path = write(tmp_path, "\n".join(functions.values()))
    env = ModuleEnv(path, CAPITAL)
    env.reset(seed=0)
    _, reward, terminated, truncated, info = env.step("Paris")
    assert (reward, terminated, truncated, info["status"]) == (0.0, False, True, "error")
    assert info["error_msg"].startswith(f"{path}: {function} ")
    assert says in info["error_msg"]
    env.close()


def test_one_episode_that_fails_costs_the_others_nothing(tmp_path):
    text = FINE["interact"] + "def reward_fn(messages, answer):\n    return {'Paris': 1.0}[messages[-1]['content']]\n"
    envs = TextVectorEnv(ModuleEnv, num_envs=3, path=write(tmp_path, text), tasks=CAPITAL)
    envs.reset(seed=0)
    _, rewards, _, truncated, _ = envs.step(("Paris", "London", "Paris"))
    assert rewards.tolist() == [1.0, 0.0, 1.0]
    assert truncated.tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        (FINE["interact"], TypeError, "must be a function reward_fn"),
        (FINE["reward_fn"] + "interact = 3", TypeError, "must be a function interact"),
        ("import no_such_module", ImportError, "raised ModuleNotFoundError"),
        ("def (", ImportError, "raised SyntaxError"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path, text, kind, says):
    path = write(tmp_path, text)
    with pytest.raises(kind, match=says) as raised:
        ModuleEnv(path, CAPITAL)
    assert str(path) in str(raised.value)


def test_a_missing_file_and_missing_tasks_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.py"):
        ModuleEnv(tmp_path / "nowhere.py", CAPITAL)
    with pytest.raises(TypeError, match="pass tasks"):
        ModuleEnv(write(tmp_path, COUNTING))


# The examples.


def rewards_of(env, *responses):
    rewards = []
    for response in responses:
        env.reset(options={"task_index": 0})
        rewards.append(env.step(response)[1])
    return rewards


def test_eq():
    env = ModuleEnv(EXAMPLES / "eq.py", CAPITAL)
    assert rewards_of(env, "Paris", " the paris. ", "Lyon", "") == [1.0, 1.0, 0.0, 0.0]
    several = TaskList([Task.ask("Who?", ["Marie Curie", "Curie"], id="who", domain="facts")])
    assert rewards_of(ModuleEnv(EXAMPLES / "eq.py", several), "curie", "Marie Curie!", "Marie") == [1.0, 1.0, 0.0]


def test_orz():
    tasks = TaskList([Task.ask("What is a half of 3?", r"\frac{3}{2}", id="half", domain="math")])
    env = ModuleEnv(EXAMPLES / "orz.py", tasks)
    assert rewards_of(env, r"So \boxed{1.5}.", "<answer>3/2</answer>", r"\boxed{2}", "1.5") == [1.0, 1.0, 0.0, 0.0]


def test_searchr1(monkeypatch):

    documents = [
        Document("1", "France", "The capital of France is Paris."),
        Document("2", "Cheese", "It is made of milk."),
    ]
    server = SearchServer(BM25Index(documents))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    monkeypatch.setenv("SEARCH_URL", f"http://127.0.0.1:{server.server_port}")
    try:
        env = ModuleEnv(EXAMPLES / "searchr1.py", CAPITAL)
        env.reset(seed=0)
        observation, _, terminated, truncated, _ = env.step("<search>capital of France</search>")
        assert not terminated
        assert not truncated
        assert "France: The capital of France is Paris." in observation
        assert env.step("<answer>the Paris!</answer>")[1:4] == (1.0, True, False)
        assert rewards_of(env, "<answer>Lyon</answer>", "Paris") == [0.0, 0.0]
        env.close()
    finally:
        server.shutdown()
        server.close()
