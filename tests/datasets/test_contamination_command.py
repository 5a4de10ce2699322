"""The gate as a command: exit codes, reports, and files without their contaminated rows."""

import csv
import gzip
import json

import pytest

from infinite_rl import cli
from infinite_rl.datasets.contamination import command
from infinite_rl.datasets.contamination.removal import write_without
from infinite_rl.datasets.files import load_tasks, read_tasks
from infinite_rl.datasets.rows import read_rows

HELD_OUT = ["What is 6 * 7?", "Tom has 3 apples and buys 14 more. How many apples does Tom have now?"]
CLEAN = ["Write a poem about the sea.", "Tom has 5 apples and buys 19 more. How many apples does Tom have now?"]
DIRTY = ["what is 6*7", f"Question: {HELD_OUT[1]} Think step by step."]


@pytest.fixture
def run(capsys):
    def run_command(*argv):
        code = cli.main(["contamination", *map(str, argv)])
        output = capsys.readouterr()
        return code, output.out, output.err

    return run_command


def row(prompt, **more):
    return {"messages": [{"role": "user", "content": prompt}], "answer": "1", **more}


def write(path, prompts):
    path.write_text("".join(json.dumps(row(prompt)) + "\n" for prompt in prompts))
    return path


@pytest.fixture
def files(tmp_path):
    train = write(tmp_path / "train.jsonl", [CLEAN[0], DIRTY[0], CLEAN[1], DIRTY[1]])
    return train, write(tmp_path / "test.jsonl", HELD_OUT)


def test_a_clean_file_passes_and_a_contaminated_one_does_not(run, files, tmp_path):
    train, held_out = files
    code, out, err = run("--train", write(tmp_path / "clean.jsonl", CLEAN), "--eval", held_out)
    assert (code, err) == (0, "")
    assert "0 of 2 training rows (0.00%)" in out
    assert "1 training rows share no more than a template" in out
    code, out, err = run("--train", train, "--eval", held_out)
    assert (code, err) == (1, "")
    assert "2 of 4 training rows (50.00%) hold evaluation prompts: 1 exactly, 1 edited" in out
    assert "2 of 2 evaluation rows are found" in out
    assert "exact" in out
    assert "near" in out


def test_json_is_what_the_report_holds(run, files, tmp_path):
    code, out, err = run("--train", files[0], "--eval", files[1], "--json", "--report", tmp_path / "found")
    assert (code, err) == (1, "")
    assert json.loads(out) == json.loads((tmp_path / "found.json").read_text("utf-8"))
    assert json.loads(out)["share"] == 0.5


@pytest.mark.parametrize(("tolerance", "code"), [("0.49", 1), ("0.5", 0), ("1", 0)])
def test_a_share_is_tolerated(run, files, tolerance, code):
    assert run("--train", files[0], "--eval", files[1], "--abort-tolerance", tolerance)[0] == code


def test_the_report_names_the_rows(run, files, tmp_path):
    run("--train", files[0], "--eval", files[1], "--report", tmp_path / "found")
    report = json.loads((tmp_path / "found.json").read_text())
    assert (report["train_rows"], report["exact"], report["near"], report["template"]) == (4, 1, 1, 1)
    assert report["share"] == 0.5
    with (tmp_path / "found.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    pairs = [(pair["kind"], pair["train_row"], pair["train_id"], pair["evaluation_row"]) for pair in table]
    assert pairs == [("exact", "2", "train/2", "1"), ("template", "3", "train/3", "2"), ("near", "4", "train/4", "2")]
    for pair, same in zip(report["pairs"], table, strict=True):
        assert {name: str(value) for name, value in pair.items()} == same
    assert table[2]["train_text"] == DIRTY[1]
    assert table[2]["train_place"] == f"{files[0]}, line 4"


def test_signs_that_steer_a_terminal_are_not_printed(run, tmp_path):
    train = write(tmp_path / "train.jsonl", [f"\x1b[31m{HELD_OUT[1]}\u202e"])
    code, out, _ = run("--train", train, "--eval", write(tmp_path / "test.jsonl", HELD_OUT))
    assert code == 1
    assert "\x1b" not in out
    assert "\u202e" not in out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--train", "none.jsonl", "--eval", "test.jsonl"], "no such file"),
        (["--train", "train.jsonl", "--eval", "bad.jsonl"], "bad.jsonl, line 2: not JSON"),
        (["--train", "bad.jsonl", "--eval", "test.jsonl"], "bad.jsonl, line 2: not JSON"),
        (["--train", "train.jsonl", "--eval", "empty.jsonl"], "no tasks"),
        (["--train", "train.jsonl", "--eval", "test.jsonl", "--threshold", "0"], "threshold must be above 0"),
        (["--train", "train.jsonl", "--eval", "test.jsonl", "--abort-tolerance", "2"], "--abort-tolerance must be"),
        (["--train", "train.jsonl", "--eval", "test.jsonl", "--report", "no/found"], "no such folder: no"),
        (["--train", "train.jsonl", "--eval", "test.jsonl", "--remove", "train.jsonl"], "would overwrite train.jsonl"),
        (["--train", "train.jsonl", "--eval", "test.jsonl", "--remove", "test.jsonl"], "would overwrite test.jsonl"),
        (["--train", "train.jsonl", "--eval", "test.jsonl", "--remove", "clean.csv"], "must end as that of"),
        (["--train", "train.jsonl", "bad.jsonl", "--eval", "test.jsonl", "--remove", "."], "would overwrite"),
        (["--train", "train@o/n", "--eval", "test.jsonl", "--remove", "out.jsonl"], "hub"),
    ],
)
def test_bad_input_is_named_in_one_line(run, files, tmp_path, monkeypatch, argv, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.jsonl").write_text(json.dumps(row("x")) + "\n{\n")
    (tmp_path / "empty.jsonl").touch()
    before = sorted(path.name for path in tmp_path.iterdir())
    code, out, err = run(*argv)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--report", "train"], "--report would overwrite train.csv; give another name"),
        (["--report", "test"], "--report would overwrite test.csv; give another name"),
        (["--report", "soft"], "--report would overwrite soft.json; give another name"),
        (["--report", "hard"], "--report would overwrite hard.csv; give another name"),
        (["--remove", "hard.csv"], "--remove would overwrite hard.csv; give another name"),
        (["--report", "r", "--remove", "r.csv"], "--report and --remove would both write r.csv; give another name"),
        (["--report", "r", "--remove", "./to_r.csv"], "--report and --remove would both write to_r.csv"),
        (["--report", "one"], "--report would twice write one.csv"),
        (["--report", "taken"], "--report: taken.csv is a folder"),
        (["--train", "test.csv", "more.csv", "--eval", "train.csv", "--remove", "more.csv"], "more.csv is no folder"),
        (["--train", "train.csv", "more.csv", "--remove", "out", "--report", "out/more"], "would both write out/more"),
        (["--train", "train.csv", "more.csv", "--remove", "full"], "--remove: full/more.csv is a folder"),
    ],
)
def test_no_file_that_is_read_or_written_is_overwritten(run, tmp_path, monkeypatch, argv, message):
    """And nothing is read before that is known."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "contamination", lambda *_, **__: pytest.fail("scanned"))
    monkeypatch.setattr(command, "prompts_of", lambda _: pytest.fail("read"))
    for name in ("train.csv", "test.csv", "more.csv"):
        (tmp_path / name).write_text(f"problem,answer\n{name},1\n")
    (tmp_path / "soft.json").symlink_to("train.csv")
    (tmp_path / "hard.csv").hardlink_to("test.csv")
    (tmp_path / "to_r.csv").symlink_to("r.csv")
    (tmp_path / "one.json").write_text("mine")
    (tmp_path / "one.csv").hardlink_to("one.json")
    for folder in ("taken.csv", "out", "full/more.csv"):
        (tmp_path / folder).mkdir(parents=True)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    code, out, err = run("--train", "train.csv", "--eval", "test.csv", "--overwrite", *argv)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_contaminated_lines_are_removed_and_the_others_stay_byte_for_byte(run, files, tmp_path):
    lines = [json.dumps(row(prompt, id=str(i))).encode() for i, prompt in enumerate([DIRTY[0], *CLEAN, DIRTY[1]])]
    odd = b'{"answer":"1" ,\t"messages":[{"content":"\\u00e9 \xc3\xa9","role":"user"}]}'
    files[0].write_bytes(b"\n".join([lines[0], b"", lines[1] + b"\r", odd, lines[3], lines[2]]))
    code, _, _ = run("--train", files[0], "--eval", files[1], "--remove", tmp_path / "clean.jsonl")
    assert code == 1
    assert (tmp_path / "clean.jsonl").read_bytes() == b"\n".join([b"", lines[1] + b"\r", odd, lines[2]])
    assert run("--train", tmp_path / "clean.jsonl", "--eval", files[1])[0] == 0


def test_what_was_written_is_told_and_not_written_over(run, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    argv = ["--train", "train.jsonl", "--eval", "test.jsonl"]
    code, out, err = run(*argv, "--report", "found", "--remove", "clean.jsonl")
    assert (code, err) == (1, "")
    assert out.splitlines()[-2:] == [
        "report in found.json and found.csv", "train.jsonl without 2 rows in clean.jsonl"
    ]  # fmt: skip
    (tmp_path / "found.json").unlink()
    for there, asked in (("found.csv", ["--report", "found"]), ("clean.jsonl", ["--remove", "clean.jsonl"])):
        (tmp_path / there).write_text("mine")
        said = f"infinite-rl: {there}: it is there already. Give another name, or --overwrite.\n"
        assert run(*argv, *asked) == (2, "", said)
        assert (tmp_path / there).read_text() == "mine"
        assert run(*argv, *asked, "--overwrite")[0] == 1
        assert (tmp_path / there).read_text() != "mine"


def test_several_files_go_into_a_folder(run, files, tmp_path):
    more = write(tmp_path / "more.jsonl", [DIRTY[0], CLEAN[0]])
    run("--train", files[0], more, "--eval", files[1], "--remove", tmp_path / "clean")
    left = [[task.prompt for task in load_tasks(path).tasks] for path in sorted((tmp_path / "clean").iterdir())]
    assert left == [[CLEAN[0]], CLEAN]


def test_a_split_of_a_folder_is_audited_file_by_file(run, files, tmp_path):
    (tmp_path / "data").mkdir()
    write(tmp_path / "data" / "train-0.jsonl", CLEAN)
    write(tmp_path / "data" / "train-1.jsonl", DIRTY[:1] + CLEAN[:1])
    code, out, _ = run("--train", f"train@{tmp_path / 'data'}", "--eval", files[1], "--remove", tmp_path / "clean")
    assert code == 1
    assert "1 of 4 training rows" in out
    assert [len(load_tasks(path).tasks) for path in sorted((tmp_path / "clean").iterdir())] == [2, 1]


CSV = 'id,problem,answer\r\n0,one,1\r\n1,"two, on\nseveral\n""lines""",2\r\n\r\n2,"three",3\r\n3,four,4'
LIST = '[\n  {"problem": "a", "answer": "1"} ,{"answer":"2","problem":"[b, \\"]"},\n\n{"problem":"c","answer":3}]\n'


@pytest.mark.parametrize(
    ("name", "text", "left"),
    [
        ("t.csv", CSV, CSV.replace('1,"two, on\nseveral\n""lines""",2\r\n', "")),
        ("t.json", LIST, '[\n{"problem": "a", "answer": "1"},\n{"problem":"c","answer":3}\n]\n'),
        ("t.txt", "\ufeff1\n2\n3\n", "1\n3\n"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_text_formats_lose_one_row(tmp_path, name, text, left, packed):
    source, out = (tmp_path / f"{which}{name}{'.gz' * packed}" for which in "ab")
    source.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    numbers = [number for number, _, _ in read_rows(source)]
    write_without(source, {numbers[1]}, out)
    assert (gzip.decompress(out.read_bytes()) if packed else out.read_bytes()).decode() == left
    assert [value for _, _, value in read_rows(out)] == [
        value for number, _, value in read_rows(source) if number != numbers[1]
    ]
    write_without(source, set(numbers), out)
    assert list(read_rows(out)) == []
    assert sorted(tmp_path.iterdir()) == sorted([source, out])


@pytest.mark.parametrize("name", ["t.parquet", "file.arrow", "stream.arrow"])
def test_column_formats_lose_one_row(tmp_path, name):
    pyarrow, ipc, parquet = (pytest.importorskip(one) for one in ("pyarrow", "pyarrow.ipc", "pyarrow.parquet"))
    table = pyarrow.table(
        {"messages": [[{"role": "user", "content": str(i)}] for i in range(9)], "answer": [*range(9)]}
    )
    source, out = tmp_path / name, tmp_path / f"out-{name}"
    if name.endswith(".parquet"):
        parquet.write_table(table, source, row_group_size=4)
    else:
        with getattr(ipc, f"new_{source.stem}")(str(source), table.schema) as writer:
            writer.write_table(table, max_chunksize=4)
    write_without(source, {1, 6}, out)
    assert [value["answer"] for _, _, value in read_rows(out)] == [1, 2, 3, 4, 6, 7, 8]
    assert next(iter(read_rows(out)))[2].keys() == {"messages", "answer"}


def test_tasks_are_read_one_by_one_and_ids_may_come_again(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(row(prompt, id="same")) + "\n" for prompt in CLEAN) + "{\n")
    tasks = read_tasks(path)
    assert [next(tasks)[1].id for _ in CLEAN] == ["same", "same"]
    with pytest.raises(ValueError, match="line 3: not JSON"):
        next(tasks)


def test_the_training_side_is_a_stream():
    """A million rows: their number is a matter of time, not of memory."""
    from infinite_rl.datasets.contamination import audit

    alive = most = 0

    class Row(str):
        def __new__(cls, text):
            nonlocal alive, most
            alive += 1
            most = max(most, alive)
            return super().__new__(cls, text)

        def __del__(self):
            nonlocal alive
            alive -= 1

    report = audit.contamination((Row(f"Row {i} asks for {i * i}.") for i in range(5000)), HELD_OUT)
    assert report.train_rows == 5000
    assert most < 3 * audit._BATCH
