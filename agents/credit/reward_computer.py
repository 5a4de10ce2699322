"""Rewards after collection: the environment's verdicts, taken as they are or compared."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal, TypeAlias, TypeVar, get_args

import torch
from torch import Tensor

from ..rollouts.trajectory import Trajectory
from .advantages import normalised_ranks
from .pareto import pareto_ranks

logger = logging.getLogger(__name__)

T = TypeVar("T")
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
        return torch.tensor(self.judge_each(trajectories, lambda one: float(self.score_trajectory(one)), 0.0))

    def judge_each(self, trajectories: Trajectory, judge: Callable[[Trajectory], T], failed: T) -> list[T]:
        """What ``judge`` says of each trajectory.

        One that it raises on counts as one whose grading failed, like those whose grading has failed already: it gets
        ``failed``, is not valid from then on, and the cause is logged once.

        Raises:
            ValueError: if it raises on every one.
        """
        found: list[T] = []
        error: Exception | None = None
        judged = 0
        for one in trajectories:
            verdict = failed
            if bool(one.valid):
                try:
                    verdict = judge(one)
                    judged += 1
                except Exception as raised:
                    error = raised
                    self._fail(one, f"the reward computer raised {type(raised).__name__}: {raised}")
            found.append(verdict)
        if error is not None and not judged:
            raise ValueError(f"not one trajectory could be rewarded ({type(error).__name__}: {error})") from error
        return found

    def _fail(self, one: Trajectory, message: str) -> None:
        one.valid = torch.zeros_like(one.valid)
        one.state.update(status="error", error_msg=message)
        told: set[str] = self.__dict__.setdefault("_told", set())  # a subclass may have an __init__ of its own
        if message not in told:
            told.add(message)
            logger.warning("a trajectory does not count (%s)", message)

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
        if method == "pareto":
            values = self.objectives(trajectories)
            if not values[trajectories.valid].isfinite().all():
                raise ValueError("an objective is not finite, so nothing can be compared with it")
            rewards = torch.zeros(len(values))
            for members in _peers(trajectories):
                rewards[members] = 1 / (1 + pareto_ranks(values[members]).float())
            return rewards
        scores, valid = self.scores(trajectories), trajectories.valid
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
