"""Which micro-batches a process computes with a model, and how what all of them find becomes whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh

from .batching import TokenBatch
from .dealing import deal


@dataclass(frozen=True, slots=True)
class Share:
    """What a process has of the rows that a model is called with; alone it has all.

    Attributes:
        groups: so many groups of processes have rows of their own.
        group: the number of this one's.
        leads: whether this process is the first of its group, which tells what the group has found.
        parts: into how many sequences and layers are divided in a group.
    """

    groups: int = 1
    group: int = 0
    leads: bool = True
    parts: tuple[int, int] = (1, 1)

    @classmethod
    def of(cls, mesh: DeviceMesh) -> Share:
        """In a mesh of ``ddp`` x ``fsdp`` x ``sp`` x ``tp``: the processes of the last two share rows."""
        ddp, fsdp, sp, tp = (mesh[name] for name in ("ddp", "fsdp", "sp", "tp"))
        return cls(
            groups=ddp.size() * fsdp.size(),
            group=ddp.get_local_rank() * fsdp.size() + fsdp.get_local_rank(),
            leads=sp.get_local_rank() == tp.get_local_rank() == 0,
            parts=(sp.size(), tp.size()),
        )

    def deal(self, batches: Sequence[TokenBatch]) -> Sequence[TokenBatch]:
        """The micro-batches of this process, of those of all."""
        return batches if self.groups == 1 else deal(batches, self.groups)[self.group]

    def gather(self, values: Tensor) -> Tensor:
        """Values that each group computed where it had rows, 0 elsewhere: whole on all processes.

        Nothing is rounded: of each value one process knows more than 0. Sums of several are, and alike everywhere.
        """
        if not dist.is_initialized() or dist.get_world_size() == 1:
            return values
        found = values.detach().cpu() if self.leads else torch.zeros_like(values, device="cpu")
        found = found.clone()
        dist.all_reduce(found)
        return found.to(values.device)


def share_of(model: Any) -> Share:
    """What this process has of a model's rows."""
    found: Share = getattr(model, "share", None) or Share()
    return found
