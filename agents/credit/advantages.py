"""Advantages: how much better a response was than expected."""

from __future__ import annotations

import torch
from torch import Tensor

from ..losses.aggregation import Reduce, alone


def group_advantages(rewards: Tensor, groups: Tensor, valid: Tensor, *, norm_std: bool, eps: float = 1e-4) -> Tensor:
    """Rewards relative to their group (GRPO, Shao et al. 2024, arXiv:2402.03300, section 4.1.2).

    Args:
        rewards: [N], float.
        groups: [N], int64: equal for responses to one task draw.
        valid: [N], bool: false where grading failed; such rewards enter no mean and get advantage 0.
        norm_std: divide by the group's sample standard deviation (n - 1) plus ``eps``.
        eps: keeps groups of nearly equal rewards from exploding.

    Returns:
        [N], float32. 0 for groups of equal rewards and for groups with a single valid member.
    """
    _, member_of = torch.unique(groups, return_inverse=True)
    count = int(member_of.max()) + 1 if len(groups) else 0
    reward = _above_least(torch.where(valid, rewards.double(), torch.inf), member_of, count)
    reward = torch.where(valid, reward, 0.0)
    size = _sum_by(member_of, valid.double(), count)
    mean = _sum_by(member_of, reward, count) / size.clamp(min=1)
    centred = torch.where(valid, reward - mean[member_of], 0.0)
    if norm_std:
        std = (_sum_by(member_of, centred.square(), count) / (size - 1).clamp(min=1)).sqrt()
        centred = centred / (std[member_of] + eps)
    return centred.float()


def leave_one_out(rewards: Tensor, groups: Tensor) -> Tensor:
    """Each reward less the mean of the others of its group: [N], float32; 0 for a group of one."""
    _, member_of = torch.unique(groups, return_inverse=True)
    count = int(member_of.max()) + 1 if len(groups) else 0
    reward = _above_least(rewards.double(), member_of, count)
    size = _sum_by(member_of, torch.ones_like(reward), count)[member_of]
    mean = _sum_by(member_of, reward, count)[member_of] / size
    # r - (sum - r) / (n - 1), rearranged so that equal rewards give exactly 0.
    return ((reward - mean) * size / (size - 1).clamp(min=1)).float()


def whiten(values: Tensor, reduce: Reduce = alone, eps: float = 1e-8) -> Tensor:
    """Scales ``values`` [N] to mean 0 and standard deviation 1 over all ranks; equal values become 0."""
    values = values.double()
    count, total, size = reduce(torch.stack([values.new_tensor(len(values)), values.sum(), values.abs().sum()]))
    count = count.clamp(min=1)
    centred = values - total / count
    spread = (reduce(centred.square().sum()) / count).sqrt()
    # Equal values differ from their mean by rounding alone, and dividing by such a spread would blow that up.
    return torch.where(spread > 1e-12 * size / count, centred / (spread + eps), 0.0)


def _above_least(rewards: Tensor, member_of: Tensor, count: int) -> Tensor:
    """Rewards less the least of their group, which changes no advantage, and makes equal rewards exactly 0."""
    least = rewards.new_full((count,), torch.inf).scatter_reduce(0, member_of, rewards, "amin")
    return rewards - least[member_of]


def _sum_by(member_of: Tensor, values: Tensor, count: int) -> Tensor:
    return values.new_zeros(count).index_add(0, member_of, values)


def normalised_ranks(rewards: Tensor) -> Tensor:
    """Ranks of ``rewards`` [N], scaled to mean 0 and standard deviation 1; equal rewards share their mean rank.

    Returns:
        [N], float32; all 0 where all rewards are equal.
    """
    reward = rewards.double()
    below = (reward[:, None] > reward[None, :]).sum(1)
    equal = (reward[:, None] == reward[None, :]).sum(1)
    rank = below + (equal - 1) / 2
    centred = rank - rank.mean()
    spread = centred.square().mean().sqrt()
    return (centred / spread if spread > 0 else centred).float()
