"""Sum trees: draws in proportion to priorities, among millions of items in some tens of microseconds.

Arrays are NumPy's: a batch of 64 takes some forty small operations, and most of torch's cost several times as much.
"""

from __future__ import annotations

from functools import cache, lru_cache
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# Children of a node, side by side in memory; and how many sums one search may go through at the tops of all trees.
FANOUT = 16
WIDEST_TOP = 2**14
# What scaling leaves of a value that is positive.
LEAST = float(np.finfo(np.float64).tiny)


class SumForest:
    """One sum tree for each domain, over the same slots: a slot's value counts in the tree of its domain alone.

    The sum of a node is always computed anew from its children, never changed by a difference, so that rounding does
    not pile up, however often values change. All draws and updates of a batch go through the levels together.

    Nodes of a level are numbered through all trees, and blocks are whole: the children of node i begin at FANOUT i.

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
        top, levels = -(-capacity // FANOUT), 1
        while top > 1 and top * domains > WIDEST_TOP:
            top, levels = -(-top // FANOUT), levels + 1
        sizes = [top * FANOUT**level for level in range(levels)]
        self._value = np.zeros((sizes[-1], FANOUT))
        self._domain = np.zeros((sizes[-1], FANOUT), dtype=np.int32)
        # Sums by level, the first one the tops, the last one of blocks of slots: each [domains * nodes].
        self._sums = [np.zeros(domains * size) for size in sizes]
        # The same memory as steps read it, from the tops on: the sums of nodes, and those of their children.
        self._steps = [(self._sums[k], self._sums[k + 1].reshape(-1, FANOUT)) for k in range(levels - 1)]
        self._slots = self._value.ravel()
        # Made of the tops when asked: where each of their nodes begins and ends, and the totals, [domains].
        self._bounds, self._totals = np.zeros(domains * top + 1), np.zeros(domains)
        self._ends, self._places = self._bounds[1:].reshape(domains, top), np.arange(float(domains))
        with torch.inference_mode(False):  # a tensor made in that mode could not be written to outside it
            self._run_up = torch.from_numpy(self._sums[0].reshape(domains, top)), torch.from_numpy(self._ends)
        self._known = True

    def __getstate__(self) -> dict[str, Any]:
        return {"capacity": self.capacity, "domains": self.domains, **self.state_dict()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Otherwise what shares memory here would not in a copy.
        self.__init__(state["capacity"], state["domains"])  # type: ignore[misc]
        self.load_state_dict(state)

    @property
    def totals(self) -> Floats:
        """The sum of each domain's values: [domains]; not to be changed."""
        return self._top()[1]

    def values(self, slots: Integers) -> Floats:
        """The values of slots."""
        return self._slots[slots]

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
        # NaN is both the least and the most; and argmin takes a quarter of the time of min.
        if not 0 <= values[values.argmin()] <= values[values.argmax()] < inf:
            raise ValueError("a value in a sum tree must be finite and not negative")
        if domains is not None and not 0 <= domains.min() <= domains.max() < self.domains:
            raise ValueError(f"a slot names a domain outside 0..{self.domains - 1}")
        self._slots[slots] = values
        if self.domains == 1:
            self._add_up(slots, None)
            return
        owners = self.domains_of(slots)
        if domains is not None:
            self._domain.ravel()[slots] = domains
            now = self.domains_of(slots)
            moved = owners != now
            slots, owners = np.concatenate([slots, slots[moved]]), np.concatenate([now, owners[moved]])
        self._add_up(slots, owners)

    def scale(self, factor: float) -> None:
        """Multiplies all values; one that is positive stays so, however small."""
        none = self._value == 0
        self._value *= factor
        np.maximum(self._value, LEAST, out=self._value)
        self._value[none] = 0
        self._add_up_all()

    def draw(self, domains: Integers | None, uniform: Floats) -> tuple[Integers, Floats]:
        """Draws a slot from the tree of each given domain, in proportion to the values.

        Args:
            domains: [N], of domains whose total is positive; None where there is one.
            uniform: [N], in [0, 1]: what chance decides.

        Returns:
            [N]: slots, and their values, none of which is 0.
        """
        if self.domains == 1:
            domains = None
        bounds, totals = self._top()
        below = 1 - 2**-40  # so that nothing is rounded up to the end
        aim = uniform * (totals.item() * below) if domains is None else domains + uniform * below
        node = bounds[1:].searchsorted(aim, side="right")
        aim -= bounds[node]
        if domains is not None:
            aim *= totals[domains]
        for _, children in self._steps:
            child, after = _found(children.take(node, 0), aim)
            aim -= after.ravel()[child + _starts(len(child), FANOUT)]
            node = node * FANOUT + child
        if domains is not None:
            node -= domains * len(self._value)
        drawn: Integers = node * FANOUT + _found(self._own(node, domains), aim)[0]
        values = self.values(drawn)
        valid = values if domains is None else values * (self._domain.ravel()[drawn] == domains)
        if not valid[valid.argmin()]:  # once in some 1e15 draws rounding leads past the last value, or before the first
            missed = valid == 0
            again = self.draw(None if domains is None else domains[missed], uniform[missed] / 2)
            drawn[missed], values[missed] = again
        return drawn, values

    def state_dict(self) -> dict[str, Any]:
        """The values and domains of all slots, as tensors; sums follow from them."""
        whole = slice(0, self.capacity)
        return {
            "value": torch.from_numpy(self._slots[whole].copy()),
            "domain": torch.from_numpy(self._domain.ravel()[whole].copy()),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what :meth:`state_dict` gave.

        Raises:
            ValueError: if it comes from another number of slots.
        """
        if len(state["value"]) != self.capacity:
            raise ValueError(f"saved with {len(state['value'])} slots, not {self.capacity}")
        self._slots[: self.capacity] = state["value"].numpy()
        self._domain.ravel()[: self.capacity] = state["domain"].numpy()
        self._add_up_all()

    def _top(self) -> tuple[Floats, Floats]:
        """Where the nodes of the tops begin and end, and the totals.

        Among several domains, domain k lies between k and k + 1, so that one search serves all.
        """
        if not self._known:
            values, ends = self._run_up
            torch.cumsum(values, -1, out=ends)  # in a fifth of NumPy's time, as it keeps the sum at hand
            self._totals = self._ends[:, -1].copy()
            if self.domains > 1:
                self._ends /= np.where(self._totals > 0, self._totals, 1.0)[:, None]
                self._ends += self._places[:, None]
                self._ends[:, -1] = self._places + 1  # also of a domain without values
            self._known = True
        return self._bounds, self._totals

    def _own(self, blocks: Integers, domains: Integers | None) -> Floats:
        """The values of blocks of slots, 0 where a slot is another domain's: [N, FANOUT]."""
        values: Floats = self._value.take(blocks, 0)
        if domains is not None:
            values *= self._domain.take(blocks, 0) == domains.astype(np.int32)[:, None]
        return values

    def _add_up(self, slots: Integers, owners: Integers | None) -> None:
        """Computes the sums above slots anew, in the trees of these domains; None where there is one."""
        if len(slots) * FANOUT > self.capacity:
            self._add_up_all()
            return
        self._known = False
        node = slots // FANOUT
        values = self._own(node, owners)
        if owners is not None:
            node += owners * len(self._value)
        self._sums[-1][node] = _added(values) if owners is None else _added_in_order(values)
        for sums, children in reversed(self._steps):
            node //= FANOUT
            sums[node] = _added(children.take(node, 0))

    def _add_up_all(self) -> None:
        """Computes all sums anew."""
        self._known = False
        if self.domains == 1:
            self._sums[-1][:] = _added(self._value)
        else:
            place = self._domain * np.int64(len(self._value)) + np.arange(len(self._value))[:, None]
            self._sums[-1][:] = np.bincount(place.ravel(), self._value.ravel(), len(self._sums[-1]))
        for sums, children in reversed(self._steps):
            sums[:] = _added(children)


def distinct(slots: Integers) -> Integers:
    """The slots that there are, in order. With millions ``np.unique``, which hashes, takes ten times as long."""
    ordered = np.sort(slots)
    first = np.ones(len(slots), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


@lru_cache(8)
def _starts(rows: int, width: int) -> Integers:
    """Where rows begin: [rows]; made once for each batch size."""
    return np.arange(0, rows * width, width)


def _added(rows: Floats) -> Floats:
    """The sums of rows, in half the time of ``sum(1)``, and the same bit by bit whatever stands in other rows: [N]."""
    found: Floats = np.add.reduceat(rows.ravel(), _starts(*rows.shape))
    return found


@lru_cache(8)
def _row_of_each(rows: int, width: int) -> Integers:
    """The row that each number is in: [rows * width]."""
    return np.arange(rows).repeat(width)


def _added_in_order(rows: Floats) -> Floats:
    """The sums of rows, the numbers added one after the other: [N]."""
    found: Floats = np.bincount(_row_of_each(*rows.shape), rows.ravel(), len(rows)).astype(np.float64, copy=False)
    return found


@cache
def _all_after(width: int) -> Floats:
    """What a row is multiplied by to add up those after each of its numbers: [width, width]."""
    return np.tril(np.ones((width, width)), -1)


def _found(children: Floats, aim: Floats) -> tuple[Integers, Floats]:
    """The child of each node in which ``aim`` lies, counted from the node's end; and what is after each child.

    It is the first child with no more after it than the aim, so that one without weight is none but by rounding.

    Args:
        children: their weights, [N, FANOUT].
        aim: [N], in [0, weight of the node).
    """
    after = children.dot(_all_after(children.shape[1]))  # all running sums, in half the time of one after the other
    return (after <= aim[:, None]).argmax(1), after
