"""Files in other formats: the same tasks, and generated rows with all their columns."""

import csv
import gzip
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infinite_rl import cli
from infinite_rl.datasets.arithmetic import ArithmeticSource
from infinite_rl.datasets.coding.source import CodingSource
from infinite_rl.datasets.conversion import convert
from infinite_rl.datasets.files import load_tasks
from infinite_rl.datasets.reasoning.source import ReasoningSource
from infinite_rl.datasets.task import Task

COLUMNS = [
    *("type", "prompt", "answer", "response", "quality_score", "format_score", "correctness_score", "language"),
    *("pass_rate", "rectified", "model", "seed", "time", "prompt_hash"),
]
TARGETS = ["out.jsonl", "out.jsonl.gz", "out.csv", "out.csv.gz", "out.parquet"]


def generated(kind, prompt, answer, response="<answer>…</answer>", language="", pass_rate=""):
    cells = [kind, prompt, answer, response, "1.0", "1.0", "1.0", language, pass_rate, "False", "m", "7", "1.5", "9f"]
    return dict(zip(COLUMNS, cells, strict=True))


ROWS = [
    generated("math", "Solve x\n= 1?", "[0, 1)", pass_rate="0.25"),
    generated("math", "[1, 2]", "[1, 2]"),
    generated("coding", "Print it.\r\n", "[1, 2, 3]", "<answer>\n```js\n1\n```\n</answer>", "javascript"),
    generated("coding", 'Say "a, b" in <answer> tags', "print(4)", language="python"),
    generated("coding", "Double.", '{"function": "f", "cases": [{"args": [1], "result": 2}]}', language="python"),
    generated("coding", "Print 1.0", "1.0"),
]
MESSAGES = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "1+1?"})
TOOL = ({"role": "user", "content": "?"}, {"role": "assistant", "content": None, "tool_calls": [{"id": 1.0}]})


def write_rows(path, rows, columns=COLUMNS):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_tasks(path, tasks):
    path.write_text("".join(f"{task.to_json()}\n" for task in tasks), "utf-8")
    return path


def cells_of(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


def written(value):
    """A value with its types: 1, 1.0 and True differ."""
    return json.dumps(value, sort_keys=True)


def assert_same(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert (one.id, one.domain) == (other.id, other.domain)
        assert written(one.messages) == written(other.messages)
        assert written(one.answer) == written(other.answer)
        assert written(dict(one.metadata)) == written(dict(other.metadata))


def without_row(task):
    return replace(task, metadata={name: value for name, value in task.metadata.items() if name != "row"})


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
spoken = texts.filter(str.strip)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
tricky = st.sampled_from(
    ["[1, 2]", "1.0", "null", '"a"', '{"a": 1}', "[0, 1)", "\r", "a\rb", "=1", "'", "\ufeffx", "{"]
)
answers = (spoken | tricky | values).filter(
    lambda answer: answer not in ([], {}) and (not isinstance(answer, str) or bool(answer.strip()))
)
metadata = st.dictionaries(st.sampled_from(["level", "note", "solution", "own", "row"]), values, max_size=3) | st.just(
    {"answer_form": "any"}
)
prompts = spoken | tricky.filter(str.strip) | spoken.map(lambda text: f"{text} <answer>")
user = prompts.map(lambda text: ({"role": "user", "content": text},))
conversations = user | st.sampled_from([MESSAGES, TOOL])
tasks = st.builds(Task, spoken, spoken, conversations, answers, metadata)
graded = st.builds(
    Task, spoken, spoken, user, st.sampled_from(["1", "[1, 2]", "1.0"]), st.just({"grader": "math"}) | metadata
)


@pytest.mark.parametrize("name", TARGETS)
@given(
    st.lists(tasks, min_size=1, max_size=4, unique_by=lambda task: task.id) | st.lists(graded, min_size=1, max_size=1)
)
@example([Task("1", "d", MESSAGES[1:], "[1, 2]"), Task("2", "d", MESSAGES[1:], [1, 2])])
@example([Task("1", "d", MESSAGES[1:], "1.0"), Task("2", "d", MESSAGES, 1.0), Task("3", "d", TOOL, None)])
@example([Task("[1]", "{}", MESSAGES[1:], "[1, 2]", {"grader": "math"})])
def test_any_tasks_come_back_from_any_format(name, tasks):
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    with tempfile.TemporaryDirectory() as folder:
        source = write_tasks(Path(folder) / "in.jsonl", tasks)
        assert convert(source, Path(folder) / name) == len(tasks)
        assert_same(load_tasks(Path(folder) / name).tasks, load_tasks(source).tasks)


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("source", [ArithmeticSource(level=3), ReasoningSource(level=2), CodingSource(level=2)])
def test_procedural_tasks_come_back_from_any_format(tmp_path, name, source):
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    tasks = list({task.id: task for task in map(source.task, range(30))}.values())
    convert(write_tasks(tmp_path / "in.jsonl", tasks), tmp_path / name)
    assert_same(load_tasks(tmp_path / name).tasks, tasks)


cells = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["math", "coding"]),
        "prompt": prompts,
        "answer": st.sampled_from(["[1, 2]", "4", "1.0", "print(4)", '{"cases": [{"stdout": "1"}]}', "\\frac12"]),
        "language": st.sampled_from(["", "python", "javascript"]),
        "pass_rate": st.sampled_from(["", "0.5", "1"]),
        "response": texts | tricky,
        "prompt_hash": texts | tricky,
    }
).filter(lambda row: row["type"] == "coding" or row["answer"] in ("4", "1.0", "[1, 2]", "\\frac12"))


@given(
    st.lists(cells, min_size=1, max_size=4), st.sampled_from(["between.jsonl", "between.parquet", "between.jsonl.gz"])
)
def test_generated_tables_come_back_with_all_their_cells(rows, between):
    if between.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "dataset.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0], quoting=csv.QUOTE_ALL)
            writer.writeheader()
            writer.writerows(rows)
        convert(folder / "dataset.csv", folder / between)
        convert(folder / between, folder / "again.csv")
        assert cells_of(folder / "again.csv") == cells_of(folder / "dataset.csv")
        found = [without_row(task) for task in load_tasks(folder / between).tasks]
        assert_same(found, load_tasks(folder / "dataset.csv").tasks)


def test_a_generated_table_keeps_columns_that_are_empty_or_read_by_nobody(tmp_path):
    source = write_rows(tmp_path / "dataset.csv", ROWS)
    assert convert(source, tmp_path / "train.jsonl") == len(ROWS)
    convert(tmp_path / "train.jsonl", tmp_path / "again.csv")
    convert(source, tmp_path / "copy.csv")
    assert cells_of(tmp_path / "again.csv") == cells_of(tmp_path / "copy.csv") == cells_of(source)
    assert [list(row) for row in cells_of(source)[:1]] == [COLUMNS]
    found = load_tasks(tmp_path / "train.jsonl").tasks
    assert_same([without_row(task) for task in found], load_tasks(source).tasks)
    assert found[0].metadata["row"]["prompt_hash"] == "9f"


def test_a_generated_task_that_was_changed_is_written_as_it_is_now(tmp_path):
    convert(write_rows(tmp_path / "dataset.csv", ROWS[:1]), tmp_path / "train.jsonl")
    task = load_tasks(tmp_path / "train.jsonl").task(0)
    changes = ({"answer": "3"}, {"domain": "hard"}, {"id": "mine"}, {"metadata": {**task.metadata, "level": 2}})
    for change in changes:
        changed = replace(task, **change)
        convert(write_tasks(tmp_path / "new.jsonl", [changed]), tmp_path / "new.csv", overwrite=True)
        assert_same(load_tasks(tmp_path / "new.csv").tasks, [changed])


def test_a_table_of_prompts_can_be_read_by_people(tmp_path):
    ask = "What is 6 * 7? Give the answer between <answer> and </answer>."
    tasks = [Task.ask(ask, "42", id="a", domain="d", grader="math"), Task.ask("Why?", "[1]", id="b", domain="d")]
    convert(write_tasks(tmp_path / "in.jsonl", tasks), tmp_path / "out.csv")
    assert cells_of(tmp_path / "out.csv") == [
        ["id", "domain", "type", "prompt", "answer", "metadata"],
        ["a", "d", "math", ask, "42", "{}"],
        ["b", "d", "", "Why?", "[1]", "{}"],
    ]
    convert(write_tasks(tmp_path / "in.jsonl", [replace(tasks[0], answer=1.0), tasks[1]]), tmp_path / "json.csv")
    assert [row[4] for row in cells_of(tmp_path / "json.csv")] == ["answer_json", "1.0", '"[1]"']
    convert(write_tasks(tmp_path / "in.jsonl", [replace(tasks[0], messages=MESSAGES)]), tmp_path / "talk.csv")
    assert cells_of(tmp_path / "talk.csv")[0] == ["id", "domain", "messages", "answer", "metadata"]


def test_a_parquet_file_has_columns_of_their_types(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    tasks = [Task("a", "d", MESSAGES, "42"), Task("b", "d", MESSAGES[1:], "43")]
    convert(write_tasks(tmp_path / "in.jsonl", tasks), tmp_path / "out.parquet")
    assert parquet.read_table(tmp_path / "out.parquet").to_pylist()[1] == {
        "id": "b",
        "domain": "d",
        "messages": [{"role": "user", "content": "1+1?"}],
        "answer": "43",
        "metadata_json": "{}",
    }


def test_rows_of_other_datasets_and_with_odd_columns_are_converted(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text('{"question": "1+1?", "answer": "so\\n#### 2"}\n')
    convert(path, tmp_path / "out.csv")
    assert_same(load_tasks(tmp_path / "out.csv").tasks, load_tasks(path).tasks)
    path.write_text('{"type": "math", "prompt": "1+1?", "answer": "2", "seed": NaN, "note": "\\ud800", "time": null}\n')
    convert(path, tmp_path / "odd.jsonl")
    assert load_tasks(tmp_path / "odd.jsonl").task(0).metadata["row"]["note"] == "?"
    convert(tmp_path / "odd.jsonl", tmp_path / "odd.csv")
    assert cells_of(tmp_path / "odd.csv")[1] == ["math", "1+1?", "2", "", "?", ""]


def test_a_folder_becomes_one_file(tmp_path):
    (tmp_path / "data").mkdir()
    for number in (0, 1):
        write_rows(tmp_path / "data" / f"train-{number}.csv", ROWS[number : number + 1])
    assert convert(f"train@{tmp_path / 'data'}", tmp_path / "all.csv") == 2
    assert cells_of(tmp_path / "all.csv") == [COLUMNS, *(list(row.values()) for row in ROWS[:2])]


def test_equal_tasks_make_equal_compressed_files(tmp_path):
    source = write_rows(tmp_path / "dataset.csv", ROWS)
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        convert(source, tmp_path / name)
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    assert len(gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()).splitlines()) == len(ROWS)


def test_progress_counts_the_rows(tmp_path):
    seen = []
    convert(write_rows(tmp_path / "dataset.csv", ROWS), tmp_path / "out.jsonl", progress=seen.append)
    assert sum(seen) == len(ROWS)


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run_command(*argv):
        code = cli.main(["convert", *map(str, argv)])
        output = capsys.readouterr()
        return code, output.out, output.err

    return run_command


def test_the_command_says_how_many_went_where(run, tmp_path):
    write_rows(tmp_path / "dataset.csv", ROWS)
    assert run("dataset.csv", "train.jsonl") == (0, "6 tasks from dataset.csv to train.jsonl\n", "")
    assert len((tmp_path / "train.jsonl").read_text().splitlines()) == len(ROWS)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["none.csv", "out.jsonl"], "none.csv: no such file"),
        (["bad.csv", "out.jsonl"], "bad.csv, line 3: \"answer\" can't be used by the grader 'math'"),
        (["twice.jsonl", "out.csv"], "twice.jsonl, line 2: \"id\" 'a' is that of twice.jsonl, line 1"),
        (["dataset.csv", "out.txt"], "out.txt: the name must end in .jsonl, .csv, .parquet"),
        (["dataset.csv", "out.parquet.gz"], "the name must end in"),
        (["dataset.csv", "no/out.csv"], "no such folder: no"),
        (["dataset.csv", "folder.csv"], "folder.csv: a folder"),
        (["dataset.csv", "there.jsonl"], "there.jsonl: it is there already. Give another name, or --overwrite"),
        (["dataset.csv", "dataset.csv"], "dataset.csv: this is what is read"),
        (["dataset.csv", "./dataset.csv", "--overwrite"], "this is what is read"),
        (["dataset.csv", "link.csv", "--overwrite"], "this is what is read"),
        (["dataset@.", "dataset.csv", "--overwrite"], "this is what is read"),
    ],
)
def test_bad_input_is_named_in_one_line_and_nothing_is_written(run, tmp_path, argv, message):
    write_rows(tmp_path / "dataset.csv", ROWS)
    write_rows(tmp_path / "bad.csv", [ROWS[1], generated("math", "?", "nan")])
    task = {"id": "a", "messages": list(MESSAGES), "answer": "2"}
    (tmp_path / "twice.jsonl").write_text(f"{json.dumps(task)}\n" * 2)
    (tmp_path / "there.jsonl").write_text("mine")
    (tmp_path / "folder.csv").mkdir()
    os.symlink(tmp_path / "dataset.csv", tmp_path / "link.csv")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    code, out, err = run(*argv)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_a_file_is_replaced_on_request_and_kept_if_that_fails(run, tmp_path):
    write_rows(tmp_path / "dataset.csv", ROWS)
    write_rows(tmp_path / "bad.csv", [generated("math", "?", "nan")])
    (tmp_path / "there.jsonl").write_text("mine")
    assert run("bad.csv", "there.jsonl", "--overwrite")[0] == 2
    assert (tmp_path / "there.jsonl").read_text() == "mine"
    assert run("dataset.csv", "there.jsonl", "--overwrite")[0] == 0
    assert len(load_tasks(tmp_path / "there.jsonl").tasks) == len(ROWS)


def test_a_write_that_breaks_leaves_nothing(tmp_path, monkeypatch):
    source = write_rows(tmp_path / "dataset.csv", ROWS)

    def no_space(task):
        raise OSError("no space left on device")

    monkeypatch.setattr(Task, "to_json", no_space)
    with pytest.raises(OSError, match="no space"):
        convert(source, tmp_path / "out.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["dataset.csv"]


def test_parquet_without_pyarrow_says_what_to_install(run, tmp_path, monkeypatch):
    write_rows(tmp_path / "dataset.csv", ROWS)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    code, _, err = run("dataset.csv", "out.parquet")
    assert code == 2
    assert "out.parquet: writing parquet needs pyarrow: pip install 'infinite-rl[train]'" in err
