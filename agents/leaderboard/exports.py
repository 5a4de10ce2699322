"""The table for spreadsheets and for other pages."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

COLUMNS = (
    "environment",
    "split",
    "rank",
    "model",
    "backend",
    "parameters",
    "pass@1",
    "low",
    "high",
    "k",
    "pass@k",
    "maj@n",
    "reward",
    "tasks",
    "n",
    "samples",
    "tokens",
    "finished",
    "doubt",
)
_SHOWN = ("rank", "model", "backend", "pass@1", "low", "high", "k", "pass@k", "maj@n", "samples", "finished", "doubt")


def rows(entries: Sequence[Mapping[str, Any]], benchmarks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The entries as flat rows, by environment and rank."""
    found = []
    names = {entry["id"]: entry["model"] for entry in entries}
    # Those without a rank come last.
    for entry in sorted(entries, key=lambda one: (one["benchmark"], one["rank"] is None, one["rank"] or 0)):
        benchmark, scores = benchmarks[entry["benchmark"]], entry["pass1"]
        k, passk = entry["passk"][-1][:2] if entry["passk"] else (None, None)
        values: tuple[Any, ...] = (
            *(benchmark["name"], benchmark["split"], entry["rank"], entry["model"], entry["backend"]),
            *(entry["parameters"], scores["value"], scores["low"], scores["high"], k, passk),
            *(entry["maj"]["value"], entry["reward"]["value"], entry["tasks"], entry["n"], entry["graded"]),
            *(entry["tokens"], entry["finished"], _doubt(entry, names)),
        )
        found.append(dict(zip(COLUMNS, values, strict=True)))
    return found


def _doubt(entry: Mapping[str, Any], names: Mapping[str, str]) -> str:
    told = ["not regraded"] if entry["ungraded"] else []
    told += [
        f"{percent(share)} of its longer replies equal those of {names[other]}" for other, share in entry["copies"]
    ]
    return "; ".join(told)


def as_csv(table: Sequence[Mapping[str, Any]]) -> str:
    """The table with commas, scores as shares of 1.

    Names that a spreadsheet would take for a formula begin with an apostrophe.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in table:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return out.getvalue()


def as_markdown(title: str, table: Sequence[Mapping[str, Any]]) -> str:
    """The table in Markdown, a section for each environment."""
    lines = [f"# {escaped(title)}"]
    if not table:
        lines += ["", "No entries yet."]
    place = None
    for row in table:
        if place != (place := (row["environment"], row["split"])):
            lines += ["", f"## {escaped(row['environment'])}", "", "| " + " | ".join(_SHOWN) + " |"]
            lines.append("|" + "|".join("---" if name in ("model", "backend") else "---:" for name in _SHOWN) + "|")
        lines.append("| " + " | ".join(_told(name, row[name]) for name in _SHOWN) + " |")
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> Any:
    return "'" + value if isinstance(value, str) and value[:1] in tuple("=+-@\t") else value


def _told(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if name in ("pass@1", "low", "high", "pass@k", "maj@n"):
        return percent(value)
    return escaped(value) if isinstance(value, str) else str(value)


def percent(value: float | None) -> str:
    """A share as all pages and cards have it."""
    return "–" if value is None else f"{100 * value:.1f}%"


def escaped(text: str) -> str:
    """Text in one line in which Markdown and HTML find nothing to act on."""
    return re.sub(r"([\\`*\[\]<>#|~&])", r"\\\1", " ".join(text.split()))
