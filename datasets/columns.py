"""Tasks as rows of tables, from which `parse_row` makes the same tasks again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from .checks import RowError
from .layouts import Defaults, parse_row
from .rows import read_cells
from .task import Task

Cells: TypeAlias = dict[str, str]

ROW = "row"
"""The member of the metadata that holds the row of a generated task as it was, until it is a table's row again."""

_TYPES = ("math", "coding")


def with_row(task: Task, row: object) -> Task:
    """The task with the row that it was made of, if that is a generated one: it holds more than the task does."""
    if not isinstance(row, Mapping):
        return task
    names = {str(name).lower() for name in row}
    if not names >= {"type", "prompt", "answer"} or names & {"messages", "metadata", "metadata_json"}:
        return task
    # Columns that nobody reads may hold anything: dates, bytes, halves of characters, NaN for nothing.
    text = json.dumps(dict(row), ensure_ascii=False, default=str).encode(errors="replace")
    return replace(task, metadata={**task.metadata, ROW: json.loads(text, parse_constant=lambda name: None)})


def table_of(tasks: Sequence[Task]) -> tuple[list[str], list[Cells]]:
    """The columns and rows of a table of text: the first form from which all tasks can be read again.

    Generated tasks get the columns that they came from; others of one user message each ``id``, ``domain``, ``type``,
    ``prompt``, ``answer`` and ``metadata``; and the rest ``id``, ``domain``, ``messages``, ``answer`` and ``metadata``.
    Where text could not tell what an answer is, ``answer_json`` holds it.
    """
    for form in _FORMS[:-1]:
        if (rows := _rows(form, tasks)) is not None:
            break
    else:
        rows = [_FORMS[-1](task) or {} for task in tasks]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return columns, [{name: row.get(name, "") for name in columns} for row in rows]


def _rows(form: Form, tasks: Iterable[Task]) -> list[Cells] | None:
    """All tasks in one form; None if one of them can't be read from it."""
    rows = []
    for task in tasks:
        row = form(task)
        if row is None or not _gives(row, task, generated=form is _generated):
            return None
        rows.append(row)
    return rows


def _gives(cells: Cells, task: Task, *, generated: bool) -> bool:
    """Whether a row gives the task."""
    defaults = Defaults(task.id, task.domain)
    if generated:
        task = replace(task, metadata={name: value for name, value in task.metadata.items() if name != ROW})
        if "domain" not in cells:
            defaults = replace(defaults, domain=task.domain.rpartition("/")[0])
    try:
        found = parse_row(read_cells(cells), defaults)
    except RowError:
        return False
    return found == task and _json(found.answer) == _json(task.answer) and _json(found.metadata) == _json(task.metadata)


def _generated(task: Task) -> Cells | None:
    """The cells of the row that a task was made of, if it is that task still."""
    row = task.metadata.get(ROW)
    if not isinstance(row, Mapping) or not row:
        return None
    names = {name.lower() for name in row}
    base = task.domain.rpartition("/")[0]
    # Rows that name no id or domain have those of their place in a file.
    placed = "id" in names or ("domain" not in names and re.fullmatch(re.escape(base) + r"/[0-9]+", task.id))
    return {name: _cell(value) for name, value in row.items()} if placed else None


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else _json(value)


def _prompt(task: Task, answer: Cells | None) -> Cells | None:
    """A task of one user message."""
    message = task.messages[0]
    if len(task.messages) > 1 or message.keys() != {"role", "content"} or message["role"] != "user" or answer is None:
        return None
    prompt, metadata = str(message["content"]), dict(task.metadata)
    # The sentence that a type stands for is there already.
    kind = metadata.pop("grader") if metadata.get("grader") in _TYPES and "<answer>" in prompt.lower() else ""
    start = {"id": task.id, "domain": task.domain, "type": kind, "prompt": prompt}
    return {**start, **answer, "metadata": _json(metadata)}


def _messages(task: Task, answer: Cells | None) -> Cells | None:
    """Any task."""
    if answer is None:
        return None
    start = {"id": task.id, "domain": task.domain, "messages": _json(task.messages)}
    return {**start, **answer, "metadata": _json(dict(task.metadata))}


def _plain(task: Task) -> Cells | None:
    return {"answer": task.answer} if isinstance(task.answer, str) else None


def _written(task: Task) -> Cells:
    return {"answer_json": _json(task.answer)}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


Form: TypeAlias = Callable[[Task], Cells | None]
_FORMS: tuple[Form, ...] = (
    _generated,
    lambda task: _prompt(task, _plain(task)),
    lambda task: _prompt(task, _written(task)),
    lambda task: _messages(task, _plain(task)),
    lambda task: _messages(task, _written(task)),
)


def typed_columns(tasks: Sequence[Task]) -> dict[str, list[Any]]:
    """The columns of a table with types: texts, and messages as lists where each is a role and a content.

    What has no one type is JSON text, in columns whose names end in ``_json``.
    """
    columns: dict[str, list[Any]] = {"id": [task.id for task in tasks], "domain": [task.domain for task in tasks]}
    if all(_is_plain(message) for task in tasks for message in task.messages):
        columns["messages"] = [list(task.messages) for task in tasks]
    else:
        columns["messages_json"] = [_json(task.messages) for task in tasks]
    if all(isinstance(task.answer, str) for task in tasks):
        columns["answer"] = [task.answer for task in tasks]
    else:
        columns["answer_json"] = [_json(task.answer) for task in tasks]
    columns["metadata_json"] = [_json(dict(task.metadata)) for task in tasks]
    return columns


def _is_plain(message: Mapping[str, Any]) -> bool:
    return message.keys() == {"role", "content"} and isinstance(message["content"], str)
