"""Family B: learners with a memory that is kept up by practice at intervals."""

from __future__ import annotations

import numpy as np

from ..sum_tree import Floats, Integers
from .learner import HELD_OUT, sigmoid

STEEPNESS, GUESSING = 8.0, 0.02
GAIN, INTERFERENCE = 0.006, 0.004
# Steps until recall falls to 1 / e: of a domain's first memory, and at most.
FIRST_LIFE, LONGEST_LIFE = 60.0, 2000.0


class MemoryLearner:
    """Learns from successes, forgets what it does not practise, and has one domain where a coin decides.

    Skill is knowledge times recall, both in [0, 1], and an answer passes with probability
    .02 + .98 sigmoid(8 (skill - difficulty)). A group adds p (1 - .8 p) + .05 to knowledge, times a rate and what is
    still unknown. Recall decays at the domain's own pace, and faster where others are practised that interfere.
    Practice brings part of it back, and makes it last longer, the more so the more had been lost: spaced repetition
    (Ebbinghaus 1885; half-life regression, Settles & Meeder 2016).

    In the domain of the coin half of all answers pass, whatever the learner does, and nothing is learnt from them: a
    law that looks for pass rates of a half falls into it. Its held-out tasks are graded as those of other domains.

    Args:
        seed: of the domains, the tasks and the answers.
        domains: how many.
        items: tasks of each.
    """

    def __init__(self, seed: int, domains: int = 8, items: int = 64) -> None:
        self.domains, self.items = domains, items
        self._rng = rng = np.random.default_rng(seed)
        level = rng.uniform(0.1, 0.8, size=(domains, 1))
        self._difficulty = (level + rng.uniform(-0.3, 0.3, size=(domains, items))).clip(0, 1.1)
        self._held_out = (level + rng.uniform(-0.3, 0.3, size=(domains, HELD_OUT))).clip(0, 1.1)
        self._knowledge = rng.uniform(0.05, 0.3, size=domains)
        self._recall = np.ones(domains)
        self._life = FIRST_LIFE * np.exp(0.5 * rng.normal(size=domains))
        self._gain = GAIN * np.exp(0.5 * rng.normal(size=domains))
        self._interference = INTERFERENCE * np.abs(rng.normal(size=(domains, domains)))
        np.fill_diagonal(self._interference, 0.0)
        self.coin = int(rng.integers(domains))

    def answer(self, domains: Integers, items: Integers, group_size: int, weights: Floats) -> Integers:
        """See :class:`Learner`."""
        by_coin = domains == self.coin
        likely = np.where(by_coin, 0.5, self._passes(self._difficulty)[domains, items])
        passed = self._rng.binomial(group_size, likely)
        rate = passed / group_size
        effort = np.where(by_coin, 0.0, rate * (1 - 0.8 * rate) + 0.05)
        self._knowledge += self._gain * np.bincount(domains, effort, self.domains) * (1 - self._knowledge)
        self._forget(np.bincount(domains, minlength=self.domains))
        return passed

    def held_out(self) -> Floats:
        """See :class:`Learner`."""
        found: Floats = self._passes(self._held_out).mean(axis=1)
        return found

    def _passes(self, difficulty: Floats) -> Floats:
        """How likely answers to tasks of each domain pass: [K, tasks]."""
        skill = self._knowledge * self._recall
        return GUESSING + (1 - GUESSING) * sigmoid(STEEPNESS * (skill[:, None] - difficulty))

    def _forget(self, groups: Integers) -> None:
        """After so many groups of each domain: [K]."""
        self._recall *= np.exp(-1 / self._life - groups @ self._interference / groups.sum())
        revived = 1 - np.exp(-groups / 3)
        self._life = (self._life * (1 + 0.36 * revived * (1 - self._recall))).clip(max=LONGEST_LIFE)
        self._recall += 0.25 * revived * (1 - self._recall)
