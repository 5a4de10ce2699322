"""Held-out evaluation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor

from ...buffers.tasks import TaskDraw
from ...envs.text_env import TextEnv
from ..algorithms.metrics import Metrics, outcome_metrics, passes
from ..rollouts.columns import Columns
from ..rollouts.manager import RolloutManager
from ..rollouts.trajectory import Trajectory, join


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        pass_rate: mean over tasks of the share of right responses.
        standard_error: of that mean, clustered by task.
        trajectories: the responses, ``samples_per_prompt`` for each task in order.
        per_task: [tasks], float64: the share of right responses to each; NaN where none could be graded.
        metrics: both numbers, and what else the environment said of the responses, by name.
    """

    pass_rate: float
    standard_error: float
    trajectories: Trajectory
    per_task: Tensor
    metrics: Metrics

    def by_domain(self) -> dict[str, Tensor]:
        """``per_task`` of the tasks of each domain."""
        samples = len(self.trajectories) // len(self.per_task)
        found: dict[str, list[int]] = {}
        for place, state in enumerate(Columns(self.trajectories).states[::samples]):
            found.setdefault(state["domain"], []).append(place)
        return {name: self.per_task[places] for name, places in found.items()}


def evaluate(
    rollouts: RolloutManager, *, samples_per_prompt: int, on_progress: Callable[[int], None] = lambda count: None
) -> Evaluation:
    """Answers every task of the environment ``samples_per_prompt`` times.

    Args:
        rollouts: drives an environment with a finite list of tasks.
        samples_per_prompt: responses to each.
        on_progress: called after each round with the number of tasks that it answered.

    The random streams are the same at each call, so that two evaluations differ by the policy alone.

    Raises:
        ValueError: if the environment's task source is endless, or the environment leaves judgement to others.
    """
    env = rollouts.env
    size = env.tasks.size if isinstance(env, TextEnv) else None
    if size is None:
        raise ValueError("evaluation needs an environment that grades, with a finite list of tasks")
    draws = [TaskDraw(index) for index in range(size)]
    players = 1 if rollouts.first_plays else rollouts.processes.size
    at_once = max(1, rollouts.config.num_parallel * players // samples_per_prompt)
    found: list[Trajectory] = []
    for start in range(0, size, at_once):
        wave = draws[start : start + at_once]
        found.append(rollouts.collect(wave, samples_per_prompt))
        on_progress(len(wave))
    trajectories = join(found)
    collected = Columns(trajectories)
    per_task = torch.nanmean(passes(collected).double().view(size, samples_per_prompt), 1)
    known = per_task[~per_task.isnan()]
    rate = float(known.mean()) if len(known) else float("nan")
    error = float(known.std()) / sqrt(len(known)) if len(known) > 1 else float("nan")
    metrics = {**outcome_metrics(collected), "pass_rate": rate, "standard_error": error}
    return Evaluation(rate, error, trajectories, per_task, metrics)
