"""Rewards after collection: the environment's verdicts, taken as they are or compared."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from ..rollouts.trajectory import Trajectory
from .advantages import normalised_ranks
from .pareto import pareto_ranks

RewardMethod: TypeAlias = Literal["absolute", "relative", "pareto"]


class RewardComputer:
    """Gives each trajectory its reward. Subclasses change :meth:`score_trajectory`, :meth:`objectives`, or the whole.

    Anything with ``compute_rewards(trajectories, method)`` may take its place, a list of numbers as result included.

    Args:
        normalize: scale absolute rewards to mean 0 and standard deviation 1 over the batch. Relative rewards are
            normalised by their nature, and once is enough; Pareto rewards lie in (0, 1] as they are.
    """

    def __init__(self, normalize: bool = False) -> None:
        self.normalize = normalize

    def score_trajectory(self, trajectory: Trajectory) -> float:
        """The reward of one trajectory on its own: what the environment gave."""
        return float(trajectory.reward)

    def objectives(self, trajectories: Trajectory) -> Tensor:
        """What Pareto rewards compare, more being better: [N, K]; here the one score of each trajectory."""
        return self.scores(trajectories)[:, None]

    def scores(self, trajectories: Trajectory) -> Tensor:
        """The score of each trajectory on its own: [N], float32."""
        if type(self).score_trajectory is RewardComputer.score_trajectory:
            return trajectories.reward.clone()  # without a walk over the batch
        return torch.tensor([float(self.score_trajectory(trajectory)) for trajectory in trajectories])

    def compute_rewards(self, trajectories: Trajectory, method: RewardMethod = "absolute") -> Tensor:
        """One reward per trajectory: [N], float32.

        Args:
            trajectories: a batch.
            method: ``absolute``: each on its own; ``relative``: normalised ranks (mean 0, std 1) within the group, or
                within the batch where no group has two members; ``pareto``: 1 / (1 + rank), where rank 0 is the front
                that nothing dominates, likewise within the group or the batch. Trajectories whose grading failed enter
                no mean and no rank, and get 0.

        Raises:
            ValueError: for an unknown method, or scores that are not finite.
        """
        if method not in get_args(RewardMethod):
            raise ValueError(f"method must be 'absolute', 'relative' or 'pareto', not {method!r}")
        valid = trajectories.valid
        if method == "pareto":
            values = self.objectives(trajectories)
            if not values[valid].isfinite().all():
                raise ValueError("an objective is not finite, so nothing can be compared with it")
            rewards = torch.zeros(len(values))
            for members in _peers(trajectories):
                rewards[members] = 1 / (1 + pareto_ranks(values[members]).float())
            return rewards
        scores = self.scores(trajectories)
        if method == "absolute" and not self.normalize:
            return scores
        rewards = torch.zeros_like(scores)
        if method == "relative":
            for members in _peers(trajectories):
                rewards[members] = normalised_ranks(scores[members])
        elif valid.any():
            graded = scores[valid]
            rewards[valid] = (graded - graded.mean()) / (graded.std(correction=0) + 1e-8)
        return rewards


def _peers(trajectories: Trajectory) -> list[Tensor]:
    """The places of those that are compared with each other: groups, or all where no group has two members."""
    valid, groups = trajectories.valid, trajectories.group
    names, counts = torch.unique(groups, return_counts=True)
    if not len(names) or counts.max() == 1:
        return [valid.nonzero()[:, 0]]
    return [((groups == name) & valid).nonzero()[:, 0] for name in names]
