"""The statistics of evaluations: closed forms over numpy arrays, each with its source.

Tasks are what is drawn at random; several samples of one task are not independent. So every score is a mean over tasks
of one value per task, and its error counts tasks, not samples (Miller 2024, arXiv:2411.00640).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .student import quantile, two_sided_tail

Array: TypeAlias = NDArray[np.float64]

LEVEL = 0.95
"""The share of intervals that are to hold the true value; docs/evaluation.md says how many do."""
_Z = NormalDist().inv_cdf(0.5 + LEVEL / 2)
_ROUNDS = 2_000
# Draws of a bootstrap that are held in memory at once.
_AT_ONCE = 4_000_000
# Differences of shares that are nearer to each other differ by rounding alone.
_SAME = 1e-12


@dataclass(frozen=True, slots=True)
class Estimate:
    """A score: the mean over tasks, its standard error, and an interval of level 0.95.

    Attributes:
        value: the mean.
        se: its standard error; NaN of fewer than two tasks.
        low: lower end of the interval.
        high: upper end.
        bootstrap: both ends of the bootstrapped interval, where one was asked for.
    """

    value: float
    se: float
    low: float
    high: float
    bootstrap: tuple[float, float] | None = None

    def as_json(self) -> dict[str, float | list[float] | None]:
        """Its members, None for NaN; without the bootstrapped interval where there is none."""
        found = {name: getattr(self, name) for name in ("value", "se", "low", "high")}
        told = {name: None if isnan(value) else value for name, value in found.items()}
        return told if self.bootstrap is None else told | {"bootstrap": list(self.bootstrap)}


@dataclass(frozen=True, slots=True)
class Difference:
    """How much higher one run scores than another on the tasks they share.

    Attributes:
        value: the mean difference.
        se: its standard error, paired by task.
        low: lower end of its interval.
        high: upper end.
        p: how likely a difference of this size is between equals (two-sided; Student's, or exact where all tasks
            differ equally).
        correlation: of both runs' values over tasks; the higher, the more pairing helps.
        tasks: how many are shared.
    """

    value: float
    se: float
    low: float
    high: float
    p: float
    correlation: float
    tasks: int


def pass_at_k(samples: ArrayLike, passed: ArrayLike, k: int) -> Array:
    """How likely one of k samples passes, for each task: unbiased (Chen et al. 2021, arXiv:2107.03374, eq. 1).

    ``1 - C(n - c, k) / C(n, k)`` for n samples of which c passed, as a product, in which nothing overflows.

    Args:
        samples: n of each task, [tasks].
        passed: c of each, [tasks].
        k: at least 1.

    Returns:
        [tasks]; NaN where there are fewer than k samples.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    n, c = np.asarray(samples, np.float64), np.asarray(passed, np.float64)
    enough = n >= k
    n = np.where(enough, n, k)
    none = np.ones(n.shape)
    for drawn in range(k):
        none *= np.clip(n - c - drawn, 0, None) / (n - drawn)
    return np.where(enough, 1 - none, nan)


def majority(labels: Sequence[int], passed: Sequence[bool]) -> float:
    """How likely the answer with most votes of one task is right (maj@n; Wang et al. 2023, arXiv:2203.11171).

    Several answers with equally many votes win in turn, so the value is the expectation over fair draws among them.

    Args:
        labels: equal for equal answers; -1 for a sample without an answer, which has no vote.
        passed: whether each sample passed. Where equal answers were judged differently, their mean counts.
    """
    votes: dict[int, list[bool]] = {}
    for label, right in zip(labels, passed, strict=True):
        if label >= 0:
            votes.setdefault(label, []).append(right)
    if not votes:
        return 0.0
    most = max(map(len, votes.values()))
    winners = [found for found in votes.values() if len(found) == most]
    return sum(sum(found) / most for found in winners) / len(winners)


def standard_error(values: ArrayLike) -> float:
    """Of the mean of independent values, one per task; NaN for fewer than two."""
    found = np.asarray(values, np.float64)
    return float(found.std(ddof=1) / sqrt(len(found))) if len(found) > 1 else nan


def clustered_error(values: ArrayLike, clusters: ArrayLike) -> float:
    """The standard error of the mean of all values, where those of one cluster may move together.

    Miller 2024 (arXiv:2411.00640, section 2.2): the root of the summed squares of each cluster's deviation from the
    mean, over the number of values; times G / (G - 1) for G clusters under the root, as regression packages have it.

    Args:
        values: [samples].
        clusters: which cluster each belongs to, [samples].
    """
    found = np.asarray(values, np.float64)
    _, owner = np.unique(np.asarray(clusters), return_inverse=True)
    deviations = np.bincount(owner, found - found.mean())
    groups = len(deviations)
    if groups < 2:
        return nan
    return float(sqrt((deviations**2).sum() * groups / (groups - 1)) / len(found))


def wilson(share: float, trials: float) -> tuple[float, float]:
    """The interval of a share of so many independent trials (Wilson 1927); it never leaves [0, 1].

    Args:
        share: from 0 to 1.
        trials: how many; a fraction where the trials are not independent, see `effective_trials`.
    """
    if not trials > 0:
        return 0.0, 1.0
    z2 = _Z**2 / trials
    middle = (share + z2 / 2) / (1 + z2)
    half = _Z * sqrt(share * (1 - share) / trials + z2 / (4 * trials)) / (1 + z2)
    return (0.0 if share <= 0 else max(middle - half, 0.0)), (1.0 if share >= 1 else min(middle + half, 1.0))


def effective_trials(values: ArrayLike, samples: int) -> float:
    """So many independent trials would know a share as well as these tasks do: T ``p (1 - p) / variance``.

    That is Kish's design effect, with the variance between tasks as if there were one more task, all or nothing: few
    tasks that happen to be alike are no sign that all are. Its degrees of freedom count as Korn and Graubard have it
    (1998, Survey Methodology 24), by ``(z / t)²`` of T - 1.

    Args:
        values: of each task, from 0 to 1, [tasks].
        samples: of all tasks together.

    Returns:
        Never fewer than tasks, as no variance is greater than that of one sample each; never more than samples.
    """
    found = np.asarray(values, np.float64)
    tasks, share = len(found), float(found.mean())
    most = share * (1 - share)
    if tasks < 2 or most < _SAME:
        return float(tasks)  # nothing is known of how samples of one task differ
    known = tasks * most / (float(found.var()) + most / tasks) * (_Z / quantile(LEVEL, tasks - 1)) ** 2
    return float(min(max(known, tasks), samples))


def share_estimate(values: ArrayLike, samples: int) -> Estimate:
    """A mean of values from 0 to 1, one per task, with Wilson's interval of as many trials as the tasks are worth."""
    found = np.asarray(values, np.float64)
    if not len(found):
        return Estimate(nan, nan, nan, nan)
    mean = float(found.mean())
    return Estimate(mean, standard_error(found), *wilson(min(max(mean, 0.0), 1.0), effective_trials(found, samples)))


def bootstrap(values: ArrayLike, *, seed: int = 0, rounds: int = _ROUNDS) -> tuple[Array, Array]:
    """Intervals of means over tasks, which are drawn anew with all that belongs to each (Efron 1979).

    Percentiles of the draws' means, expanded as Hesterberg has it (2015, arXiv:1411.5279, section 5.2), because draws
    from T tasks spread less than their source, by ``(T - 1) / T``, and Student's tails are wider: they lie at
    ``Phi(+-sqrt(T / (T - 1)) t)`` with t of T - 1 degrees of freedom.

    Args:
        values: [tasks] or [tasks, scores], of two tasks at least; all scores are drawn together.
        seed: of the draws; equal seeds give equal intervals.
        rounds: how many draws.

    Returns:
        Lower and upper ends, [] or [scores].
    """
    found = np.asarray(values, np.float64)
    tasks = len(found)
    if tasks < 2:
        raise ValueError(f"a bootstrap needs two tasks at least, not {tasks}")
    rng = np.random.default_rng(seed)
    means, step = [], max(1, _AT_ONCE // tasks)
    for start in range(0, rounds, step):
        drawn = rng.integers(tasks, size=(min(step, rounds - start), tasks))
        # How often each task was drawn: a matrix product then adds up all scores at once.
        times = np.stack([np.bincount(row, minlength=tasks) for row in drawn]).astype(np.float64)
        means.append(times @ found / tasks)
    tail = NormalDist().cdf(-sqrt(tasks / (tasks - 1)) * quantile(LEVEL, tasks - 1))
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail], axis=0)
    return low, high


def paired_difference(first: ArrayLike, second: ArrayLike) -> Difference:
    """How much higher ``first`` scores than ``second``, paired by task (Miller 2024, section 4.2).

    The interval and p are those of Student's paired test.

    Where all T tasks differ by the same d, their spread is no measure of what others would do. Then the interval is
    exact: at least ``0.025 ** (1 / T)`` of all tasks differ by d (Clopper and Pearson 1934), the rest by anything from
    -1 to 1; and p is that of the sign test.

    Args:
        first: one value from 0 to 1 for each task that both runs share, [tasks].
        second: likewise, in the same order.
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"pairs are needed, and there are {len(a)} and {len(b)} values")
    if not len(a):
        return Difference(nan, nan, nan, nan, nan, nan, 0)
    value, se = float((a - b).mean()), standard_error(a - b)
    if float(np.ptp(a - b)) < _SAME:
        share = (0.5 - LEVEL / 2) ** (1 / len(a))
        low, high = share * value - (1 - share), share * value + (1 - share)
        p = mcnemar(*((0, 0) if abs(value) < _SAME else (len(a), 0)))
    else:
        half = quantile(LEVEL, len(a) - 1) * se
        low, high, p = max(value - half, -1.0), min(value + half, 1.0), two_sided_tail(value / se, len(a) - 1)
    spread = float(a.std() * b.std())
    correlation = float(((a - a.mean()) * (b - b.mean())).mean()) / spread if spread else nan
    return Difference(value, se, low, high, p, correlation, len(a))


def mcnemar(only_first: int, only_second: int) -> float:
    """McNemar's exact test: how likely so uneven a split of the tasks that one run alone solves is, between equals.

    Two-sided: twice the binomial tail at one half, at most 1 (McNemar 1947; exact after Fay 2010).

    Args:
        only_first: tasks that the first run solves and the second doesn't.
        only_second: the other way round.
    """
    both = only_first + only_second
    ways = tail = 1  # of choosing 0 of all; then of choosing one more
    for chosen in range(min(only_first, only_second)):
        ways = ways * (both - chosen) // (chosen + 1)
        tail += ways
    # Whole numbers are divided exactly, also where they are beyond the range of floats.
    return min(1.0, 2 * tail / (1 << both))
