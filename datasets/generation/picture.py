"""The picture of a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from .summary import Summary

_BLUE, _RED = "#2a6f97", "#b23a48"
_MOST_BARS = 8


def draw(summary: Summary, path: Path) -> None:
    """Draws rows by type, failures by reason, and how lengths and pass rates are distributed."""
    figure = Figure(figsize=(10, 6), layout="constrained")
    FigureCanvasAgg(figure)
    rows, failures, lengths, last = figure.subplots(2, 2).flat
    _bars(rows, summary.rows, f"{sum(summary.rows.values()):,} rows, {summary.rectified:,} rectified", _BLUE)
    _bars(failures, summary.failures, f"{sum(summary.failures.values()):,} failures", _RED)
    _histogram(lengths, summary.prompt_lengths, "prompts, characters")
    if summary.pass_rates:
        _histogram(last, summary.pass_rates, "share of a solver's tries that were right", (0.0, 1.0))
    else:
        _histogram(last, summary.response_lengths, "responses, characters")
    draft = path.with_name(f".{path.name}.draft")
    figure.savefig(draft, format="png", dpi=120)
    draft.replace(path)


def _bars(axes: Any, counts: Mapping[str, int], title: str, colour: str) -> None:
    shown = sorted(counts.items(), key=lambda item: item[1])[-_MOST_BARS:]
    bars = axes.barh([name for name, _ in shown], [count for _, count in shown], color=colour)
    axes.bar_label(bars, padding=3, fmt="{:,.0f}")
    axes.margins(x=0.15)
    _tidy(axes, title)


def _histogram(axes: Any, values: Sequence[float], title: str, limits: tuple[float, float] | None = None) -> None:
    axes.hist(values, bins=20, range=limits, color=_BLUE, rwidth=0.9)
    axes.set_ylabel("rows")
    _tidy(axes, title)


def _tidy(axes: Any, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
