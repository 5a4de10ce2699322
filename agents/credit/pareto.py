"""Rewards for several objectives at once, none of them weighed against another."""

from __future__ import annotations

import torch
from torch import Tensor


def pareto_ranks(objectives: Tensor) -> Tensor:
    """The front that each row belongs to: 0 where no row dominates it, 1 where only rows of front 0 do, and so on.

    A row dominates another that is nowhere better and somewhere worse; equal rows share their front. (Non-dominated
    sorting: Deb et al. 2002, "A fast and elitist multiobjective genetic algorithm: NSGA-II", section III.A.)

    Args:
        objectives: [N, K], finite; more is better. Time and memory grow with N^2 K.

    Returns:
        [N], int64.
    """
    here, there = objectives[:, None], objectives[None]
    dominated_by = (there >= here).all(-1) & (there > here).any(-1)  # [i, j]: j dominates i
    ranks = torch.full((len(objectives),), -1)
    left = torch.ones(len(objectives), dtype=torch.bool)
    rank = 0
    while left.any():
        front = left & ~(dominated_by & left).any(1)
        ranks[front] = rank
        left &= ~front
        rank += 1
    return ranks
