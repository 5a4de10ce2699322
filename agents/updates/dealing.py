"""Dealing micro-batches out to groups of ranks, each with rows of its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .batching import TokenBatch
from .layout import Layout

# Attention costs as much as all else in a row of so many tokens, of a model 4096 wide; a rough figure is good enough to
# put micro-batches in order.
EVEN_WIDTH = 6.0 * 4096


def deal(batches: Sequence[TokenBatch], ranks: int) -> list[list[TokenBatch]]:
    """Deals micro-batches out: to each rank as many, those of one turn as expensive as can be.

    Ranks wait for each other in each forward and backward pass, because they gather weights together. So what matters
    is that they are busy with like batches at the same time. Where there are none left, a rank gets a `filler`.

    Args:
        batches: the same on all ranks.
        ranks: how many groups of ranks have rows of their own.

    Returns:
        Those of each, which does not depend on the order of equally expensive ones on any rank.
    """
    order = sorted(batches, key=cost, reverse=True)
    dealt: list[list[TokenBatch]] = [[] for _ in range(ranks)]
    for start in range(0, len(order), ranks):
        turn = order[start : start + ranks]
        turn += [filler(turn[0])] * (ranks - len(turn))
        # To and fro, so that no rank always has the most.
        for rank, batch in enumerate(turn if start // ranks % 2 == 0 else reversed(turn)):
            dealt[rank].append(batch)
    return dealt


def filler(like: TokenBatch) -> TokenBatch:
    """A micro-batch with nothing to learn: two tokens of no sequence, none of them scored."""
    device = like.token_ids.device
    none = torch.zeros(0, dtype=torch.int64, device=device)
    nowhere = none.cpu()
    return TokenBatch(
        token_ids=torch.zeros(1, 2, dtype=torch.int64, device=device),
        position_ids=torch.arange(2, device=device)[None],
        attention=torch.tensor([0, 2], dtype=torch.int32, device=device)[None, None, None]
        if like.packed
        else torch.ones(1, 2, dtype=torch.int64, device=device),
        predictor=none,
        target=none,
        sequence=none,
        end=none,
        longest=2,
        columns={name: values[:0] for name, values in like.columns.items()},
        rows=nowhere,
        places=nowhere,
        last=nowhere.bool(),
    )


def cost(layout: Layout) -> float:
    """What a micro-batch costs, in tokens: those of its rows, and what attention costs more."""
    rows, width = layout.token_ids.shape
    squares = layout.attention.diff().double().square().sum().item() if layout.packed else rows * width**2
    return rows * width + squares / EVEN_WIDTH
