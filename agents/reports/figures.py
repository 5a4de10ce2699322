"""The figures of a report: what the run came to, how its means moved, and where its time went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..progress import gain_error, number
from .data import Log, held_out


class Side(NamedTuple):
    """A held-out pass rate.

    Attributes:
        when: when it was measured, for people.
        value: the rate, between 0 and 1.
        error: its standard error, None where it is not known.
    """

    when: str
    value: float
    error: float | None


class Headline(NamedTuple):
    """What a run came to on a split.

    Attributes:
        split: which one.
        before: the first measurement, if there is one.
        after: the last, if there are two.
    """

    split: str
    before: Side | None = None
    after: Side | None = None

    @property
    def gain(self) -> float:
        """After less before; 0.0 where there are not both."""
        return self.after.value - self.before.value if self.before and self.after else 0.0

    @property
    def error(self) -> float | None:
        """Standard error of the gain, None where it is not known."""
        return gain_error(self.before.error, self.after.error) if self.before and self.after else None


def headline(summary: Mapping[str, Any], logs: Mapping[str, Log]) -> Headline:
    """The held-out pass rate before and after.

    Args:
        summary: of the run; its pass rates on the test split count first.
        logs: figures by phase; without both of the summary's, a split's first and last evaluation count.

    Returns:
        Both sides, or as many as were measured.
    """
    sides = []
    for side in ("before", "after"):
        value, error = number(summary.get(f"test_{side}")), number(summary.get(f"test_{side}_se"))
        if value is not None:
            sides.append(Side(f"{side} training", value, error))
    if len(sides) == 2:
        return Headline("test", *sides)
    splits = held_out(logs, "pass_rate").items()
    split, points = max(splits, key=lambda item: (len(item[1]) > 1, item[0] == "test"), default=("test", []))
    ends = [Side(f"at step {point.step:.0f}", point.value, point.error) for point in points]
    if len(ends) > 1:
        return Headline(split, ends[0], ends[-1])
    return Headline("test", sides[0]) if sides else Headline(split, *ends)


def compare(log: Log, prefix: str) -> list[dict[str, Any]]:
    """Mean figures of the first and the last tenth of the steps.

    Args:
        log: the figures of a phase.
        prefix: of the keys to compare, ``reward/`` for example; empty for all.

    Returns:
        For each key ``name`` (without the prefix), ``first``, ``last``, and of all steps ``low`` and ``high``.
    """
    rows = []
    for key in sorted(key for key in log if key.startswith(prefix)):
        values = [value for _, value in sorted(log[key].items())]
        tenth = -(-len(values) // 10)
        first, last = (sum(part) / tenth for part in (values[:tenth], values[-tenth:]))
        rows.append(
            {"name": key.removeprefix(prefix), "first": first, "last": last, "low": min(values), "high": max(values)}
        )
    return rows


def spend(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Where the time went: seconds by phase, and within a phase by every key that ends in ``_seconds``.

    Every row counts: of a step that a resumed run did twice, both times were spent.

    Args:
        rows: of the file of times.

    Returns:
        For each phase ``phase``, ``seconds``, its ``share`` of all seconds, ``cpu`` (seconds) and ``parts`` (by key).
    """
    phases: dict[str, Counter[str]] = {}
    for row in rows:
        totals = phases.setdefault(str(row.get("phase", "unknown")), Counter())
        totals.update({key: seconds for key in row if key.endswith("seconds") and (seconds := number(row[key]))})
    whole = sum(totals["seconds"] for totals in phases.values())
    return [
        {
            "phase": phase,
            "seconds": totals["seconds"],
            "share": totals["seconds"] / whole if whole > 0 else 0.0,
            "cpu": totals["cpu_seconds"],
            "parts": {key: totals[key] for key in totals if key not in ("seconds", "cpu_seconds")},
        }
        for phase, totals in phases.items()
    ]
