"""Practice: a simulated learner and the curriculum that chooses its tasks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .. import retention
from ..sum_tree import Floats
from ..tasks import TaskBuffer
from .learner import Learner


@dataclass(frozen=True, slots=True)
class Practice:
    """How it went.

    Attributes:
        curves: held-out pass rates: [n, K].
        steps: after how many steps each row was measured: [n].
        arrival: the step at which each domain came in: [K].
        begins: the steps at which stages began.
        shares: how much of all draws each domain got: [K].
        decided: the share of groups that all passed or all failed, from which nothing is learnt.
    """

    curves: Floats
    steps: list[int]
    arrival: list[int]
    begins: list[int]
    shares: Floats
    decided: float

    def summary(self) -> dict[str, float]:
        """``AURC``, ``ACC``, ``BWT``, ``FWT`` and ``worst``, see :mod:`retention`; and ``decided``."""
        kept = retention.summary(self.curves, self.steps, self.arrival, self.begins)
        return {**kept, "decided": self.decided}


def practise(
    learner: Learner,
    preset: str,
    *,
    seed: int = 0,
    steps: int = 600,
    batch: int = 32,
    group_size: int = 8,
    stages: int = 4,
    every: int = 5,
) -> Practice:
    """Lets ``learner`` practise what a :class:`TaskBuffer` draws.

    Args:
        learner: is changed.
        preset: of the sampler.
        seed: of the sampler.
        steps: how many batches.
        batch: groups in each.
        group_size: answers in each group.
        stages: domains come in by as many equal parts, one after the other.
        every: so many steps there is a measurement, beside that at the start.
    """
    arrival = [k * stages // learner.domains * (steps // stages) for k in range(learner.domains)]
    names = [f"{k:03}" for k in range(learner.domains)]  # the buffer sorts them
    buffer = TaskBuffer(
        np.repeat(names, learner.items).tolist(),
        preset=preset,
        seed=seed,
        group_size=group_size,
        arrivals={name: step for name, step in zip(names, arrival, strict=True) if step},
    )
    measured, curves = [0], [learner.held_out()]
    groups, decided = np.zeros(learner.domains), 0
    for step in range(steps):
        buffer.advance(step)
        draws = buffer.draw(batch)
        domains, items = np.divmod([draw.task_index for draw in draws], learner.items)
        passed = learner.answer(domains, items, group_size, np.array([draw.weight for draw in draws]))
        buffer.learn_from(draws, torch.from_numpy(passed / group_size))
        groups += np.bincount(domains, minlength=learner.domains)
        decided += int(((passed == 0) | (passed == group_size)).sum())
        if (step + 1) % every == 0:
            measured.append(step + 1)
            curves.append(learner.held_out())
    return Practice(
        np.stack(curves), measured, arrival, buffer.stages.begins, groups / groups.sum(), decided / (steps * batch)
    )
