"""The entries of a leaderboard, read from a folder of submissions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..evaluation.comparing import first_passed
from ..evaluation.given import NOTHING, Given
from ..evaluation.results import FAILURES, RESULT, RUN, SAMPLES, Results, Sample, read_results, read_run
from ..evaluation.summary import by_task
from .archive import CARD, NAMES, opened
from .check import check
from .copies import Replies, replies_of, shared
from .facts import identity
from .grouping import benchmark_key
from .leaks import leaks
from .recount import disagreements, figures_of, with_figures
from .schema import malformed
from .scripts import shown, slug
from .settings import private_rows, read_settings, split_of, withheld

# Whoever has one of them meant to hand in results.
_PARTS = (RUN, RESULT, SAMPLES)
# Characters of why one is left out.
_WHY = 1_000


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


@dataclass(slots=True, eq=False)
class Entry:
    """One submission.

    Attributes:
        id: its name in addresses and among the site's files.
        source: the name of its file or folder.
        run: what was asked.
        result: the scores, as the samples give them.
        card: the model card's text; empty if there is none.
        private: whether its tasks and transcripts are kept back.
        withheld: whether that is the submitter's will alone.
        ungraded: why its samples were not graded again, where they should have been.
        rows: by task index.
        replies: by which copies are found.
        copies: the other entries that hold nearly the same replies, and which share of its own these are.
    """

    id: str
    source: str
    run: dict[str, Any]
    result: dict[str, Any]
    card: str
    private: bool
    withheld: bool = False
    ungraded: str = ""
    rows: dict[int, Row] = field(default_factory=dict)
    replies: Replies = field(default=(), repr=False)
    copies: list[tuple[Entry, float]] = field(default_factory=list, repr=False)

    @property
    def benchmark(self) -> str:
        """Entries are compared that share this: environment, arguments, split, prompts and the tasks themselves."""
        return benchmark_key(self.run)

    @property
    def model(self) -> str:
        """The model's name."""
        return shown(self.run["model"]["name"])


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A submission that is not on the board.

    Attributes:
        source: the name of its file or folder.
        why: in one line.
        private: whether its tasks are, which the line may tell of.
    """

    source: str
    why: str
    private: bool


@dataclass(slots=True)
class Board:
    """A leaderboard.

    Attributes:
        settings: of ``board.json``.
        entries: the submissions that hold together.
        left_out: the others, and why.
        unmatched: private rows of ``board.json`` that are about no submission, which may be a slip.
    """

    settings: Mapping[str, Any]
    entries: list[Entry]
    left_out: list[LeftOut]
    unmatched: list[Mapping[str, Any]] = field(default_factory=list)


Visit = Callable[[Entry, dict[int, list[Sample]]], None]


def read_board(folder: Path, visit: Visit, *, checked: bool = False, given: Given = NOTHING) -> Board:
    """Reads all submissions of a folder, one after the other.

    Args:
        folder: holds archives and folders of results, and ``board.json`` if it wants one.
        visit: is given each entry with its samples by task, which are not kept.
        checked: whether all samples are graded again, and what a check refuses is left out. Otherwise the files of an
            entry need only agree with each other.
        given: what is needed for that, and not taken from a submission.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: ``board.json`` is malformed.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder. Give one that holds submissions.")
    board = Board(read_settings(folder), [], [])
    board.unmatched = private_rows(board.settings)
    for path in submissions(folder):
        # Until it is known: why something can't be read may tell of what is in it.
        private = bool(private_rows(board.settings))
        try:
            _refuse_links(path)
            with opened(path) as place:
                run = read_run(place)
                row = split_of(board.settings, run)
                board.unmatched = [one for one in board.unmatched if one is not row]
                private = bool(row.get("private")) or withheld(run)
                results, ungraded = _read(place, board.settings, private, given.of(run) if checked else None)
                entry = _entry(path, place, results, private)
                entry.withheld, entry.ungraded = private and not row.get("private"), ungraded
            for other in board.entries:
                if _asked_and_said(other) == _asked_and_said(entry):
                    raise ValueError(f"the samples are those of {other.source}")
        except Exception as error:  # Whatever a submission holds, the others are shown.
            # It may quote what it refuses.
            why = str(error).replace(str(path), path.name)[:_WHY]
            board.left_out.append(LeftOut(path.name, why, private))
            continue
        # Whose cards say the same are told apart by a number: no name is taken from those who have it.
        alike = sum(other.id.startswith(entry.id) for other in board.entries)
        entry.id += f"-{1 + alike}" if alike else ""
        visit(entry, by_task(results.samples))
        for other in board.entries:
            _mark_copies(entry, other)
        board.entries.append(entry)
    return board


def _read(folder: Path, settings: Mapping[str, Any], private: bool, given: Given | None) -> tuple[Results, str]:
    """The results of a folder, with the figures that its samples give, and why they could not be graded again.

    Without anything given nothing is graded again.

    Raises:
        ValueError: there is a reason to refuse them.
    """
    canaries, ungraded = [mark for mark in settings.get("canaries", []) if isinstance(mark, str)], ""
    if given is not None:
        report = check(folder, given=given, private=private, canaries=canaries)
        results, figures, problems, ungraded = report.results, report.figures, report.problems, report.ungraded
    else:
        try:
            results = read_results(folder)
        except (ValueError, OSError, RecursionError) as error:
            raise ValueError(str(error).replace(f"{folder}/", "").replace(f"{folder}: ", "")) from None
        if not (problems := [*malformed(results)]):
            figures = figures_of(results)
            problems = [*disagreements(results, figures), *leaks(results, canaries, private=private)]
    if problems:
        raise ValueError(problems[0] + (f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""))
    assert results is not None, "only what was read is without problems"
    assert results.result is not None, "only what is finished is without problems"
    return replace(results, result=with_figures(results.result, figures)), ungraded


def _asked_and_said(entry: Entry) -> tuple[dict[str, Any], str]:
    """What no two entries share. Who copies samples alone must not take the place of those who made them."""
    return entry.run, entry.result["samples_sha256"]


def _mark_copies(first: Entry, second: Entry) -> None:
    """Both stay, whichever was read first: the files don't say whose the replies are."""
    shares = shared(first.replies, second.replies) if first.model != second.model else (0.0, 0.0)
    if first.result["samples_sha256"] == second.result["samples_sha256"]:
        shares = 1.0, 1.0
    for entry, other, share in ((first, second, shares[0]), (second, first, shares[1])):
        if share:
            entry.copies.append((other, share))


def _refuse_links(path: Path) -> None:
    """A link would show a file of this machine to the world."""
    if any(one.is_symlink() for one in (path, *(path / name for name in NAMES))):
        raise ValueError("holds a link; a submission has files of its own")


def submissions(folder: Path) -> Iterator[Path]:
    """The archives and folders of results in a folder, by name; of a folder a part is enough, to be told of."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        # A link that leads nowhere is there, too.
        if path.suffix == ".zip" or (path.is_dir() and any(os.path.lexists(path / name) for name in _PARTS)):
            yield path


def _entry(path: Path, place: Path, results: Results, private: bool) -> Entry:
    run, result = results.run, results.result
    assert result is not None, "disagreements say so"
    card = (place / CARD).read_text("utf-8", errors="replace")[: 1 << 20] if (place / CARD).exists() else ""
    name = f"{slug(run['model']['name'], 40)}-{identity(run, result, private=private)}"
    entry = Entry(name, path.name, run, result, card, private, replies=replies_of(results.samples))
    for index, samples in by_task(results.samples).items():
        scored = [one for one in samples if one["status"] not in FAILURES]
        reward = sum(one["reward"] for one in scored) / len(scored) if scored else None
        told = shown(samples[0]["task_id"], 200), shown(samples[0]["domain"], 80)
        entry.rows[index] = Row(*told, len(scored), sum(one["passed"] for one in scored), reward, first_passed(scored))
    return entry
