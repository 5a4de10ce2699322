"""Which finished groups a step learns from, so that none is ever older than allowed, and one straggler stalls nothing.

A group may be learnt from up to its deadline: ``staleness`` versions after the one that its first token was sampled
with. A step takes the oldest groups that are finished, and passes over those that are not, as long as these can still
be learnt from in time, by steps of the usual size; a straggler at its deadline is waited for.

Groups are begun ahead for half as many steps as the bound allows. With more, all of them would always be as old as
allowed, and every step would have to wait for its very own; with half, stragglers are passed over for the other half.
Steps come as fast (the simulation tells: within 3% for log-normal latencies), and tokens are half as old.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil


def room(*, staleness: int, quota: int, wanted: int, steps_left: int) -> int:
    """How many groups may be waiting, under way or finished, when a step wants ``wanted`` of them.

    Args:
        staleness: the bound.
        quota: groups of a usual step.
        wanted: groups of this step, which have yet to be taken.
        steps_left: steps after this one: for what they won't need nothing is begun.
    """
    return wanted + ceil(quota * min(staleness / 2, steps_left))


def choose(
    deadlines: Sequence[int], finished: Sequence[bool], *, wanted: int, version: int, quota: int
) -> list[int] | None:
    """The places of the groups that a step takes, or None if it has to wait for another one to finish.

    Args:
        deadlines: of all groups, the last version that may learn from each; oldest first, so that they never fall.
        finished: which of them are.
        wanted: so many are taken.
        version: that learns from them.
        quota: groups of each later step.
    """
    chosen = [place for place, done in enumerate(finished) if done][:wanted]
    if len(chosen) < wanted:
        return None
    taken = set(chosen)
    left = [deadline for place, deadline in enumerate(deadlines) if place not in taken]
    # The next steps take the earliest deadlines, each ``quota`` of them.
    if any(deadline < version + 1 + place // quota for place, deadline in enumerate(left)):
        return None
    return chosen
