"""The sampler that decides what to practise next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchrl.data.replay_buffers.samplers import Sampler
from torchrl.data.replay_buffers.storages import Storage

PRESETS = ("uniform", "seed_acc_ema")


class RubricPrioritizedSampler(Sampler):  # type: ignore[misc]
    """Draws items of a TorchRL buffer: first a domain by how well the policy does there, then an item within it.

    Presets:
        ``uniform``: every item equally often.
        ``seed_acc_ema``: domain k with probability (1 - eps) softmax_k(tau (1 - acc_k)) + eps / K, where acc_k is an
            exponential moving average of the pass rate: acc <- (1 - beta) acc + beta pass.

    Within a domain, one batch holds no item twice unless it must. The priority of an item, as given to
    :meth:`update_priority`, is the pass rate of its latest group.

    Items name their domain by an integer under ``domain_key``. Random numbers come from the sampler's own generator (or
    from one that the buffer was given), never from the global state, and :meth:`state_dict` holds it: a restored
    sampler draws what the saved one would have drawn.

    Args:
        domains: how many domains there are: items name them 0 to ``domains - 1``.
        preset: see above.
        seed: of the generator.
        beta: step of the moving average.
        tau: sharpness of the preference for weak domains.
        eps: share of the draws that all domains have equally.
        initial_accuracy: the average before anything was seen.
        domain_key: where items keep their domain.

    Raises:
        ValueError: for an unknown preset.
    """

    def __init__(
        self,
        domains: int,
        preset: str = "seed_acc_ema",
        *,
        seed: int = 0,
        beta: float = 0.05,
        tau: float = 3.0,
        eps: float = 1e-3,
        initial_accuracy: float = 0.5,
        domain_key: str = "domain",
    ) -> None:
        if preset not in PRESETS:
            raise ValueError(f"sampler must be one of {', '.join(PRESETS)}, not {preset!r}")
        self.preset = preset
        self.beta, self.tau, self.eps = beta, tau, eps
        self.initial_accuracy = initial_accuracy
        self.domain_key = domain_key
        self._generator = torch.Generator().manual_seed(seed)
        self._accuracy = torch.full((domains,), initial_accuracy, dtype=torch.float64)
        self._members: list[Tensor] | None = None  # item indices by domain; rebuilt after the storage changed

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
        return self._accuracy.clone()

    def probabilities(self, sizes: Tensor) -> Tensor:
        """The probability of each domain, given how many items each has: [domains], float64. Empty ones have 0."""
        present = sizes > 0
        if self.preset == "uniform":
            return sizes.double() / sizes.sum()
        scores = torch.where(present, self.tau * (1 - self._accuracy), -torch.inf)
        return torch.where(present, (1 - self.eps) * torch.softmax(scores, 0) + self.eps / present.sum(), 0.0)

    def sample(self, storage: Storage, batch_size: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Draws ``batch_size`` item indices: [batch_size], int64, in random order.

        Raises:
            RuntimeError: if the storage is empty.
        """
        if len(storage) == 0:
            raise RuntimeError("cannot sample from an empty buffer")
        members = self._members_of(storage)
        sizes = torch.tensor([len(items) for items in members])
        chosen = torch.multinomial(self.probabilities(sizes), batch_size, replacement=True, generator=self._rng)
        index = torch.empty(batch_size, dtype=torch.long)
        for domain in sorted(set(chosen.tolist())):
            places = (chosen == domain).nonzero().squeeze(-1)
            index[places] = self._spread(members[domain], len(places))
        return index, {}

    def update_priority(
        self, index: int | Tensor, priority: float | Tensor, *, storage: Storage | None = None
    ) -> dict[str, Any] | None:
        """Learns the pass rates ``priority`` of the items ``index``, in their order; negative indices are ignored.

        Raises:
            ValueError: if there is not one pass rate for each index, or no storage to look the domains up in.
        """
        indices, rates = torch.as_tensor(index).reshape(-1), torch.as_tensor(priority, dtype=torch.float64).reshape(-1)
        if len(indices) != len(rates):
            raise ValueError(f"{len(indices)} items but {len(rates)} pass rates")
        if storage is None:
            raise ValueError("update_priority needs the storage: call it on the replay buffer")
        known = indices >= 0
        domains = storage.get(indices[known])[self.domain_key]
        for domain, rate in zip(domains.tolist(), rates[known].tolist(), strict=True):
            self._accuracy[domain] += self.beta * (rate - self._accuracy[domain])
        return None

    def add(self, index: int) -> None:
        """Notes that an item was written."""
        self._members = None

    def extend(self, index: Tensor) -> None:
        """Notes that items were written."""
        self._members = None

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next draws depend on."""
        return {"accuracy": self._accuracy.clone(), "generator": self._generator.get_state()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores what :meth:`state_dict` gave.

        Raises:
            ValueError: if it comes from another number of domains.
        """
        if state_dict["accuracy"].shape != self._accuracy.shape:
            raise ValueError(f"saved for {len(state_dict['accuracy'])} domains, not {len(self._accuracy)}")
        self._accuracy = state_dict["accuracy"].clone()
        self._generator.set_state(state_dict["generator"])
        self._members = None

    def _empty(self) -> None:
        self._accuracy.fill_(self.initial_accuracy)
        self._members = None

    def dumps(self, path: str | Path) -> None:
        """Writes the state into the folder ``path``."""
        Path(path).mkdir(parents=True, exist_ok=True)
        torch.save(self.state_dict(), Path(path) / "rubric_sampler.pt")

    def loads(self, path: str | Path) -> None:
        """Reads what :meth:`dumps` wrote."""
        self.load_state_dict(torch.load(Path(path) / "rubric_sampler.pt", weights_only=True))

    def _members_of(self, storage: Storage) -> list[Tensor]:
        if self._members is None:
            domain = storage.get(torch.arange(len(storage)))[self.domain_key].reshape(-1)
            if int(domain.min()) < 0 or int(domain.max()) >= len(self._accuracy):
                raise ValueError(f"an item names a domain outside 0..{len(self._accuracy) - 1}")
            self._members = [(domain == k).nonzero().squeeze(-1) for k in range(len(self._accuracy))]
        return self._members

    def _spread(self, items: Tensor, count: int) -> Tensor:
        """``count`` of ``items``, each as often as any other or once more."""
        rounds = [torch.randperm(len(items), generator=self._rng) for _ in range(-(-count // len(items)))]
        return items[torch.cat(rounds)[:count]]
