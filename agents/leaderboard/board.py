"""The entries of a leaderboard, read from a folder of submissions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...runtimes.finite_json import loads
from ..evaluation.results import FAILURES, RUN, Results, Sample, read_results
from ..evaluation.summary import by_task
from .archive import CARD, opened
from .check import check
from .recount import disagreements
from .schema import malformed
from .scripts import shown, slug

SETTINGS = "board.json"
_KNOWN = {"title": str, "about": str, "references": list, "splits": list}
_SPLIT = {"env", "split", "arguments", "name", "private", "retired"}


@dataclass(slots=True)
class Row:
    """What an entry made of one task.

    Attributes:
        task_id: the task.
        domain: its domain.
        samples: how many were scored.
        passed: how many of them passed.
        reward: their mean reward.
        first: whether the first sample passed; None if that was not scored.
        chunk: the file of its transcripts; None if they are not shown.
    """

    task_id: str
    domain: str
    samples: int
    passed: int
    reward: float | None
    first: bool | None
    chunk: int | None = None


@dataclass(slots=True)
class Entry:
    """One submission.

    Attributes:
        id: its name in addresses and among the site's files.
        source: the name of its file or folder.
        run: what was asked.
        result: the scores.
        card: the model card's text; empty if there is none.
        private: whether its tasks and transcripts are kept back.
        rows: by task index.
    """

    id: str
    source: str
    run: dict[str, Any]
    result: dict[str, Any]
    card: str
    private: bool
    rows: dict[int, Row] = field(default_factory=dict)

    @property
    def benchmark(self) -> str:
        """Entries are compared that share this: environment, version, arguments, split and the tasks themselves."""
        return benchmark_key(self.run)

    @property
    def model(self) -> str:
        """The model's name."""
        return shown(self.run["model"]["name"])


@dataclass(slots=True)
class Board:
    """A leaderboard.

    Attributes:
        settings: of ``board.json``.
        entries: the submissions that hold together.
        left_out: the others, and why.
    """

    settings: Mapping[str, Any]
    entries: list[Entry]
    left_out: list[tuple[str, str]]

    def split_of(self, run: Mapping[str, Any]) -> Mapping[str, Any]:
        """What ``board.json`` says of the tasks of a run; empty if nothing."""
        return split_of(self.settings, run)


Visit = Callable[[Entry, dict[int, list[Sample]]], None]


def read_board(folder: Path, visit: Visit, *, checked: bool = False) -> Board:
    """Reads all submissions of a folder, one after the other.

    Args:
        folder: holds archives and folders of results, and ``board.json`` if it wants one.
        visit: is given each entry with its samples by task, which are not kept.
        checked: whether all samples are graded again, and what a check refuses is left out. Otherwise the files of an
            entry need only agree with each other.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: ``board.json`` is malformed.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder. Give one that holds submissions.")
    board = Board(read_settings(folder), [], [])
    seen: dict[str, str] = {}
    for path in _submissions(folder):
        try:
            with opened(path) as place:
                results = _checked(place) if checked else _agreeing(place)
                entry = _entry(path, place, results, board)
            digest = entry.result["samples_sha256"]
            if digest in seen:
                raise ValueError(f"the samples are those of {seen[digest]}")
        except (ValueError, OSError, RecursionError) as error:
            board.left_out.append((path.name, str(error).replace(str(path), path.name)))
            continue
        seen[digest] = path.name
        visit(entry, by_task(results.samples))
        board.entries.append(entry)
    return board


def _agreeing(folder: Path) -> Results:
    results = read_results(folder)
    _refuse([*malformed(results)] or [*disagreements(results)])
    return results


def _checked(folder: Path) -> Results:
    report = check(folder)
    _refuse(report.problems)
    assert report.results is not None, "only what was read is accepted"
    return report.results


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        raise ValueError(problems[0] + (f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""))


def read_settings(folder: Path) -> dict[str, Any]:
    """What ``board.json`` says; empty if it is not there.

    Raises:
        ValueError: it is malformed.
    """
    path = folder / SETTINGS
    if not path.exists():
        return {}
    try:
        found = loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not JSON ({error})") from None
    if not isinstance(found, dict) or not set(found) <= set(_KNOWN):
        raise ValueError(f"{path}: its fields are {', '.join(_KNOWN)}")
    for name, kind in _KNOWN.items():
        if not isinstance(found.get(name, kind()), kind):
            raise ValueError(f'{path}: "{name}" must be of type {kind.__name__}')
    for split in found.get("splits", []):
        if not isinstance(split, dict) or not {"env", "split"} <= set(split) <= _SPLIT:
            fields = ", ".join(sorted(_SPLIT))
            raise ValueError(f'{path}: each of "splits" needs "env" and "split"; its fields are {fields}')
    return found


def split_of(settings: Mapping[str, Any], run: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row of ``splits`` that is about the tasks of a run; empty if there is none."""
    env = run["env"]
    for split in settings.get("splits", []):
        wanted = split.get("arguments", env["arguments"])
        if (split["env"], split["split"], wanted) == (env["id"], env["split"], env["arguments"]):
            found: Mapping[str, Any] = split
            return found
    return {}


def benchmark_key(run: Mapping[str, Any]) -> str:
    """A short name of what a run was asked: equal for equal tasks."""
    env = run["env"]
    told = [env["id"], env["version"], env["arguments"], env["split"], env["tasks"], run["hashes"].get("data")]
    digest = hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=4).hexdigest()
    return f"{slug(str(env['id']).removeprefix('InfiniteRL/'), 30)}-{digest}"


def _submissions(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.suffix == ".zip" or (path.is_dir() and (path / RUN).exists()):
            yield path


def _entry(path: Path, place: Path, results: Results, board: Board) -> Entry:
    run, result = results.run, results.result
    assert result is not None, "disagreements say so"
    card = (place / CARD).read_text("utf-8", errors="replace")[: 1 << 20] if (place / CARD).exists() else ""
    name = f"{slug(run['model']['name'], 40)}-{result['samples_sha256'][:8]}"
    private = run.get("canary") is not None or bool(board.split_of(run).get("private"))
    entry = Entry(name, path.name, run, result, card, private)
    for index, samples in by_task(results.samples).items():
        scored = [one for one in samples if one["status"] not in FAILURES]
        reward = sum(one["reward"] for one in scored) / len(scored) if scored else None
        first = scored[0]["passed"] if scored and scored[0]["sample"] == 0 else None
        told = shown(samples[0]["task_id"])[:200], shown(samples[0]["domain"])[:80]
        entry.rows[index] = Row(*told, len(scored), sum(one["passed"] for one in scored), reward, first)
    return entry
