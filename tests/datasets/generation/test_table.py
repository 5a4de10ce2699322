import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infinite_rl.datasets.generation.table import Table, as_csv, read_table, write_table

COLUMNS = ["a", "b", "c"]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ROWS = st.lists(st.lists(TEXT | st.sampled_from(['"', ",", "\r", "\n", "\r\n", '""', " "]), min_size=3, max_size=3))


@given(ROWS)
def test_what_is_written_is_read(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("table") / "x.csv"
    table = Table(path, COLUMNS)
    for row in rows:
        table.append(row)
    table.close()
    found = read_table(path)
    assert (found.columns, found.rows, found.cut) == (COLUMNS, rows, "")
    assert list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))[1:] == rows
    write_table(path, COLUMNS, rows)
    assert read_table(path).rows == rows


@given(ROWS, st.lists(TEXT, min_size=3, max_size=3), st.data())
@example([["1", "2", "3"]], ["é", '"\n"', "x"], None)
def test_a_row_that_was_cut_off_at_any_byte_is_left_out_and_nothing_else(tmp_path_factory, rows, last, data):
    last = [*last[:2], "end"]
    whole = as_csv([COLUMNS, *rows]).encode()
    row = as_csv([last]).encode()
    cuts = range(len(row)) if data is None else [data.draw(st.integers(0, len(row) - 1))]
    path = tmp_path_factory.mktemp("table") / "x.csv"
    for cut in cuts:
        path.write_bytes(whole + row[:cut])
        found = read_table(path, is_whole=lambda row: row["c"] == "end")
        assert found.columns == COLUMNS
        # Without its line end alone, it is whole.
        assert found.rows == ([*rows, last] if cut == len(row) - 1 else rows)


def test_a_file_of_another_program_may_lack_the_last_line_end(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\r\n1,2\r\n\r\n3,4")
    assert read_table(path).rows == [["1", "2"], ["3", "4"]]
    path.write_bytes(b"a,b")
    assert (read_table(path).columns, read_table(path).rows) == (["a", "b"], [])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"a,b\n1,2,3\n4,5\n", "line 2: 3 cells"),
        (b"a,b\n1,2\n3\n", "line 3: 1 cells"),
        (b'a,b\n"1"x,2\n3,4\n', "line 2: not CSV"),
        (b"a,b\n\xff,2\n", "not UTF-8"),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(tmp_path, data, why):
    path = tmp_path / "x.csv"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=why):
        read_table(path)


def test_a_file_that_is_not_there_is_empty(tmp_path):
    assert read_table(tmp_path / "x.csv").rows == []


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path):
    resource = pytest.importorskip("resource")
    import signal

    table = Table(tmp_path / "x.csv", COLUMNS)
    table.append(["1", "2", "3"])
    before = (tmp_path / "x.csv").read_bytes()
    old, limits = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 5, limits[1]))
    try:
        with pytest.raises(OSError, match="large"):
            table.append(["4" * 100, "5", "6"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, old)
    assert (tmp_path / "x.csv").read_bytes() == before
    table.append(["7", "8", "9"])
    assert read_table(tmp_path / "x.csv").rows == [["1", "2", "3"], ["7", "8", "9"]]
