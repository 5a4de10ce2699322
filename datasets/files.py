"""Tasks from files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .task import Task, TaskList


def load_tasks(path: str | Path, *, domain: str | None = None) -> TaskList:
    """Reads tasks from a JSON Lines file, or from a JSON file that holds a list.

    Each line, or element of the list, is an object with ``messages`` (a list of ``{"role", "content"}``) and
    ``answer``, and optionally ``id``, ``domain`` and ``metadata``.

    Args:
        path: the file, UTF-8; a list if its name ends in ``.json``.
        domain: the domain of rows that name none; the file's stem if not given.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file holds no task, or a row is malformed; the message names the place and what to do.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected JSON Lines with one task a line")
    rows = _rows_of_list(path) if path.suffix == ".json" else _rows_of_lines(path)
    try:
        tasks = [_parse_row(row, where, f"{path.stem}/{count}", domain or path.stem) for count, where, row in rows]
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from None
    if not tasks:
        raise ValueError(f'{path}: no tasks. Each row needs "messages" and "answer".')
    return TaskList(tasks)


def _rows_of_lines(path: Path) -> Iterator[tuple[int, str, Any]]:
    """Number, place and value of each line that is not blank."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                where = f"{path}, line {number}"
                try:
                    yield number, where, json.loads(line)
                except (json.JSONDecodeError, RecursionError) as error:
                    raise ValueError(f"{where}: not JSON ({error}). Each line needs one JSON object.") from None


def _rows_of_list(path: Path) -> Iterator[tuple[int, str, Any]]:
    """Number, place and value of each element."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path}: not JSON ({error}). A file of lines is called .jsonl.") from None
    if not isinstance(rows, list):
        raise ValueError(f"{path}: not a list. A .json file holds one list of tasks.")
    for number, row in enumerate(rows, 1):
        yield number, f"{path}, task {number}", row


def _parse_row(row: Any, where: str, default_id: str, default_domain: str) -> Task:
    if not isinstance(row, dict):
        raise ValueError(f'{where}: not an object. Each row needs "messages" and "answer".')
    for key in ("messages", "answer"):
        if key not in row:
            raise ValueError(f'{where}: "{key}" is missing. Each row needs "messages" and "answer".')
    messages = row["messages"]
    if not isinstance(messages, list) or not messages or not all(map(_is_message, messages)):
        raise ValueError(
            f'{where}: "messages" must be a non-empty list of {{"role": …, "content": …}} with text in both.'
        )
    if not any(message["content"].strip() for message in messages):
        raise ValueError(f"{where}: the messages hold no text, so there is nothing to answer.")
    metadata = row.get("metadata", {})
    if not isinstance(metadata, dict):
        raise ValueError(f'{where}: "metadata" must be an object.')
    return Task(
        str(row.get("id", default_id)), str(row.get("domain", default_domain)), tuple(messages), row["answer"], metadata
    )


def _is_message(message: object) -> bool:
    return (
        isinstance(message, dict) and isinstance(message.get("role"), str) and isinstance(message.get("content"), str)
    )
