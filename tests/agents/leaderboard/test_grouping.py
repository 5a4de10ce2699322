"""Only what was measured on the same tasks stands in one table, under a name that says which tasks those are."""

import gzip
import json
import shutil
from pathlib import Path

import pytest
from board_results import make_run, play, write_results
from chat_server import serving
from pages import data

from infinite_rl.agents.evaluation.benchmarks import BENCHMARKS
from infinite_rl.agents.evaluation.subject import benchmark
from infinite_rl.agents.leaderboard.grouping import benchmark_key, title, titles
from infinite_rl.agents.leaderboard.site import _reason
from infinite_rl.cli import main

FILES = Path(__file__).resolve().parents[3].parent / "shared" / "data"
OFFICIAL = BENCHMARKS["gsm8k"].data


def run_of(name="gsm8k", tasks=1_319, *, prompt="boxed", turns=None, **hashes):
    known = BENCHMARKS[name]
    env = {"id": name, "version": known.version, "arguments": {}, "split": known.split, "tasks": tasks}
    return {"env": env, "hashes": {"data": "d" * 16} | hashes, "sampling": {"prompt": prompt, "max_turns": turns}}


NAMES = [
    (run_of(source=OFFICIAL), "gsm8k"),
    (run_of(data=OFFICIAL), "gsm8k"),
    (run_of(tasks=20, source=OFFICIAL), "gsm8k, first 20 of 1,319"),
    (run_of(tasks=20, source="3fa2" * 4), "gsm8k, other data 3fa2…"),
    (run_of(tasks=20), "gsm8k, other data dddd…"),
    (run_of(source="3fa2" * 4), "gsm8k, other data 3fa2…"),
    (run_of("math-500", 500, source="3fa2" * 4), "math-500"),
    (run_of("math-500", 20, source="3fa2" * 4), "math-500, 20 of 500 tasks, data 3fa2…"),
    (run_of("humaneval", 164, source=BENCHMARKS["humaneval"].data, prompt="continue"), "humaneval, continue prompts"),
    (run_of(source=OFFICIAL, prompt="tagged", turns=1), "gsm8k, tagged prompts, at most 1 turn"),
]


@pytest.mark.parametrize(("run", "name"), NAMES, ids=[name for _, name in NAMES])
def test_a_benchmark_is_called_by_its_name_alone_only_if_it_is_whole(run, name):
    assert title(run) == name
    assert title(run, "Spring") == name.replace(run["env"]["id"], "Spring")


def test_whatever_changes_what_is_asked_makes_a_table_of_its_own():
    runs = [
        run_of(), run_of(tasks=20), run_of(data="e" * 16), run_of(prompt="tagged"), run_of(prompts="p"),
        run_of(turns=2), run_of(source="f" * 16),
    ]  # fmt: skip
    assert len({benchmark_key(run) for run in runs}) == len(runs)
    for private in (False, True):
        assert len(set(titles(runs, [""] * len(runs), [private] * len(runs)))) == len(runs)


def test_what_a_file_is_called_makes_no_table_of_its_own():
    one, other = run_of("math-500"), run_of("math-500")
    one["env"]["arguments"], other["env"]["arguments"] = {"tasks": "mine.jsonl"}, {"tasks": "yours.jsonl"}
    assert benchmark_key(one) == benchmark_key(other)


@pytest.mark.parametrize(("name", "file"), [("gsm8k", "gsm8k_test.jsonl.gz"), ("humaneval", "HumanEval.jsonl.gz")])
def test_the_hashes_that_are_known_are_those_of_what_was_published(name, file):
    if not (FILES / file).exists():
        pytest.skip(f"the file of {name} is not there")
    first = benchmark(name, file=FILES / file, tasks=2).hashes()
    assert first["source"] == BENCHMARKS[name].data != first["data"]
    whole = benchmark(name, file=FILES / file)
    assert (whole.hashes()["data"], len(whole.tasks)) == (BENCHMARKS[name].data, BENCHMARKS[name].size)


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """Two runs on a file, one on a part of it and one on another file of the same benchmark."""
    place = tmp_path_factory.mktemp("files")
    rows = [{"question": f"What is {number} and {number}?", "answer": f"#### {2 * number}"} for number in range(6)]
    for name, some in (("gsm8k", rows), ("mine", rows[::-1])):
        (place / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in some))
    with serving(lambda request: f"So \\boxed{{{len(request['model'])}}}.") as server:
        for model, file, *more in (
            ("four", "gsm8k"), ("six-six", "gsm8k"), ("four", "gsm8k", "--tasks", "3"), ("best", "mine"),
        ):  # fmt: skip
            asked = ["--benchmark", "gsm8k", "--file", str(place / f"{file}.jsonl"), "--contamination", "none", *more]
            told = ["--base-url", server.url, "--model", model, "--out", str(place / "in" / f"{model}-{len(more)}")]
            assert main(["eval", *asked, *told]) == 0
    return place


def test_a_part_and_another_file_of_a_benchmark_are_never_ranked_with_the_whole(board, tmp_path, capsys):
    files = [part for name in ("mine", "gsm8k") for part in ("--file", str(board / f"{name}.jsonl"))]
    out = ["--out", str(tmp_path / "site")]
    assert main(["leaderboard", str(board / "in"), "--check", *files, *out]) == 0, capsys.readouterr().err
    told = data(tmp_path / "site" / "data" / "board.js")[1]
    names = [one["name"] for one in told["benchmarks"]]
    assert len(set(names)) == 3
    assert all(name.startswith("gsm8k, other data ") for name in names)
    found = {(one["model"], one["tasks"]): (one["rank"], one["of"], one["ungraded"]) for one in told["entries"]}
    assert found == {
        ("four", 6): (1, 2, False), ("six-six", 6): (2, 2, False),
        ("four", 3): (1, 1, False), ("best", 6): (1, 1, False),
    }  # fmt: skip


def test_what_can_not_be_graded_again_is_shown_without_a_rank_and_told_in_a_line(board, tmp_path, capsys):
    capsys.readouterr()
    asked = ["leaderboard", str(board / "in"), "--out", str(tmp_path / "site"), "--check"]
    assert main([*asked, "--file", str(board / "mine.jsonl"), "--file", str(tmp_path / "missing.jsonl")]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("not regraded: ") and "no --file holds its tasks" in line for line in lines)
    entries = data(tmp_path / "site" / "data" / "board.js")[1]["entries"]
    assert {one["model"]: (one["rank"], one["ungraded"]) for one in entries} == {
        "four": (None, True), "six-six": (None, True), "best": (1, False),
    }  # fmt: skip
    assert (tmp_path / "site" / "board.md").read_text().count("| not regraded |") == 3
    shown = "".join(path.read_text() for path in (tmp_path / "site").rglob("*.*"))
    assert "missing.jsonl" not in shown
    assert str(tmp_path) not in shown
    assert "check lacked what their tasks are made of" in shown


def test_what_the_files_of_the_host_are_called_and_hold_is_told_on_the_terminal_alone(tmp_path, capsys):
    run = make_run(model="forger", tasks=2, n=1, data="0" * 32)
    write_results(tmp_path / "in" / "forger", run | {"env": run["env"] | {"split": None}}, play(run, 0.5))
    (tmp_path / "in" / "broken").mkdir()
    (tmp_path / "in" / "broken" / "run.json").symlink_to("/etc/hostname")
    (tmp_path / "in" / "other.zip").write_bytes(b"PK")
    file = tmp_path / "tasks of the host.jsonl"
    file.write_text('{"no": "task"}\n')
    assert main(["leaderboard", str(tmp_path / "in"), "--check", "--file", str(file)]) == 1
    assert f"can't be made again: no --file holds its tasks: {file}: " in capsys.readouterr().err
    left_out = data(tmp_path / "in" / "site" / "data" / "board.js")[1]["left_out"]
    assert len(left_out) == 3
    assert str(tmp_path) not in str(left_out)
    assert "of the host" not in str(left_out)


@pytest.mark.parametrize(
    ("why", "told"),
    [
        ("[Errno 13] Permission denied: '/srv/board/x.zip'", "[Errno 13] Permission denied: '…'"),
        ("../tasks.jsonl: line 3 (~/x)", "…: line 3 (…)"),
        ("samples.jsonl: task 3 (arithmetic/3): reward is 1/2", "samples.jsonl: task 3 (arithmetic/3): reward is 1/2"),
    ],
)
def test_reasons_on_pages_have_no_paths_and_still_name_tasks(why, told):
    assert _reason(why) == told


def test_one_way_of_giving_files_serves_every_command_that_grades_again(board, capsys):
    files = [part for name in ("mine", "gsm8k") for part in ("--file", str(board / f"{name}.jsonl"))]
    for command in ("submit", "reverify"):
        check = ["--check"] if command == "submit" else []
        assert main([command, str(board / "in" / "four-2"), *check, *files]) == 0
        capsys.readouterr()
        assert main([command, str(board / "in" / "four-2"), *check, *files[:2]]) == (1 if check else 2)
        assert "no --file holds its tasks" in capsys.readouterr().err
    assert main(["leaderboard", str(board / "in"), *files]) == 2
    assert "are for --check" in capsys.readouterr().err


def test_the_tasks_of_an_environment_come_from_a_file_again_whatever_it_is_called_now(tmp_path, capsys):
    rows = [{"messages": [{"role": "user", "content": f"Say {number}."}], "answer": str(number)} for number in range(3)]
    file = tmp_path / "tasks.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with serving(lambda request: "<answer>2</answer>") as server:
        told = ["--base-url", server.url, "--model", "tiny", "--out", str(tmp_path / "in" / "tiny")]
        asked = ["--env", "Math-v0", "--file", str(file), "--contamination", "none"]
        assert main(["eval", *asked, *told]) == 0
    capsys.readouterr()
    with gzip.open(tmp_path / "other.jsonl.gz", "wt") as packed:
        packed.write(file.read_text())
    given = ["--file", str(tmp_path / "other.jsonl.gz")]
    assert main(["submit", str(tmp_path / "in" / "tiny"), "--check", *given]) == 0, capsys.readouterr().err
    assert main(["leaderboard", str(tmp_path / "in"), "--check", *given]) == 0, capsys.readouterr().err
    shutil.rmtree(tmp_path / "in" / "site")
