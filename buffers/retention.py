"""What a run learnt and kept of its domains, from held-out pass rates that were measured while it went on.

All functions take some of these:

- ``curves``: pass rates, [n, K], float; NaN where a measurement could not be made.
- ``steps``: after how many steps each row was measured, [n], rising.
- ``arrival``: the step from which on each domain was practised, [K]; 0 for the start.
- ``begins``: the steps at which stages begin, rising from 0, as :attr:`Stages.begins` has them.

With c_k(t) for domain k's curve, a_k for its arrival, e_k for the next stage's beginning after it, and T for the last
step:

- ACC = mean over k of c_k(T)
- BWT = mean of c_k(T) - c_k(e_k) over the domains whose stage another one followed
- FWT = mean of c_k(a_k) - c_k(first step) over the domains that came in later than the first stage
- AURC = mean over k of the mean of c_k(t) over the measurements at t >= a_k

ACC and BWT are those of Lopez-Paz & Ranzato 2017 (GEM, arXiv:1706.08840), with stages of domains for its tasks. So is
FWT, except that each domain is compared with its own first measurement instead of an untrained model.

c_k(t) is the last measurement known at or before t; for ACC and BWT none from before k came in will do. A domain for
which something is not known is left out of the mean, as is a domain that came in after the last measurement. Where no
domain is left, the result is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .sum_tree import Floats

# Mastery has decayed when more than this part of it is gone.
DECAY = 0.1
# 0.72 is not below nine tenths of 0.8, whatever their product rounds to.
ROUNDING = 1e-9


def accuracy(curves: Floats, steps: Sequence[int], arrival: Sequence[int]) -> float:
    """ACC: the mean over domains of what they pass at the end."""
    return _mean(_at_the_end(curves, steps, arrival))


def worst(curves: Floats, steps: Sequence[int], arrival: Sequence[int]) -> float:
    """What the weakest domain passes at the end."""
    found = _at_the_end(curves, steps, arrival)
    return float(np.nanmin(found)) if not np.isnan(found).all() else float("nan")


def area(curves: Floats, steps: Sequence[int], arrival: Sequence[int]) -> float:
    """AURC: the mean over domains of their mean pass rate from their arrival on."""
    times = np.asarray(steps)
    return _mean([_mean(curve[times >= begin]) for curve, begin in zip(curves.T, arrival, strict=True)])


def backward_transfer(curves: Floats, steps: Sequence[int], arrival: Sequence[int], begins: Sequence[int]) -> float:
    """BWT: what domains gained, or lost where it is negative, since their stage ended."""
    return _mean(_at_the_end(curves, steps, arrival) - _at_stage_end(curves, steps, arrival, begins))


def forward_transfer(curves: Floats, steps: Sequence[int], arrival: Sequence[int]) -> float:
    """FWT: what domains gained before they were practised."""
    times = np.asarray(steps)
    gains = []
    for curve, begin in zip(curves.T, arrival, strict=True):
        known = curve[(times <= begin) & ~np.isnan(curve)]
        if 0 < begin <= times[-1] and len(known):
            gains.append(known[-1] - known[0])
    return _mean(gains)


def times_to_decay(
    curves: Floats, steps: Sequence[int], arrival: Sequence[int], begins: Sequence[int]
) -> list[int | None]:
    """How long what was learnt lasted.

    Returns:
        Of each domain the steps from the end of its stage to the first measurement that is more than 10% (relative)
        below what was measured then; None where there is none, or no stage followed.
    """
    times = np.asarray(steps)
    found: list[int | None] = []
    for curve, held, end in zip(
        curves.T, _at_stage_end(curves, steps, arrival, begins), _stage_ends(times, arrival, begins), strict=True
    ):
        lost = (times > end) & (curve < (1 - DECAY) * held - ROUNDING)  # never where either is NaN
        found.append(int(times[lost][0] - end) if lost.any() else None)
    return found


def summary(curves: Floats, steps: Sequence[int], arrival: Sequence[int], begins: Sequence[int]) -> dict[str, float]:
    """``AURC``, ``ACC``, ``BWT``, ``FWT`` and ``worst``.

    Raises:
        ValueError: for arrays whose sizes do not fit, or without a measurement.
    """
    if not len(steps) or curves.shape != (len(steps), len(arrival)):
        raise ValueError(f"{len(steps)} steps and {len(arrival)} domains do not fit curves of shape {curves.shape}")
    return {
        "AURC": area(curves, steps, arrival),
        "ACC": accuracy(curves, steps, arrival),
        "BWT": backward_transfer(curves, steps, arrival, begins),
        "FWT": forward_transfer(curves, steps, arrival),
        "worst": worst(curves, steps, arrival),
    }


def paired_bootstrap(
    differences: Sequence[float] | Floats, level: float = 0.95, draws: int = 10_000, seed: int = 0
) -> tuple[float, float, float]:
    """The mean of paired differences, and an interval for it: the bootstrap's percentiles (Efron 1979).

    Args:
        differences: one number for each pair, such as each seed; NaN is left out.
        level: how often such intervals hold the mean of all pairs that could be drawn.
        draws: how many samples are taken, with replacement.
        seed: of these.

    Returns:
        The mean and the interval's ends; all NaN without any difference.
    """
    known = np.asarray(differences, dtype=np.float64)
    known = known[~np.isnan(known)]
    if not len(known):
        return (float("nan"),) * 3
    chosen = np.random.default_rng(seed).integers(len(known), size=(draws, len(known)))
    low, high = np.quantile(known[chosen].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(known.mean()), float(low), float(high)


def _mean(values: Sequence[float] | Floats) -> float:
    """Of those that are known; NaN where none is."""
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else float("nan")


def _at_the_end(curves: Floats, steps: Sequence[int], arrival: Sequence[int]) -> Floats:
    return _last_known(curves, np.asarray(steps), arrival, np.full(len(arrival), np.inf))


def _at_stage_end(curves: Floats, steps: Sequence[int], arrival: Sequence[int], begins: Sequence[int]) -> Floats:
    times = np.asarray(steps)
    return _last_known(curves, times, arrival, _stage_ends(times, arrival, begins))


def _stage_ends(times: Floats, arrival: Sequence[int], begins: Sequence[int]) -> Floats:
    """When the stage after that of each domain began: [K]; NaN where none did before the last measurement."""
    return np.array([next((b for b in begins if begin < b < times[-1]), np.nan) for begin in arrival], np.float64)


def _last_known(curves: Floats, times: Floats, since: Sequence[int], until: Floats) -> Floats:
    """The last known value of each domain between two steps, both included: [K]; NaN where there is none."""
    found = np.full(len(since), np.nan)
    for k, curve in enumerate(curves.T):
        known = curve[(since[k] <= times) & (times <= until[k]) & ~np.isnan(curve)]
        if len(known):
            found[k] = known[-1]
    return found
