"""Rewards for the length of a response."""

from __future__ import annotations

import torch
from torch import Tensor


def overlong_penalty(lengths: Tensor, *, longest: int, share: float) -> Tensor:
    """What a response gives up for coming near the longest allowed length: [S], float32, from 0 to -1.

    Soft overlong punishment (DAPO, arXiv:2503.14476, eq. 13): nothing up to ``longest - margin`` tokens, then linearly
    down to -1 at ``longest``, with a margin of ``share`` times ``longest``, at least 1.

    Args:
        lengths: [S], sampled tokens.
        longest: the most tokens allowed.
        share: of the most tokens, at the end of which the penalty grows.

    Raises:
        ValueError: if ``share`` is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"the share of overlong responses must be above 0 and at most 1, not {share}")
    margin = max(1, round(share * longest))
    return -((lengths.float() - (longest - margin)) / margin).clamp(0.0, 1.0)


def informative_groups(rewards: Tensor, groups: Tensor, valid: Tensor) -> Tensor:
    """The groups whose graded rewards are not all equal, in order of first appearance: [G], int64."""
    found = [
        group
        for group in dict.fromkeys(groups.tolist())
        if len(graded := rewards[(groups == group) & valid]) and graded.max() > graded.min()
    ]
    return torch.tensor(found, dtype=torch.long)
