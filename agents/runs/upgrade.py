"""Upgrades: new domains for a policy that must not lose the old ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
# A drop counts that is larger than so many of its standard errors, as tasks differ by. With fewer, chance would stop
# runs that lose nothing: many domains are looked at, and often.
ERRORS = 3.0
# Of fewer tasks nobody knows how much they differ.
LEAST_TASKS = 8


class RegressionWatch:
    """Compares the pass rates of prior domains with those before the upgrade, and takes measures where they drop.

    A drop counts that is above the tolerance and above thrice its standard error, paired by tasks. Each evaluation that
    finds one takes the next measure: the domain is practised twice as much; the KL term is doubled; the share of new
    domains is halved; the run halts, and goes back to the best policy without a regression.

    A subject, which is what domains have in common before the slash, is watched as a whole where one of them has too
    few tasks to be watched by itself: a small split has few of most, and some have no more, however many are asked for.

    Args:
        config: what is tolerated.
        curriculum: whose draws are steered. Its prior domains are those that were there before any came in.
        measured: how many tasks of each domain the validation split has.

    Attributes:
        watched: the prior domains that are watched together, by their subject, or by their name where it is but one.
        level: measures taken so far.
        lost: what the latest evaluation found: how much less passes than before, by the names of ``watched``.

    Raises:
        ValueError: if no domain comes in, none was there before, or a subject of those has too few tasks to be watched.
    """

    def __init__(self, config: UpgradeConfig, curriculum: TaskBuffer, measured: Mapping[str, int]) -> None:
        self.config, self.curriculum = config, curriculum
        prior = curriculum.stages.prior
        if prior.all() or not prior.any():
            raise ValueError("arrivals must name the new domains of an upgrade, and leave others out: the prior ones")
        self.watched = _watched([name for name, old in zip(curriculum.domains, prior, strict=True) if old], measured)
        self._baseline: dict[str, Tensor] = {}
        self.level = 0
        self.lost: dict[str, float] = {}

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
            What is to be told: a line for each prior domain or subject that dropped.
        """
        by_domain = evaluation.by_domain()
        rates = {
            name: torch.cat([by_domain[domain] for domain in domains if domain in by_domain])
            for name, domains in self.watched.items()
        }
        if not self._baseline:
            self._baseline = rates
            self.curriculum.begin_with({name: float(values.nanmean()) for name, values in by_domain.items()})
            return []
        drops = {name: self._drop(name, values) for name, values in rates.items()}
        self.lost = {name: drop for name, drop in drops.items() if drop > self.config.tolerance}
        if not self.lost or self.halted:
            return []
        self.level += 1
        if self.level == 1:
            dropped = [domain for name in self.lost for domain in self.watched[name]]
            self.curriculum.factors[np.isin(self.curriculum.domains, dropped)] *= 2
        if self.level == 3 and self.curriculum.new_share is not None:
            self.curriculum.new_share /= 2
        measure = MEASURES[self.level - 1]
        return [f"{name} dropped by {drop:.3f} since before the upgrade: {measure}" for name, drop in self.lost.items()]

    def report(self) -> dict[str, float]:
        """For the rows of the curriculum: measures taken, what follows from them, and what was lost, where."""
        share = self.curriculum.new_share
        return {
            "upgrade_level": float(self.level),
            "upgrade_kl_factor": self.kl_factor,
            "upgrade_new_share": float("nan") if share is None else share,
            **{f"lost/{name}": drop for name, drop in self.lost.items()},
        }

    def state_dict(self) -> dict[str, Any]:
        """The baseline and the measures taken; what they did to the curriculum is in its own state."""
        return {"baseline": dict(self._baseline), "level": self.level, "lost": dict(self.lost)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what :meth:`state_dict` gave."""
        self._baseline, self.level, self.lost = dict(state["baseline"]), state["level"], dict(state["lost"])

    def _drop(self, name: str, rates: Tensor) -> float:
        """How much less passes than before, in the mean over tasks; 0 where chance may have done it."""
        differences = (self._baseline[name] - rates).double()
        differences = differences[~differences.isnan()]
        if not len(differences):
            return 0.0
        drop = float(differences.mean())
        error = float(torch.std(differences)) / sqrt(len(differences)) if len(differences) > 1 else 0.0
        return drop if drop > ERRORS * error else 0.0


def _watched(prior: Sequence[str], measured: Mapping[str, int]) -> dict[str, list[str]]:
    """The prior domains that are watched together, by name: one where all of its subject have tasks enough, or all."""
    subjects: dict[str, list[str]] = {}
    for name in prior:
        subjects.setdefault(name.split("/")[0], []).append(name)
    watched: dict[str, list[str]] = {}
    for subject, domains in subjects.items():
        counts = [measured.get(name, 0) for name in domains]
        if min(counts) >= LEAST_TASKS:
            watched |= {name: [name] for name in domains}
        elif sum(counts) >= LEAST_TASKS:
            watched[subject] = domains
        else:
            raise ValueError(
                f"arrivals: {subject} is a prior domain, of which the validation split has {sum(counts)} tasks; to be "
                f"watched it needs {LEAST_TASKS}: raise data.validation_size or, if that gives no more, take a level "
                "or files with more different ones, or leave it out of the training tasks"
            )
    return watched
