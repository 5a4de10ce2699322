"""Tasks from files, folders and hub datasets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .checks import RowError
from .hub import hub_rows, is_hub_name
from .layouts import Defaults, parse_conversation, parse_row
from .rows import Row, read_rows
from .task import Message, Task, TaskList

_SUFFIXES = (".jsonl", ".json", ".csv", ".parquet", ".arrow", ".jsonl.gz", ".json.gz", ".csv.gz")


def load_tasks(path: str | Path, *, domain: str | None = None, grader: str | None = None) -> TaskList:
    """Reads tasks from a file, a folder, or a dataset of the Hugging Face hub.

    Args:
        path: a file (see `read_rows` for the formats, and `layouts` for what a row may hold); ``split@folder``, for
            the folder's files whose names begin with the split; or ``split@owner/name`` for a dataset of the hub, with
            ``:config`` behind it where it has several.
        domain: the domain of rows that name none; the file's stem if not given.
        grader: what will judge rows that name no grader, so that their answers are checked, too; see `checks`.

    Raises:
        FileNotFoundError: there is no such file.
        ModuleNotFoundError: a library is missing; the message says what to install.
        ValueError: there is no task, or a row is malformed; the message names the place, the field and what to do.
    """
    tasks = []
    seen: dict[str, str] = {}
    for place, task in read_tasks(path, domain=domain, grader=grader):
        if task.id in seen:
            raise ValueError(f'{place.where}: "id" {task.id!r} is that of {seen[task.id]}; ids must differ.')
        seen[task.id] = place.where
        tasks.append(task)
    return TaskList(tasks)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task comes from.

    Attributes:
        where: for people.
        file: the file, or None for a dataset of the hub.
        number: of its row, as `read_rows` counts.
    """

    where: str
    file: Path | None
    number: int


def files_of(path: str | Path) -> list[Path | None]:
    """The files that `read_tasks` reads; None for a dataset of the hub.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: the path means no files.
    """
    return [file for _, file, _ in _sources(path)]


def names_of(path: str | Path) -> list[str]:
    """What the files of a path, or a dataset of the hub, are called in the ids of rows without one: ``NAME/NUMBER``.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: the path means no files.
    """
    return [name for name, _, _ in _sources(path)]


def read_tasks(
    path: str | Path, *, domain: str | None = None, grader: str | None = None
) -> Iterator[tuple[Place, Task]]:
    """Reads the tasks of `load_tasks` one by one; ids may come again.

    Raises:
        FileNotFoundError: as `load_tasks`, and so are the others.
        ModuleNotFoundError: a library is missing.
        ValueError: there is no task, or a row is malformed.
    """
    for place, _, task in read_rows_with_tasks(path, domain=domain, grader=grader):
        yield place, task


def read_rows_with_tasks(
    path: str | Path, *, domain: str | None = None, grader: str | None = None
) -> Iterator[tuple[Place, Any, Task]]:
    """Reads the tasks of `read_tasks`, each with the row that it was made of.

    Raises:
        FileNotFoundError: as `load_tasks`, and so are the others.
        ModuleNotFoundError: a library is missing.
        ValueError: there is no task, or a row is malformed.
    """
    empty = True
    for name, file, rows in _sources(path):
        for number, where, row in rows:
            try:
                task = parse_row(row, Defaults(f"{name}/{number}", domain or name, grader))
            except RowError as error:
                raise ValueError(f"{where}: {error}") from None
            empty = False
            yield Place(where, file, number), row, task
    if empty:
        raise ValueError(f'{path}: no tasks. Each row needs "messages" and "answer".')


def load_conversations(path: str | Path) -> Iterator[tuple[str, list[Message]]]:
    """Reads conversations from a file, a folder, or a dataset of the Hugging Face hub: what a model is to learn to say.

    Args:
        path: as in `load_tasks`; each row needs ``messages``, the assistant's among them.

    Returns:
        The place of each conversation for people, and its messages.

    Raises:
        FileNotFoundError: there is no such file.
        ModuleNotFoundError: a library is missing; the message says what to install.
        ValueError: a row is malformed; the message names the place, the field and what to do.
    """
    for _, _, rows in _sources(path):
        for _, where, row in rows:
            try:
                yield where, parse_conversation(row)
            except RowError as error:
                raise ValueError(f"{where}: {error}") from None


def _sources(path: str | Path) -> Iterator[tuple[str, Path | None, Iterable[Row]]]:
    """The files that a path means, or the hub dataset: their names, the files, and their rows."""
    split, _, rest = str(path).rpartition("@")
    if not split or Path(path).is_file():
        if Path(path).is_dir():
            raise ValueError(f"{path}: a folder. Say which split of it: train@{path}")
        yield _stem(Path(path)), Path(path), read_rows(Path(path))
    elif Path(rest).is_dir():
        found = sorted(file for file in Path(rest).rglob("*") if file.is_file() and _is_of(file, split))
        if not found:
            raise FileNotFoundError(f"{rest}: no file whose name begins with {split!r}, such as {split}.jsonl")
        files: dict[str, Path] = {}
        for file in found:
            # Files of one name in several folders have ids of their own; in several formats they are the same data.
            name = (file.relative_to(rest).parent / _stem(file)).as_posix()
            if name in files:
                raise ValueError(f"{file}: the folder holds {files[name].name} too. Leave one of them there.")
            files[name] = file
        for name, file in files.items():
            yield name, file, read_rows(file)
    elif Path(rest).is_file():
        raise ValueError(f"{path}: a file has no splits. Give it without {split}@, or a folder with {split}.jsonl")
    elif is_hub_name(rest) and not rest.endswith(_SUFFIXES):
        yield rest.rpartition("/")[2].partition(":")[0], None, hub_rows(rest, split)
    else:
        raise FileNotFoundError(f"{path}: no such folder; a dataset of the hub would be called {split}@owner/name")


def _stem(file: Path) -> str:
    return file.name.partition(".")[0]


def _is_of(file: Path, split: str) -> bool:
    # test.jsonl, test-00000-of-00002.parquet and test_main.csv, but not testing.csv.
    rest = file.name.removeprefix(split)
    return file.name.endswith(_SUFFIXES) and rest != file.name and not rest[:1].isalnum()
