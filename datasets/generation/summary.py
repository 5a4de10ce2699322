"""What a dataset holds and what failed on the way, as numbers and as a picture."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..folder import write_whole

NUMBERS = "statistics.json"
PICTURE = "statistics.png"


class Summary:
    """Counts the rows of a dataset and the failures of its making, those of earlier processes included.

    Attributes:
        rows: how many, by type, or by type and language.
        models: how many rows, by the model that wrote them.
        rectified: rows that a model had to correct before.
        failures: by reason.
        prompt_lengths: in characters.
        response_lengths: in characters.
        qualities: the rows' scores.
        pass_rates: of the solver, where it was asked.
    """

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.models: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.rectified = 0
        self.prompt_lengths: list[int] = []
        self.response_lengths: list[int] = []
        self.qualities: list[float] = []
        self.pass_rates: list[float] = []

    def add(self, row: Mapping[str, str]) -> None:
        """Counts a row of ``dataset.csv``; columns may be missing."""
        language = row.get("language", "")
        self.rows[f"{row['type']} ({language})" if language else row["type"]] += 1
        self.models[row.get("model", "") or "unknown"] += 1
        self.rectified += row.get("rectified", "").lower() == "true"
        self.prompt_lengths.append(len(row["prompt"]))
        self.response_lengths.append(len(row["response"]))
        for values, name in ((self.qualities, "quality_score"), (self.pass_rates, "pass_rate")):
            if (value := _number(row.get(name, ""))) is not None:
                values.append(value)

    def as_json(self) -> dict[str, Any]:
        """All of it, with quantiles for the lists."""
        return {
            "rows": dict(sorted(self.rows.items())),
            "models": dict(sorted(self.models.items())),
            "rectified": self.rectified,
            "failures": dict(self.failures.most_common()),
            "prompt_characters": _quantiles(self.prompt_lengths),
            "response_characters": _quantiles(self.response_lengths),
            "quality_score": _quantiles(self.qualities),
            "pass_rate": _quantiles(self.pass_rates),
        }

    def write(self, folder: Path) -> bool:
        """Writes ``statistics.json``, and ``statistics.png`` if matplotlib is there.

        Returns:
            Whether there is a picture.

        Raises:
            OSError: it can't be written.
        """
        write_whole(folder / NUMBERS, json.dumps(self.as_json(), indent=2) + "\n")
        try:
            from .picture import draw
        except ModuleNotFoundError:
            return False
        draw(self, folder / PICTURE)
        return True


def _quantiles(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    ordered = sorted(values)
    places = {"least": 0.0, "median": 0.5, "p95": 0.95, "most": 1.0}
    found = {name: ordered[round(place * (len(ordered) - 1))] for name, place in places.items()}
    return found | {"mean": round(sum(ordered) / len(ordered), 4)}


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None
