"""Steering: what domains get of the draws beside what the law says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from .sum_tree import Flags, Floats, Integers


class Steering:
    """Factors of domains, and a share for those that are new.

    Args:
        domains: how many there are.

    Attributes:
        factors: what the law's share of each domain is multiplied by: [K]; 0 closes a domain.
        new: the domains that get ``share`` of the draws together: [K].
        share: 0 leaves it to the law.
    """

    def __init__(self, domains: int) -> None:
        self.factors, self.new, self.share = np.ones(domains), np.zeros(domains, dtype=bool), 0.0

    def set(self, factors: Sequence[float] | Floats, new: Sequence[bool] | Flags, share: float | None) -> None:
        """Sets all three; see :meth:`RubricPrioritizedSampler.steer`."""
        weights = np.array(factors, dtype=np.float64)
        if weights.shape != self.factors.shape or not (np.isfinite(weights).all() and (weights >= 0).all()):
            raise ValueError(f"a factor for each of {len(self.factors)} domains, at least 0, not {factors}")
        if not weights.any():
            raise ValueError("all domains are closed: nothing could be drawn")
        if share is not None and not 0 < share < 1:
            raise ValueError(f"the share of new domains must lie between 0 and 1, not {share}")
        self.factors, self.share = weights, share or 0.0
        self.new = np.array(new, dtype=bool) if len(new) else np.zeros(len(weights), dtype=bool)

    def shares(self, weights: Floats) -> Floats:
        """How much of the draws each domain gets, from the law's weights, [K]: together 1.

        Raises:
            RuntimeError: if no open domain has any weight.
        """
        found: Floats = np.where(self.factors > 0, weights, 0.0)
        if not found[found.argmax()]:  # in a fifth of the time of any
            raise RuntimeError("cannot sample: no item belongs to a domain that is open")
        if self.divides(found):
            for part, share in ((self.new, self.share), (~self.new, 1 - self.share)):
                found[part] *= share / found[part].sum()
        found *= self.factors  # after the division, or they would do nothing where a part has one domain
        found /= found.sum()
        return found

    def divides(self, weights: Floats) -> bool:
        """Whether new domains and others, both with weights, [K], divide the draws among them."""
        return self.share > 0 and bool(weights[self.new].any() and weights[~self.new].any())

    def kinds(self, shares: Floats) -> Integers:
        """Domains of one number are steered alike: [K]."""
        divided = self.divides(shares)
        if not divided and (self.factors == 1).all():
            return np.zeros(len(shares), dtype=np.int64)
        ways = np.stack([self.factors, divided * self.new])
        found: Integers = np.unique(ways, axis=1, return_inverse=True)[1].ravel()
        return found

    def state_dict(self) -> dict[str, Any]:
        """All of it."""
        arrays = {name: torch.from_numpy(getattr(self, name).copy()) for name in ("factors", "new")}
        return {**arrays, "share": self.share}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what :meth:`state_dict` gave."""
        self.factors, self.new, self.share = (
            state["factors"].numpy().copy(),
            state["new"].numpy().copy(),
            state["share"],
        )
