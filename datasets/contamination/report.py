"""What was found: counts, and the pairs of rows."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from ..files import Place

Kind: TypeAlias = Literal["exact", "near", "template"]

_SHOWN = 160


@dataclass(frozen=True, slots=True)
class Side:
    """One row of a pair: its place, its id, and its text, abbreviated."""

    place: Place
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A training row and an evaluation row.

    Attributes:
        kind: ``exact``, ``near``, or ``template``, which is no contamination.
        score: the containment; None where only the words besides the numbers were compared.
        train: the training row.
        evaluation: the evaluation row, the first of those with this prompt.
    """

    kind: Kind
    score: float | None
    train: Side
    evaluation: Side

    def row(self) -> dict[str, Any]:
        """The pair as one flat row of a table."""
        row: dict[str, Any] = {"kind": self.kind, "score": self.score}
        for name, side in (("train", self.train), ("evaluation", self.evaluation)):
            row |= {f"{name}_row": side.place.number, f"{name}_place": side.place.where}
            row |= {f"{name}_id": side.id, f"{name}_text": side.text}
        return row


@dataclass(frozen=True, slots=True)
class Report:
    """What is contaminated.

    Attributes:
        threshold: the least containment of a ``near`` row.
        train_rows: how many training rows were read.
        evaluation_rows: how many evaluation rows.
        exact: training rows whose prompt is that of an evaluation row.
        near: training rows that hold an edited one.
        template: training rows that share no more than a template with one.
        evaluation_found: evaluation rows that training rows hold.
        pairs: all exact and near ones, and the first thousand of a shared template, in the order of the training rows.
    """

    threshold: float
    train_rows: int
    evaluation_rows: int
    exact: int
    near: int
    template: int
    evaluation_found: int
    pairs: tuple[Pair, ...]

    @property
    def contaminated(self) -> int:
        """How many training rows hold an evaluation prompt."""
        return self.exact + self.near

    @property
    def share(self) -> float:
        """Which share of the training rows that is."""
        return self.contaminated / max(1, self.train_rows)

    @property
    def summary(self) -> str:
        """One line."""
        return (
            f"{self.contaminated:,} of {self.train_rows:,} training rows ({self.share:.2%}) hold evaluation prompts: "
            f"{self.exact:,} exactly, {self.near:,} edited; {self.evaluation_found:,} of {self.evaluation_rows:,} "
            f"evaluation rows are found; {self.template:,} training rows share no more than a template"
        )

    def rows_of(self, file: Path) -> set[int]:
        """The numbers of a training file's contaminated rows."""
        pairs = (pair for pair in self.pairs if pair.kind != "template")
        return {pair.train.place.number for pair in pairs if pair.train.place.file == file}

    def as_json(self) -> dict[str, Any]:
        """The counts, and the pairs a row each."""
        figures = {name: getattr(self, name) for name in self.__slots__ if name != "pairs"}
        pairs = [pair.row() for pair in self.pairs]
        return figures | {"contaminated": self.contaminated, "share": self.share, "pairs": pairs}

    def write(self, prefix: Path) -> tuple[Path, Path]:
        """Writes ``PREFIX.json``, with counts and pairs, and ``PREFIX.csv``, with the pairs."""
        paths = report_files(prefix)
        found = self.as_json()
        # JSON has escapes for halves of characters, which prompts of models may hold; CSV has none.
        paths[0].write_text(json.dumps(found, indent=1) + "\n", "utf-8")
        names = Pair("exact", None, *[Side(Place("", None, 0), "", "")] * 2).row()
        with paths[1].open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
            table = csv.DictWriter(file, names)
            table.writeheader()
            table.writerows(found["pairs"])
        return paths


def report_files(prefix: Path) -> tuple[Path, Path]:
    """The files of a report: with counts and pairs, and with the pairs."""
    return Path(f"{prefix}.json"), Path(f"{prefix}.csv")


def abbreviated(text: str) -> str:
    """A text on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"
