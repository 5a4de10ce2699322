"""A CSV file to which rows are added one by one, and which is read again however a process ended."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from ..folder import write_whole
from .sample import Cells

_LONGEST_FIELD = 64 * 1024 * 1024


class Table:
    """Adds rows to a CSV file.

    Each row goes to the file by one call of the system, so only the end of the machine can leave a part of one;
    `read_table` leaves it out.

    Args:
        path: the file; it and its heading are made if they are not there.
        columns: its heading.

    Raises:
        OSError: it can't be written.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        if not os.fstat(self._file).st_size:
            self.append(list(columns))

    def append(self, cells: Cells) -> None:
        """Adds a row.

        Raises:
            OSError: it can't be written; the file is as it was.
        """
        row = as_csv([cells]).encode()
        size = os.fstat(self._file).st_size
        try:
            written = 0
            while written < len(row):
                written += os.write(self._file, row[written:])
        except OSError:
            os.ftruncate(self._file, size)
            raise

    def sync(self) -> None:
        """Forces all rows onto the disk."""
        os.fsync(self._file)

    def close(self) -> None:
        """Closes the file, whose rows are on the disk then."""
        self.sync()
        os.close(self._file)


@dataclass(frozen=True, slots=True)
class Rows:
    """What a table holds.

    Attributes:
        columns: its heading; empty for a file that is empty or not there.
        rows: those that are whole; each has a cell for each column.
        cut: the beginning of a last row that was cut off; empty if there is none.
    """

    columns: Cells = field(default_factory=list)
    rows: list[Cells] = field(default_factory=list)
    cut: str = ""

    @property
    def dicts(self) -> Iterable[dict[str, str]]:
        """The rows, cell by column."""
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)


def read_table(path: Path, *, is_whole: Callable[[dict[str, str]], bool] = lambda row: True) -> Rows:
    """Reads a table that a process may have left in the middle of a row.

    Args:
        path: the file.
        is_whole: decides on a last row with all cells but no line end behind it, which another program may have left
            out, and which is wanting if the row was cut off in its last cell.

    Raises:
        OSError: it can't be read.
        ValueError: it is no UTF-8, no CSV, or a row has another number of cells than the heading, and it is not for
            being cut off at the end; the message says where.
    """
    if not path.exists():
        return Rows()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(path, file, ends_with_line(path), is_whole)
    except UnicodeDecodeError:
        text = _decoded(path)
        return _read(path, io.StringIO(text, newline=""), text.endswith("\n"), is_whole)


def _read(path: Path, file: TextIO, ended: bool, is_whole: Callable[[dict[str, str]], bool]) -> Rows:
    rows: list[Cells] = []
    whole = 0  # lines
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(file, strict=True)
    width = 0
    try:
        for row in reader:
            if len(row) != width:
                if not row:
                    continue  # a blank line
                if rows:
                    break
                width = len(row)
            rows.append(row)
            whole = reader.line_num
    except csv.Error as error:
        # A quote that never ends is a row that was cut off.
        if "unexpected end" not in str(error):
            raise ValueError(f"{path}, line {whole + 1}: not CSV ({error})") from None
        return Rows(rows[0] if rows else [], rows[1:], _behind(path, whole))
    if whole < reader.line_num and len(row) not in (0, width):
        # So is one with too few cells, if it is the last and has no line end.
        if ended or next(reader, None) is not None:
            raise ValueError(f"{path}, line {whole + 1}: {len(row)} cells, where the heading has {width}")
        return Rows(rows[0], rows[1:], _behind(path, whole))
    cut = ""
    if len(rows) > 1 and not ended:
        last = rows.pop()
        if is_whole(dict(zip(rows[0], last, strict=True))):
            rows.append(last)
        else:
            cut = ",".join(last)
    return Rows(rows[0] if rows else [], rows[1:], cut)


def _behind(path: Path, line: int) -> str:
    """What stands behind so many lines."""
    return "".join(list(io.StringIO(_decoded(path), newline=""))[line:])


def ends_with_line(path: Path) -> bool:
    """Whether a row could be added: the last one has its line end. So it is where there are none."""
    if not path.exists() or not path.stat().st_size:
        return True
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Cells]) -> None:
    """Writes a table anew; the file holds the old rows or the new ones at every instant."""
    write_whole(path, as_csv([list(columns), *rows]))


def as_csv(rows: Iterable[Cells]) -> str:
    """Rows as CSV. A carriage return is quoted, too, which the library leaves bare unless it ends rows."""
    out = io.StringIO(newline="")
    plain = csv.writer(out, lineterminator="\n")
    quoted = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in rows:
        (quoted if any("\r" in cell for cell in row) else plain).writerow(row)
    return out.getvalue()


def _decoded(path: Path) -> str:
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        # A cut may go through a character.
        if error.reason == "unexpected end of data":
            return data[: error.start].decode()
        raise ValueError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from None
