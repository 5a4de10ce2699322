"""The curves of a report: which figures have one, in which section, and the points that are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from .data import Log, Point, held_out
from .text import short

CURVE_POINTS = 120
MOST_CURVES = 24

# Figures that every run is judged by, in the order of the page; all others follow them.
_TITLES = {
    "pass_rate": "Pass rate",
    "reward": "Reward",
    "kl": "KL to the reference",
    "entropy": "Entropy",
    "response_length": "Response length",
    "grad_norm": "Gradient norm",
    "clip_fraction": "Clip fraction",
    "truncated": "Truncated",
    "zero_variance_groups": "Groups without variance",
    "tokens_per_second": "Tokens per second",
    "loss": "Loss",
    "validation_pass_rate": "Validation pass rate",
}


class Bucket(NamedTuple):
    """Neighbouring steps as one point of a curve.

    Attributes:
        step: mean of the steps.
        mean: mean of their values.
        low: least of their values.
        high: greatest of their values.
    """

    step: float
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """One figure over the steps of a phase, with the held-out points that belong to it.

    Attributes:
        title: the figure's name for people.
        values: step to value.
        held_out: split to its evaluations of the same figure.
        is_rate: whether values are shares of 1, shown as percentages.
        marks: steps that are marked by a vertical line.
    """

    title: str
    values: Mapping[float, float]
    held_out: Mapping[str, Sequence[Point]] = field(default_factory=dict)
    is_rate: bool = False
    marks: Sequence[float] = ()

    @property
    def buckets(self) -> list[Bucket]:
        """The points that are drawn."""
        return buckets(self.values)

    @property
    def steps_per_point(self) -> int:
        """How many steps one drawn point stands for, at most."""
        return -(-len(self.values) // CURVE_POINTS)

    @property
    def ends(self) -> tuple[str, str] | None:
        """The first and the last drawn mean, as text."""
        drawn = self.buckets
        return (self.show(drawn[0].mean), self.show(drawn[-1].mean)) if drawn else None

    def show(self, value: float) -> str:
        """A value of this curve as text."""
        return f"{value:.1%}" if self.is_rate else short(value)

    def highest(self) -> float:
        """The greatest value that has to fit into the picture, error bars included."""
        held_out = [point.value + (point.error or 0.0) for points in self.held_out.values() for point in points]
        return max([bucket.high for bucket in self.buckets] + held_out, default=0.0)


def buckets(values: Mapping[float, float], most: int = CURVE_POINTS) -> list[Bucket]:
    """At most ``most`` points that hide no outlier: neighbouring steps give their mean, least and greatest value."""
    steps = sorted(values)
    size = -(-len(steps) // most) or 1
    groups = (steps[start : start + size] for start in range(0, len(steps), size))
    return [_bucket(group, [values[step] for step in group]) for group in groups]


def make_curves(
    logs: Mapping[str, Log], timing: Mapping[str, Log], notes: list[str], begins: Sequence[int] = ()
) -> dict[str, list[Curve]]:
    """The curves of the page.

    Args:
        logs: figures of training, warm-up and evaluations, by phase.
        timing: figures of time, by phase.
        notes: gets one line for each section that has more curves than are shown.
        begins: the steps at which stages begin; marked in the curves of domains.

    Returns:
        Section (``learning``, ``domains``, ``warmup``, ``others``) to its curves; without figures it is empty.
    """
    keys = {key for phase, log in logs.items() if phase.startswith(("train", "eval")) for key in log}
    keys = {key for key in keys if not key.startswith(("reward/", "failures/", "standard_error"))}
    domains = sorted(key for key in keys if key.startswith("pass_rate/"))
    sections = {
        "learning": [_curve(logs, key) for key in _TITLES if key in keys],
        "domains": [
            replace(_curve(logs, key, title=key.removeprefix("pass_rate/")), marks=begins)
            for key in domains
            if len(domains) > 1
        ],
        "warmup": [_curve(logs, key, "warmup") for key in sorted(logs.get("warmup", ()))],
        "others": [_curve(logs, key, title=key) for key in sorted(keys - set(_TITLES) - set(domains))],
    }
    for phase, log in timing.items():
        if "tokens_per_second" in log and not phase.startswith(("warmup", "eval")):
            title = f"Tokens per second{f', {phase}' * (phase != 'train')}"
            sections["learning"].append(_curve(timing, "tokens_per_second", phase, title))
    for name, curves in sections.items():
        if len(curves) > MOST_CURVES:
            notes.append(f"{len(curves) - MOST_CURVES} curves of the section {name} are left out.")
            del curves[MOST_CURVES:]
    return sections


def rate_top(curves: Mapping[str, Sequence[Curve]]) -> float:
    """One end for the axes of all pass rates, so that they can be compared, near enough to see low ones."""
    highest = max((curve.highest() for section in curves.values() for curve in section if curve.is_rate), default=1.0)
    return next((top for top in (0.1, 0.25, 0.5) if highest < top), 1.0) * 1.04


def _curve(logs: Mapping[str, Log], key: str, phase: str = "train", title: str = "") -> Curve:
    points = held_out(logs, key) if phase == "train" else {}
    values = logs.get(phase, Log()).get(key, {})
    return Curve(title or _TITLES.get(key, key.replace("_", " ").capitalize()), values, points, "pass_rate" in key)


def _bucket(steps: Sequence[float], values: Sequence[float]) -> Bucket:
    return Bucket(sum(steps) / len(steps), sum(values) / len(values), min(values), max(values))
