import gzip
import json

import pytest

from infinite_rl.datasets.arithmetic import ArithmeticSource
from infinite_rl.datasets.files import load_tasks, names_of
from infinite_rl.datasets.task import Task, TaskList

ROW = {"messages": [{"role": "user", "content": "1+1?"}], "answer": "2"}


def write(tmp_path, *lines):
    path = tmp_path / "sums.jsonl"
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines))
    return path


def test_what_a_task_writes_is_what_a_file_reads(tmp_path):
    tasks = [ArithmeticSource(level=3).task(i) for i in range(20)]
    path = tmp_path / "tasks.jsonl"
    path.write_text("".join(task.to_json() + "\n" for task in tasks), "utf-8")
    assert list(load_tasks(path).tasks) == tasks


def test_rows_without_id_and_domain_take_them_from_the_file(tmp_path):
    (task,) = load_tasks(write(tmp_path, ROW)).tasks
    assert (task.id, task.domain, task.answer) == ("sums/1", "sums", "2")
    assert load_tasks(write(tmp_path, ROW), domain="math").task(0).domain == "math"


def test_what_ids_are_made_of_is_known_before_a_row_is_read(tmp_path):
    for name in ("test.jsonl", "more/test-1.csv.gz", "train.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("no row")
    assert names_of(tmp_path / "test.jsonl") == ["test"]
    assert names_of(f"test@{tmp_path}") == ["more/test-1", "test"]
    assert names_of("test@owner/name:config") == ["name"]


def test_blank_lines_are_skipped_but_counted(tmp_path):
    assert [task.id for task in load_tasks(write(tmp_path, ROW, b"", ROW)).tasks] == ["sums/1", "sums/3"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "line 2: not JSON"),
        (b"[" * 100_000, "line 2: not JSON"),
        ([1], "line 2: not an object"),
        ({"messages": ROW["messages"]}, 'line 2: "answer" is missing'),
        ({"answer": "2"}, 'line 2: "messages" is missing'),
        ({"messages": [], "answer": "2"}, "non-empty list"),
        ({"messages": ["hello"], "answer": "2"}, "non-empty list"),
        ({"messages": [{"role": "user", "content": 3}], "answer": "2"}, "text in both"),
        (ROW | {"metadata": 3}, '"metadata" must be an object'),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_malformed_row_is_named(tmp_path, line, message):
    with pytest.raises(ValueError, match=message):
        load_tasks(write(tmp_path, ROW, line))


def test_a_json_file_holds_a_list(tmp_path):
    path = tmp_path / "sums.json"
    path.write_text(json.dumps([ROW, ROW | {"id": "second"}], indent=2))
    assert [task.id for task in load_tasks(path).tasks] == ["sums/1", "second"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", r"sums\.json: not JSON"),
        ("{}", "not a list"),
        ("[]", "no tasks"),
        (json.dumps([ROW, {}]), 'task 2: "messages" is missing'),
        (json.dumps(ROW) + "\n" + json.dumps(ROW), r"called \.jsonl"),
    ],
)
def test_a_malformed_json_file_is_a_clear_error(tmp_path, text, message):
    path = tmp_path / "sums.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        load_tasks(path)


def test_an_empty_file_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(ValueError, match=r'no tasks\. Each row needs "messages" and "answer"'):
        load_tasks(write(tmp_path))


def test_a_missing_file_is_named(tmp_path):
    for name in ("nothing.jsonl", "nothing.csv"):
        with pytest.raises(FileNotFoundError) as caught:
            load_tasks(tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name}: no such file. Give a file of tasks, such as")


def test_a_folder_needs_a_split(tmp_path):
    with pytest.raises(ValueError, match=r"Say which split of it: train@"):
        load_tasks(tmp_path)
    with pytest.raises(FileNotFoundError, match="no file whose name begins with 'train'"):
        load_tasks(f"train@{tmp_path}")


def test_a_list_refuses_indices_outside():
    tasks = TaskList([Task.ask("?", "1", id="0", domain="d")])
    for index in (-1, 1):
        with pytest.raises(IndexError, match=r"outside 0\.\.0"):
            tasks.task(index)


@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.jsonl.gz"])
def test_a_number_of_thousands_of_digits_is_told_by_its_place(tmp_path, name):
    text = f"[{json.dumps(ROW)[:-4]}{'1' * 5_000}}}]".encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(text[1:-1]) if name.endswith("gz") else text[1:-1] if name == "x.jsonl" else text)
    with pytest.raises(ValueError, match=rf"{name}.*not JSON .*5000 digits"):
        load_tasks(path)


def test_a_table_may_hold_what_only_looks_like_json(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(f"prompt,answer\nq,[{'1' * 5_000}]\n")
    assert load_tasks(path).task(0).answer == f"[{'1' * 5_000}]"


def test_a_compressed_file_may_begin_with_a_byte_order_mark_and_be_named_in_capitals(tmp_path):
    path = tmp_path / "X.JSONL.GZ"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + json.dumps(ROW).encode()))
    assert load_tasks(path).task(0).answer == "2"


def test_a_damaged_gzip_file_is_named(tmp_path):
    path = tmp_path / "x.jsonl.gz"
    whole = bytearray(gzip.compress(json.dumps([ROW] * 1_000).encode()))
    whole[10:20] = b"\xff" * 10  # where the compressed blocks begin
    path.write_bytes(whole)
    with pytest.raises(ValueError, match=r"x\.jsonl\.gz: not a whole gzip file"):
        load_tasks(path)


def test_what_is_null_is_as_if_it_were_not_there(tmp_path):
    row = ROW | {"id": None, "domain": None, "metadata": None}
    assert [task.id for task in load_tasks(write(tmp_path, row, row)).tasks] == ["sums/1", "sums/2"]
    assert load_tasks(write(tmp_path, ROW | {"answer": None})).task(0).answer is None


def test_files_of_one_name_are_told_apart_by_their_folders_and_refused_in_several_formats(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "train.jsonl").write_text(json.dumps(ROW))
    assert [task.id for task in load_tasks(f"train@{tmp_path}").tasks] == ["a/train/1", "b/train/1"]
    (tmp_path / "b" / "train.csv").write_text("prompt,answer\nq,a\n")
    with pytest.raises(ValueError, match=r"train\.jsonl: the folder holds train\.csv too"):
        load_tasks(f"train@{tmp_path}")


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz", "x.csv", "x.json"])
def test_a_line_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.setattr("infinite_rl.datasets.rows._LONGEST_LINE", 1_000)
    monkeypatch.setattr("infinite_rl.datasets.rows._LONGEST_LIST", 1_000)
    text = b"[" + b" " * 100_000
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    with pytest.raises(
        ValueError, match=r"x\.(jsonl(\.gz)?|csv), line 1: longer than 1,000|x\.json: longer than 1,000"
    ):
        load_tasks(tmp_path / name)


def test_a_table_names_each_field_once_and_may_have_carriage_returns(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b'\xef\xbb\xbfprompt,answer\r\n"a ""b""\r\nc",2\r\n')
    (task,) = load_tasks(path).tasks
    assert (task.prompt, task.answer) == ('a "b"\r\nc', "2")
    path.write_text("prompt,answer,answer\nq,1,2\n")
    with pytest.raises(ValueError, match=r"x\.csv, line 1: two fields are named 'answer'"):
        load_tasks(path)
