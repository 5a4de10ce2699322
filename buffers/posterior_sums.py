"""Means over the posteriors of all items of a domain, without a look at the items."""

from __future__ import annotations

import numpy as np

from .sum_tree import Floats, Integers

# What the prior weighs in the posterior pass rate of an item.
PRIOR_STRENGTH = 4.0
# Sums are integers in units of 2^-36: so they have room for 2^27 items, and means err by less than 1e-10.
UNIT = 2.0**36
# So many items at a time: their sums are integers below 2^53, which float64 holds exactly.
TOGETHER = 2**16


class PosteriorSums:
    """What the mean of the posterior pass rates p over a domain, and that of 4 p (1 - p), follow from.

    With a = right / (right + wrong + 4) and b = 4 / (right + wrong + 4), an item of a domain with prior q has p = a + q b.
    So the sums of a, b, a^2, a b and b^2 over the items of a domain will do for any q, and a result changes them by as
    much as it changes its item. Integers know no rounding: sums that were changed a million times are those that are
    made anew, bit by bit.

    Args:
        domains: how many there are.

    Attributes:
        sizes: how many items each domain has: [K].
    """

    def __init__(self, domains: int) -> None:
        self.sizes = np.zeros(domains, dtype=np.int64)
        self._sums = np.zeros((5, domains), dtype=np.int64)

    def add(self, domain: Integers, right: Floats, wrong: Floats) -> None:
        """Takes items in, by their domains and counts: each [M]."""
        self.sizes += np.bincount(domain, minlength=len(self.sizes))
        self._change(domain, right, wrong, np.ones(len(domain)))

    def remove(self, domain: Integers, right: Floats, wrong: Floats) -> None:
        """Takes items out, by their domains and counts: each [M]."""
        self.sizes -= np.bincount(domain, minlength=len(self.sizes))
        self._change(domain, right, wrong, np.full(len(domain), -1.0))

    def replace(self, domain: Integers, right: Floats, wrong: Floats) -> None:
        """Notes new counts of items, by their domains, [M], and what counts were and are: each [2, M]."""
        sign = np.repeat([-1.0, 1.0], len(domain))
        self._change(np.concatenate((domain, domain)), right.ravel(), wrong.ravel(), sign)

    def means(self, prior: Floats) -> tuple[Floats, Floats]:
        """The mean of p over each domain, and that of 4 p (1 - p), at these priors: each [K]; 0 without items."""
        a, b, aa, ab, bb = self._sums / (UNIT * np.maximum(self.sizes, 1))
        mean: Floats = a + prior * b
        return mean, 4 * (mean - aa - prior * (2 * ab + prior * bb))

    def _change(self, domain: Integers, right: Floats, wrong: Floats, sign: Floats) -> None:
        columns = np.arange(0, self._sums.size, self._sums.shape[1])[:, None]
        for start in range(0, len(domain), TOGETHER):
            part = slice(start, start + TOGETHER)
            b = PRIOR_STRENGTH / (right[part] + wrong[part] + PRIOR_STRENGTH)
            a = right[part] * b * (1 / PRIOR_STRENGTH)
            found = np.rint(np.stack((a, b, a * a, a * b, b * b)) * UNIT) * sign[part]
            place = columns + domain[part]
            self._sums += (
                np.bincount(place.ravel(), found.ravel(), self._sums.size).astype(np.int64).reshape(self._sums.shape)
            )
