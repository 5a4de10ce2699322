import json
import random
import threading
from collections import Counter
from functools import cache

import gymnasium
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infinite_rl  # noqa: F401  (registers the environments)
from infinite_rl.datasets.arithmetic import BARE, ArithmeticSource
from infinite_rl.datasets.task import TaskList
from infinite_rl.envs.math import MathEnv, MathVectorEnv
from infinite_rl.rewards import Status

LEVELS = (1, 2, 3, 4)
COUNT = 600


def tagged(answer):
    return f"<answer>{answer}</answer>"


@cache
def tasks_of(level, split, count=COUNT):
    source = ArithmeticSource(level=level, split=split)
    return TaskList([source.task(index) for index in range(count)])


def answers_of(level, split):
    return Counter(task.answer for task in tasks_of(level, split).tasks)


def mean_reward(policy, level, count=COUNT):
    """The mean reward of ``policy``, a function of the observation, over tasks of the test split."""
    vector = MathVectorEnv(count, tasks=tasks_of(level, "test", count))
    observations, _ = vector.reset(options={"task_index": list(range(count))})
    return vector.step(tuple(policy(observation) for observation in observations))[1].mean()


def expression_of(observation):
    return observation.removeprefix("What is ").split("?")[0]


@pytest.mark.parametrize("level", LEVELS)
def test_a_policy_that_computes_earns_everything(level):
    right = {task.prompt: tagged(task.answer) for task in tasks_of(level, "test").tasks}
    assert mean_reward(right.__getitem__, level) == gymnasium.spec("InfiniteRL/Math-v0").reward_threshold == 1.0


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "policy",
    [
        lambda observation: "",
        lambda observation: tagged(""),
        lambda observation: observation,
        expression_of,
        lambda observation: tagged(expression_of(observation)),
        lambda observation: tagged(f"{expression_of(observation)}="),
        lambda observation: tagged(f"({expression_of(observation)})"),
        lambda observation: tagged(f"{expression_of(observation)}+0"),
        lambda observation: "".join(tagged(number) for number in range(-10, 100)),
        lambda observation: tagged(", ".join(map(str, range(-10, 100)))),
    ],
)
@pytest.mark.parametrize("count", [200, pytest.param(COUNT, marks=pytest.mark.slow)])
def test_empty_copying_and_hedging_policies_earn_nothing(policy, level, count):
    assert mean_reward(policy, level, count) == 0.0


@pytest.mark.parametrize("level", LEVELS[1:])
def test_constant_and_random_policies_stay_at_chance(level):
    rng = random.Random(0)
    assert mean_reward(lambda observation: tagged(7), level) <= 0.05
    assert mean_reward(lambda observation: tagged(rng.randint(0, 99)), level) <= 0.05


@pytest.mark.parametrize("level", LEVELS)
def test_the_majority_answer_earns_no_more_than_its_share(level):
    majority = answers_of(level, "train").most_common(1)[0][0]
    reward = mean_reward(lambda observation: tagged(majority), level)
    assert reward == pytest.approx(answers_of(level, "test")[majority] / COUNT)
    # Level 1 has few answers, so constants do better there.
    best = answers_of(level, "test").most_common(1)[0][1] / COUNT
    assert reward <= (0.05 if level > 1 else best)
    assert best <= (0.06 if level > 1 else 0.16)


@pytest.mark.parametrize("answer", ["0", "-1", "a word", "", "1/0", "9" * 3000])
def test_no_info_holds_the_expected_answer(answer):
    env = MathEnv(level=4, operations=["multiply"])
    secrets = [(index, env.tasks.task(index).answer) for index in range(20)]
    secrets = [(index, expected) for index, expected in secrets if len(expected) >= 4]  # a 0 may stand anywhere
    assert len(secrets) > 10
    for index, expected in secrets:
        assert expected not in repr(env.reset(options={"task_index": index}))
        assert expected not in repr(env.step(tagged(answer)))


def test_a_wrong_answer_says_so():
    env = MathEnv()
    env.reset(options={"task_index": 0})
    info = env.step(tagged(1000))[4]
    assert (info["status"], info["error_msg"]) == (Status.SCORED, "The answer is wrong.")


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_no_answer_crashes_a_step(answer):
    env = MathEnv()
    for action in (answer, tagged(answer)):
        env.reset(seed=0)
        assert env.step(action)[4]["status"] is not Status.ERROR


@pytest.mark.parametrize("answer", ["<answer>" * 30_000, "(" * 200_000, "\\frac{" * 40_000, "9" * 260_000, "!" * 99])
def test_huge_answers_are_scored_in_little_time(answer):
    env = MathEnv()
    env.reset(seed=0)
    assert env.step(tagged(answer))[1] == 0.0


def test_no_problem_is_in_two_splits_whatever_the_seed():
    problems = {
        split: {
            MathEnv(level=2, split=split, seed=seed).tasks.task(index).metadata["key"]
            for seed in (0, 1, 2)
            for index in range(400)
        }
        for split in ("train", "validation", "test")
    }
    assert not problems["train"] & problems["test"]
    assert not problems["train"] & problems["validation"]
    assert not problems["validation"] & problems["test"]


def test_the_sources_seed_gives_other_tasks():
    first, second = ([MathEnv(level=2, seed=seed).tasks.task(i).prompt for i in range(50)] for seed in (0, 1))
    assert len(set(first) & set(second)) < 10


def test_arguments_of_the_source_reach_it():
    env = MathEnv(level=3, operations=["multiply"], digits=[1, 2], template=BARE)
    observation, info = env.reset(seed=0)
    assert observation.endswith("=")
    assert "*" in observation
    assert info["domain"] == "arithmetic/multiply"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"level": 9}, "level must be from 1 to 4"),
        ({"split": "dev"}, "split must be one of"),
        ({"operations": ["root"]}, "operations must be of"),
    ],
)
def test_wrong_arguments_are_clear_errors(arguments, says):
    with pytest.raises(ValueError, match=says):
        gymnasium.make("InfiniteRL/Math-v0", **arguments)


@pytest.fixture
def file(tmp_path):
    rows = [
        {"messages": [{"role": "user", "content": "Half of 1?"}], "answer": "1/2"},
        {"messages": [{"role": "user", "content": "40+2?"}], "answer": 42},
        {
            "messages": [{"role": "user", "content": "40+2?"}],
            "answer": "42",
            "metadata": {"answer_form": "numeral", "expression": "40+2"},
        },
    ]
    path = tmp_path / "problems.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("index", "answer", "reward"),
    [
        (0, "0.5", 1.0),
        (0, "2/4", 1.0),
        (0, "2", 0.0),
        (1, "42", 1.0),
        (1, "40+2", 1.0),
        (2, "42", 1.0),
        (2, "40+2", 0.0),
    ],
)
def test_file_tasks_take_any_form_unless_they_name_one(file, index, answer, reward):
    env = gymnasium.make("InfiniteRL/Math-v0", tasks=file)
    env.reset(options={"task_index": index})
    assert env.step(tagged(answer))[1] == reward


def test_arguments_of_the_source_beside_a_file_are_refused(file):
    with pytest.raises(TypeError, match="split: for procedural tasks only"):
        gymnasium.make("InfiniteRL/Math-v0", tasks=file, split="test")


def test_two_environments_in_two_threads_do_not_disturb_each_other():
    def play(seed):
        env = MathEnv(level=3)
        env.reset(seed=seed)
        return [(env.step(tagged(i % 40)), env.reset()) for i in range(60)]

    results = {}
    threads = [threading.Thread(target=lambda seed=seed: results.update({seed: play(seed)})) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {1: play(1), 2: play(2)}


def test_the_answer_may_stand_in_another_tag():
    env = gymnasium.make("InfiniteRL/Math-v0", answer_tag="final")
    observation, _ = env.reset(seed=1)
    assert observation.endswith("between <final> and </final>.")
    answer = env.unwrapped.tasks.task(0).answer
    env.reset(options={"task_index": 0})
    assert env.step(f"<final>{answer}</final>")[1] == 1.0
    env.reset(options={"task_index": 0})
    assert env.step(tagged(answer))[1] == 0.0
    with pytest.raises(ValueError, match="not a tag name"):
        MathEnv(answer_tag="a>")
