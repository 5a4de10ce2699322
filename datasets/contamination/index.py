"""An inverted index of evaluation prompts: which of them a training prompt could hold, and how much of each it does.

The weight of a gram is its inverse document frequency among the evaluation prompts, and the containment of an
evaluation prompt in a training prompt is the weight of their common grams as a share of the former's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from .grams import Hashes, Indices, grams

# Numbers that are worked on at once: sums of training rows by evaluation prompts, and entries of postings.
_AT_ONCE = 1 << 21
# Share of the threshold that grams outside of the lists may hold.
_UNLISTED = 0.5
# Places of the table for each different gram: most of what it doesn't hold falls on an empty place.
_SPARSE = 8


class GramIndex:
    """Finds the evaluation prompts whose containment in a training prompt reaches a threshold.

    Each is listed under its rarest grams only, which hold all of its weight but three quarters of the threshold: what
    contains the threshold has at least a quarter of it among these. So nothing is lost, while the grams that many
    prompts have in common, whose lists are the long ones, are hardly ever needed.

    Args:
        forms: the evaluation prompts in normal form, none empty.
        threshold: the least containment that is found, above 0 and at most 1.

    Attributes:
        size: how many evaluation prompts there are.
        sizes: how many different grams each of them has.
    """

    def __init__(self, forms: Sequence[str], threshold: float) -> None:
        self.size = len(forms)
        self._threshold = threshold
        hashes, groups = grams(forms)
        self._hashes, ids = np.unique(hashes, return_inverse=True)
        # One entry for each prompt and gram of it, prompt by prompt.
        entries = _different(groups * len(self._hashes) + ids)
        groups, ids = np.divmod(entries, max(1, len(self._hashes)))
        frequency = np.bincount(ids, minlength=len(self._hashes))
        self._weights = np.log1p(len(forms) / np.maximum(frequency, 1))
        self._ids, self._starts = ids, np.searchsorted(groups, np.arange(len(forms) + 1))
        self.sizes = np.diff(self._starts)
        self._totals = np.bincount(groups, self._weights[ids], len(forms))
        self._held = np.zeros(len(self._hashes), bool)
        self._list(groups, ids)
        self._fill_table()

    def _list(self, groups: Indices, ids: Indices) -> None:
        """Makes the lists of prompts by gram."""
        weights = self._weights[ids]
        order = np.lexsort((ids, -weights, groups))
        before = np.cumsum(weights[order]) - weights[order]
        before -= before[self._starts[:-1]][groups[order]]
        listed = order[before < (1 - _UNLISTED * self._threshold) * self._totals[groups[order]]]
        found = np.bincount(groups[listed], weights[listed], self.size)
        # The rest of the weight may be contained without being seen here; sums of floats may be a little less.
        self._least = self._threshold * self._totals - (self._totals - found) - 1e-6 * self._totals
        by_gram = listed[np.lexsort((groups[listed], ids[listed]))]
        self._listed = groups[by_gram]
        self._lists = np.searchsorted(ids[by_gram], np.arange(len(self._hashes) + 1))

    def _fill_table(self) -> None:
        bits = min(27, max(16, int(np.ceil(np.log2(max(1, _SPARSE * len(self._hashes)))))))
        self._shift = np.uint64(64 - bits)
        self._table = np.full(1 << bits, -1, np.int32)
        self._table[self._hashes >> self._shift] = np.arange(len(self._hashes))

    def known(self, hashes: Hashes) -> Indices:
        """The numbers of the grams among those of the evaluation prompts; -1 for others."""
        found: Indices = self._table[hashes >> self._shift].astype(np.int64)
        # Several grams share a place of the table, which names one of them.
        other = np.flatnonzero((found >= 0) & (self._hashes[found] != hashes)) if len(self._hashes) else found[:0]
        places = np.minimum(np.searchsorted(self._hashes, hashes[other]), len(self._hashes) - 1)
        found[other] = np.where(self._hashes[places] == hashes[other], places, -1) if len(other) else -1
        return found

    def read(self, forms: Sequence[str]) -> Iterator[tuple[int, Indices, Indices]]:
        """Finds what each training prompt could hold.

        Returns:
            For each training prompt that could hold evaluation prompts: its number, its different known grams, and
            these evaluation prompts, the likeliest first.
        """
        hashes, rows = grams(forms)
        ids = self.known(hashes)
        rows, ids = rows[ids >= 0], ids[ids >= 0]
        rows, ids = np.divmod(_different(rows * len(self._hashes) + ids), max(1, len(self._hashes)))
        starts = np.searchsorted(rows, np.arange(len(forms) + 1))
        work = np.concatenate([[0], np.cumsum(self._lists[ids + 1] - self._lists[ids])])[starts]
        first = 0
        while first < len(forms):
            # As many rows as fit, at least one.
            fitting = int(np.searchsorted(work, work[first] + _AT_ONCE, "right")) - 1
            last = min(max(first + 1, fitting), first + max(1, _AT_ONCE // max(1, self.size)), len(forms))
            part = slice(starts[first], starts[last])
            for row, found in self._candidates(rows[part] - first, ids[part], last - first):
                own = slice(starts[first + row], starts[first + row + 1])
                yield first + row, ids[own], found
            first = last

    def _candidates(self, rows: Indices, ids: Indices, count: int) -> Iterator[tuple[int, Indices]]:
        lengths = self._lists[ids + 1] - self._lists[ids]
        total = int(lengths.sum())
        if not total:
            return
        entries = np.repeat(self._lists[ids] - (np.cumsum(lengths) - lengths), lengths) + np.arange(total)
        keys = np.repeat(rows * self.size, lengths) + self._listed[entries]
        sums = np.bincount(keys, np.repeat(self._weights[ids], lengths), count * self.size)
        pairs = np.flatnonzero((sums.reshape(count, self.size) >= self._least).ravel())
        of, groups = np.divmod(pairs, self.size)
        likeliest = np.lexsort((groups, -sums[pairs] / self._totals[groups], of))
        of, groups = of[likeliest], groups[likeliest]
        firsts = np.flatnonzero(np.diff(of, prepend=-1))
        yield from zip(of[firsts].tolist(), np.split(groups, firsts[1:]), strict=False)

    def containment(self, groups: Indices, ids: Indices) -> tuple[npt.NDArray[np.float64], Indices]:
        """How much of each evaluation prompt the given grams hold: as a share by weight, and how many grams."""
        starts, lengths = self._starts[groups], self.sizes[groups]
        firsts = np.cumsum(lengths) - lengths
        own = self._ids[np.repeat(starts - firsts, lengths) + np.arange(lengths.sum())]
        self._held[ids] = True
        there = self._held[own]
        self._held[ids] = False
        weights = np.add.reduceat(self._weights[own] * there, firsts)
        return weights / self._totals[groups], np.add.reduceat(there, firsts, dtype=np.int64)


def _different(keys: Indices) -> Indices:
    """The different ones, in order; sorting is much faster here than the hashing of `numpy.unique`."""
    ordered: Indices = np.sort(keys)
    different: Indices = ordered[np.diff(ordered, prepend=-1) != 0]
    return different
