"""A discrete-event simulation of asynchronous rollouts: the steps per second that nothing but waiting would allow.

Drawing tasks, threads, locks and weights cost nothing here; groups take as long as they are said to take, and begin at
once or when a worker is free. Which groups a step takes is decided as in a run (:mod:`.window`), so what a run falls
short of the simulation is what its machinery costs. At staleness 0 it is the synchronous run.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf

import numpy as np

from .window import choose, room


@dataclass(frozen=True, slots=True)
class Simulation:
    """What came of it.

    Attributes:
        seconds: until the last step has learnt.
        waited: of these, in how many the trainer waited for groups.
        staleness: the mean age of groups when they were learnt from, in versions.
    """

    seconds: float
    waited: float
    staleness: float


def simulate(
    latencies: Iterable[float],
    *,
    steps: int,
    train_seconds: float,
    quota: int,
    staleness: int,
    workers: int | None = None,
) -> Simulation:
    """Simulates a run.

    Args:
        latencies: seconds that each group takes, in the order in which they are begun; as many as are asked for.
        steps: of the run.
        train_seconds: that each step learns for.
        quota: groups of a step.
        staleness: the bound.
        workers: groups that are played at once; None for any number.
    """
    durations: Iterator[float] = iter(latencies)
    clock = waited = age = 0.0
    free = [0.0] * (workers or 0)  # when each worker will be
    begun: list[tuple[int, float]] = []  # version and time of its end, of each group that was not learnt from
    for version in range(steps):
        space = room(staleness=staleness, quota=quota, wanted=quota, steps_left=steps - version - 1)
        for _ in range(space - len(begun)):
            start = max(clock, heapq.heappop(free)) if workers else clock
            begun.append((version, start + next(durations)))
            if workers:
                heapq.heappush(free, begun[-1][1])
        asked = clock
        while (places := _choose(begun, clock, version, quota, staleness)) is None:
            clock = min((end for _, end in begun if end > clock), default=inf)
        waited += clock - asked
        age += sum(version - begun[place][0] for place in places)
        begun = [group for place, group in enumerate(begun) if place not in places]
        clock += train_seconds
    return Simulation(clock, waited, age / (steps * quota))


def _choose(begun: list[tuple[int, float]], clock: float, version: int, quota: int, staleness: int) -> list[int] | None:
    deadlines = [start + staleness for start, _ in begun]
    return choose(deadlines, [end <= clock for _, end in begun], wanted=quota, version=version, quota=quota)


def log_normal(mean: float, variation: float, *, seed: int) -> Iterator[float]:
    """Log-normal latencies without end.

    Args:
        mean: in seconds.
        variation: standard deviation as a share of the mean.
        seed: of the random numbers.
    """
    random = np.random.default_rng(seed)
    variance = np.log1p(variation**2)
    while True:
        yield float(random.lognormal(np.log(mean) - variance / 2, np.sqrt(variance)))
