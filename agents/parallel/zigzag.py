"""How a sequence is laid over the ranks of a ring so that each has as much causal attention to compute."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def padded_length(length: int, ranks: int) -> int:
    """The least length from ``length`` on that two chunks for each rank divide."""
    chunks = 2 * ranks
    return -(-length // chunks) * chunks


def zigzag_positions(lengths: Sequence[int], rank: int, ranks: int) -> Tensor:
    """Which positions of a row of sequences a rank holds, in its order.

    Each sequence is cut into ``2 * ranks`` chunks, and rank r holds the chunks r and 2 * ranks - 1 - r: the first sees
    little, the second much, and both together as much as those of any other rank. (Brandon et al. 2023,
    arXiv:2311.09431, deal out single tokens for the same end; chunks keep the blocks dense.)

    Args:
        lengths: of the sequences of the row, each divisible by ``2 * ranks``.
        rank: whose positions.
        ranks: how many there are.

    Returns:
        [sum(lengths) / ranks], int64: sequence after sequence, in each the earlier chunk first.

    Raises:
        ValueError: a length is not divisible, or the rank is none.
    """
    if not 0 <= rank < ranks:
        raise ValueError(f"rank {rank} is none of {ranks}")
    parts, start = [], 0
    for length in lengths:
        chunk, rest = divmod(length, 2 * ranks)
        if rest:
            raise ValueError(f"a sequence of {length} positions is not divisible by {2 * ranks}; pad it")
        for number in (rank, 2 * ranks - 1 - rank):
            parts.append(torch.arange(start + number * chunk, start + (number + 1) * chunk))
        start += length
    return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.int64)


def shard(row: Tensor, lengths: Sequence[int], rank: int, ranks: int, dim: int = -1) -> Tensor:
    """The part of a row that a rank holds."""
    return row.index_select(dim, zigzag_positions(lengths, rank, ranks).to(row.device))


def unshard(parts: Sequence[Tensor], lengths: Sequence[int], dim: int = -1) -> Tensor:
    """The row of which the ranks hold these parts, in their order."""
    ranks = len(parts)
    order = torch.cat([zigzag_positions(lengths, rank, ranks) for rank in range(ranks)])
    back = torch.empty_like(order)
    back[order] = torch.arange(len(order))
    return torch.cat(list(parts), dim).index_select(dim, back.to(parts[0].device))
