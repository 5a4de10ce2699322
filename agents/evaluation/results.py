"""What an evaluation leaves behind: a folder with ``run.json``, ``samples.jsonl`` and ``result.json``."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from ...datasets.folder import write_whole
from ...envs.agent_loop import ENDPOINT_ERROR
from ...rewards.score import Status
from ...runtimes.finite_json import loads

SCHEMA = "infinite-rl/eval/1"
RUN, SAMPLES, RESULT = "run.json", "samples.jsonl", "result.json"
REPLIES = "replies.jsonl"
"""Of episodes under way; gone when an evaluation is finished."""
FAILURES = (str(Status.ERROR), ENDPOINT_ERROR)
"""Statuses that say nothing about the model; they are counted, and are in no score."""
STATUSES = (*map(str, Status), ENDPOINT_ERROR)

Sample: TypeAlias = dict[str, Any]
Place: TypeAlias = tuple[int, int]
"""Task index and number of the sample."""

_NUMBER = (int, float)
_FIELDS: dict[str, tuple[type, ...]] = {
    "task_id": (str,),
    "task_index": (int,),
    "sample": (int,),
    "domain": (str,),
    "reward": _NUMBER,
    "passed": (bool,),
    "status": (str,),
    "error_msg": (str,),
    "components": (dict,),
    "answer": (str, type(None)),
    "terminated": (bool,),
    "turns": (int,),
    "prompt_tokens": (int,),
    "completion_tokens": (int,),
    "finish_reason": (str,),
    "seconds": _NUMBER,
    "messages": (list,),
}
MEMBERS = tuple(_FIELDS)
"""Of a sample."""
# Beyond every count and every measure, and not beyond what a float holds.
_GREATEST = 1e15
_NOT_NEGATIVE = ("task_index", "sample", "turns", "prompt_tokens", "completion_tokens", "seconds")
_RUN_OBJECTS = ("env", "model", "sampling", "versions", "hashes", "hardware", "declarations")
_RUN_MEMBERS: dict[str, tuple[str, str, tuple[type, ...]]] = {
    "env.id": ("env", "id", (str,)),
    "env.arguments": ("env", "arguments", (dict,)),
    "env.split": ("env", "split", (str, type(None))),
    "env.tasks": ("env", "tasks", (int,)),
    "model.name": ("model", "name", (str,)),
    "sampling.n": ("sampling", "n", (int,)),
    "sampling.max_turns": ("sampling", "max_turns", (int, type(None))),
    "sampling.prompt": ("sampling", "prompt", (str, type(None))),
}
MOST = 1_000_000
"""Tasks, and samples of each: a file that says more could keep its reader busy for ever."""
# A line holds a transcript of several replies, each of which may have 16 MB.
_LONGEST_LINE = 512 << 20


@dataclass(frozen=True, slots=True)
class Results:
    """The results of an evaluation, finished or not.

    Attributes:
        folder: where they lie.
        run: what was asked, and what it ran on.
        samples: one for each task and sample, in the order of their lines.
        result: the scores; None before the end.
    """

    folder: Path
    run: dict[str, Any]
    samples: list[Sample]
    result: dict[str, Any] | None


def read_results(folder: str | Path) -> Results:
    """Reads the folder of an evaluation.

    A last line that a process was stopped in is left out. Of two lines of one sample the later counts, if the first is
    of one that failed and was asked again.

    Raises:
        FileNotFoundError: there is no evaluation.
        ValueError: something in it is malformed; the message names the file, the line and the field.
    """
    folder = Path(folder)
    run = read_run(folder)
    for name in (SAMPLES, RESULT):
        plain_file(folder / name)
    result = read_object(folder / RESULT) if (folder / RESULT).exists() else None
    return Results(folder, run, read_samples(folder / SAMPLES), result)


def read_run(folder: Path) -> dict[str, Any]:
    """What was asked.

    Raises:
        FileNotFoundError: there is no evaluation.
        ValueError: it is malformed, or of another version of the format.
    """
    path = folder / RUN
    plain_file(path)
    if not path.exists():
        raise FileNotFoundError(f"{folder}: no {RUN}, so no evaluation lies there")
    run = read_object(path)
    if run.get("schema") != SCHEMA:
        raise ValueError(f'{path}: "schema" is {run.get("schema")!r}; this version reads {SCHEMA!r}')
    for name in _RUN_OBJECTS:
        if not isinstance(run.get(name), dict):
            raise ValueError(f'{path}: "{name}" must be an object')
    for name, (part, member, kinds) in _RUN_MEMBERS.items():
        value = run[part].get(member)
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise ValueError(f'{path}: "{name}" must be of type {kinds[0].__name__}, not {type(value).__name__}')
        if isinstance(value, int) and not 1 <= value <= MOST:
            raise ValueError(f'{path}: "{name}" must be from 1 to {MOST:,}, and is {value}')
    return run


def plain_file(path: Path) -> None:
    """Refuses what is there and is no file, which could not be read, or without an end.

    Raises:
        ValueError: it is a folder, a pipe, a device or a link that leads nowhere.
    """
    if os.path.lexists(path) and not path.is_file():
        kind = "a folder" if path.is_dir() else "a link that leads nowhere" if path.is_symlink() else "a pipe or device"
        raise ValueError(f"{path} is {kind}, and should be a file")


def read_samples(path: Path) -> list[Sample]:
    """The samples of a file, checked line by line; none if there is no file.

    Raises:
        ValueError: a line is malformed, or a sample is there twice.
    """
    found: dict[Place, Sample] = {}
    if not path.exists():
        return []
    with path.open("rb") as file:
        number = 0
        while line := file.readline(_LONGEST_LINE + 1):
            number += 1
            where = f"{path}, line {number}"
            if len(line) > _LONGEST_LINE:
                raise ValueError(f"{where}: longer than {_LONGEST_LINE:,} bytes")
            try:
                sample = loads(line.decode())
            except (ValueError, RecursionError) as error:
                if not line.endswith(b"\n"):
                    break  # a process was stopped while it wrote
                raise ValueError(f"{where}: not JSON ({error})") from None
            check_sample(sample, where)
            place = sample["task_index"], sample["sample"]
            known = found.pop(place, None)
            if known is not None and known["status"] not in FAILURES:
                raise ValueError(f"{where}: sample {place[1]} of task {place[0]} is there twice")
            found[place] = sample
    return list(found.values())


def check_sample(sample: object, where: str) -> None:
    """Refuses what is no sample.

    Raises:
        ValueError: names the place and the field.
    """
    if not isinstance(sample, dict):
        raise ValueError(f"{where}: not an object")
    for name, kinds in _FIELDS.items():
        if name not in sample:
            raise ValueError(f'{where}: "{name}" is missing')
        value = sample[name]
        # True is an int to Python.
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            wanted = " or ".join("null" if kind is type(None) else kind.__name__ for kind in kinds)
            raise ValueError(f'{where}: "{name}" must be of type {wanted}, not {type(value).__name__}')
    for name in _NOT_NEGATIVE:
        if sample[name] < 0:
            raise ValueError(f'{where}: "{name}" must not be negative, and is {sample[name]}')
    if sample["status"] not in STATUSES:
        raise ValueError(f'{where}: "status" must be one of {", ".join(STATUSES)}, not {sample["status"][:40]!r}')
    if not all(isinstance(value, _NUMBER) and not isinstance(value, bool) for value in sample["components"].values()):
        raise ValueError(f'{where}: "components" must hold numbers')
    numbers = {name: sample[name] for name in ("reward", "turns", "prompt_tokens", "completion_tokens", "seconds")}
    for name, value in {**sample["components"], **numbers}.items():
        if abs(value) > _GREATEST:
            raise ValueError(f'{where}: "{name[:40]}" is out of range')
    for message in sample["messages"]:
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise ValueError(f'{where}: "messages" must hold objects with a "role"')
        if not isinstance(message.get("content"), str | None):
            raise ValueError(f'{where}: the "content" of a message must be text or null')


class SampleLog:
    """Appends samples to the file of an evaluation, whole lines at a time.

    A line that a process was stopped in is cut off first. All lines of one call go to the file by one call of the
    system, so that what was recorded survives the end of the process.

    Args:
        path: the file; made where it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self._mend()
        self._size = os.fstat(self._file).st_size

    def append(self, samples: Iterable[Mapping[str, Any]]) -> None:
        """Adds samples.

        Raises:
            OSError: they can't be written; the file is as it was.
        """
        # ASCII, since a lone surrogate that a model wrote can't be encoded otherwise.
        data = "".join(json.dumps(sample, allow_nan=False) + "\n" for sample in samples).encode("ascii")
        try:
            written = 0
            while written < len(data):
                written += os.write(self._file, data[written:])
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)

    def close(self) -> None:
        """Forces all samples onto the disk."""
        os.fsync(self._file)
        os.close(self._file)

    def _mend(self) -> None:
        """Cuts off a last line that is not whole; one that only lacks its end gets it."""
        size = os.fstat(self._file).st_size
        start = end = size
        tail = b""
        while start and b"\n" not in tail:
            start = max(0, end - (1 << 20))
            tail = os.pread(self._file, end - start, start) + tail
            end = start
        last = tail[tail.rfind(b"\n") + 1 :]
        if not last:
            return
        try:
            check_sample(loads(last.decode()), "")
        except (ValueError, RecursionError):
            os.ftruncate(self._file, size - len(last))
        else:
            os.write(self._file, b"\n")


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Writes a file of the folder, which holds the old text or the new one at every instant."""
    write_whole(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object of a file.

    Raises:
        ValueError: it holds something else.
    """
    try:
        found = loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not JSON ({error})") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path}: not an object")
    return found
