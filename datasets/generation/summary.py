"""What a dataset holds and what failed on the way, as numbers and as a picture."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..folder import write_whole
from .prompts import prompts_hash
from .store import Store

NUMBERS = "statistics.json"
PICTURE = "statistics.png"


@dataclass(frozen=True, slots=True)
class Summary:
    """The rows of a dataset and the failures of its making, those of earlier processes included.

    Attributes:
        rows: how many, by type and language.
        models: how many rows, by the model that wrote them.
        rectified: rows that a model had to correct before.
        failures: how many, by reason.
        prompt_lengths: in characters.
        response_lengths: in characters.
        qualities: the rows' scores.
        pass_rates: of the solver, where it was asked.
    """

    rows: Mapping[str, int]
    models: Mapping[str, int]
    rectified: int
    failures: Mapping[str, int]
    prompt_lengths: Sequence[int]
    response_lengths: Sequence[int]
    qualities: Sequence[float]
    pass_rates: Sequence[float]

    @classmethod
    def of(cls, store: Store) -> Summary:
        """Counts all that is there."""
        columns = zip(*store.rows, strict=True) if store.rows else ((),) * len(store.columns)
        column: dict[str, Sequence[str]] = dict(zip(store.columns, columns, strict=True))
        kinds = zip(column["type"], column["language"], strict=True)
        return cls(
            Counter(f"{kind} ({language})" if language else kind for kind, language in kinds),
            Counter(model or "unknown" for model in column["model"]),
            sum(text.lower() == "true" for text in column["rectified"]),
            store.failures,
            [len(text) for text in column["prompt"]],
            [len(text) for text in column["response"]],
            _shares(column["quality_score"]),
            _shares(column["pass_rate"]),
        )

    def as_json(self) -> dict[str, Any]:
        """All of it, with quantiles for the lists, and the hash of the texts that ask (see `prompts_hash`)."""
        return {
            "asked_by": prompts_hash(),
            "rows": dict(sorted(self.rows.items())),
            "models": dict(sorted(self.models.items())),
            "rectified": self.rectified,
            "failures": dict(sorted(self.failures.items())),
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
        except ImportError:  # also where its own parts do not fit
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


def _shares(texts: Sequence[str]) -> list[float]:
    """The numbers from 0 to 1 among them; other programs may have written anything."""
    found = []
    for text in texts:
        try:
            value = float(text)
        except ValueError:
            continue
        if 0 <= value <= 1:
            found.append(value)
    return found
