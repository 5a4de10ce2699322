"""Rows of data files and hub datasets, each with the place that error messages name."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, TypeAlias

from ..rewards.schemas.text import unique_members

Row: TypeAlias = tuple[int, str, Any]
"""Its number from 1, its place for people, and its value."""

# A program with its tests may fill a field.
_LONGEST_FIELD = 16 * 1024 * 1024
# Characters of a line, so that a small compressed file can't fill the memory with one; and of a JSON file.
_LONGEST_LINE = 64 * 1024 * 1024
_LONGEST_LIST = 1024 * 1024 * 1024
_JSON = json.JSONDecoder(object_pairs_hook=unique_members)
# Cells that are text, whatever they begin with: nothing else may stand there, or it is read later.
_TEXTS = {"id", "domain", "prompt", "question", "problem", "response", "messages_json", "answer_json", "metadata_json"}
_MISSING = "needs pyarrow: pip install 'infinite-rl[train]'"


def read_rows(path: Path, of: str = "tasks") -> Iterator[Row]:
    """The rows of a file, by its name: ``.jsonl``, ``.json`` (a list), ``.csv``, ``.parquet`` or ``.arrow``.

    The first three may be compressed (``.gz`` behind it). Other names are read as JSON Lines.

    Args:
        path: the file.
        of: what its rows are, for people.

    Raises:
        FileNotFoundError: there is no such file.
        ModuleNotFoundError: the format's library is missing; the message says what to install.
        ValueError: the file is not what its name says; the message names the place.
    """
    check_there(path, of)
    try:
        yield from _READERS.get(kind_of(path), _lines)(path)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: not a whole gzip file ({error})") from None


def check_there(path: Path, of: str) -> None:
    """Refuses a path where there is no file ``of`` tasks or of something else.

    Raises:
        FileNotFoundError: there is none.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file. Give a file of {of}, such as {of}.jsonl or {of}.csv.")


def kind_of(path: Path) -> str:
    """The format that a file's name tells, such as ``.csv`` for ``tasks.csv.gz``."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else (suffixes or [""])[-1]


def is_text(value: str) -> bool:
    """Whether it can be written: JSON has escapes for halves of characters, which no file takes."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def open_text(path: Path) -> TextIO:
    """Opens a file for reading, compressed or not, with its line ends as they are."""
    if path.suffix.lower() == ".gz":
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


@contextmanager
def create_text(path: Path, *, compressed: bool) -> Iterator[TextIO]:
    """Opens a new file for writing, compressed or not, with line ends as they are given."""
    if not compressed:
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
        return
    # No name and no time, so that equal rows make equal files.
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as file,
    ):
        yield file


def read_json(text: str) -> Any:
    """The value of a JSON text; whatever is wrong with it is a ``JSONDecodeError``."""
    try:
        return _JSON.decode(text)
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError) as error:  # a member twice, a number of thousands of digits, brackets as deep
        raise json.JSONDecodeError(str(error), text, 0) from None


def bounded_lines(path: Path, file: TextIO) -> Iterator[str]:
    """The lines of an open file, none of which may be longer than the limit."""
    number = 0
    while line := file.readline(_LONGEST_LINE + 1):
        number += 1
        if len(line) > _LONGEST_LINE:
            raise ValueError(f"{path}, line {number}: longer than {_LONGEST_LINE:,} characters")
        yield line


def _lines(path: Path) -> Iterator[Row]:
    """Each line that is not blank."""
    with open_text(path) as file:
        for number, line in enumerate(bounded_lines(path, file), 1):
            if line.strip():
                where = f"{path}, line {number}"
                try:
                    yield number, where, read_json(line)
                except json.JSONDecodeError as error:
                    raise ValueError(f"{where}: not JSON ({error}). Each line needs one JSON object.") from None


def _list(path: Path) -> Iterator[Row]:
    """Each element of the list."""
    try:
        with open_text(path) as file:
            text = file.read(_LONGEST_LIST + 1)
        if len(text) > _LONGEST_LIST:
            raise ValueError(
                f"{path}: longer than {_LONGEST_LIST:,} characters. Write a line a task, into a .jsonl file."
            )
        rows = read_json(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not JSON ({error}). A file of lines is called .jsonl.") from None
    if not isinstance(rows, list):
        raise ValueError(f"{path}: not a list. A .json file holds one list of tasks.")
    for number, row in enumerate(rows, 1):
        yield number, f"{path}, task {number}", row


def _table(path: Path) -> Iterator[Row]:
    """Each row of a table with a heading."""
    csv.field_size_limit(_LONGEST_FIELD)
    with open_text(path) as file:
        reader = csv.DictReader(bounded_lines(path, file), strict=True)
        number, start = 0, 2
        try:
            names = reader.fieldnames or []
            if twice := [name for name in names if names.count(name) > 1]:
                raise ValueError(f"{path}, line 1: two fields are named {twice[0]!r}")
            for number, row in enumerate(reader, 1):
                where = f"{path}, line {start}"
                start = reader.line_num + 1
                if None in row:
                    raise ValueError(f"{where}: more fields than the heading names")
                # Fields that are not there are left out: a missing answer is not an empty one.
                cells = {str(name): text for name, text in row.items() if text is not None}
                yield number, where, read_cells(cells)
        except csv.Error as error:
            raise ValueError(f"{path}, line {start}: not CSV ({error})") from None


def read_cells(cells: Mapping[str, str]) -> dict[str, Any]:
    """The values of a table's row: a cell that is a JSON list or object is read as one, unless only text can be meant.

    So an answer stays text beside a ``question`` or ``problem``, or beside a ``prompt`` and its ``type``.
    """
    names = {name.lower() for name in cells}
    texts = _TEXTS | ({"answer"} if names & {"question", "problem"} or names >= {"prompt", "type"} else set())
    return {name: text if name.lower() in texts else _field(text) for name, text in cells.items()}


def _field(text: str) -> Any:
    if text[:1] in ("[", "{"):
        try:
            return read_json(text)
        except json.JSONDecodeError:
            return text
    return text


def _parquet(path: Path) -> Iterator[Row]:
    try:
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise ModuleNotFoundError(f"{path}: reading parquet {_MISSING}") from None
    with _translated(path, "parquet"), pyarrow.parquet.ParquetFile(path) as file:
        yield from _batches(path, file.iter_batches())


def _arrow(path: Path) -> Iterator[Row]:
    try:
        import pyarrow.ipc
    except ModuleNotFoundError:
        raise ModuleNotFoundError(f"{path}: reading arrow {_MISSING}") from None
    with _translated(path, "arrow"), pyarrow.memory_map(str(path)) as memory:
        # Hugging Face writes streams, others files.
        is_file = memory.read(6) == b"ARROW1"
        memory.seek(0)
        if is_file:
            reader = pyarrow.ipc.open_file(memory)
            yield from _batches(path, map(reader.get_batch, range(reader.num_record_batches)))
        else:
            yield from _batches(path, pyarrow.ipc.open_stream(memory))


@contextmanager
def _translated(path: Path, kind: str) -> Iterator[None]:
    """Arrow's errors with the file's name."""
    import pyarrow

    try:
        yield
    except pyarrow.ArrowException as error:
        raise ValueError(f"{path}: not a {kind} file ({str(error).splitlines()[0]})") from None


def _batches(path: Path, batches: Any) -> Iterator[Row]:
    number = 0
    for batch in batches:
        for row in batch.to_pylist():
            number += 1
            yield number, f"{path}, row {number}", row


_READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".json": _list,
    ".csv": _table,
    ".parquet": _parquet,
    ".arrow": _arrow,
}
