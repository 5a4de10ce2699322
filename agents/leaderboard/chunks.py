"""Transcripts in files of bounded size, which the pages load when somebody looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..evaluation.results import FAILURES, Sample
from .scripts import shown, write_script

_SIZE = 256 << 10
"""Characters of a file, roughly; a task that has more gets one of its own."""


class Chunks:
    """Writes the transcripts of one entry.

    Args:
        folder: the data of the site.
        entry: the entry's name there.
    """

    def __init__(self, folder: Path, entry: str) -> None:
        self.folder, self.entry = folder, entry
        self._number = self._size = 0
        self._tasks: list[Mapping[str, Any]] = []

    def add(self, index: int, samples: Sequence[Sample]) -> int:
        """Adds one task.

        Args:
            index: its place among the entry's tasks.
            samples: all of it.

        Returns:
            The number of the file that will hold it.
        """
        opening = samples[0]["messages"][: _opening(samples[0]["messages"])]
        rows = [_sample(one, opening) for one in samples]
        told = [blocks(opening), *(row["blocks"] for row in rows)]
        size = sum(len(text) for part in told for _, text in part)
        if self._tasks and self._size + size > _SIZE:
            self.flush()
        self._tasks.append({"index": index, "opening": told[0], "samples": rows})
        self._size += size
        return self._number

    def flush(self) -> None:
        """Writes what was added since the last file."""
        if self._tasks:
            write_script(self.folder, f"{self.entry}/{self._number}", {"tasks": self._tasks})
            self._number += 1
            self._tasks, self._size = [], 0


def blocks(messages: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """What was said, as pairs of who and what: reasoning and calls apart from the text."""
    found = []
    for message in messages:
        role = shown(message.get("role", "?"))[:40]
        for key, told in (("reasoning_content", ", thinking"), ("content", ""), ("tool_calls", ", calls")):
            if message.get(key):
                found.append((role + told, shown(message[key])))
    return found


def _sample(sample: Sample, opening: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    messages = sample["messages"]
    said = messages[len(opening) :] if messages[: len(opening)] == opening else messages
    return {
        "number": sample["sample"],
        "passed": sample["passed"],
        "counts": sample["status"] not in FAILURES,
        "status": shown(sample["status"]),
        "reward": sample["reward"],
        "why": shown(sample["error_msg"]),
        "answer": None if sample["answer"] is None else shown(sample["answer"]),
        "finish": shown(sample["finish_reason"]),
        "tokens": sample["completion_tokens"],
        "seconds": sample["seconds"],
        "turns": sample["turns"],
        "blocks": blocks(said),
    }


def _opening(messages: Sequence[Mapping[str, Any]]) -> int:
    """How many messages come before the model's first."""
    roles = [message.get("role") for message in messages]
    return roles.index("assistant") if "assistant" in roles else len(roles)
