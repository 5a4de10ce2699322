import json
import pickle
from collections import Counter
from functools import cache, partial
from pathlib import Path

import gymnasium
import pytest
from gymnasium.utils.env_checker import data_equivalence

import infinite_rl  # noqa: F401  (registers the environments)
from infinite_rl.datasets.coding.families import FAMILIES
from infinite_rl.datasets.coding.source import BARE, CodingSource
from infinite_rl.datasets.task import Task, TaskList
from infinite_rl.envs.coding import CodingEnv, CodingVectorEnv
from infinite_rl.rewards import Status

LEVELS = (1, 2, 3, 4)
LANGUAGES = ("python", "javascript")
COUNT = 40
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "coding_tasks.jsonl"


def fenced(code):
    return f"<answer>\n```\n{code}\n```\n</answer>"


@cache
def tasks_of(level, language, split="test", count=COUNT):
    source = CodingSource(level=level, language=language, split=split)
    return TaskList([source.task(index) for index in range(count)])


def mean_reward(policy, level, language, count=COUNT):
    """The mean reward of ``policy``, a function of the task, over tasks of the test split."""
    tasks = tasks_of(level, language, count=count)
    vector = CodingVectorEnv(count, tasks=tasks)
    vector.reset(options={"task_index": list(range(count))})
    return vector.step(tuple(policy(task) for task in tasks.tasks))[1].mean()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("count", [COUNT, pytest.param(400, marks=pytest.mark.slow)])
def test_a_policy_that_solves_earns_everything(level, language, count):
    reward = mean_reward(lambda task: fenced(task.metadata["solution"]), level, language, count)
    assert reward == gymnasium.spec("InfiniteRL/Coding-v0").reward_threshold == 1.0


def constant(task, language):
    name = task.answer.get("function", "f")
    return {
        "python": f"def {name}(*args):\n    return 0\nprint(0)",
        "javascript": f"function {name}() {{ return 0; }}\nconsole.log(0);",
    }[language]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("level", LEVELS)
def test_empty_and_copying_policies_earn_nothing(level, language):
    policies = [
        lambda task: "",
        lambda task: "<answer></answer>",
        lambda task: fenced(""),
        lambda task: task.prompt,
        lambda task: fenced(task.prompt),
        lambda task: fenced(task.prompt.split("\n")[-3]),
    ]
    assert [mean_reward(policy, level, language) for policy in policies] == [0.0] * len(policies)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("level", LEVELS)
def test_constant_and_majority_policies_earn_nothing(level, language):
    solutions = Counter(task.metadata["solution"] for task in tasks_of(level, language, "train").tasks)
    majority = solutions.most_common(1)[0][0]
    assert mean_reward(lambda task: fenced(majority), level, language) <= 0.01
    assert mean_reward(lambda task: fenced(constant(task, language)), level, language) <= 0.01


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("count", [30, pytest.param(80, marks=pytest.mark.slow)])
def test_the_solution_of_another_problem_of_the_family_earns_nothing(language, count):
    """A policy that has learnt one program for each family has learnt nothing; one may be right by chance."""
    for level in LEVELS:
        known = {task.domain: task.metadata["solution"] for task in tasks_of(level, language, "train", count).tasks}
        policy = partial(known_program, known)
        assert mean_reward(policy, level, language, count) <= max(0.02, 1 / count)


def known_program(known, task):
    return fenced(known.get(task.domain, ""))


def test_the_best_constant_of_the_smallest_family_stays_small():
    tasks = [CodingSource(families=["print_arithmetic"], split="test").task(index) for index in range(1_000)]
    outputs = Counter(task.answer["cases"][0]["stdout"] for task in tasks)
    assert outputs.most_common(1)[0][1] / len(tasks) <= 0.02


@pytest.mark.parametrize(
    "answer", ["", "print(1)", "1/0", "def f(:", "import sys; print(sys.stdin.read())", "raise SystemExit"]
)
def test_no_info_holds_an_expected_output(answer):
    case = {"stdin": "4\n", "stdout": "739193\n"}
    env = CodingEnv(tasks=TaskList([Task.ask("?", {"cases": [case]}, id="a", domain="a")]))
    assert "739193" not in repr(env.reset(seed=0))
    assert "739193" not in repr(env.step(fenced(answer)))


def test_a_wrong_answer_says_so_and_an_error_shows_itself():
    env = CodingEnv(families=["clamp"])
    env.reset(seed=0)
    info = env.step(fenced("def clamp(numbers):\n    return 0"))[4]
    assert (info["status"], info["error_msg"]) == (Status.SCORED, "The answer is wrong.")
    assert info["components"] == {"format": 1.0, "correctness": 0.0, "tests_passed": 0.0}
    env.reset(seed=0)
    assert "NameError" in env.step(fenced("def clamp(numbers):\n    return nothing"))[4]["error_msg"]


def test_a_batch_is_graded_like_single_episodes():
    tasks = tasks_of(2, "python")
    answers = [fenced(task.metadata["solution"]) if i % 2 else "nothing" for i, task in enumerate(tasks.tasks[:12])]
    vector = CodingVectorEnv(12, tasks=tasks)
    vector.reset(options={"task_index": list(range(12))})
    rewards = vector.step(tuple(answers))[1]
    env = CodingEnv(tasks=tasks)
    for i, answer in enumerate(answers):
        env.reset(options={"task_index": i})
        assert env.step(answer)[1] == rewards[i] == i % 2


def test_the_same_actions_give_the_same_episode():
    answer = fenced("import time, random\nprint(time.time(), random.random(), id(object()))")
    one, other = (gymnasium.make("InfiniteRL/Coding-v0", families=["line_arithmetic"]) for _ in range(2))
    assert data_equivalence(one.reset(seed=3), other.reset(seed=3), exact=True)
    assert data_equivalence(one.step(answer), other.step(answer), exact=True)


def test_arguments_reach_source_and_sandbox():
    env = gymnasium.make(
        "InfiniteRL/Coding-v0", families=["print_arithmetic"], template=BARE, language="js", timeout=0.5
    )
    observation, info = env.reset(seed=0)
    assert observation.endswith("=")
    assert info["domain"] == "coding/print_arithmetic"
    assert env.step(f"<answer>console.log({observation[:-1]})</answer>")[1] == 1.0
    env.reset(seed=0)
    assert env.step(fenced("for (;;) {}"))[4]["status"] is Status.TIMEOUT


def test_partial_credit_can_be_asked_for():
    env = CodingEnv(families=["clamp"], partial="tests")
    env.reset(seed=0)
    assert 0.0 < env.step(fenced("def clamp(numbers):\n    return numbers and sorted(numbers) or []"))[1] < 1.0


def test_fuel_gives_the_same_verdicts():
    tasks = tasks_of(1, "javascript")
    vector = CodingVectorEnv(COUNT, tasks=tasks, limits="fuel")
    vector.reset(options={"task_index": list(range(COUNT))})
    assert vector.step(tuple(fenced(task.metadata["solution"]) for task in tasks.tasks))[1].mean() == 1.0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"level": 9}, "level must be from 1 to 4"),
        ({"families": ["sorting"]}, "families must be of"),
        ({"language": "lua"}, "language must be one of"),
        ({"timeout": -1}, "timeout is -1"),
        ({"limits": "cpu"}, "limits must be time or fuel"),
        ({"partial": "half"}, "partial must be one of"),
    ],
)
def test_wrong_arguments_are_clear_errors(arguments, says):
    with pytest.raises(ValueError, match=says):
        gymnasium.make("InfiniteRL/Coding-v0", **arguments)


def test_tasks_of_a_file(tmp_path):
    rows = [
        {"messages": [{"role": "user", "content": "Print 4."}], "answer": "4"},
        {
            "messages": [{"role": "user", "content": "Write f, which doubles a number."}],
            "answer": {"function": "f", "cases": [{"args": [2], "result": 4}, {"args": [0], "result": 0}]},
        },
        {
            "messages": [{"role": "user", "content": "Square."}],
            "answer": {"function": "f", "tests": "assert f(3) == 9"},
        },
    ]
    path = tmp_path / "tasks.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    env = gymnasium.make("InfiniteRL/Coding-v0", tasks=str(path))
    for index, answer, reward in [
        (0, "print(2 + 2)", 1.0),
        (0, "print(5)", 0.0),
        (1, "def f(n):\n    return 2 * n", 1.0),
        (1, "def f(n):\n    return 4", 0.0),
        (2, "def f(n):\n    return n * n", 1.0),
    ]:
        env.reset(options={"task_index": index})
        assert env.step(fenced(answer))[1] == reward
    assert pickle.loads(pickle.dumps(env)).reset(seed=0)[0] == env.reset(seed=0)[0]


def test_the_example_file_has_every_kind_of_answer_and_its_solutions_pass():
    env = gymnasium.make("InfiniteRL/Coding-v0", tasks=str(EXAMPLE))
    tasks = env.unwrapped.tasks.tasks
    kinds = [set(task.answer) - {"language"} if isinstance(task.answer, dict) else "text" for task in tasks]
    assert kinds == [{"cases"}, {"function", "cases"}, {"function", "tests"}, "text"]
    for index, task in enumerate(tasks):
        for code, reward in ((task.metadata["solution"], 1.0), ("print(0)", 0.0)):
            env.reset(options={"task_index": index})
            assert env.step(fenced(code))[1] == reward, code


@pytest.mark.parametrize("mode", [None, "sync", "async"])
def test_a_reset_draws_a_task_of_the_family_asked_for(mode):
    """Families of several levels in one stream, so that a reset chooses the difficulty too."""
    families = ["clamp", "caesar", "life"]
    vector = gymnasium.make_vec("InfiniteRL/Coding-v0", num_envs=2, vectorization_mode=mode, families=families)
    try:
        for name in families:
            infos = vector.reset(seed=1, options={"domain": f"coding/{name}"})[1]
            assert infos["domain"].tolist() == [f"coding/{name}"] * 2
            assert infos["task_index"][0] != infos["task_index"][1]
    finally:
        vector.close()


def test_every_domain_is_a_family():
    domains = {task.domain for level in LEVELS for task in tasks_of(level, "python").tasks}
    assert domains <= {f"coding/{name}" for name in FAMILIES}
    assert len(domains) >= 0.8 * len(FAMILIES)  # a few are drawn too seldom for so few tasks


def test_tasks_of_files_may_name_another_grader():
    env = CodingEnv(TaskList([Task.ask("6*7?", "42", id="a", domain="a", grader="math")]))
    env.reset(seed=0)
    assert env.step("<answer>84/2</answer>")[1] == 1.0
