"""Sum trees: draws in proportion to priorities, among millions of items in some tens of microseconds.

Arrays are NumPy's: a batch of 64 takes some fifty small operations, and each of torch's costs four times as much.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Owners = npt.NDArray[np.int32]

# Children of a node, side by side in memory; and how many sums one search may go through at the top.
FANOUT = 32
WIDEST_TOP = 1024


class SumForest:
    """One sum tree for each domain, over the same slots: a slot's value counts in the tree of its domain alone.

    The sum of a node is always computed anew from its children, never changed by a difference, so that rounding does
    not pile up, however often values change. All draws and updates of a batch go through the levels together.

    Args:
        capacity: how many slots there are.
        domains: how many trees.

    Raises:
        ValueError: without slots or domains.
    """

    def __init__(self, capacity: int, domains: int) -> None:
        if capacity < 1 or domains < 1:
            raise ValueError(f"a forest needs slots and domains, not {capacity} and {domains}")
        self.capacity, self.domains = capacity, domains
        self._sizes = [*_sizes(capacity)]
        blocks = self._sizes[0]
        self._value = np.zeros((blocks, FANOUT))
        self._domain = np.zeros((blocks, FANOUT), dtype=np.int32)
        # Sums of blocks of slots, of blocks of these sums, and so on: each [domains * nodes], the last one the top.
        self._sums = [np.zeros(domains * size) for size in self._sizes]
        # Where each node of the top begins in its tree, and where the tree ends: [domains, nodes + 1]; made when asked.
        self._bounds = np.zeros((domains, self._sizes[-1] + 1))
        self._known = True

    @property
    def totals(self) -> Floats:
        """The sum of each domain's values: [domains]."""
        return self._top()[:, -1].copy()

    def values(self, slots: Integers) -> Floats:
        """The values of slots."""
        return self._value.ravel()[slots]

    def domains_of(self, slots: Integers) -> Integers:
        """The domains of slots; 0 for one that was never set."""
        return self._domain.ravel()[slots].astype(np.int64)

    def set(self, slots: Integers, values: Floats, domains: Integers | None = None) -> None:
        """Sets the values of slots, [N]; of a slot that comes twice the last one counts.

        Args:
            slots: [N].
            values: [N], at least 0.
            domains: [N]; None leaves the slots in theirs.

        Raises:
            ValueError: for a value that is negative or not finite, or a domain that there is not.
        """
        if not len(slots):
            return
        if not 0 <= values.min() <= values.max() < inf:
            raise ValueError("a value in a sum tree must be finite and not negative")
        if domains is not None and not 0 <= domains.min() <= domains.max() < self.domains:
            raise ValueError(f"a slot names a domain outside 0..{self.domains - 1}")
        self._known = False
        self._value.ravel()[slots] = values
        domain = self._domain.ravel()
        owners = domain[slots]
        if domains is not None:
            domain[slots] = domains
            moved = owners != domain[slots]
            slots, owners = np.concatenate([slots, slots[moved]]), np.concatenate([domain[slots], owners[moved]])
        self._add_up(slots, owners)

    def scale(self, factor: float) -> None:
        """Multiplies all values."""
        self._value *= factor
        self._add_up_all()

    def draw(self, domains: Integers, uniform: Floats) -> Integers:
        """Draws a slot from the tree of each given domain, in proportion to the values.

        Args:
            domains: [N], of domains whose total is positive.
            uniform: [N], in [0, 1): what chance decides.

        Returns:
            [N]: slots, none of which has the value 0.
        """
        bounds = self._top()
        aim = uniform * bounds[domains, -1]
        if self.domains == 1:
            node = bounds[0].searchsorted(aim, side="right") - 1
        else:
            # Each tree as long as 1, domain k between k and k + 1, so that one search serves all.
            ends = np.divide(bounds, bounds[:, -1:], out=np.zeros(bounds.shape), where=bounds[:, -1:] > 0)
            ends += np.arange(self.domains)[:, None]
            place = ends.ravel().searchsorted(domains + uniform * (1 - 2**-40), side="right") - 1
            node = place - domains * bounds.shape[1]
        node = np.minimum(node, bounds.shape[1] - 2)  # rounding may lead to the very end
        aim -= bounds[domains, node]
        for sums, size in zip(self._sums[-2::-1], self._sizes[-2::-1], strict=True):
            step, aim, _ = _descend(sums.reshape(-1, FANOUT).take(domains * (size // FANOUT) + node, 0), aim)
            node = node * FANOUT + step
        step, _, found = _descend(self._own(node, domains), aim)
        drawn: Integers = node * FANOUT + step
        if not found.min():  # once in some 1e15 draws rounding leads past the last value, or before the first
            missed = found == 0
            drawn[missed] = self.draw(domains[missed], uniform[missed] / 2)
        return drawn

    def state_dict(self) -> dict[str, Any]:
        """The values and domains of all slots, as tensors; sums follow from them."""
        whole = slice(0, self.capacity)
        return {
            "value": torch.from_numpy(self._value.ravel()[whole].copy()),
            "domain": torch.from_numpy(self._domain.ravel()[whole].copy()),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what :meth:`state_dict` gave.

        Raises:
            ValueError: if it comes from another number of slots.
        """
        if len(state["value"]) != self.capacity:
            raise ValueError(f"saved with {len(state['value'])} slots, not {self.capacity}")
        self._value.ravel()[: self.capacity] = state["value"].numpy()
        self._domain.ravel()[: self.capacity] = state["domain"].numpy()
        self._add_up_all()

    def _top(self) -> Floats:
        if not self._known:
            self._sums[-1].reshape(self.domains, -1).cumsum(1, out=self._bounds[:, 1:])
            self._known = True
        return self._bounds

    def _own(self, blocks: Integers, domains: Integers | Owners) -> Floats:
        """The values of blocks of slots, 0 where a slot is another domain's: [N, FANOUT]."""
        values: Floats = self._value.take(blocks, 0)
        if self.domains > 1:
            values *= self._domain.take(blocks, 0) == domains[:, None]
        return values

    def _add_up(self, slots: Integers, owners: Owners) -> None:
        """Computes the sums above slots anew, in the trees of these domains."""
        if len(slots) * FANOUT > self.capacity:
            self._add_up_all()
            return
        node = slots // FANOUT
        values = self._own(node, owners)
        for k, (sums, size) in enumerate(zip(self._sums, self._sizes, strict=True)):
            place = owners.astype(np.int64) * size + node
            sums[place] = values.sum(1)
            if k + 1 < len(self._sums):
                values = sums.reshape(-1, FANOUT).take(place // FANOUT, 0)  # levels are whole blocks
                node = node // FANOUT

    def _add_up_all(self) -> None:
        """Computes all sums anew."""
        self._known = False
        size = self._sizes[0]
        place = self._domain * np.int64(size) + np.arange(size)[:, None]
        self._sums[0][:] = np.bincount(place.ravel(), self._value.ravel(), self.domains * size)
        for lower, upper in zip(self._sums, self._sums[1:], strict=False):
            sums = lower.reshape(self.domains, -1, FANOUT).sum(2)
            upper.reshape(self.domains, -1)[:, : sums.shape[1]] = sums


def _sizes(capacity: int) -> Iterator[int]:
    """Nodes of each level, from that above the slots on; whole blocks, but for the top."""
    size = -(-capacity // FANOUT)
    while size > WIDEST_TOP:
        above = -(-size // FANOUT)
        yield above * FANOUT
        size = above
    yield size


def _descend(values: Floats, aim: Floats) -> tuple[Integers, Floats, Floats]:
    """The child in which ``aim`` lies, how far inside it, and its value; from the values of children, [N, FANOUT]."""
    sums = values.cumsum(1)
    step = (sums > aim[:, None]).argmax(1)
    flat = step + np.arange(0, sums.size, FANOUT)
    value: Floats = values.ravel()[flat]
    return step, aim - (sums.ravel()[flat] - value), value
