"""Rewards for the length of a response."""

from __future__ import annotations

import torch
from torch import Tensor


def overlong_penalty(lengths: Tensor, *, longest: int, margin: int) -> Tensor:
    """What a response gives up for coming near the longest allowed length: [S], float32, from 0 to -1.

    Soft overlong punishment (DAPO, arXiv:2503.14476, eq. 13): nothing up to ``longest - margin`` tokens, then linearly
    down to -1 at ``longest``.

    Args:
        lengths: [S], sampled tokens.
        longest: the most tokens allowed.
        margin: how many tokens before that the penalty begins.

    Raises:
        ValueError: if ``margin`` is not between 1 and ``longest``.
    """
    if not 1 <= margin <= longest:
        raise ValueError(f"the margin of overlong responses must be from 1 to {longest}, not {margin}")
    return -((lengths.float() - (longest - margin)) / margin).clamp(0.0, 1.0)


def informative_groups(rewards: Tensor, groups: Tensor, valid: Tensor) -> Tensor:
    """The groups whose graded rewards are not all equal, in order of first appearance: [G], int64."""
    found = [
        group
        for group in dict.fromkeys(groups.tolist())
        if len(graded := rewards[(groups == group) & valid]) and graded.max() > graded.min()
    ]
    return torch.tensor(found, dtype=torch.long)
