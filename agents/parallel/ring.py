"""Zigzag ring attention: causal attention over a sequence that lies on several ranks.

Each rank keeps its queries, while keys and values go round the ring from rank to rank (Liu et al. 2023,
arXiv:2310.01889). Sequences are laid out by `zigzag`, so that in each round but the first each rank computes half a
dense block, without a mask: of keys that come from an earlier rank the earlier chunk is seen by all of its queries, and
those from a later rank are seen by its later chunk. Outputs of the rounds are merged by their log-sum-exp. In the
backward pass keys and values go round again, followed by their gradients, which are at home after the last round.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from .blocks import attend, attend_backward


def ring_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    group: dist.ProcessGroup | None,
    *,
    lengths: Sequence[int] | None = None,
    scale: float | None = None,
) -> Tensor:
    """Causal attention, of which each rank of the group holds a part (see `zigzag_positions`).

    A rank sends 2 B G T D numbers in each of P - 1 rounds forward, and backward 2 B G T D in P - 1 rounds for keys and
    values and in P rounds for their gradients; heads of queries that share keys send them once.

    Args:
        query: [B, H, T, D], the rank's part: T is the whole length over the number of ranks.
        key: [B, G, T, D], where G divides H.
        value: like the key.
        group: the ring; None computes alone.
        lengths: how much the rank holds of each sequence, where several lie side by side in the rows; they sum up to
            T. None for one sequence.
        scale: of the products of queries and keys; None for one over the root of D.

    Returns:
        [B, H, T, D].

    Raises:
        ValueError: lengths don't fit, or can't be halved.
    """
    lengths = [query.shape[-2]] if lengths is None else list(lengths)
    ranks = 1 if group is None else dist.get_world_size(group)
    if sum(lengths) != query.shape[-2]:
        raise ValueError(f"the sequences have {sum(lengths)} positions, and the queries {query.shape[-2]}")
    if ranks > 1 and any(length % 2 for length in lengths):
        raise ValueError("each rank holds two chunks of each sequence, so its length there is even; pad sequences")
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    found: Tensor = _RingAttention.apply(query, key, value, group, lengths, scale)  # type: ignore[no-untyped-call]
    return found


class _Ring:
    """The ranks around this one: what is sent goes to the next, what is received comes from the one before."""

    def __init__(self, group: dist.ProcessGroup | None) -> None:
        self.group = group
        self.size = 1 if group is None else dist.get_world_size(group)
        self.rank = 0 if group is None else dist.get_rank(group)

    def start(self, states: Sequence[Tensor]) -> _Passing:
        """Begins to pass states on."""
        assert self.group is not None
        received = [torch.empty_like(state) for state in states]
        after, before = (dist.get_global_rank(self.group, (self.rank + way) % self.size) for way in (1, -1))
        operations = [dist.P2POp(dist.isend, state, after, self.group) for state in states]
        operations += [dist.P2POp(dist.irecv, state, before, self.group) for state in received]
        return _Passing(dist.batch_isend_irecv(operations), received)


class _Passing:
    """States under way."""

    def __init__(self, works: Sequence[dist.Work], received: list[Tensor]) -> None:
        self._works, self._received = works, received

    def wait(self) -> list[Tensor]:
        """What the rank before has sent."""
        for work in self._works:
            work.wait()
        return self._received


def _blocks(lengths: Sequence[int], source: int, rank: int) -> Iterator[tuple[slice, slice]]:
    """Which queries see which keys of another rank, sequence by sequence."""
    start = 0
    for length in lengths:
        middle, end = start + length // 2, start + length
        if source < rank:
            yield slice(start, end), slice(start, middle)
        else:
            yield slice(middle, end), slice(start, end)
        start = end


def _own_blocks(lengths: Sequence[int]) -> Iterator[slice]:
    start = 0
    for length in lengths:
        yield slice(start, start + length)
        start += length


class _RingAttention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        group: dist.ProcessGroup | None,
        lengths: list[int],
        scale: float,
    ) -> Tensor:
        ring = _Ring(group)
        # Merged in float32 at least, so that many rounds cost no precision.
        out = torch.empty_like(query, dtype=torch.promote_types(query.dtype, torch.float32))
        sums: Tensor | None = None
        states = [key.contiguous(), value.contiguous()]
        for step in range(ring.size):
            passing = ring.start(states) if step + 1 < ring.size else None
            key_there, value_there = states
            if step == 0:
                for own in _own_blocks(lengths):
                    out[:, :, own], part = attend(
                        query[:, :, own], key[:, :, own], value[:, :, own], scale, causal=True
                    )
                    sums = part.new_empty(query.shape[:-1]) if sums is None else sums
                    sums[:, :, own] = part
            else:
                assert sums is not None
                for asks, seen in _blocks(lengths, (ring.rank - step) % ring.size, ring.rank):
                    more, more_sums = attend(
                        query[:, :, asks], key_there[:, :, seen], value_there[:, :, seen], scale, causal=False
                    )
                    _merge(out[:, :, asks], sums[:, :, asks], more, more_sums)
            if passing is not None:
                states = passing.wait()
        out = out.to(query.dtype)
        ctx.save_for_backward(query, key, value, out, sums)
        ctx.group, ctx.lengths, ctx.scale = group, lengths, scale
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, out, sums = ctx.saved_tensors
        ring, lengths, scale = _Ring(ctx.group), ctx.lengths, ctx.scale
        grad = grad.contiguous()
        by_query = torch.zeros_like(query)
        states = [key.contiguous(), value.contiguous()]
        grads = [torch.zeros_like(state) for state in states]
        grads_passing: _Passing | None = None
        for step in range(ring.size):
            passing = ring.start(states) if step + 1 < ring.size else None
            source = (ring.rank - step) % ring.size
            pairs = [(own, own) for own in _own_blocks(lengths)] if step == 0 else _blocks(lengths, source, ring.rank)
            found = []
            for asks, seen in pairs:
                asked = grad[:, :, asks], query[:, :, asks]
                held = states[0][:, :, seen], states[1][:, :, seen]
                merged = out[:, :, asks], sums[:, :, asks]
                part, *parts = attend_backward(*asked, *held, *merged, scale, causal=step == 0)
                by_query[:, :, asks] += part
                found.append((seen, parts))
            # The gradients of these keys come one round behind them: other ranks' parts are in them already.
            if grads_passing is not None:
                grads = grads_passing.wait()
            for seen, parts in found:
                for whole, one in zip(grads, parts, strict=True):
                    whole[:, :, seen] += one
            if ring.size > 1:
                grads_passing = ring.start(grads)
            if passing is not None:
                states = passing.wait()
        if grads_passing is not None:
            grads = grads_passing.wait()
        return by_query, *grads, None, None, None


def _merge(out: Tensor, sums: Tensor, more: Tensor, more_sums: Tensor) -> None:
    """Merges the attention to further keys into that to earlier ones, in place."""
    total = torch.logaddexp(sums, more_sums)
    out.mul_(torch.exp(sums - total)[..., None])
    out.addcmul_(more.to(out.dtype), torch.exp(more_sums - total)[..., None])
    sums.copy_(total)
