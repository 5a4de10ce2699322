"""Results that come one after the other, by what they are of."""

from __future__ import annotations

import numpy as np

from .sum_tree import Floats, Integers


class Turns:
    """What moving sums and averages need of a batch, where some domains or items have several results.

    Args:
        labels: what each result is of, in the order of results: [B].

    Attributes:
        of: the labels that there are: [L].
        sizes: how many results each has: [L].
    """

    def __init__(self, labels: Integers) -> None:
        self._order = labels.argsort(kind="stable")
        ordered = labels[self._order]
        first = np.ones(len(labels), dtype=bool)
        np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
        self._starts = np.flatnonzero(first)
        ends = np.append(self._starts[1:], len(labels))
        self.of, self.sizes = ordered[self._starts], ends - self._starts
        self._later = ends.repeat(self.sizes) - np.arange(1, len(labels) + 1)

    def sums(self, values: Floats, kept: float = 1.0) -> Floats:
        """The sum of each label's values, of which ``kept`` is left whenever the next one comes: [L]."""
        values = values[self._order]
        if kept != 1:
            values *= kept**self._later
        found: Floats = np.add.reduceat(values, self._starts)
        return found
