"""Allotment: how many of a batch's draws each domain gets, and which places of a distribution are drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from .laws import BAND_SHARES, band_of
from .sum_tree import Floats, Integers


class Allotment:
    """Divides a batch among domains: by chance, in turn, or by quotas of bands that hold in the long run too."""

    def __init__(self) -> None:
        self._cursor = 0  # the domain whose turn it is
        self._debt = np.zeros(len(BAND_SHARES))  # draws that bands have not got yet

    def in_turn(self, shares: Floats, count: int) -> Integers:
        """The domains with a share take turns, one draw each: [K]."""
        present = np.flatnonzero(shares)
        turns = present[(np.searchsorted(present, self._cursor) + np.arange(count)) % len(present)]
        self._cursor = int(turns[-1]) + 1
        return np.bincount(turns, minlength=len(shares))

    def by_quota(self, shares: Floats, accuracy: Floats, count: int, rng: np.random.Generator) -> Integers:
        """The bands get what the shares of their domains, [K], come to, by count; within them chance decides: [K].

        What a band did not get for being no whole number, it gets later.
        """
        band = band_of(accuracy)
        wanted = np.bincount(band, shares, len(BAND_SHARES)).astype(np.float64) * count
        wanted += np.where(wanted > 0, self._debt, 0.0)
        whole = np.floor(wanted).clip(0).astype(np.int64)
        first = np.argsort(np.where(wanted > 0, whole - wanted, np.inf), kind="stable")
        whole[first[: count - whole.sum()]] += 1
        self._debt[:] = wanted - whole
        found = np.zeros(len(shares), dtype=np.int64)
        for k, size in enumerate(whole):
            if size:
                found += by_chance(shares * (band == k), int(size), rng)
        return found

    def state_dict(self) -> dict[str, Any]:
        """Whose turn it is, and what is owed."""
        return {"cursor": self._cursor, "debt": torch.from_numpy(self._debt.copy())}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what :meth:`state_dict` gave."""
        self._cursor, self._debt = state["cursor"], state["debt"].numpy().copy()


def by_chance(weights: Floats, count: int, rng: np.random.Generator) -> Integers:
    """How many of ``count`` draws each place gets, in proportion to its weight, by strata: [K]."""
    return np.bincount(strata(weights, count, rng), minlength=len(weights))


def spread(items: Integers, count: int, rng: np.random.Generator) -> Integers:
    """``count`` of ``items``, each as often as any other or once more; in no particular order."""
    rounds, left = divmod(count, len(items))
    once_more = items[rng.choice(len(items), left, replace=False, shuffle=False)]
    return np.concatenate([*[items] * rounds, once_more])


def strata(likely: Floats, count: int, rng: np.random.Generator) -> Integers:
    """``count`` places, each as likely as said; one from each of as many equal parts of the whole."""
    ends = np.empty(len(likely))
    torch.cumsum(torch.from_numpy(likely), 0, out=torch.from_numpy(ends))  # in a fifth of NumPy's time
    aims = (np.arange(count) + rng.random(count)) * (ends[-1] / count)
    last = ends.searchsorted(ends[-1])  # after which nothing is likely
    places: Integers = np.minimum(ends.searchsorted(aims, side="right"), last)
    return places


def parted(shares: Floats, aims: Floats) -> tuple[Integers, Floats]:
    """The domains that aims in [0, 1) lie in, if each is as long as its share, and where in them, in [0, 1]."""
    ends = shares.cumsum()
    aims = aims * (ends[-1] * (1 - 2**-40))  # which must not be rounded up to the end, where nothing may be
    domains = ends.searchsorted(aims, side="right")
    within = 1 - (ends[domains] - aims) / shares[domains]
    return domains, np.maximum(within, 0.0)
