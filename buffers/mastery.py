"""Mastery: what results say about each domain and each item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from .posterior_sums import PRIOR_STRENGTH, PosteriorSums
from .sum_tree import Flags, Floats, Integers, distinct

# What of an item's earlier counts is left after a visit; and how far the prior of its pass rate may go.
KEPT_COUNTS = 0.6
PRIOR_BOUNDS = (0.03, 0.97)
# Half-lives of what was learnt, in steps: the first, the bounds, and the factors of a visit.
HALF_LIFE, HALF_LIFE_BOUNDS, HELD, LOST = 20.0, (5.0, 400.0), 1.03, 0.8
DROP = 0.02
# The plateau gate: after so many groups of a domain, whether its mastery moved by so much; the factors and the bounds.
GATE_GROUPS, GATE_MOVE, GATE_CLOSES, GATE_OPENS, GATE_BOUNDS = 60, 0.03, 0.6, 2.0, (0.15, 1.0)
# Steps of the moving averages of the spread of results and of advantages.
SPREAD_STEP, ADVANTAGE_STEP = 0.1, 0.5


class Mastery:
    """What results say about each domain and each item; the laws of sampling read it.

    Args:
        domain: of each item: [N].
        domains: how many there are.
        beta: step of the moving average of pass rates.
        start: pass rate before anything was seen.
        group_size: responses that a pass rate is the mean of.

    Attributes:
        step: how many batches of results there were.
        accuracy: moving average of the pass rate: [K].
        score: moving average of the rubric score, (level - 1) / 3 by weight: [K]; 1 - ``score`` is what is missing.
        spread: moving average of p (1 - p): how uncertain results are: [K].
        advantage: moving average of the mean absolute advantage in a group, 2 p (1 - p): [K].
        last_seen: step of the latest result, or of the domain's beginning: [K].
        half_life: in steps: [K].
        gate: in [0.15, 1]: closes where practice moves nothing: [K].
        groups: results so far: [K].
        latest: the latest pass rate of each item: [N].
        visited: the step of it; -1 for an item that was never seen: [N].
    """

    def __init__(
        self, domain: Integers, domains: int, *, beta: float = 0.05, start: float = 0.5, group_size: int = 8
    ) -> None:
        self.domain, self.domains = domain, domains
        self.beta, self.start, self.group_size = beta, start, group_size
        self.step = 0
        self.accuracy, self.score = np.full(domains, start), np.full(domains, start)
        self.spread, self.advantage = np.zeros(domains), np.zeros(domains)
        self.last_seen, self.half_life = np.zeros(domains), np.full(domains, HALF_LIFE)
        self.gate, self.groups = np.ones(domains), np.zeros(domains)
        # The prior of items: an average of results as they were drawn, by batches.
        self._base = np.full(domains, start)
        self._held, self._reference, self._effort = np.full(domains, start), np.full(domains, start), np.zeros(domains)
        self._right, self._wrong = np.zeros(len(domain)), np.zeros(len(domain))
        self.latest, self.visited = np.zeros(len(domain)), np.full(len(domain), -1.0)
        self._sums = self._summed()

    @property
    def sizes(self) -> Integers:
        """How many items each domain has: [K]."""
        return self._sums.sizes

    def learn(self, items: Integers, rates: Floats, scores: Floats | None = None) -> None:
        """Learns the results of one step.

        Args:
            items: whose results: [B].
            rates: pass rates: [B].
            scores: rubric scores: [B]; by default the pass rates, as of levels 1 and 4.
        """
        self.step += 1
        owners = self.domain[items]
        counts = np.bincount(owners, minlength=self.domains)
        # Domains without results stay as they are: all is left of their averages, and nothing comes.
        kept, seen, some = 1 - self.beta, counts > 0, np.maximum(counts, 1)
        left, weight = kept**counts, self.beta * kept ** _later(owners)
        passed = np.bincount(owners, rates * weight, self.domains)
        scored = passed if scores is None else np.bincount(owners, scores * weight, self.domains)
        for average, came in ((self.accuracy, passed), (self.score, scored)):
            average *= left
            average += came
        self._base += (1 - left) * (np.bincount(owners, rates, self.domains) / some - self._base)
        spread = np.bincount(owners, rates * (1 - rates), self.domains) / some
        self.spread += SPREAD_STEP * seen * (spread - self.spread)
        self.advantage += ADVANTAGE_STEP * seen * (2 * spread - self.advantage)
        self._effort += counts
        self.groups += counts
        later = _later(items)
        if later.any():  # of an item that comes twice, one result after the other
            for k in range(later.max(), -1, -1):
                self._count(items[later == k], rates[later == k])
        else:
            self._count(items, rates)
        self._remember(seen)

    def prior(self, owners: Integers) -> Floats:
        """The expected pass rate of an item that was never seen, by domain."""
        found: Floats = self._base.clip(*PRIOR_BOUNDS)[owners]
        return found

    def counts(self, items: Integers) -> tuple[Floats, Floats]:
        """The parameters of each item's beta distribution."""
        right, wrong = self._right[items], self._wrong[items] + PRIOR_STRENGTH
        prior = PRIOR_STRENGTH * self.prior(self.domain[items])
        right += prior
        wrong -= prior
        return right, wrong

    def expected(self, items: Integers) -> Floats:
        """The posterior mean pass rate of each item."""
        right, total = self.counts(items)
        total += right
        right /= total
        return right

    def by_domain(self) -> tuple[Floats, Floats]:
        """The posterior mean pass rate of all items of each domain, and the mean of 4 p (1 - p): both [K].

        Not the moving average of results: under a law that prefers what passes half the time, that drifts to a half.
        """
        return self._sums.means(self._base.clip(*PRIOR_BOUNDS))

    def staleness(self) -> Floats:
        """1 - 2^(-steps since the latest result / half-life): [K]."""
        found: Floats = 1 - np.exp2(-(self.step - self.last_seen) / self.half_life)
        return found

    def assume(self, domains: Sequence[int], rates: Sequence[float]) -> None:
        """Takes pass rates that were measured elsewhere as what is known of domains before any results."""
        mine = list(domains)
        for average in (self.accuracy, self.score, self._base, self._held, self._reference):
            average[mine] = rates

    def begin(self, domains: Integers) -> None:
        """Notes that domains are new: nothing in them is stale."""
        self.last_seen[domains] = self.step

    def hold(self, items: Integers, domain: Integers) -> None:
        """Notes that items were written, over others perhaps: nothing is known of them but their domain, [B]."""
        known = len(self.domain)
        missing = int(items.max(initial=-1)) + 1 - known
        if missing > 0:
            self.domain = np.concatenate([self.domain, np.zeros(missing, dtype=np.int64)])
            for name, value in (("_right", 0.0), ("_wrong", 0.0), ("latest", 0.0), ("visited", -1.0)):
                setattr(self, name, np.concatenate([getattr(self, name), np.full(missing, value)]))
        over = distinct(items[items < known])
        self._sums.remove(self.domain[over], np.stack((self._right[over], self._wrong[over])))
        self.domain[items] = domain
        self._right[items] = self._wrong[items] = self.latest[items] = 0
        self.visited[items] = -1
        fresh = np.concatenate((over, np.arange(known, len(self.domain))))
        self._sums.add(self.domain[fresh], np.stack((self._right[fresh], self._wrong[fresh])))

    def state_dict(self) -> dict[str, Any]:
        """Everything, as tensors; the sums over domains follow from it."""
        arrays = {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return {"step": self.step, **{name: torch.from_numpy(value.copy()) for name, value in arrays.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what :meth:`state_dict` gave.

        Raises:
            ValueError: if it comes from another number of domains.
        """
        if len(state["accuracy"]) != self.domains:
            raise ValueError(f"saved for {len(state['accuracy'])} domains, not {self.domains}")
        self.step = int(state["step"])
        for name, value in state.items():
            if name != "step":
                setattr(self, name, value.numpy().copy())
        self._sums = self._summed()

    def _summed(self) -> PosteriorSums:
        """The sums over all items."""
        found = PosteriorSums(self.domains)
        found.add(self.domain, np.stack((self._right, self._wrong)))
        return found

    def _count(self, items: Integers, rates: Floats) -> None:
        """Takes in pass rates of items that are all different."""
        before = np.array((self._right[items], self._wrong[items]))
        after = before * KEPT_COUNTS + np.array((rates, 1 - rates)) * self.group_size
        self._right[items], self._wrong[items] = after
        self._sums.replace(self.domain[items], before, after)
        self.latest[items], self.visited[items] = rates, self.step

    def _remember(self, seen: Flags) -> None:
        """After results of domains, [K]: how long these last, and whether practice still moves them."""
        mastery = self.by_domain()[0]
        factor = np.where(mastery < self._held - DROP, LOST, HELD)
        self.half_life[seen] = (self.half_life * factor).clip(*HALF_LIFE_BOUNDS)[seen]
        self._held[seen], self.last_seen[seen] = mastery[seen], self.step
        due = self._effort >= GATE_GROUPS
        if due.any():
            factor = np.where(np.abs(mastery - self._reference) < GATE_MOVE, GATE_CLOSES, GATE_OPENS)
            self.gate[due] = (self.gate * factor).clip(*GATE_BOUNDS)[due]
            self._reference[due], self._effort[due] = mastery[due], 0


def _later(labels: Integers) -> Integers:
    """How many results of the same label come after each: [B]."""
    order = labels.argsort(kind="stable")
    ordered, found = labels[order], np.empty_like(labels)
    found[order] = ordered.searchsorted(ordered, side="right") - np.arange(1, len(labels) + 1)
    return found
