"""Zigzag ring attention: causal attention over a sequence that lies on several ranks.

Each rank keeps its queries, while keys and values go round the ring from rank to rank (Liu et al. 2023,
arXiv:2310.01889). Sequences are laid out by `zigzag`, so that in each round but the first each rank computes half a
dense block, without a mask: of keys that come from an earlier rank the earlier chunk is seen by all of its queries, and
those from a later rank are seen by its later chunk. Outputs of the rounds are merged by their log-sum-exp. In the
backward pass keys and values go round again, followed by their gradients, which are at home after the last round.
Where queries see a window, chunks are paired one by one, and those that are too far apart cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import torch
import torch.distributed as dist
from torch import Tensor

from .blocks import Rule, attend, attend_backward


def ring_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    group: dist.ProcessGroup | None,
    *,
    lengths: Sequence[int] | None = None,
    scale: float | None = None,
    window: int | None = None,
    cap: float | None = None,
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
        window: how many positions a query sees, its own among them; None for all until its own.
        cap: of the scaled products, see `Rule`.

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
    rule = Rule(query.shape[-1] ** -0.5 if scale is None else scale, window, cap)
    found: Tensor = _RingAttention.apply(query, key, value, group, lengths, rule)  # type: ignore[no-untyped-call]
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


# Queries, the keys that they see, and how far the first query is ahead of the first key; None where all see all.
_Pair: TypeAlias = tuple[slice, slice, int | None]


def _pairs(lengths: Sequence[int], source: int, ring: _Ring, window: int | None) -> Iterator[_Pair]:
    """Which queries see which keys of a rank, sequence by sequence; first the queries that see themselves."""
    start = 0
    for length in lengths:
        if window is not None and ring.size > 1:
            yield from _chunk_pairs(start, length // 2, source, ring, window)
        else:
            middle, end = start + length // 2, start + length
            if source == ring.rank:
                yield slice(start, end), slice(start, end), 0
            elif source < ring.rank:
                yield slice(start, end), slice(start, middle), None
            else:
                yield slice(middle, end), slice(start, end), None
        start += length


def _chunk_pairs(start: int, chunk: int, source: int, ring: _Ring, window: int) -> Iterator[_Pair]:
    """The pairs of the chunks of a sequence, of which some queries see some keys."""
    asking, held = ([rank, 2 * ring.size - 1 - rank] for rank in (ring.rank, source))
    for ask, query in enumerate(asking):
        # From the nearest to the farthest: a query sees itself first.
        for see, key in sorted(enumerate(held), key=lambda one: -one[1]):
            ahead = (query - key) * chunk
            if ahead < 0 or ahead - chunk + 1 >= window:
                continue
            sees_all = ahead > 0 and ahead + chunk - 1 < window
            asks, seen = (slice(start + place * chunk, start + (place + 1) * chunk) for place in (ask, see))
            yield asks, seen, None if sees_all else ahead


class _RingAttention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        group: dist.ProcessGroup | None,
        lengths: list[int],
        rule: Rule,
    ) -> Tensor:
        ring = _Ring(group)
        # Merged in float32 at least, so that many rounds cost no precision.
        out = torch.empty_like(query, dtype=torch.promote_types(query.dtype, torch.float32))
        sums: Tensor | None = None
        states = [key.contiguous(), value.contiguous()]
        for step in range(ring.size):
            passing = ring.start(states) if step + 1 < ring.size else None
            key_there, value_there = states
            for asks, seen, ahead in _pairs(lengths, (ring.rank - step) % ring.size, ring, rule.window):
                more, more_sums = attend(
                    query[:, :, asks], key_there[:, :, seen], value_there[:, :, seen], rule, ahead=ahead
                )
                sums = more_sums.new_empty(query.shape[:-1]) if sums is None else sums
                if step == 0 and ahead == 0:  # of these queries the first
                    out[:, :, asks], sums[:, :, asks] = more, more_sums
                else:
                    _merge(out[:, :, asks], sums[:, :, asks], more, more_sums)
            if passing is not None:
                states = passing.wait()
        out = out.to(query.dtype)
        ctx.save_for_backward(query, key, value, out, sums)
        ctx.group, ctx.lengths, ctx.rule = group, lengths, rule
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, out, sums = ctx.saved_tensors
        ring, lengths, rule = _Ring(ctx.group), ctx.lengths, ctx.rule
        grad = grad.contiguous()
        by_query = torch.zeros_like(query, dtype=sums.dtype)  # of many rounds
        states = [key.contiguous(), value.contiguous()]
        grads = [torch.zeros_like(state) for state in states]
        grads_passing: _Passing | None = None
        for step in range(ring.size):
            passing = ring.start(states) if step + 1 < ring.size else None
            source = (ring.rank - step) % ring.size
            found = []
            for asks, seen, ahead in _pairs(lengths, source, ring, rule.window):
                asked = grad[:, :, asks], query[:, :, asks]
                held = states[0][:, :, seen], states[1][:, :, seen]
                merged = out[:, :, asks], sums[:, :, asks]
                part, *parts = attend_backward(*asked, *held, *merged, rule, ahead=ahead)
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
        return by_query.to(query.dtype), *grads, None, None, None


def _merge(out: Tensor, sums: Tensor, more: Tensor, more_sums: Tensor) -> None:
    """Merges the attention to further keys into that to earlier ones, in place."""
    total = torch.logaddexp(sums, more_sums)
    out.mul_(torch.exp(sums - total)[..., None])
    out.addcmul_(more.to(out.dtype), torch.exp(more_sums - total)[..., None])
    sums.copy_(total)
