"""The trajectory buffer: groups of trajectories that can be learnt from once more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from tensordict import TensorDict, lazy_stack
from torch import Tensor
from torchrl.data import LazyStackStorage, ReplayBuffer
from torchrl.data.replay_buffers.writers import Writer

from .mastery import Mastery
from .sampler import RubricPrioritizedSampler
from .sum_tree import Flags, Integers


class DomainRingWriter(Writer):  # type: ignore[misc]
    """Keeps the latest items of each domain, ``capacity // domains`` of them: no domain pushes another one out.

    Args:
        capacity: of the storage.
        domains: how many domains there are; items name theirs under ``domain``.
    """

    def __init__(self, capacity: int, domains: int) -> None:
        super().__init__()
        self._most = max(1, capacity // domains)
        self._used = 0
        self._slots: list[list[int]] = [[] for _ in range(domains)]  # of each domain, the oldest first

    def add(self, data: TensorDict) -> int:
        """Writes one item, and returns its slot."""
        slots = self._slots[int(data["domain"])]
        if len(slots) < self._most:
            slot, self._used = self._used, self._used + 1
        else:
            slot = slots.pop(0)
        slots.append(slot)
        self._storage.set(slot, data)
        return slot

    def extend(self, data: Sequence[TensorDict]) -> Tensor:
        """Writes items, and returns their slots: [N]."""
        return torch.tensor([self.add(item) for item in data], dtype=torch.long)

    def state_dict(self) -> dict[str, Any]:
        """Which slots are whose."""
        return {"slots": [[*slots] for slots in self._slots], "used": self._used}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores what :meth:`state_dict` gave."""
        self._slots, self._used = [[*slots] for slots in state_dict["slots"]], state_dict["used"]

    def dumps(self, path: Any) -> None:
        """Nothing: the trajectory buffer saves its parts together."""

    def loads(self, path: Any) -> None:
        """Nothing: the trajectory buffer restores its parts together."""

    def _empty(self, empty_write_count: bool = True) -> None:
        self._used, self._slots = 0, [[] for _ in self._slots]


class TrajectoryBuffer:
    """Groups in a TorchRL buffer, drawn by :class:`RubricPrioritizedSampler` in proportion to their priorities.

    A group is a TensorDict of any shape with the number of its ``domain``; each domain keeps its latest
    ``capacity // domains`` groups.

    Args:
        capacity: at most so many groups.
        mastery: what is known of the domains, by the sampler of tasks.
        preset: of ``REPLAY_PRESETS``.
        seed: of the sampler.
        max_age: groups that are older, in versions of the policy, are not drawn; None for any age.
    """

    def __init__(
        self, capacity: int, mastery: Mastery, *, preset: str = "rubric", seed: int = 0, max_age: int | None = None
    ) -> None:
        if capacity < mastery.domains:
            raise ValueError(f"room for {capacity} groups, but there are {mastery.domains} domains")
        self.max_age = max_age
        self.sampler = RubricPrioritizedSampler(mastery.domains, preset, seed=seed, mastery=mastery)
        writer = DomainRingWriter(capacity, mastery.domains)
        self.buffer = ReplayBuffer(
            storage=LazyStackStorage(capacity), sampler=self.sampler, writer=writer, batch_size=1
        )
        self._born = np.full(capacity, -1)  # the version that sampled a slot's group; -1 where none can be drawn
        self._domain = np.zeros(capacity, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.buffer)

    def add(self, groups: Sequence[TensorDict], priorities: Tensor, version: int) -> None:
        """Stores groups.

        Args:
            groups: each with ``domain``, [], int64.
            priorities: their mean absolute advantages, [len(groups)], float.
            version: of the policy that sampled them.
        """
        if not groups:
            return
        domains = [int(group["domain"]) for group in groups]
        if not 0 <= min(domains) <= max(domains) < self.sampler.mastery.domains:
            raise ValueError(f"a group names a domain outside 0..{self.sampler.mastery.domains - 1}")
        slots = self.buffer.extend(lazy_stack([*groups]))
        self.buffer.update_priority(slots, priorities)
        self._born[slots.numpy()] = version
        self._domain[slots.numpy()] = domains

    def draw(self, count: int, version: int, domains: Flags | None = None) -> tuple[list[TensorDict], Tensor]:
        """Draws groups.

        Args:
            count: so many, or as many as there are; some may come twice.
            version: of the policy that is to learn from them.
            domains: only of these, [K]; None for all.

        Returns:
            The groups and their loss weights, float64; nothing where there is no group to draw.
        """
        if self.max_age is not None:
            self._drop(np.flatnonzero((self._born >= 0) & (self._born < version - self.max_age)))
        open_to_draws = np.ones(self.sampler.mastery.domains, dtype=bool) if domains is None else domains
        # Copies of the few that there are would make a large step of little.
        count = min(count, int(open_to_draws[self._domain[self._born >= 0]].sum()))
        if not count:
            return [], torch.zeros(0, dtype=torch.float64)
        self.sampler.steer(open_to_draws.astype(np.float64))
        slots, found = self.sampler.sample(self.buffer.storage, count)
        weights = found.get("priority_weight", torch.ones(count, dtype=torch.float64))
        return [self.buffer.storage.get(slot) for slot in slots.tolist()], weights

    def state_dict(self) -> dict[str, Any]:
        """The groups, and everything that the next draws depend on."""
        return {
            "buffer": self.buffer.state_dict(),
            "born": torch.from_numpy(self._born.copy()),
            "domain": torch.from_numpy(self._domain.copy()),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what :meth:`state_dict` gave."""
        self.buffer.load_state_dict(state["buffer"])
        self._born, self._domain = state["born"].numpy().copy(), state["domain"].numpy().copy()

    def _drop(self, slots: Integers) -> None:
        """Takes groups out of the draws, until others are written over them."""
        if len(slots):
            self._born[slots] = -1
            self.sampler.drop(self.buffer.storage, slots)
