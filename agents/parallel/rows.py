"""Which part of a layout's rows a rank computes, and how what the ranks find becomes whole on each of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import lcm
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh

from ..updates.layout import Layout
from .sequence import sequence_parallel
from .zigzag import padded_length, zigzag_positions


@dataclass(frozen=True, slots=True)
class Part:
    """What a rank computes of a layout.

    Attributes:
        inputs: what the model is called with.
        chosen: [n], int64: which of the N predictors are in these rows; each is in those of one rank.
        places: [n], int64: where those are, counted over the rank's rows.
    """

    inputs: dict[str, Any]
    chosen: Tensor
    places: Tensor


def part_of(layout: Layout, mesh: DeviceMesh) -> Part:
    """This rank's part: all rows, or of each sequence where ``sp`` ranks share them; see `zigzag`.

    Sequences are padded to what the ranks can share. Padding comes after tokens, which therefore never see it.

    Raises:
        ValueError: ranks are to share rows that are neither packed nor one sequence padded on the right.
    """
    if mesh["sp"].size() * mesh["tp"].size() == 1:
        everyone = torch.arange(len(layout.predictor), device=layout.predictor.device)
        return Part(layout.inputs, everyone, layout.predictor)
    sight = layout.attention
    if not layout.packed and (sight.dim() > 2 or bool((sight[:, 1:] > sight[:, :-1]).any())):
        raise ValueError("ranks share rows of one sequence each, padded on the right, or packed ones, but no others")
    group = mesh["sp"].get_group() if mesh["sp"].size() > 1 else None
    return _shared_part(layout, group, mesh["sp"].get_local_rank(), mesh["sp"].size(), mesh["tp"].size())


def whole(values: Tensor, part: Part, count: int, mesh: DeviceMesh) -> Tensor:
    """The values of all ``count`` predictors, [N], of which this rank has those of its part, [n].

    All ranks must compute the same of it, as its gradient is not summed over them.
    """
    if mesh["sp"].size() == 1:
        return values
    found: Tensor = _Sum.apply(  # type: ignore[no-untyped-call]
        values.new_zeros(count).index_put((part.chosen,), values), mesh["sp"].get_group()
    )
    return found


class _Sum(torch.autograd.Function):
    """A sum over ranks. Each computes the same of it, and so has the whole gradient already."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, group: dist.ProcessGroup) -> Tensor:
        found = values.clone()
        if len(found):
            dist.all_reduce(found, group=group)
        return found

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad, None


def _shared_part(layout: Layout, group: dist.ProcessGroup | None, rank: int, ranks: int, parts: int) -> Part:
    rows, width = layout.token_ids.shape
    device = layout.token_ids.device
    ends = layout.attention.flatten().tolist() if layout.packed else [0, width]
    lengths = [padded_length(end - start, ranks) for start, end in pairwise(ends)]
    lengths[-1] += -sum(lengths) % lcm(2 * ranks, ranks * parts)
    begins = [0, *accumulate(lengths[:-1])]
    shifts = torch.tensor([begin - start for begin, start in zip(begins, ends[:-1], strict=True)])
    column = torch.arange(width) + shifts.repeat_interleave(torch.tensor(ends).diff())
    own = zigzag_positions(lengths, rank, ranks)
    inverse = torch.full((sum(lengths),), -1)
    inverse[own] = torch.arange(len(own))
    held = inverse[column].to(device)[layout.predictor % width]
    chosen = (held >= 0).nonzero().squeeze(1)
    ids = layout.token_ids.new_zeros(rows, sum(lengths))
    ids[:, column.to(device)] = layout.token_ids
    inputs = sequence_parallel(lengths, group)
    positions = inputs["position_ids"].to(device)
    return Part(
        inputs=inputs | {"input_ids": ids[:, own.to(device)], "position_ids": positions},
        chosen=chosen,
        places=(layout.predictor // width * len(own) + held)[chosen],
    )
