"""Stages in a report: what each domain passed when, what was kept, and how domains were practised."""

from __future__ import annotations

from itertools import pairwise
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


def continual(log: Log, arrivals: Any) -> Continual | None:
    """What a run of several stages came to.

    Args:
        log: the evaluations of the split that curves are made of, with ``pass_rate/<domain>``.
        arrivals: when domains came in, as the configuration has it.

    Returns:
        None where no domain came in, or nothing was measured.
    """
    names = sorted(key.removeprefix(PASS_RATE) for key in log if key.startswith(PASS_RATE))
    measured = {name.split("/")[0] for name in names} | {*names}
    try:  # a configuration may be anything
        known = {name: step for name, step in (arrivals or {}).items() if name in measured}
        stages = Stages(names, known) if known else None
    except (ValueError, TypeError, AttributeError, OverflowError):
        return None
    if stages is None:
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
    """How each domain was practised: of groups the mean share by steps, of what is known the last values.

    Args:
        log: the rows of the curriculum, ``<figure>/<domain>``; each tells of the steps since the one before.
    """
    steps = sorted({step for values in log.values() for step in values})
    length = {step: step - before for before, step in pairwise([0.0, *steps])}
    found = []
    for name in sorted({key.partition("/")[2] for key in log if key.partition("/")[0] in PRACTICE}):
        values = {figure: log.get(f"{figure}/{name}", {}) for figure in PRACTICE}
        row: dict[str, Any] = {figure: known[max(known)] if known else None for figure, known in values.items()}
        practised = {step: share * length[step] for step, share in values["practised"].items()}
        total, groups = sum(length.values()), sum(practised.values())
        row["practised"] = groups / total if practised and total else None
        decided = [share * practised.get(step, 0.0) for step, share in values["decided"].items()]
        row["decided"] = sum(decided) / groups if groups else None
        found.append({"name": name, **row})
    return found


def _known(value: float) -> float | None:
    return None if isnan(value) else float(value)
