import csv
import gzip
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from infinite_rl.datasets.files import load_tasks
from infinite_rl.datasets.layouts import Defaults, RowError, parse_row
from infinite_rl.datasets.task import TaskList
from infinite_rl.envs.coding import CodingVectorEnv
from infinite_rl.envs.math import MathEnv, MathVectorEnv
from infinite_rl.rewards.code.cases import read_expected

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
MESSAGES = [{"role": "user", "content": "1+1?"}]
HUMANEVAL = {
    "task_id": "HumanEval/x",
    "prompt": "def twice(n):\n    '''Twice n.'''\n",
    "entry_point": "twice",
    "canonical_solution": "    return 2 * n\n",
    "test": "def check(candidate):\n    assert candidate(3) == 6\n    assert candidate(0) == 0\n",
}
MBPP = {
    "task_id": 601,
    "text": "Write a function to double a number.",
    "code": "def twice(n):\n  return 2 * n",
    "test_list": ["assert twice(3) == 6", "assert set(twice([1])) == {1}"],
    "test_setup_code": "",
}


def task_of(row):
    return parse_row(row, Defaults("default/1", "default"))


def rewards_of(vector_env, tasks, answers, **arguments):
    vector = vector_env(len(tasks), tasks=TaskList(tasks), **arguments)
    vector.reset(options={"task_index": list(range(len(tasks)))})
    _, rewards, _, truncations, _ = vector.step(tuple(answers))
    assert not truncations.any()
    return rewards.tolist()


@pytest.mark.parametrize(
    ("row", "id", "domain", "answer"),
    [
        ({"messages": MESSAGES, "answer": ["2", "two"]}, "default/1", "default", ["2", "two"]),
        ({"question": "1+1?", "answer": "1+1 = <<1+1=2>>2\n#### 1,234", "idx": 0}, "default/1", "default", "1234"),
        ({"question": "1+1?", "answer": 2}, "default/1", "default", "2"),
        (
            {"problem": "?", "solution": "$\\boxed{\\frac{1}{2}}$", "type": "Algebra", "level": "Level 3"},
            "default/1",
            "default/Algebra",
            "\\frac{1}{2}",
        ),
        (
            {"problem": "?", "solution": "\\boxed{1}", "answer": "2", "subject": "Geometry", "unique_id": "t/1.json"},
            "t/1.json",
            "default/Geometry",
            "2",
        ),
        ({"problem": "?", "solution": "so $x = \\boxed 5$."}, "default/1", "default", "5"),
        ({"problem": "?", "solution": "so \\fbox{$6$}"}, "default/1", "default", "$6$"),
        ({"ID": "2024-I-1", "Problem": "?", "Solution": "…", "Answer": 204}, "2024-I-1", "default", "204"),
        ({"prompt": "1+1?", "answer": "2", "type": "math", "response": "…"}, "default/1", "default/math", "2"),
        (
            {"prompt": "1+1?", "answer": "2", "type": "math", "domain": "sums", "id": "a", "language": ""},
            "a",
            "sums",
            "2",
        ),
        ({"prompt": "1+1?", "answer": "2", "type": "riddle"}, "default/1", "default", "2"),
        ({"messages_json": json.dumps(MESSAGES), "answer_json": "1.0"}, "default/1", "default", 1.0),
        ({"prompt": "1+1?", "answer_json": "null", "metadata_json": '{"level": 3}'}, "default/1", "default", None),
    ],
)
def test_rows_of_known_datasets_become_tasks(row, id, domain, answer):
    task = task_of(row)
    assert (task.id, task.domain, task.answer) == (id, domain, answer)
    assert task.metadata.get("level", 3) == 3


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (3, "not an object"),
        ({}, '"messages" is missing'),
        ({"question": "?"}, "\"answer\" is missing; there is 'question'"),
        ({"qestion": "?", "answer": "2"}, "Is 'qestion' meant to be 'question'?"),
        ({"promt": "?", "answer": "2"}, "Is 'promt' meant to be 'prompt'?"),
        ({"prompt": "?", "answer": "2", "domian": "x"}, '"domian" is not read. Is it meant to be "domain"?'),
        ({"problem": "?", "answer": None}, '"answer" is empty'),
        ({"problem": "?", "answer": ""}, '"answer" is empty'),
        ({"question": " ", "answer": "2"}, '"question" must be text'),
        (MBPP | {"test_imports": [1]}, '"test_imports" must be a list of texts'),
        ({"question": "?", "answer": float("nan")}, '"answer" is empty'),
        ({"question": "?", "answer": float("inf")}, '"answer" must be text or a number'),
        ({"question": "?", "answer": True}, '"answer" must be text or a number'),
        ({"question": "?", "answer": None}, '"answer" is empty'),
        ({"question": "?", "answer": "so\n####"}, '"answer" is empty'),
        ({"problem": "?", "solution": "no box"}, "no \\\\boxed"),
        (HUMANEVAL | {"test": 3}, '"test" must be text'),
        (MBPP | {"test_list": []}, '"test_list" must be a non-empty list'),
        (MBPP | {"test_list": ["assert True"]}, "calls no function"),
        (
            {"prompt": "?", "answer": "2", "type": "coding", "language": "lua"},
            '"language" can.t be used: language must be',
        ),
        (
            {
                "prompt": "?",
                "answer": {"cases": [{"stdout": "1"}], "language": "py"},
                "type": "coding",
                "language": "js",
            },
            "its language is python, and that of the task javascript",
        ),
        ({"prompt": "?", "answer": {"cases": 1}, "type": "coding", "language": "js"}, "cases must be a list"),
        ({"prompt": "?", "answer": " ", "type": "coding", "language": "js"}, '"answer" is empty'),
        ({"prompt": "?", "answer": None, "type": "coding", "language": "js"}, '"answer" is empty'),
        ({"prompt": "?", "answer": "2", "answer_json": "2"}, '"answer" and "answer_json" exclude each other'),
        ({"prompt": "?", "answer_json": "{"}, '"answer_json" is not JSON'),
        ({"prompt": "?", "answer": "2", "metadata": 3}, '"metadata" must be an object'),
        ({"messages": [{"role": "user", "content": None}], "answer": "2"}, "text in both"),
        ({"messages": [{"role": "assistant", "content": "", "tool_calls": "x"}], "answer": "2"}, "text in both"),
    ],
)
def test_a_malformed_row_is_told_by_its_field(row, message):
    with pytest.raises(RowError, match=message):
        task_of(row)


@pytest.mark.parametrize(
    ("kind", "closing"),
    [
        ("math", "Give the answer between <answer> and </answer>."),
        ("coding", "Put the code into a fenced block between"),
    ],
)
def test_a_generated_prompt_says_where_the_answer_goes(kind, closing):
    task = task_of({"prompt": " Do it.\n", "answer": "2", "type": kind})
    assert task.prompt.startswith(f"Do it.\n\n{closing}")
    assert task.metadata == {"grader": kind}
    said = {"prompt": " Do it, in <ANSWER> tags.", "answer": "2", "type": kind}
    assert task_of(said).prompt == said["prompt"]
    assert task_of(said | {"type": None}).prompt == said["prompt"]


CALLS = {"function": "f", "cases": [{"args": [1], "result": 2}]}


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        ("[1, 2, 3]", {"output": "[1, 2, 3]", "language": "javascript"}),
        (4, {"output": "4", "language": "javascript"}),
        ("<answer>4</answer>", {"output": "4", "language": "javascript"}),
        ("console.log(4)", {"code": "console.log(4)", "language": "javascript"}),
        ("```js\nconsole.log(4)\n```", {"code": "```js\nconsole.log(4)\n```", "language": "javascript"}),
        ('{"solution": "console.log(4)"}', {"solution": "console.log(4)", "language": "javascript"}),
        (CALLS, CALLS | {"language": "javascript"}),
        (json.dumps(CALLS), CALLS | {"language": "javascript"}),
        (json.dumps(CALLS | {"language": "node"}), json.dumps(CALLS | {"language": "node"})),
    ],
)
def test_the_language_of_a_generated_row_goes_into_its_answer(answer, read):
    row = {"prompt": "Do it.", "answer": answer, "type": "coding"}
    assert task_of(row | {"language": "js"}).answer == read
    assert task_of(row | {"language": ""}).answer == answer
    assert task_of(row | {"language": "js", "type": "riddle"}).answer == answer
    expected = read_expected(answer)
    assert read_expected(read) == replace(expected, language="javascript")


def test_of_what_else_a_generated_row_holds_only_the_useful_is_kept():
    row = {"prompt": "?", "answer": "4", "type": "coding", "quality_score": "1.0", "seed": "3", "rectified": "False"}
    response = "I see.\n<answer>\n```python\nprint(4)\n```\n</answer>"
    task = task_of(row | {"pass_rate": "0.25", "response": response})
    assert task.metadata == {"grader": "coding", "pass_rate": 0.25, "solution": "```python\nprint(4)\n```"}
    for nothing in ("", "none", "nan", None, [1]):
        assert task_of(row | {"pass_rate": nothing, "response": nothing}).metadata == {"grader": "coding"}
    assert task_of(row | {"response": "<answer>\ud800</answer>"}).metadata == {"grader": "coding"}


BARE = HUMANEVAL | {"prompt": "import math\n\ndef twice(n):\n", "canonical_solution": "    return 2 * n\n"}
METHOD = HUMANEVAL | {
    "prompt": "def twice(n):\n    def inner(m):  ",
    "canonical_solution": "\n        return 2 * m\n    return inner(n)",
}


@pytest.mark.parametrize("row", [HUMANEVAL, MBPP, BARE, METHOD])
def test_programs_of_known_datasets_are_judged(row):
    task = task_of(row)
    assert task.answer["function"] == "twice"
    right, wrong = task.metadata["solution"], task.metadata["solution"].replace("2 *", "3 *")
    if row is MBPP:  # its second test would need a list back
        task.answer["tests"].pop()
    answers = [f"<answer>```python\n{code}\n```</answer>" for code in (right, wrong)]
    assert rewards_of(CodingVectorEnv, [task, task], answers) == [1.0, 0.0]


@pytest.mark.skipif(not DATA.exists(), reason="the verdict data is not in ../shared/data beside the repository")
def test_every_reference_answer_of_gsm8k_earns_everything_and_a_perturbed_one_nothing():
    tasks = load_tasks(DATA / "gsm8k_test.jsonl.gz").tasks
    assert len(tasks) == 1_319
    right = [f"<answer>{task.answer}</answer>" for task in tasks]
    wrong = [f"<answer>{Decimal(task.answer) + 1}</answer>" for task in tasks]
    assert rewards_of(MathVectorEnv, tasks, right) == [1.0] * len(tasks)
    assert rewards_of(MathVectorEnv, tasks, wrong) == [0.0] * len(tasks)


@pytest.mark.skipif(not DATA.exists(), reason="the verdict data is not in ../shared/data beside the repository")
def test_every_reference_program_of_humaneval_earns_everything_and_an_empty_one_nothing():
    tasks = load_tasks(DATA / "HumanEval.jsonl.gz").tasks
    assert len(tasks) == 164
    right = [f"<answer>```python\n{task.metadata['solution']}\n```</answer>" for task in tasks]
    empty = [f"<answer>```python\ndef {task.answer['function']}(*a): pass\n```</answer>" for task in tasks]
    assert rewards_of(CodingVectorEnv, tasks, right, timeout=60) == [1.0] * len(tasks)
    assert rewards_of(CodingVectorEnv, tasks, empty, timeout=60) == [0.0] * len(tasks)


ROWS = [{"question": f"{n}+1?", "answer": str(n + 1)} for n in range(5)]


def write_jsonl(path):
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))


def write_gz(path):
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in ROWS).encode()))


def write_csv(path):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["question", "answer"])
        writer.writeheader()
        writer.writerows(ROWS)


def write_parquet(path):
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pytest.importorskip("pyarrow").Table.from_pylist(ROWS), path)


def write_arrow(path):
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.Table.from_pylist(ROWS)
    with pyarrow.OSFile(str(path), "wb") as sink, pyarrow.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def write_stream(path):
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.Table.from_pylist(ROWS)
    with pyarrow.OSFile(str(path), "wb") as sink, pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


FORMATS = [
    ("x.jsonl", write_jsonl),
    ("x.jsonl.gz", write_gz),
    ("x.csv", write_csv),
    ("x.parquet", write_parquet),
    ("x.arrow", write_arrow),
    ("y.arrow", write_stream),
]


@pytest.mark.parametrize(("name", "write"), FORMATS)
def test_every_format_gives_the_same_tasks(tmp_path, name, write):
    write(tmp_path / name)
    tasks = load_tasks(tmp_path / name).tasks
    assert [task.answer for task in tasks] == ["1", "2", "3", "4", "5"]
    env = MathEnv(str(tmp_path / name))
    env.reset(options={"task_index": 2})
    assert env.step("<answer>3</answer>")[1] == 1.0


@pytest.mark.parametrize("name", ["x.parquet", "x.arrow", "x.jsonl.gz", "x.csv", "x.jsonl"])
def test_a_file_that_is_not_what_its_name_says_is_a_clear_error(tmp_path, name):
    (tmp_path / name).write_bytes(b'"a\xff\x00\x01' * 50)
    with pytest.raises(ValueError, match=name.replace(".", r"\.")):
        load_tasks(tmp_path / name)


def test_tables_name_line_and_field(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('question,answer\n"1+1?\nplease",2\n1+2?\n')
    with pytest.raises(ValueError, match=r'x\.csv, line 4: "answer" is missing; there is \'question\''):
        load_tasks(path)
    path.write_text("question,answer\na,b,c\n")
    with pytest.raises(ValueError, match="line 2: more fields than the heading names"):
        load_tasks(path)
    path.write_text(f"messages,answer\n{json.dumps(json.dumps(MESSAGES))[1:-1]!r},2\n")
    with pytest.raises(ValueError, match=r"x\.csv, line 2"):
        load_tasks(path)


@pytest.mark.parametrize("cell", ["nan", "NaN", "-inf", "Infinity"])
@pytest.mark.parametrize("name", ["x.csv", "x.jsonl"])
def test_text_that_stands_for_no_number_is_no_answer_of_mathematics(tmp_path, name, cell):
    row = {"question": "1+1?", "answer": cell}
    text = f"question,answer\n1+1?,{cell}\n" if name == "x.csv" else json.dumps(row)
    (tmp_path / name).write_text(text)
    with pytest.raises(
        ValueError, match=f"\"answer\" can't be used by the grader 'math': The expected answer is {cell}"
    ):
        load_tasks(tmp_path / name)
    (tmp_path / name).write_text(text.replace("question", "prompt"))
    assert load_tasks(tmp_path / name, grader="eq").task(0).answer == cell, "a word to other graders"


def test_an_empty_answer_of_a_table_is_told_as_such(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "x.parquet"
    for nothing in (None, float("nan")):
        rows = [{"problem": "1+1?", "answer": 2.0}, {"problem": "1+2?", "answer": nothing}]
        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
        with pytest.raises(ValueError, match=r'x\.parquet, row 2: "answer" is empty'):
            load_tasks(path)
    parquet.write_table(pyarrow.Table.from_pylist([{"messages": MESSAGES, "answer": None}]), path)
    assert load_tasks(path).task(0).answer is None, "as in JSON Lines"
    with pytest.raises(ValueError, match="\"answer\" is empty, and the grader 'math' needs one"):
        load_tasks(path, grader="math")
    (tmp_path / "x.csv").write_text("question,answer\n1+1?,\n")
    with pytest.raises(ValueError, match='line 2: "answer" is empty'):
        load_tasks(tmp_path / "x.csv")


def test_a_table_may_hold_messages_as_json(tmp_path):
    path = tmp_path / "x.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["messages", "answer"], [json.dumps(MESSAGES), "2"]])
    assert load_tasks(path).task(0).prompt == "1+1?"


@pytest.mark.parametrize("text", ["[1, 2]", "[0, 1)", "{1, 2}", '{"a": 1}', "4", "1.0"])
@pytest.mark.parametrize("names", [("type", "prompt", "answer", "response"), ("Type", "Prompt", "Answer", "Response")])
def test_cells_of_a_generated_table_are_text_whatever_they_begin_with(tmp_path, names, text):
    with (tmp_path / "x.csv").open("w", newline="") as file:
        csv.writer(file).writerows([names, ["coding", text, text, f"[{text}]"]])
    task = load_tasks(tmp_path / "x.csv").task(0)
    assert task.prompt.startswith(f"{text}\n\n")
    assert task.answer == text


def test_cells_of_other_tables_are_text_where_nothing_else_can_be_meant(tmp_path):
    with (tmp_path / "x.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "domain", "question", "answer"], ["[1]", "{}", "[2]", "[3]"]])
    task = load_tasks(tmp_path / "x.csv").task(0)
    assert (task.id, task.answer) == ("[1]", "[3]")
    assert task.prompt.startswith("[2]\n\n")


def test_generated_rows_are_the_same_tasks_in_every_format(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [
        {"type": "coding", "prompt": "Do it.", "answer": "[1, 2]", "language": "javascript", "pass_rate": 0.5},
        {"type": "math", "prompt": "Do it.", "answer": "[1, 2]", "language": None, "pass_rate": float("nan")},
    ]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "x.parquet")
    with (tmp_path / "x.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows([rows[0], rows[1] | {"pass_rate": ""}])
    tasks = load_tasks(tmp_path / "x.csv").tasks
    assert [task.answer for task in tasks] == [{"output": "[1, 2]", "language": "javascript"}, "[1, 2]"]
    assert [task.domain for task in tasks] == ["x/coding", "x/math"]
    assert tasks == load_tasks(tmp_path / "x.jsonl").tasks == load_tasks(tmp_path / "x.parquet").tasks


def test_a_folder_holds_splits(tmp_path):
    (tmp_path / "data").mkdir()
    write_jsonl(tmp_path / "test.jsonl")
    write_csv(tmp_path / "testing.csv")
    write_parquet(tmp_path / "data" / "train-00000-of-00002.parquet")
    write_parquet(tmp_path / "data" / "train-00001-of-00002.parquet")
    assert len(load_tasks(f"train@{tmp_path}").tasks) == 10
    assert [task.id for task in load_tasks(f"test@{tmp_path}").tasks] == [f"test/{n}" for n in range(1, 6)]
    with pytest.raises(ValueError, match="a file has no splits"):
        load_tasks(f"test@{tmp_path}/test.jsonl")


def test_equal_ids_are_refused(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text((json.dumps({"messages": MESSAGES, "answer": "2", "id": "a"}) + "\n") * 2)
    with pytest.raises(ValueError, match=r"line 2: \"id\" 'a' is that of .*line 1"):
        load_tasks(path)


def test_a_hub_dataset_that_cannot_be_reached_is_a_clear_error(monkeypatch):
    pytest.importorskip("datasets")
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ValueError, match="no folder 'nobody/nothing' is here, and the hub gives no such dataset"):
        load_tasks("test@nobody/nothing:main")


def test_nested_values_of_parquet_are_what_json_would_give(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    pyarrow = pytest.importorskip("pyarrow")
    case = {"stdin": "1", "stdout": "2"}
    rows = [
        {"messages": MESSAGES, "answer": {"cases": [case], "setup": None}, "metadata": {"grader": "coding"}},
        {
            "messages": [MESSAGES[0] | {"name": "ada"}],
            "answer": {"cases": [case] * 2},
            "metadata": {"grader": "coding"},
        },
    ]
    path = tmp_path / "x.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    first, second = load_tasks(path).tasks
    assert first.messages == tuple(MESSAGES)
    assert second.messages[0]["name"] == "ada"
    parquet.write_table(pyarrow.table({"prompt": ["?"], "answer": [b"2"]}), path)
    with pytest.raises(ValueError, match=r'x\.parquet, row 1: "answer" is of type bytes, which JSON does not have'):
        load_tasks(path)
    parquet.write_table(pyarrow.table({"question": ["?", "?"], "answer": [1.0, float("nan")]}), path)
    with pytest.raises(ValueError, match=r'x\.parquet, row 2: "answer" is empty'):
        load_tasks(path)


@pytest.mark.parametrize("kind", ["Math", " math ", "MATH"])
def test_the_case_of_a_type_does_not_matter(kind):
    task = parse_row({"type": kind, "prompt": "1+1?", "answer": "2"}, Defaults("x", "x"))
    assert task.metadata["grader"] == "math"


@pytest.mark.parametrize(("kind", "meant"), [("maths", "math"), ("codign", "coding"), ("codding", "coding")])
def test_a_misspelt_type_is_told(kind, meant):
    with pytest.raises(RowError, match=f"meant to be '{meant}'"):
        parse_row({"type": kind, "prompt": "1+1?", "answer": "2"}, Defaults("x", "x"))


def test_types_of_others_are_no_business_of_ours():
    assert parse_row({"type": "Algebra", "prompt": "1+1?", "answer": "2"}, Defaults("x", "x")).metadata == {}
