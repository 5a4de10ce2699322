"""Reward computers for what people want at once: several objectives, or right answers at little cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, TypeAlias

import torch
from torch import Tensor

from ...rewards.exact_match import plain
from ...rewards.expected import expected_text
from ...rewards.extraction import extract_answer
from ..rollouts.trajectory import Trajectory
from .reward_computer import RewardComputer, RewardMethod

Objective: TypeAlias = Callable[[Trajectory], float]


class ParetoRewardComputer(RewardComputer):
    """Rewards by Pareto fronts: 1.0 for trajectories that none dominates, 1/2 for those on the front behind, and so on.

    With another method than ``pareto`` the mean of the objectives counts.

    Args:
        objective_functions: each gives a trajectory a number, more being better; or a mapping of names to them.
        objective_names: for errors and logs; by default the functions' own.
        objectives: another name of ``objective_functions``.

    Raises:
        ValueError: without objectives, or with another number of names.
    """

    def __init__(
        self,
        objective_functions: Sequence[Objective] | Mapping[str, Objective] | None = None,
        objective_names: Sequence[str] | None = None,
        *,
        objectives: Sequence[Objective] | Mapping[str, Objective] | None = None,
    ) -> None:
        super().__init__()
        given = objective_functions if objective_functions is not None else objectives
        if isinstance(given, Mapping):
            objective_names, given = objective_names or list(given), list(given.values())
        if not given:
            raise ValueError("ParetoRewardComputer needs objectives: objective_functions=[…]")
        self.objective_functions = list(given)
        self.objective_names = list(objective_names or (_name(one) for one in given))
        if len(self.objective_names) != len(self.objective_functions):
            raise ValueError(f"{len(self.objective_functions)} objectives but {len(self.objective_names)} names")

    def score_trajectory(self, trajectory: Trajectory) -> float:
        """The mean of the objectives."""
        return float(torch.tensor(self._values(trajectory)).mean())  # not finite where one is not: the caller tells

    def objectives(self, trajectories: Trajectory) -> Tensor:
        """What each objective gives each trajectory: [N, K]."""
        found = self.judge_each(trajectories, self._values, [0.0] * len(self.objective_functions))
        for values, trajectory in zip(found, trajectories, strict=True):
            for name, value in zip(self.objective_names, values, strict=True):
                if not isfinite(value):
                    raise ValueError(f"the objective {name} gave {value} for a response to {trajectory.prompt!r:.80}")
        return torch.tensor(found, dtype=torch.float64)

    def compute_rewards(self, trajectories: Trajectory, method: RewardMethod = "pareto") -> Tensor:
        """One reward per trajectory: [N], float32; see :meth:`RewardComputer.compute_rewards`."""
        return super().compute_rewards(trajectories, method)

    def _values(self, trajectory: Trajectory) -> list[float]:
        return [float(objective(trajectory)) for objective in self.objective_functions]


class SVRLRewardComputer(RewardComputer):
    """Rewards of self-verification: quality * (1 - verification_weight * cost - efficiency_weight * delay).

    ``cost`` is the share of the budget that was spent, ``delay`` is 1 - 1/steps: 0 for an answer at once. So a right
    answer that checks made right is worth them, a check that was not needed costs a little, and a wrong answer earns
    nothing by being quick.

    Args:
        task_evaluator: the quality of a trajectory, from 0 to 1. By default: where the expected answer is known, 1.0 if
            the text between the answer tags (or the whole response without them) equals it, up to case and white
            space; else the environment's own reward.
        verification_weight: of the cost.
        efficiency_weight: of the delay.

    Raises:
        ValueError: if the weights are not from 0 to 1, both together.
    """

    def __init__(
        self,
        task_evaluator: Callable[[Trajectory], float] | None = None,
        verification_weight: float = 0.1,
        efficiency_weight: float = 0.05,
        normalize: bool = False,
    ) -> None:
        super().__init__(normalize)
        if min(verification_weight, efficiency_weight) < 0 or verification_weight + efficiency_weight > 1:
            raise ValueError("verification_weight and efficiency_weight must not be negative, nor above 1 together")
        self.task_evaluator = task_evaluator or equals_answer
        self.verification_weight = verification_weight
        self.efficiency_weight = efficiency_weight

    def score_trajectory(self, trajectory: Trajectory) -> float:
        """Quality, less what checking and hesitating cost."""
        state = trajectory.state
        budget, spent = _number(state, "budget"), _number(state, "spent")
        cost = min(spent / budget, 1.0) if budget > 0 else 0.0
        delay = 1 - 1 / max(_number(state, "step_count"), 1.0)
        price = self.verification_weight * cost + self.efficiency_weight * delay
        return float(self.task_evaluator(trajectory)) * (1 - price)


def equals_answer(trajectory: Trajectory) -> float:
    """1.0 if the response is the expected answer, else 0.0; the environment's reward where none is known."""
    answer = trajectory.state["answer"]
    if answer is None:
        return float(trajectory.reward)
    answers = extract_answer(trajectory.response).answers
    said = answers[0] if len(answers) == 1 else trajectory.response
    return float(plain(said) == plain(expected_text(answer)))


def _number(state: Any, name: str) -> float:
    """A number of the author's state, 0.0 where it has none of that name."""
    return float(getattr(state, name, 0.0) or 0.0)


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))
