"""Means over the posteriors of all items of a domain, without a look at the items."""

from __future__ import annotations

import numpy as np

from .sum_tree import Floats, Integers

# What the prior weighs in the posterior pass rate of an item.
PRIOR_STRENGTH = 4.0
# Sums are integers in units of 2^-36: they have room for 2^27 items, and means err by less than 1e-10.
UNIT = 2.0**36
# So many items at a time: their sums are integers below 2^53, which float64 holds exactly.
TOGETHER = 2**16


class PosteriorSums:
    """What the mean over a domain of the posterior pass rates p follows from, and that of 4 p (1 - p).

    With a = right / (right + wrong + 4) and b = 4 / (right + wrong + 4), an item of a domain with prior q has
    p = a + q b. So the sums of a, b, a^2, a b and b^2 over the items of a domain will do for any q, and a result
    changes them by as much as it changes its item. Integers know no rounding: sums that were changed a million times
    are those that are made anew, bit by bit.

    Args:
        domains: how many there are.

    Attributes:
        sizes: how many items each domain has: [K].
    """

    def __init__(self, domains: int) -> None:
        self.sizes = np.zeros(domains, dtype=np.int64)
        self._sums = np.zeros((5, domains), dtype=np.int64)
        self._rows = np.arange(0, 5 * domains, domains)[:, None]

    def add(self, domain: Integers, counts: Floats) -> None:
        """Takes items in, by their domains, [M], and how often they were right and wrong, [2, M]."""
        self.sizes += np.bincount(domain, minlength=len(self.sizes))
        self._change(domain, counts, np.ones(len(domain)))

    def remove(self, domain: Integers, counts: Floats) -> None:
        """Takes items out, by their domains, [M], and how often they were right and wrong, [2, M]."""
        self.sizes -= np.bincount(domain, minlength=len(self.sizes))
        self._change(domain, counts, np.full(len(domain), -1.0))

    def replace(self, domain: Integers, before: Floats, after: Floats) -> None:
        """Notes that the counts of items, [M] by their domains, are other ones: each [2, M]."""
        sign = np.array((-1.0, 1.0)).repeat(len(domain))
        self._change(np.concatenate((domain, domain)), np.concatenate((before, after), 1), sign)

    def means(self, prior: Floats) -> tuple[Floats, Floats]:
        """The mean of p over each domain, and that of 4 p (1 - p), at these priors: each [K]; 0 without items."""
        a, b, aa, ab, bb = self._sums / (UNIT * np.maximum(self.sizes, 1))
        mean: Floats = a + prior * b
        return mean, 4 * (mean - aa - prior * (2 * ab + prior * bb))

    def _change(self, domain: Integers, counts: Floats, sign: Floats) -> None:
        for start in range(0, len(domain), TOGETHER):
            chunk = slice(start, start + TOGETHER)
            right, wrong = counts[:, chunk]
            parts = np.empty((5, len(right)))
            a, b = parts[:2]
            np.divide(PRIOR_STRENGTH, right + wrong + PRIOR_STRENGTH, out=b)
            np.multiply(right, b / PRIOR_STRENGTH, out=a)
            np.multiply(parts[:2], a, out=parts[2:4])
            np.multiply(b, b, out=parts[4])
            parts *= sign[chunk] * UNIT
            place = domain[chunk] + self._rows
            found = np.bincount(place.ravel(), np.rint(parts, out=parts).ravel(), self._sums.size)
            self._sums += found.astype(np.int64).reshape(5, -1)
