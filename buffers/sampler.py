"""The sampler that decides what to practise next."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchrl.data.replay_buffers.samplers import Sampler
from torchrl.data.replay_buffers.storages import Storage

from .allotment import Allotment, by_chance, parted, spread, strata
from .laws import PRESETS, REPLAY_PRESETS, alike
from .mastery import Mastery
from .steering import Steering
from .sum_tree import Flags, Floats, Integers, SumForest, distinct

# Added to every priority, so that none is ever out of reach; and what an item has before anything is known of it.
PRIORITY_FLOOR, FIRST_PRIORITY = 1e-3, 0.5
# Loss weights lie between these before their mean is made 1.
WEIGHT_BOUNDS = (0.2, 3.0)
# What the only domain gets of the draws.
ALONE = np.ones(1)
# The exponent of freshness from which on all stored values are scaled down.
LARGEST_EXPONENT = 30.0


class RubricPrioritizedSampler(Sampler):  # type: ignore[misc]
    """Draws items of a TorchRL buffer: a domain by how well the policy does there, and an item within it.

    Items are tasks, and what :meth:`update_priority` is told is the pass rate of the latest group of each. Or, where
    the ``mastery`` of another sampler is given, items are stored groups, and it is told their mean absolute advantage.
    The laws by name are in ``laws.py``: :data:`PRESETS` and :data:`REPLAY_PRESETS`.

    Beside the items a batch holds ``probability``, of each item by the law when it was drawn, and, where the law has a
    correction, ``priority_weight``: what its loss is to be multiplied by.

    Items name their domain by an integer under ``domain_key``. Random numbers come from the sampler's own generator (or
    from one that the buffer was given), never from the global state, and :meth:`state_dict` holds it: a restored
    sampler draws what the saved one would have drawn.

    Args:
        domains: how many domains there are: items name them 0 to ``domains - 1``.
        preset: the name of the law.
        seed: of the generator.
        beta: step of the moving averages.
        initial_accuracy: these averages before anything was seen.
        group_size: responses that a pass rate is the mean of.
        mastery: of the tasks that stored groups are of.
        domain_key: where items keep their domain.

    Raises:
        ValueError: for an unknown preset, or a number that is none of its kind.
    """

    def __init__(
        self,
        domains: int,
        preset: str = "seed_acc_ema",
        *,
        seed: int = 0,
        beta: float = 0.05,
        initial_accuracy: float = 0.5,
        group_size: int = 8,
        mastery: Mastery | None = None,
        domain_key: str = "domain",
    ) -> None:
        known = PRESETS if mastery is None else REPLAY_PRESETS
        if preset not in known:
            raise ValueError(f"sampler must be one of {', '.join(known)}, not {preset!r}")
        if domains < 1 or group_size < 1:
            raise ValueError(f"domains and group_size must be at least 1, not {domains} and {group_size}")
        if not (0 < beta <= 1 and 0 <= initial_accuracy <= 1):
            raise ValueError(f"beta and initial_accuracy lie between 0 and 1, not {beta} and {initial_accuracy}")
        self.preset, self.law = preset, known[preset]
        self.domain_key = domain_key
        self.replays = mastery is not None
        self.mastery = mastery or Mastery(
            np.zeros(0, dtype=np.int64), domains, beta=beta, start=initial_accuracy, group_size=group_size
        )
        self._generator = torch.Generator().manual_seed(seed)
        self._domain = np.zeros(0, dtype=np.int64)  # of each slot
        self._forest: SumForest | None = None
        self._new: list[Integers] = []  # slots that were written since the last draw
        self._members: tuple[Integers, list[Integers]] | None = None  # kinds of domains, and the items of each
        self._batches = 0
        self._steering, self._allotment = Steering(domains), Allotment()
        self._priority = FIRST_PRIORITY  # the highest so far
        self._since = 0.0  # the step whose priorities are stored as they are

    @property
    def _rng(self) -> torch.Generator:
        return self._generator

    @_rng.setter
    def _rng(self, generator: torch.Generator | None) -> None:
        # A buffer without a generator of its own hands over None, which must not take ours away.
        if generator is not None:
            self._generator = generator

    @property
    def accuracy(self) -> Tensor:
        """The moving average of each domain's pass rate: [domains], float64."""
        return torch.from_numpy(self.mastery.accuracy.copy())

    def probabilities(self, storage: Storage) -> Tensor:
        """How much of the draws each domain gets by the law, as things are: [domains], float64. Empty ones have 0."""
        self._look(storage)
        return torch.from_numpy(self._shares())

    def steer(
        self, factors: Sequence[float] | Floats, new: Sequence[bool] | Flags = (), share: float | None = None
    ) -> None:
        """Says how much of the draws domains are to get beside what the law says, from now on.

        Args:
            factors: what the share of each domain is multiplied by in the end: [domains]; 0 closes a domain.
            new: the domains that get ``share`` of the draws together: [domains]; the others get the rest. Without any,
                or where all that are open are new, there is nothing to share.
            share: in (0, 1); None leaves it to the law.

        Raises:
            ValueError: for factors that are not finite, negative or all 0, or for a share that is none.
        """
        self._steering.set(factors, new, share)

    def sample(self, storage: Storage, batch_size: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Draws ``batch_size`` item indices, [batch_size], int64, in random order; and what is said above of them.

        Raises:
            RuntimeError: if the storage is empty, or holds no item of a domain that is open.
            ValueError: for an empty batch, or where a state of other items was restored.
        """
        if batch_size < 1:
            raise ValueError(f"a batch has at least one item, not {batch_size}")
        self._look(storage)
        if not len(self._domain):
            raise RuntimeError("cannot sample from an empty buffer")
        self._batches += 1
        # A domain that is alone gets all; but where it has nothing to draw, that is for the law to say.
        alone = self._forest is not None and self._forest.domains == 1 and self._forest.totals.item() > 0
        shares = ALONE if alone else self._shares()
        items, probability = (self._by_priority if self.law.items is None else self._by_law)(shares, batch_size)
        found = {"probability": torch.from_numpy(probability)}
        if self.law.correction:
            found["priority_weight"] = torch.from_numpy(self._weights(items, probability, shares))
        return torch.from_numpy(items), found

    def update_priority(
        self, index: int | Tensor, priority: float | Tensor, *, storage: Storage | None = None
    ) -> dict[str, Any] | None:
        """Learns from the results of the items ``index``, in their order; negative indices are ignored.

        Args:
            index: the items.
            priority: a pass rate for each, or a mean absolute advantage where items are stored groups.
            storage: of the buffer, which hands it over.

        Raises:
            ValueError: if there is not one number for each item, between 0 and 1 where it is a pass rate, for an item
                that there is not, or without a storage to look the domains up in; then nothing is learnt.
        """
        items = (index if isinstance(index, Tensor) else torch.as_tensor(index)).numpy().reshape(-1)
        values = torch.as_tensor(priority, dtype=torch.float64).numpy().reshape(-1)
        if len(items) != len(values):
            raise ValueError(f"{len(items)} items but {len(values)} priorities")
        if storage is None:
            raise ValueError("update_priority needs the storage: call it on the replay buffer")
        if items.size and items[items.argmin()] < 0:
            items, values = items[items >= 0], values[items >= 0]
        if len(items):
            self.learn(storage, items, values)
        return None

    def learn(self, storage: Storage, items: Integers, values: Floats, scores: Floats | None = None) -> None:
        """What :meth:`update_priority` does, with rubric scores where there are any.

        Args:
            storage: of the buffer.
            items: [B].
            values: pass rates, or mean absolute advantages of stored groups: [B].
            scores: rubric scores of tasks: [B]; by default the pass rates.

        Raises:
            ValueError: as :meth:`update_priority` does.
        """
        self._look(storage)
        # NaN is both the least and the most.
        lowest, highest = values[values.argmin()], values[values.argmax()]
        if not 0 <= lowest <= highest < inf or (highest > 1 and not self.replays):
            what = "a priority is finite and at least 0" if self.replays else "a pass rate lies between 0 and 1"
            raise ValueError(f"{what}, unlike one of those from {lowest} to {highest}")
        if items[items.argmax()] >= len(self._domain):
            raise ValueError(f"there is no item {items.max()} among {len(self._domain)}")
        if not self.replays:
            self.mastery.learn(items, values, scores)
            values = 2 * values * (1 - values)  # the mean absolute advantage of a group that passes so often
            highest = values[values.argmax()]
        if self._forest is not None:
            self._priority = max(self._priority, float(highest))
            self._forest.set(items, self._stored(values))

    def drop(self, storage: Storage, items: Integers) -> None:
        """Takes stored groups, [B], out of the draws, until others are written over them."""
        self._look(storage)
        if self._forest is not None:
            self._forest.set(items, np.zeros(len(items)))

    def add(self, index: int) -> None:
        """Notes that an item was written."""
        self._new.append(np.array([int(index)]))

    def extend(self, index: Tensor) -> None:
        """Notes that items were written."""
        self._new.append(torch.as_tensor(index).reshape(-1).numpy())

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next draws depend on."""
        return {
            "preset": self.preset,
            "mastery": None if self.replays else self.mastery.state_dict(),
            "forest": None if self._forest is None else self._forest.state_dict(),
            "domain": torch.from_numpy(self._domain.copy()),
            "generator": self._generator.get_state(),
            "batches": self._batches,
            "priority": self._priority,
            "since": self._since,
            "steering": self._steering.state_dict(),
            "allotment": self._allotment.state_dict(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores what :meth:`state_dict` gave.

        Raises:
            ValueError: if it comes from another law or number of domains. That it comes from other items is noticed
                when it is used, for only then they are there.
        """
        if state_dict["preset"] != self.preset:
            raise ValueError(f"saved by sampler={state_dict['preset']}, not {self.preset}")
        self._domain, self._members = state_dict["domain"].numpy().copy(), None
        self._new = [np.zeros(0, dtype=np.int64)]  # so that the storage is looked at
        if state_dict["mastery"] is not None:
            self.mastery.load_state_dict(state_dict["mastery"])
        self._forest = None
        if state_dict["forest"] is not None:
            self._forest = SumForest(len(state_dict["forest"]["value"]), self.mastery.domains)
            self._forest.load_state_dict(state_dict["forest"])
        self._generator.set_state(state_dict["generator"])
        self._batches, self._priority, self._since = (state_dict[name] for name in ("batches", "priority", "since"))
        self._steering.load_state_dict(state_dict["steering"])
        self._allotment.load_state_dict(state_dict["allotment"])

    def dumps(self, path: str | Path) -> None:
        """Writes the state into the folder ``path``."""
        Path(path).mkdir(parents=True, exist_ok=True)
        torch.save(self.state_dict(), Path(path) / "rubric_sampler.pt")

    def loads(self, path: str | Path) -> None:
        """Reads what :meth:`dumps` wrote."""
        self.load_state_dict(torch.load(Path(path) / "rubric_sampler.pt", weights_only=True))

    def _empty(self) -> None:
        old, generator = self.mastery, self._generator
        options = {"beta": old.beta, "initial_accuracy": old.start, "group_size": old.group_size}
        shared = old if self.replays else None
        self.__init__(old.domains, self.preset, mastery=shared, domain_key=self.domain_key, **options)  # type: ignore[misc]
        self._generator = generator

    def _look(self, storage: Storage) -> None:
        """Takes in the domains of the slots that were written since the last time."""
        if not self._new and len(self._domain):
            return
        count = len(storage)  # which takes a lock
        if len(self._domain) > count or (self._forest is not None and self._forest.capacity != storage.max_size):
            raise ValueError(
                f"the state of the sampler is one of {len(self._domain)} items, and not of this buffer of {count}"
            )
        if not count:
            return
        # Of a buffer that was filled before it had this sampler, nobody told us.
        untold = np.arange(len(self._domain), count)
        slots = distinct(np.concatenate([*self._new, untold]))
        self._new = []
        if not len(slots):
            return
        domain = storage.get(torch.from_numpy(slots))[self.domain_key].reshape(-1).numpy()
        if not 0 <= domain.min() <= domain.max() < self.mastery.domains:
            raise ValueError(f"an item names a domain outside 0..{self.mastery.domains - 1}")
        if len(self._domain) < count:
            self._domain = np.concatenate([self._domain, np.zeros(count - len(self._domain), dtype=np.int64)])
        self._domain[slots] = domain
        self._members = None
        if not self.replays:
            self.mastery.hold(slots, domain)
        if self.law.items is None:
            if self._forest is None:
                self._forest = SumForest(storage.max_size, self.mastery.domains)
            self._forest.set(slots, self._stored(np.full(len(slots), self._priority)), domain)

    def _shares(self) -> Floats:
        """How much of the draws each domain gets: [K]."""
        weights: Floats
        if self._forest is not None:
            weights = self._forest.totals * (self._steering.factors > 0)
            if self.law.domains is not None and weights.any():
                weights = self.law.domains(self.mastery, weights > 0)
            elif self.law.factors is not None:
                weights = weights * self.law.factors(self.mastery, weights > 0)
        else:
            sizes = np.zeros(self.mastery.domains) if self.replays else self.mastery.sizes  # no group was stored yet
            weights = np.where(self._steering.factors > 0, sizes, 0.0)
            if self.law.in_turn:
                weights = (weights > 0).astype(np.float64)
            elif self.law.domains is not None and weights.any():
                weights = self.law.domains(self.mastery, weights > 0)
        weights = self._steering.shares(weights)
        alone = self.law.alone_every and self._batches % self.law.alone_every == 0
        if alone and not self._steering.divides(weights):
            weights = np.eye(len(weights))[weights.argmax()]
        return weights

    def _by_priority(self, shares: Floats, count: int) -> tuple[Integers, Floats]:
        """Items in proportion to their priorities, and how likely each was."""
        forest = self._forest
        assert forest is not None
        # Strata: one draw from each of as many equal parts. They go through the trees in the order of memory, and are
        # shuffled at the end.
        chances = torch.rand(2, count, dtype=torch.float64, generator=self._rng).numpy()
        order, aims = chances[0].argsort(), (np.arange(count) + chances[1]) / count
        if forest.domains == 1:
            items, values = forest.draw(None, aims)
            return items[order], values[order] / forest.totals
        domains, within = parted(shares, aims)
        items, values = forest.draw(domains, within)
        values *= (shares / np.where(forest.totals > 0, forest.totals, 1.0))[domains]
        return items[order], values[order]

    def _by_law(self, shares: Floats, count: int) -> tuple[Integers, Floats]:
        """Items by the preset's laws, and how likely each was; in random order."""
        law, rng = self.law.items, np.random.default_rng(self._seed())
        assert law is not None
        items, probability = [], []
        for members, share, size in self._parts(shares, count, rng):
            if law is alike:
                items.append(spread(members, size, rng))
                probability.append(np.full(size, share / len(members)))
            else:
                likely = law(self.mastery, members, rng)
                places = strata(likely, size, rng)
                items.append(members[places])
                probability.append(share * likely[places])
        order = rng.permutation(count)
        return np.concatenate(items)[order], np.concatenate(probability)[order]

    def _parts(self, shares: Floats, count: int, rng: np.random.Generator) -> list[tuple[Integers, float, int]]:
        """What the law of items chooses among: each domain; or all together, but for those that are steered otherwise.

        Returns:
            Of each part its items, its share of the draws, and how many of a batch's draws it gets.
        """
        if self.law.domains is not None or self.law.in_turn:
            counts, kinds = self._counts(shares, count, rng), np.arange(len(shares))
        else:
            kinds = self._steering.kinds(shares)
            shares = np.bincount(kinds, shares).astype(np.float64)
            counts = by_chance(shares, count, rng)
        members = self._members_of(kinds)
        return [(members[k], float(shares[k]), int(counts[k])) for k in np.flatnonzero(counts)]

    def _counts(self, shares: Floats, count: int, rng: np.random.Generator) -> Integers:
        """How many of a batch's draws each domain gets: [K]."""
        if self.law.in_turn and not self._steering.divides(shares):
            return self._allotment.in_turn(shares, count)
        if self.law.quotas and shares.max() < 1:
            return self._allotment.by_quota(shares, self.mastery.accuracy, count, rng)
        return by_chance(shares, count, rng)

    def _weights(self, items: Integers, probability: Floats, shares: Floats) -> Floats:
        """(M p)^-correction: of tasks within their domain, within bounds and 1 in the mean; of priorities at most 1."""
        weights: Floats
        if self._forest is not None:
            weights = (probability / probability[probability.argmin()]) ** -self.law.correction  # M cancels out
            return weights
        owners = self._domain[items]
        weights = (self.mastery.sizes[owners] * probability / shares[owners]) ** -self.law.correction
        weights = weights.clip(*WEIGHT_BOUNDS)
        weights /= weights.mean()
        return weights

    def _stored(self, priorities: Floats) -> Floats:
        """What the sum tree holds for priorities that were told now.

        (priority + floor)^alpha exp((now - since) / freshness): that all others have aged needs no change of theirs.
        """
        weights: Floats = (priorities + PRIORITY_FLOOR) ** self.law.alpha
        if self.law.freshness is None:
            return weights
        exponent = (self.mastery.step - self._since) / self.law.freshness
        if exponent > LARGEST_EXPONENT:
            assert self._forest is not None
            self._forest.scale(np.exp(-exponent))
            self._since, exponent = float(self.mastery.step), 0.0
        weights *= np.exp(exponent)
        return weights

    def _members_of(self, kinds: Integers) -> list[Integers]:
        """The items of each kind of domain, kinds being given by domain, [K]; found once, until items are written."""
        if self._members is None or not np.array_equal(self._members[0], kinds):
            kind = kinds[self._domain]
            self._members = kinds, [np.flatnonzero(kind == k) for k in range(int(kinds.max()) + 1)]
        return self._members[1]

    def _seed(self) -> int:
        return int(torch.randint(2**63 - 1, (), generator=self._rng))
