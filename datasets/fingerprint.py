"""A hash of tasks: what a version of an environment stands for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from .task import Task

# What a task's metadata say about how it is judged; the rest serves reports.
_JUDGING = ("grader", "answer_form", "expression")


def fingerprint(tasks: Iterable[Task]) -> str:
    """A hash of what tasks ask and of how their answers are judged, the same on every machine: 16 characters.

    Raises:
        TypeError: if an answer is not JSON.
    """
    digest = hashlib.blake2b(digest_size=8)
    for task in tasks:
        judging = {key: task.metadata[key] for key in _JUDGING if key in task.metadata}
        row = {"domain": task.domain, "messages": task.messages, "answer": task.answer, "judging": judging}
        digest.update(json.dumps(row, sort_keys=True).encode())
    return digest.hexdigest()
