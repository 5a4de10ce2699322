"""What the ranks of a distributed run share: one plan, and the results of all. With one process nothing is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

T = TypeVar("T")


def _alone() -> bool:
    return not (distributed.is_available() and distributed.is_initialized()) or distributed.get_world_size() == 1


def from_rank_0(plan: Callable[[], T]) -> T:
    """What ``plan`` gives on the first rank, on every rank; the others do not call it.

    Raises:
        RuntimeError: on the other ranks, where the first one failed: they would wait for it.
    """
    if _alone():
        return plan()
    box: list[Any] = [None, "the first rank failed"]
    try:
        if distributed.get_rank() == 0:
            box = [plan(), None]
    finally:
        distributed.broadcast_object_list(box)
    if box[1] is not None:
        raise RuntimeError(str(box[1]))
    found: T = box[0]
    return found


def mean_over_ranks(values: Tensor) -> Tensor:
    """The mean of each place over the ranks that know it: those where it is not NaN; NaN where none does."""
    if _alone():
        return values
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    known = ~values.isnan()
    sums = torch.stack([values.nan_to_num().double(), known.double()]).to(device)
    distributed.all_reduce(sums)
    total, count = sums.cpu()
    mean: Tensor = total / count  # 0 / 0 is NaN
    return mean.to(values.dtype)
