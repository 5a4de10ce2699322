"""The folder of a dataset: its rows, and the log of what failed."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from .sample import COLUMNS, FAILED_COLUMNS, Cells, Failure, Sample, prompt_hash, utc_now
from .settings import TYPES, TaskType
from .table import Rows, Table, ends_with_line, read_table, write_table

DATASET = "dataset.csv"
FAILED = "failed_dataset.csv"
DAMAGED = "dataset.csv.damaged"
DEBUG = "debug_prompts"
_NEEDED = ("type", "prompt", "answer", "response")


class Store:
    """Takes the rows of a dataset as they succeed, and the failures as they happen.

    What an earlier process wrote is read first. A row that was cut off at the end, and rows without a type that we
    know, leave the dataset; they are kept among the failures. Tables of others get our columns, and keep theirs. The
    file is made anew only where one of these is so, and at every instant it holds the old rows or the new ones.

    Args:
        folder: the dataset's folder, which is there; `alone_in` keeps other processes out.
        sync_every: after so many rows they are forced onto the disk.

    Attributes:
        columns: of the dataset.
        rows: of the dataset, cell by cell.
        prompts: of the rows, by type.
        failures: how many there are, by reason.
        notes: what was found out of order, for people.

    Raises:
        OSError: a file can't be read or written.
        ValueError: a file is no table of a dataset; nothing is changed then.
    """

    def __init__(self, folder: Path, *, sync_every: int) -> None:
        self.folder, self._sync_every, self._unsynced = folder, sync_every, 0
        found, failed = read_table(folder / DATASET, is_whole=_is_whole), _read_failures(folder / FAILED)
        if found.columns and (missing := [name for name in _NEEDED if name not in found.columns]):
            raise ValueError(f"{folder / DATASET}: no dataset, it has no column {missing[0]!r}; give another --out_dir")
        rows, lost = _sorted(found)
        strays = len(lost)
        if found.cut:
            lost.append(Failure("", "The row was cut off in writing.", "cut_off", utc_now(), raw_text=found.cut))
        self.notes = _notes(strays, found.cut)
        # Columns without a name are rests of spreadsheets.
        self._others = [name for name in found.columns if name.strip() and name not in COLUMNS]
        self.columns = [*COLUMNS[:-1], *self._others, COLUMNS[-1]]
        as_they_are = found.columns == self.columns and rows is found.rows
        self.rows = rows if as_they_are else [_ours(found.columns, row, self.columns) for row in rows]
        if found.cut:
            # A quote that somebody else left open takes all rows behind it.
            shutil.copy2(folder / DATASET, folder / DAMAGED)
        # First what was lost, so that it is in one file or in both at every instant.
        self._failed = self._open_failures(failed, lost)
        if not as_they_are or lost or not ends_with_line(folder / DATASET):
            write_table(folder / DATASET, self.columns, self.rows)
        self._table = Table(folder / DATASET, self.columns)
        kinds, prompts = self.columns.index("type"), self.columns.index("prompt")
        self.prompts: dict[TaskType, list[str]] = {
            kind: [row[prompts] for row in self.rows if row[kinds] == kind] for kind in TYPES
        }

    def accept(self, sample: Sample) -> None:
        """Writes a row.

        Raises:
            OSError: it can't be written.
        """
        *cells, name = sample.cells()
        row = [*cells, *("" for _ in self._others), name]
        self._table.append(row)
        self.rows.append(row)
        self.prompts[sample.type].append(sample.prompt)
        self._unsynced += 1
        if self._unsynced >= self._sync_every:
            self._table.sync()
            self._unsynced = 0

    def fail(self, failure: Failure) -> None:
        """Logs a failure.

        Raises:
            OSError: it can't be written.
        """
        self._failed.append(failure.cells())
        self.failures[failure.reason] += 1

    def close(self) -> None:
        """Closes both files, whose rows are on the disk then."""
        self._table.close()
        self._failed.close()

    def _open_failures(self, failed: Rows, lost: Iterable[Failure]) -> Table:
        path = self.folder / FAILED
        if failed.columns and (failed.columns != list(FAILED_COLUMNS) or failed.cut or not ends_with_line(path)):
            write_table(path, FAILED_COLUMNS, ([row.get(name, "") for name in FAILED_COLUMNS] for row in failed.dicts))
        table = Table(path, FAILED_COLUMNS)
        for failure in lost:
            table.append(failure.cells())
        table.sync()
        self.failures = Counter(row.get("reason") or "unknown" for row in failed.dicts)
        self.failures.update(failure.reason for failure in lost)
        return table


def _notes(strays: int, cut: str) -> list[str]:
    notes = []
    if cut:
        notes.append(
            f"the last row of {DATASET} was cut off; what there is of it is in {FAILED}, the old file in {DAMAGED}"
        )
    if strays:
        rows = "a row" if strays == 1 else f"{strays:,} rows"
        told = "without a type (coding or math), with an empty cell, or there twice"
        notes.append(f"{rows} of {DATASET} {told} went to {FAILED}")
    return notes


def _is_whole(row: dict[str, str]) -> bool:
    return "prompt_hash" not in row or row["prompt_hash"] == prompt_hash(row.get("prompt", ""))


def _sorted(found: Rows) -> tuple[list[Cells], list[Failure]]:
    """The rows that may stay, and those that may not; all rows are the same list if all of them may."""
    if not found.columns:
        return found.rows, []
    places = [found.columns.index(name) for name in _NEEDED]
    kept, lost, seen = [], [], set()
    for row in found.rows:
        kind, prompt, answer, response = (row[place] for place in places)
        plain = kind.strip().lower()
        reason = "no_type" if plain not in TYPES else "empty" if not (prompt.strip() and answer.strip()) else ""
        if not reason and prompt in seen:
            reason = "duplicate"
        seen.add(prompt)
        if reason:
            told = f"The row was in {DATASET}, and can't stay there."
            lost.append(Failure(kind, told, reason, utc_now(), prompt, answer, response))
        else:
            kept.append(
                row if plain == kind else [plain if place == places[0] else cell for place, cell in enumerate(row)]
            )
    if not lost and all(one is other for one, other in zip(kept, found.rows, strict=True)):
        return found.rows, []
    return kept, lost


def _read_failures(path: Path) -> Rows:
    """The log of failures; one that is none any more is put aside, for it is only a log."""
    try:
        found = read_table(path)
    except ValueError:
        path.replace(path.with_name(f"{path.name}.damaged"))
        return Rows()
    if found.cut:
        shutil.copy2(path, path.with_name(f"{path.name}.damaged"))
    return found


def _ours(old: Cells, row: Cells, columns: Cells) -> Cells:
    """A row with the columns of now; what another system did not write is empty."""
    cells = dict(zip(old, row, strict=True))
    return [cells.get(name, "") for name in columns[:-1]] + [prompt_hash(cells["prompt"])]


def counts_of(folder: Path) -> dict[TaskType, int]:
    """How many rows of each type there are, without changing anything.

    Raises:
        ValueError: the file is no table.
    """
    counts = Counter(row.get("type") for row in read_table(folder / DATASET, is_whole=_is_whole).dicts)
    return {kind: counts[kind] for kind in TYPES}
