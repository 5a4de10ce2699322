"""Curves as pictures: SVG within the page, in the colours of its style sheet."""

from __future__ import annotations

import io
import re
from typing import Any

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from .curves import Curve
from .text import short

# Colours that matplotlib draws with, and what the page's style sheet makes of them in light and dark.
_PAINT = {
    "#010101": "currentColor",
    "#020202": "var(--rule)",
    "#030303": "var(--train)",
    "#040404": "var(--validation)",
    "#050505": "var(--test)",
}
_TEXT, _RULE, _TRAIN, _VALIDATION, _TEST = _PAINT


def draw(curve: Curve, prefix: str, top: float | None = None) -> Markup:
    """A curve as inline SVG. Its only text is numbers: names come from outside, and stay with the template.

    Args:
        curve: what to draw.
        prefix: for the ids, which must differ from those of all other pictures of the page.
        top: end of the vertical axis of a rate, so that rates can be compared between pictures.

    Returns:
        One ``<svg>`` element. The same arguments always give the same text.
    """
    # No simplification: matplotlib would drop points that the page says are there.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "report", "path.simplify": False}):
        figure = Figure(figsize=(4.8, 2.3))
        axes = figure.add_axes((0.095, 0.125, 0.885, 0.83))
        _plot(axes, curve)
        _frame(axes, curve, top)
        picture = io.StringIO()
        quiet = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(picture, format="svg", transparent=True, metadata=quiet)
    return _inline(picture.getvalue(), prefix)


def _plot(axes: Any, curve: Curve) -> None:
    steps, means, lows, highs = zip(*curve.buckets, strict=True) if curve.buckets else ((),) * 4
    if curve.steps_per_point > 1:
        axes.fill_between(steps, lows, highs, color=_TRAIN, alpha=0.16, linewidth=0)
    marker = "o" if len(steps) == 1 else None
    axes.plot(
        steps, means, color=_TRAIN, linewidth=1.6, solid_joinstyle="round", marker=marker, clip_on=False, gid="line"
    )
    for split, points in curve.held_out.items():
        colour, marker = (_TEST, "D") if split == "test" else (_VALIDATION, "o")
        x, y, errors = zip(*points, strict=True)
        bars = [error or 0.0 for error in errors]
        axes.errorbar(x, y, yerr=bars, color=colour, marker=marker, markersize=4, linewidth=0, elinewidth=1.2, zorder=3)


def _frame(axes: Any, curve: Curve, top: float | None) -> None:
    low, high = axes.get_ylim()
    least, greatest = axes.dataLim.intervaly
    # From zero, unless there are values below it or that would flatten the curve.
    bottom = 0.0 if curve.is_rate or 0 <= least <= 0.6 * greatest else low
    axes.set_ylim(bottom, top if curve.is_rate and top else high)
    for step in curve.marks:
        axes.axvline(step, color=_TEXT, linewidth=0.8, linestyle=(0, (3, 3)), alpha=0.6)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}" if curve.is_rate else short(value)))
    axes.grid(axis="y", color=_RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.spines["bottom"].set_color(_RULE)
    axes.tick_params(length=0, pad=5, labelcolor=_TEXT)


def _inline(svg: str, prefix: str) -> Markup:
    """An SVG file as an element of the page: no size, font, style sheet or namespace of its own, and its own ids."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<text style="[^"]*(text-anchor: \w+)[^"]*"', r'<text style="\1"', svg)
    svg = re.sub(r' (?:width|height)="[\d.]+pt"| xmlns(?::\w+)?="[^"]*"| version="1.1"', "", svg)
    svg = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{prefix}-", svg)
    for colour, paint in _PAINT.items():
        svg = svg.replace(colour, paint)
    return Markup(re.sub(r"\s*\n\s*", " ", svg))
