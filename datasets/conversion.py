"""Data files in other formats, with the same tasks."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from .columns import table_of, typed_columns, with_row
from .files import files_of, read_rows_with_tasks
from .rows import create_text, kind_of
from .task import Task


def convert(
    source: str | Path,
    target: str | Path,
    *,
    overwrite: bool = False,
    progress: Callable[[int], object] = lambda rows: None,
) -> int:
    """Writes tasks into a file of another format, from which the same tasks are read.

    A generated task keeps its whole row, also where it is JSON Lines in between: as a table it has its columns again.

    Args:
        source: a file, ``split@folder`` or ``split@owner/name``, as in `load_tasks`.
        target: the new file; ``.jsonl``, ``.csv`` (both maybe with ``.gz`` behind) or ``.parquet`` says its format. It
            appears when it is complete.
        overwrite: whether it may be there already.
        progress: called with the number of rows that were read since the last call.

    Returns:
        How many tasks there are.

    Raises:
        FileExistsError: the target is there.
        FileNotFoundError: there is no such source, or no folder for the target.
        ModuleNotFoundError: a format's library is missing; the message says what to install.
        ValueError: a row is malformed, two have one id, the format is unknown, or the target is what is read.
    """
    target = Path(target)
    write = _writer(target)
    _check_target(source, target, overwrite=overwrite)
    tasks = list(_tasks(source, progress))
    # A name of our own, so that two conversions do not write one draft.
    draft = target.with_name(f".{target.name}.{os.getpid()}.draft")
    try:
        write(tasks, draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return len(tasks)


def _writer(target: Path) -> Callable[[Sequence[Task], Path], None]:
    kind, packed = kind_of(target), target.suffix.lower() == ".gz"
    if kind == ".jsonl":
        return lambda tasks, path: _write_lines(tasks, path, packed=packed)
    if kind == ".csv":
        return lambda tasks, path: _write_table(tasks, path, packed=packed)
    if kind != ".parquet" or packed:
        raise ValueError(f"{target}: the name must end in .jsonl, .csv, .parquet, .jsonl.gz or .csv.gz")
    try:
        import pyarrow.parquet
    except ModuleNotFoundError:
        message = f"{target}: writing parquet needs pyarrow: pip install 'infinite-rl[train]'"
        raise ModuleNotFoundError(message) from None

    def write(tasks: Sequence[Task], path: Path) -> None:
        pyarrow.parquet.write_table(pyarrow.table(typed_columns(tasks)), path)

    return write


def _check_target(source: str | Path, target: Path, *, overwrite: bool) -> None:
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target}: no such folder: {target.parent}")
    if target.is_dir():
        raise ValueError(f"{target}: a folder. Give the name of a file.")
    if target.exists():
        if any(file is not None and file.exists() and file.samefile(target) for file in files_of(source)):
            raise ValueError(f"{target}: this is what is read. Give another name.")
        if not overwrite:
            raise FileExistsError(f"{target}: it is there already. Give another name, or --overwrite.")


def _tasks(source: str | Path, progress: Callable[[int], object]) -> Iterator[Task]:
    seen: dict[str, str] = {}
    for place, row, task in read_rows_with_tasks(source):
        if task.id in seen:
            raise ValueError(f'{place.where}: "id" {task.id!r} is that of {seen[task.id]}; ids must differ.')
        seen[task.id] = place.where
        progress(1)
        yield with_row(task, row)


def _write_lines(tasks: Sequence[Task], path: Path, *, packed: bool) -> None:
    with create_text(path, compressed=packed) as file:
        for task in tasks:
            file.write(f"{task.to_json()}\n")


def _write_table(tasks: Sequence[Task], path: Path, *, packed: bool) -> None:
    columns, rows = table_of(tasks)
    with create_text(path, compressed=packed) as file:
        plain = csv.writer(file, lineterminator="\n")
        # The library would leave a carriage return bare, which ends a row.
        quoted = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        plain.writerow(columns)
        for row in rows:
            (quoted if any("\r" in cell for cell in row.values()) else plain).writerow(row.values())
