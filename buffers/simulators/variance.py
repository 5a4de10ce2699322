"""Family A: learners that gain by the spread of their results."""

from __future__ import annotations

import numpy as np

from ..sum_tree import Floats, Integers
from .learner import HELD_OUT, sigmoid

DISCRIMINATION = 1.5
# Domains lie between these difficulties, but for one that is hardly ever solved.
EASIEST, HARDEST, HOPELESS = -0.5, 2.5, 4.5
GAIN, TRANSFER, FADING = 0.012, 0.15, 0.0025


class VarianceLearner:
    """Passes by ability and difficulty, and gains most where half of the answers pass.

    An answer passes with probability sigmoid(1.5 (ability - difficulty)), the two-parameter model of item response
    theory (Birnbaum 1968). A group raises its domain's ability in proportion to 4 p (1 - p), p being the part that
    passed: what GRPO's unnormalised gradient would have. Other domains gain or lose up to .15 as much, by how alike
    they are; and every ability fades towards where it began, practised or not.

    Args:
        seed: of the domains, the tasks and the answers.
        domains: how many; one of them is all but impossible.
        items: tasks of each.
    """

    def __init__(self, seed: int, domains: int = 8, items: int = 64) -> None:
        self.domains, self.items = domains, items
        self._rng = rng = np.random.default_rng(seed)
        level = rng.permutation(np.linspace(EASIEST, HARDEST, domains))
        level[rng.integers(domains)] = HOPELESS
        self._difficulty = level[:, None] + rng.normal(size=(domains, items))
        self._held_out = level[:, None] + rng.normal(size=(domains, HELD_OUT))
        self._first = -0.5 + 0.4 * rng.normal(size=domains)
        self._ability = self._first.copy()
        self._gain = GAIN * np.exp(0.4 * rng.normal(size=domains))
        self._fading = FADING * np.exp(0.5 * rng.normal(size=domains))
        kind = rng.normal(size=(domains, 4))
        kind /= np.linalg.norm(kind, axis=1, keepdims=True)
        self._transfer = TRANSFER * kind @ kind.T
        np.fill_diagonal(self._transfer, 1.0)

    def answer(self, domains: Integers, items: Integers, group_size: int, weights: Floats) -> Integers:
        """See :class:`Learner`."""
        likely = sigmoid(DISCRIMINATION * (self._ability[domains] - self._difficulty[domains, items]))
        passed = self._rng.binomial(group_size, likely)
        rate = passed / group_size
        gains = self._gain * np.bincount(domains, 4 * rate * (1 - rate), self.domains)
        self._ability += gains @ self._transfer - self._fading * (self._ability - self._first)
        return passed

    def held_out(self) -> Floats:
        """See :class:`Learner`."""
        found: Floats = sigmoid(DISCRIMINATION * (self._ability[:, None] - self._held_out)).mean(axis=1)
        return found
