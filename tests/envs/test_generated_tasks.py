"""Tables of generated tasks of mathematics and of both languages, played as they are, and converted."""

import csv

import gymnasium
import pytest

import infinite_rl  # noqa: F401  (registers the environments)
from infinite_rl.datasets.conversion import convert

COLUMNS = ("type", "prompt", "answer", "response", "quality_score", "language", "pass_rate", "model", "prompt_hash")
CALLS = '{"function": "twice", "cases": [{"args": [2], "result": 4}, {"args": [-1], "result": -2}]}'
TESTS = '{"function": "twice", "tests": ["assert twice(2) == 4", "assert twice(0) == 0"]}'
# Type, language, answer, a right response and a wrong one.
ROWS = [
    ("math", "", "[0, 1)", "[0,1)", "[0,1]"),
    ("math", "", "\\frac12", "0.5", "0.2"),
    ("math", "", "[1, 2]", "[1, 2]", "[1, 3]"),
    ("coding", "python", "[1, 2, 3]", "print([1, 2, 3])", "print([1, 2])"),
    ("coding", "javascript", "[1, 2, 3]", "console.log(JSON.stringify([1, 2, 3]))", "print([1, 2, 3])"),
    ("coding", "javascript", "4", "console.log(2 ** 2);", "console.log(5);"),
    ("coding", "python", "print(sum(range(4)))", "print(6)", "console.log(6)"),
    ("coding", "javascript", "console.log([3, 1].sort().join())", "console.log('1,3')", "console.log('3,1')"),
    ("coding", "python", CALLS, "def twice(n):\n    return 2 * n", "def twice(n):\n    return 4"),
    ("coding", "javascript", CALLS, "const twice = (n) => { return 2 * n; }", "def twice(n):\n    return 2 * n"),
    ("coding", "javascript", TESTS, "function twice(n) { return n + n }", "function twice(n) { return 4 }"),
    ("coding", "", "1.0", "print(1.0)", "print(2)"),
]


def response(kind, language, text):
    return f"<answer>{text}</answer>" if kind == "math" else f"<answer>\n```{language}\n{text}\n```\n</answer>"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("generated") / "dataset.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number, (kind, language, answer, right, _) in enumerate(ROWS):
            said = response(kind, language, right)
            writer.writerow([kind, f"Task {number}.", answer, said, "1.0", language, "0.5", "a-model", "9f"])
    return path


@pytest.mark.parametrize("id", ["InfiniteRL/Coding-v0", "InfiniteRL/Math-v0"])
@pytest.mark.parametrize("name", ["dataset.csv", "dataset.jsonl", "dataset.parquet", "again.csv"])
def test_right_programs_and_answers_earn_everything_and_wrong_ones_nothing(table, id, name):
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    path = table.with_name(name)
    if name == "again.csv":
        convert(table, table.with_name("between.jsonl"), overwrite=True)
        convert(table.with_name("between.jsonl"), path, overwrite=True)
    elif path != table:
        convert(table, path, overwrite=True)
    vector = gymnasium.make_vec(id, len(ROWS), tasks=str(path))
    for said, reward in ((3, 1.0), (4, 0.0)):
        prompts, _ = vector.reset(options={"task_index": list(range(len(ROWS)))})
        assert all("<answer>" in prompt for prompt in prompts)
        _, rewards, _, truncations, _ = vector.step(tuple(response(row[0], row[1], row[said]) for row in ROWS))
        assert rewards.tolist() == [reward] * len(ROWS)
        assert not truncations.any()


def test_no_policy_sees_what_the_row_holds_beside_the_prompt(table):
    env = gymnasium.make("InfiniteRL/Coding-v0", tasks=str(table))
    observation, info = env.reset(options={"task_index": 4})
    assert "stringify" not in f"{observation}{info}"
    _, _, _, _, info = env.step("<answer>\n```javascript\n0\n```\n</answer>")
    assert "stringify" not in str(info)
    assert "a-model" not in str(info)
