"""Two entries on the same tasks: how far they are apart, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

from ..evaluation.statistics import mcnemar, paired_difference
from .board import Entry


@dataclass(frozen=True, slots=True)
class Pair:
    """One entry beside another; all of it is the other way round for the other.

    Attributes:
        difference: of pass@1 over the tasks that both have.
        low: lower end of its interval, paired by task.
        high: upper end.
        p: McNemar's exact test over the first samples of the tasks.
        only_first: tasks whose first sample passes for this entry alone.
        only_second: for the other alone.
        wins: tasks of which this entry passes a larger share of samples.
        losses: a smaller one.
        ties: the same.
    """

    difference: float
    low: float
    high: float
    p: float
    only_first: int
    only_second: int
    wins: int
    losses: int
    ties: int


def compare(first: Entry, second: Entry) -> Pair | None:
    """Compares two entries; None if they have no task in common."""
    if first.benchmark != second.benchmark:
        return None
    shared = [
        (mine, theirs)
        for index, mine in first.rows.items()
        if mine.samples and (theirs := second.rows.get(index)) and theirs.samples
    ]
    if not shared:
        return None
    shares = [(mine.passed / mine.samples, theirs.passed / theirs.samples) for mine, theirs in shared]
    found = paired_difference([one for one, _ in shares], [other for _, other in shares])
    firsts = [(mine.first, theirs.first) for mine, theirs in shared]
    only_first, only_second = firsts.count((True, False)), firsts.count((False, True))
    return Pair(
        found.value,
        found.low,
        found.high,
        mcnemar(only_first, only_second),
        only_first,
        only_second,
        sum(one > other for one, other in shares),
        sum(one < other for one, other in shares),
        sum(one == other for one, other in shares),
    )
