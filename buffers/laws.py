"""The laws of sampling: which domain is practised how much, and which items within it, from what is known of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from .mastery import Mastery
from .sum_tree import Flags, Floats, Integers

# From what is known and which domains have items, [K], to how much of the draws each gets, [K], together 1.
DomainLaw: TypeAlias = Callable[[Mastery, Flags], Floats]
# From what is known, the items of a domain, [M], and chance: how likely each is, [M], together 1.
ItemLaw: TypeAlias = Callable[[Mastery, Integers, np.random.Generator], Floats]

# Pass rates below the first are weak, above the second strong; what the bands get of the draws.
BANDS, BAND_SHARES = (0.4, 0.8), (0.6, 0.3, 0.1)
STALENESS_WEIGHT, UNCERTAINTY_WEIGHT, BAND_FLOOR = 0.10, 0.05, 0.02


def mixed(probability: Floats, present: Flags, share: float) -> Floats:
    """``share`` of the draws goes to all that are present alike, the rest by ``probability``."""
    found: Floats = (1 - share) * probability + share * present / present.sum()
    return found


def softmax(scores: Floats, present: Flags) -> Floats:
    """Of the scores of those that are present; 0 for others."""
    powers = np.exp(scores - scores[present].max(), where=present, out=np.zeros(len(scores)))
    found: Floats = powers / powers.sum()
    return found


def weakness(mastery: Mastery, present: Flags, *, tau: float = 3.0, eps: float = 1e-3) -> Floats:
    """(1 - eps) softmax(tau (1 - accuracy)) + eps / K: weak domains more."""
    return mixed(softmax(tau * (1 - mastery.accuracy), present), present, eps)


def band_of(accuracy: Floats) -> Integers:
    """0 for weak, 1 for medium, 2 for strong domains: [K]."""
    found: Integers = np.digitize(accuracy, BANDS).astype(np.int64)
    return found


def band_priority(mastery: Mastery, present: Flags) -> Floats:
    """The band's share + .10 staleness + .05 uncertainty, both relative to the largest: [K]."""
    stale = (mastery.step - mastery.last_seen) * present
    uncertain = mastery.spread * present
    shares = np.array(BAND_SHARES)[band_of(mastery.accuracy)]
    found: Floats = (
        shares
        + STALENESS_WEIGHT * stale / max(stale.max(), 1e-9)
        + UNCERTAINTY_WEIGHT * uncertain / max(uncertain.max(), 1e-9)
    )
    return found


def bands_softmax(mastery: Mastery, present: Flags) -> Floats:
    """The softmax of the priorities, mixed with equal shares."""
    return mixed(softmax(band_priority(mastery, present), present), present, BAND_FLOOR)


def bands_quota(mastery: Mastery, present: Flags) -> Floats:
    """60, 30 and 10% of the draws for the weak, medium and strong bands that have domains, by priority within."""
    priority, band = band_priority(mastery, present), band_of(mastery.accuracy)
    found: Floats = np.zeros(len(priority))
    for k, share in enumerate(BAND_SHARES):
        mine = present & (band == k)
        if mine.any():
            found += share * mixed(priority * mine / priority[mine].sum(), mine, BAND_FLOOR)
    found /= found.sum()
    return found


def most_advantage(mastery: Mastery, present: Flags) -> Floats:
    """Softmax of the mean absolute advantage over .1 (SEC, Chen et al. 2025, arXiv:2505.14970), floor .02."""
    return mixed(softmax(mastery.advantage / 0.1, present), present, 0.02)


def utility(mastery: Mastery, present: Flags) -> Floats:
    """.9 U^3 / sum U^3 + .1 / K, with U = gate (.5 l + D) + .25 sigma m.

    l is the mean of 4 p (1 - p) over a domain's items, m the mean of p, D what the rubric misses, sigma the staleness.
    """
    mean, open_to_learn = mastery.by_domain()
    missing = 1 - mastery.score
    found = mastery.gate * (0.5 * open_to_learn + missing) + 0.25 * mastery.staleness() * mean
    powers = np.where(present, found.clip(1e-6) ** 3, 0.0)
    return mixed(powers / powers.sum(), present, 0.1)


def alike(mastery: Mastery, items: Integers, rng: np.random.Generator) -> Floats:
    """All items alike."""
    return np.full(len(items), 1 / len(items))


def thompson(mastery: Mastery, items: Integers, rng: np.random.Generator, *, rho: float = 0.3) -> Floats:
    """(1 - rho) p (1 - p) / Z + rho / M, each p drawn from what is known of the item (Thompson sampling)."""
    passes = rng.beta(*mastery.counts(items))
    found: Floats = np.maximum(passes * (1 - passes), 1e-4)
    found *= (1 - rho) / found.sum()
    found += rho / len(items)
    return found


def learnable(mastery: Mastery, items: Integers, rng: np.random.Generator) -> Floats:
    """In proportion to p (1 - p) (sampling for learnability, Rutherford et al. 2024, arXiv:2408.15099)."""
    passes = mastery.expected(items)
    found: Floats = passes * (1 - passes)
    found += 1e-4
    found /= found.sum()
    return found


def ranked(mastery: Mastery, items: Integers, rng: np.random.Generator) -> Floats:
    """Half of the draws for items never seen while there are any; of the others .7 by rank, .3 by staleness.

    Prioritized level replay (Jiang et al. 2021, arXiv:2010.03934): (1 / rank of 2 p (1 - p))^(1 / .3).
    """
    visited = mastery.visited[items]
    seen = np.flatnonzero(visited >= 0)
    if not len(seen):
        return alike(mastery, items, rng)
    shuffled = rng.permutation(seen)  # so that chance ranks equal ones, and no sort by a second key is needed
    passes = mastery.latest[items[shuffled]]
    likely = np.zeros(len(items))
    likely[shuffled[(passes * (passes - 1)).argsort(kind="stable")]] = np.arange(1, len(seen) + 1) ** (-1 / 0.3)
    likely /= likely.sum()
    age = mastery.step - visited[seen]
    if age.any():
        likely *= 0.7
        likely[seen] += 0.3 / age.sum() * age
    if len(seen) < len(items):
        likely *= 0.5
        likely[visited < 0] = 0.5 / (len(items) - len(seen))
    return likely


def lacking(mastery: Mastery, present: Flags) -> Floats:
    """.25 + what the rubric misses + staleness: how much what is stored of a domain is worth to practise: [K]."""
    found: Floats = (0.25 + 1 - mastery.score + mastery.staleness()) * present
    return found


def forgotten(mastery: Mastery, present: Flags) -> Floats:
    """In proportion to .05 + staleness: what was not practised for long is kept up most."""
    weights = (0.05 + mastery.staleness()) * present
    found: Floats = weights / weights.sum()
    return found


@dataclass(frozen=True, slots=True)
class Preset:
    """How items are drawn.

    Attributes:
        domains: how much of the draws each domain gets; None: what its items weigh together.
        items: how likely each item is within its domain, or among all where ``domains`` is None; None: in proportion
            to its priority, by sum trees.
        quotas: whether the bands get their shares by count, instead of by chance.
        in_turn: domains take turns, one draw each.
        alone_every: each so many batches, the domain that would get most has one for itself; 0 for never.
        correction: items get the loss weight (M p)^-``correction``.
        alpha: priorities count to this power.
        freshness: steps after which a priority counts e times less; None for never.
        factors: what the priorities of a domain are multiplied by.
    """

    domains: DomainLaw | None = None
    items: ItemLaw | None = alike
    quotas: bool = False
    in_turn: bool = False
    alone_every: int = 0
    correction: float = 0.0
    alpha: float = 1.0
    freshness: float | None = None
    factors: DomainLaw | None = None


_PER = Preset(items=None, alpha=0.6, correction=0.4)
# Of tasks, which are answered anew each time.
PRESETS: dict[str, Preset] = {
    "uniform": Preset(),
    "round_robin": Preset(in_turn=True),
    "seed_acc_ema": Preset(weakness),
    "article_bands_softmax": Preset(bands_softmax, alone_every=10),
    "article_bands_quota": Preset(bands_quota, quotas=True, alone_every=10),
    "per": _PER,
    "fresh_per": replace(_PER, freshness=50.0),
    "plr": Preset(items=ranked),
    "sfl": Preset(items=learnable),
    "sec": Preset(most_advantage),
    "rubric": Preset(utility, thompson, correction=0.6),
}
# Of stored groups, which are learnt from once more; all by sum trees, from which groups that are too old are taken.
REPLAY_PRESETS: dict[str, Preset] = {
    "uniform": Preset(items=None, alpha=0.0),
    "per": _PER,
    "fresh_per": replace(_PER, freshness=50.0),
    "rubric": replace(_PER, freshness=50.0, factors=lacking),
    "anchors": Preset(forgotten, items=None, alpha=0.0),
}
