"""Rewards after collection: the environment's verdicts, taken as they are or compared."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor

from ..rollouts.trajectory import Trajectory
from .advantages import normalised_ranks

RewardMethod: TypeAlias = Literal["absolute", "relative"]


class RewardComputer:
    """Gives each trajectory its reward. Subclasses change :meth:`score_trajectory`, or the whole.

    Args:
        normalize: scale absolute rewards to mean 0 and standard deviation 1 over the batch. Relative rewards are
            normalised by their nature, and once is enough.
    """

    def __init__(self, normalize: bool = False) -> None:
        self.normalize = normalize

    def score_trajectory(self, trajectory: Trajectory) -> float:
        """The reward of one trajectory on its own: what the environment gave."""
        return float(trajectory.reward)

    def compute_rewards(self, trajectories: Trajectory, method: RewardMethod = "absolute") -> Tensor:
        """One reward per trajectory: [N], float32.

        Args:
            trajectories: a batch.
            method: ``absolute``: each on its own; ``relative``: normalised ranks within the batch (mean 0, std 1).
                Trajectories whose grading failed enter no mean and no rank.

        Raises:
            ValueError: for an unknown method.
        """
        if type(self).score_trajectory is RewardComputer.score_trajectory:
            scores = trajectories.reward.clone()  # the same numbers, without a walk over the batch
        else:
            scores = torch.tensor([float(self.score_trajectory(trajectory)) for trajectory in trajectories])
        if method not in ("absolute", "relative"):
            raise ValueError(f"method must be 'absolute' or 'relative', not {method!r}")
        if method == "absolute" and not self.normalize:
            return scores
        rewards, graded = torch.zeros_like(scores), scores[trajectories.valid]
        if len(graded):
            spread = graded.std(correction=0) + 1e-8
            rewards[trajectories.valid] = (
                normalised_ranks(graded) if method == "relative" else (graded - graded.mean()) / spread
            )
        return rewards
