"""Where the models of a run are: on the device while they work, in host memory while others do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from ..updates.offload import move


class Places:
    """Which models of a run are on the device: those that learn, but for the time in which others sample.

    Args:
        device: where models work.
        wanted: whether they wait in host memory while others work; else all stay on the device.
    """

    def __init__(self, device: torch.device, *, wanted: bool) -> None:
        self.device, self.wanted = device, wanted
        self._learn: list[nn.Module] = []
        self._sample: list[nn.Module] = []

    def learns(self, model: nn.Module) -> None:
        """Takes in a model of the updates, which is on the device."""
        self._learn.append(model)

    def samples(self, model: nn.Module) -> None:
        """Takes in a model that samples: the policy that learns, or a copy of it, which waits from now on."""
        self._sample.append(model)
        self._move(self._only_sample, torch.device("cpu"))

    @contextmanager
    def sampling(self) -> Iterator[None]:
        """While it lasts, what samples is on the device in the place of what learns."""
        self._move(self._only_learn, torch.device("cpu"))
        self._move(self._only_sample, self.device)
        try:
            yield
        finally:
            self._move(self._only_sample, torch.device("cpu"))
            self._move(self._only_learn, self.device)

    @property
    def _only_learn(self) -> Iterable[nn.Module]:
        return [model for model in self._learn if not any(model is other for other in self._sample)]

    @property
    def _only_sample(self) -> Iterable[nn.Module]:
        return [model for model in self._sample if not any(model is other for other in self._learn)]

    def _move(self, models: Iterable[nn.Module], device: torch.device) -> None:
        for model in models if self.wanted else ():
            move(model, device)
