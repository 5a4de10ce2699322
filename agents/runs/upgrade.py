"""Upgrades: new domains for a policy that must not lose the old ones."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...buffers.tasks import TaskBuffer
from ..config import UpgradeConfig
from .evaluation import Evaluation

# What is done about a regression, one after the other.
MEASURES = ("practise it twice as much", "double the KL term", "halve the share of new domains", "halt")
# A drop counts that is larger than so many of its standard errors, as tasks differ by.
ERRORS = 2.0


class RegressionWatch:
    """Compares the pass rates of prior domains with those before the upgrade, and takes measures where they drop.

    A drop counts that is above the tolerance and above twice its standard error, paired by tasks. Each evaluation that
    finds one takes the next measure: the domain is practised twice as much; the KL term is doubled; the share of new
    domains is halved; the run halts, and goes back to the best policy without a regression.

    Args:
        config: what is tolerated.
        curriculum: whose draws are steered. Its prior domains are those that were there before any came in.

    Attributes:
        level: measures taken so far.
        kl_factor: what the coefficient of the KL term is to be multiplied by.

    Raises:
        ValueError: if no domain comes in, or none was there before.
    """

    def __init__(self, config: UpgradeConfig, curriculum: TaskBuffer) -> None:
        self.config, self.curriculum = config, curriculum
        prior = curriculum.stages.prior
        if prior.all() or not prior.any():
            raise ValueError("arrivals must name the new domains of an upgrade, and leave others out: the prior ones")
        self._prior = [name for name, old in zip(curriculum.domains, prior, strict=True) if old]
        self._baseline: dict[str, Tensor] = {}
        self.level = 0

    @property
    def kl_factor(self) -> float:
        """2 from the second measure on."""
        return 2.0 if self.level >= 2 else 1.0

    @property
    def halted(self) -> bool:
        """Whether all measures were in vain."""
        return self.level >= len(MEASURES)

    def look(self, evaluation: Evaluation) -> list[str]:
        """Takes in an evaluation; the first is the baseline, from which the curriculum begins.

        Returns:
            What is to be told: a line for each prior domain that dropped.
        """
        rates = {name: evaluation.of_domain(name) for name in self.curriculum.domains}
        if not self._baseline:
            self._baseline = {name: rates[name] for name in self._prior}
            self.curriculum.begin_with({name: float(values.nanmean()) for name, values in rates.items()})
            return []
        lost = {name: self._drop(name, rates[name]) for name in self._prior}
        lost = {name: drop for name, drop in lost.items() if drop > self.config.tolerance}
        if not lost or self.halted:
            return []
        self.level += 1
        if self.level == 1:
            mine = np.isin(self.curriculum.domains, [*lost])
            self.curriculum.factors[mine] *= 2
        if self.level == 3 and self.curriculum.new_share is not None:
            self.curriculum.new_share /= 2
        measure = MEASURES[self.level - 1]
        return [f"{name} dropped by {drop:.3f} since before the upgrade: {measure}" for name, drop in lost.items()]

    def state_dict(self) -> dict[str, Any]:
        """The baseline and the measures taken; what they did to the curriculum is in its own state."""
        return {"baseline": dict(self._baseline), "level": self.level}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what :meth:`state_dict` gave."""
        self._baseline, self.level = dict(state["baseline"]), state["level"]

    def _drop(self, name: str, rates: Tensor) -> float:
        """How much less passes than before, in the mean over tasks; 0 where chance may have done it."""
        differences = (self._baseline[name] - rates).double()
        differences = differences[~differences.isnan()]
        if not len(differences):
            return 0.0
        drop = float(differences.mean())
        error = float(torch.std(differences)) / sqrt(len(differences)) if len(differences) > 1 else 0.0
        return drop if drop > ERRORS * error else 0.0
