"""Stages in a report: what each domain passed when, what was kept, and how domains were practised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any, NamedTuple

import numpy as np

from ...buffers import retention
from ...buffers.stages import Stages
from .data import Log

PASS_RATE = "pass_rate/"
# Of the rows of the curriculum, in the order of the table, and what they are called there.
PRACTICE = {
    "practised": "share of groups",
    "share": "share by the law",
    "accuracy": "moving average",
    "mastery": "expected",
    "decided": "all alike",
    "gate": "gate",
    "half_life": "half-life",
    "staleness": "staleness",
}


class DomainRow(NamedTuple):
    """A domain through the stages.

    Attributes:
        name: of the domain.
        stage: the number of the stage that it came in with, from 0.
        rates: before the first stage, and at the end of each; None where it was not measured.
        area: the mean of its pass rates from its arrival on; None likewise.
        decay: steps from the end of its stage until more than a tenth of it was lost; None where that never was.
    """

    name: str
    stage: int
    rates: list[float | None]
    area: float | None
    decay: int | None


class Continual(NamedTuple):
    """A run of several stages.

    Attributes:
        begins: the steps at which the stages begin.
        figures: ``AURC``, ``ACC``, ``BWT``, ``FWT`` and ``worst``, see :mod:`infinite_rl.buffers.retention`.
        domains: in the order in which they came in.
    """

    begins: list[int]
    figures: dict[str, float]
    domains: list[DomainRow]


def continual(log: Log, arrivals: Mapping[str, int] | None) -> Continual | None:
    """What a run of several stages came to.

    Args:
        log: the evaluations of the split that curves are made of, with ``pass_rate/<domain>``.
        arrivals: when domains came in, as the configuration has it.

    Returns:
        None where there is one stage, or nothing was measured.
    """
    names = sorted(key.removeprefix(PASS_RATE) for key in log if key.startswith(PASS_RATE))
    if not names or not arrivals:
        return None
    try:
        stages = Stages(names, arrivals)
    except ValueError:  # of a run that was cut short, or whose configuration is not its own
        return None
    if len(stages.begins) == 1:
        return None
    steps = sorted({int(step) for name in names for step in log[PASS_RATE + name]})
    curves = np.array([[log[PASS_RATE + name].get(step, np.nan) for name in names] for step in steps])
    number = {name: k for k in range(len(stages.begins)) for name in stages.of(k)}
    arrival = [stages.begins[number[name]] for name in names]
    begins = [begin for begin in stages.begins if begin <= steps[-1]]
    decays = retention.times_to_decay(curves, steps, arrival, begins)
    ends = [*begins, steps[-1]]
    rows = [
        DomainRow(
            name,
            number[name],
            [_known(log[PASS_RATE + name].get(end, np.nan)) for end in ends],
            _known(retention.area(curves[:, [k]], steps, [arrival[k]])),
            decays[k],
        )
        for k, name in enumerate(names)
    ]
    return Continual(
        begins, retention.summary(curves, steps, arrival, begins), sorted(rows, key=lambda row: (row.stage, row.name))
    )


def practice(log: Log) -> list[dict[str, Any]]:
    """How each domain was practised: of groups the mean share, of what is known the last values.

    Args:
        log: the rows of the curriculum, ``<figure>/<domain>``.
    """
    names = sorted({key.partition("/")[2] for key in log})
    found = []
    for name in names:
        values = {
            figure: [value for _, value in sorted(log.get(f"{figure}/{name}", {}).items())] for figure in PRACTICE
        }
        row: dict[str, Any] = {figure: known[-1] if known else None for figure, known in values.items()}
        for figure in ("practised", "decided"):
            row[figure] = _mean(values[figure])
        found.append({"name": name, **row})
    return found


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _known(value: float) -> float | None:
    return None if isnan(value) else float(value)
