"""Replay: what was collected in earlier steps and is learnt from once more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from tensordict import TensorDict
from torch import Tensor

from ...buffers.tasks import TaskBuffer
from ...buffers.trajectories import TrajectoryBuffer
from ..config import BufferConfig, ReplayConfig
from ..losses import LossConfig, sequence_weights
from ..rollouts.columns import Columns
from ..rollouts.groups import pack, unpack

# Importance ratios of replayed tokens count at most so much.
RATIO_CAP = 2.0
# Replayed groups whose tokens are worth less than this share of them are not learnt from.
LEAST_SAMPLE = 0.5
# Groups with advantages below this teach nothing.
LEAST_ADVANTAGE = 1e-6

# Scores tokens by the policy as it is: log-probs, [N].
Score = Callable[[Columns], Tensor]


@dataclass(frozen=True, slots=True)
class Lesson:
    """Trajectories and how they are learnt from.

    Attributes:
        learnt: the trajectories, with advantages.
        loss: what is minimised.
        coef: what the loss is multiplied by where it is averaged alone; None where it is averaged together with that of
            the step's own trajectories.
    """

    learnt: Columns
    loss: LossConfig
    coef: float | None = None


def step_weights(lessons: Sequence[Lesson], rows: Sequence[Tensor]) -> list[Tensor]:
    """How much each token of each trajectory weighs in an optimizer step.

    Lessons without a coefficient are averaged together, the others alone.

    Args:
        lessons: of the step.
        rows: the places of those trajectories of each lesson that the optimizer step learns from.

    Returns:
        For each lesson [S], float64, 0 elsewhere.
    """
    found = [torch.zeros(len(lesson.learnt), dtype=torch.float64) for lesson in lessons]
    together = [k for k, lesson in enumerate(lessons) if lesson.coef is None]
    alone = [[k] for k, lesson in enumerate(lessons) if lesson.coef is not None]
    for part in [together, *alone] if together else alone:
        loss = lessons[part[0]].loss
        lengths = [lessons[k].learnt.response_lengths[rows[k]] for k in part]
        weights = sequence_weights(torch.cat(lengths), loss.aggregation, normaliser=loss.normaliser)
        for k, own in zip(part, torch.split(weights, [len(one) for one in lengths]), strict=True):
            coef = lessons[k].coef
            found[k][rows[k]] = own * (1.0 if coef is None else coef)
            found[k] *= lessons[k].learnt.weights
    return found


class Replay:
    """Stores what a step learnt from, and says what the next ones learn from beside their own.

    Groups of policy-gradient replay are those whose advantages are not 0; anchors the successes among the trajectories.

    Args:
        config: of the buffers.
        tasks: the curriculum, whose domains and what is known of them steer the draws.
        seed: of the draws.
    """

    def __init__(self, config: BufferConfig, tasks: TaskBuffer, *, seed: int) -> None:
        self.tasks, self.config = tasks, config
        self.domains = tasks.domains
        known = tasks.sampler.mastery
        self.groups: TrajectoryBuffer | None = None
        self.anchors: TrajectoryBuffer | None = None
        if (how := config.replay) is not None:
            self.groups = TrajectoryBuffer(how.capacity, known, preset=how.sampler, seed=seed + 1, max_age=how.max_lag)
        if (kept := config.anchors) is not None:
            self.anchors = TrajectoryBuffer(kept.capacity, known, preset="anchors", seed=seed + 2)

    def lessons(self, version: int, loss: LossConfig, score: Score) -> tuple[list[Lesson], dict[str, float]]:
        """What is learnt from once more in this step.

        Args:
            version: of the policy that is about to learn.
            loss: of the step's own trajectories.
            score: gives the policy's log-probs of sampled tokens.

        Returns:
            The lessons, and metrics: ``replayed`` and ``anchored`` groups, and ``effective_sample``, the effective
            sample size of replayed tokens as a share of their number.
        """
        found: list[Lesson] = []
        metrics: dict[str, float] = {}
        if self.groups is not None and (how := self.config.replay) is not None:
            lesson, sample = self._replayed(self.groups, how, version, loss, score)
            found += [lesson] if lesson else []
            count = len(torch.unique(lesson.learnt.groups)) if lesson else 0
            metrics |= {"replayed": float(count), "effective_sample": sample}
        if self.anchors is not None and (kept := self.config.anchors) is not None:
            groups, _ = self.anchors.draw(kept.groups, version, self.tasks.left)
            if groups:
                # With advantages of 1 the likelihood-ratio loss is the negative log-likelihood.
                plain = replace(loss, policy_loss="reinforce", correction="none", kl_coef=0.0, entropy_coef=0.0)
                found.append(Lesson(Columns(unpack(groups, self.domains)), plain, kept.coef))
            metrics["anchored"] = float(len(groups))
        return found, metrics

    def add(self, collected: Columns, learnt: Columns | None, version: int) -> None:
        """Stores what a step is learnt from again: trajectories, those of a group one after the other.

        Args:
            collected: all of the step, for its successes: a task that all responses pass is worth keeping up too.
            learnt: those with advantages; None where the step taught nothing.
            version: of the policy that sampled them; of several, the oldest.
        """
        if self.groups is not None and learnt is not None:
            groups = pack(learnt, self.domains)
            sizes = torch.stack([_mean_advantage(group) for group in groups])
            kept = [group for group, size in zip(groups, sizes.tolist(), strict=True) if size > LEAST_ADVANTAGE]
            self.groups.add(kept, sizes[sizes > LEAST_ADVANTAGE], version)
        said = collected.valid & (collected.response_lengths > 0)
        passed = torch.tensor([bool(state.get("passed")) for state in collected.states]) & said
        if self.anchors is not None and passed.any():
            chosen = collected if passed.all() else Columns(collected.trajectories[passed])
            groups = pack(chosen, self.domains)
            for group in groups:
                group["advantage"] = group["action_mask"].float()
            self.anchors.add(groups, torch.ones(len(groups)), version)

    def state_dict(self) -> dict[str, Any]:
        """What is stored, and everything that the next draws depend on."""
        parts = {"groups": self.groups, "anchors": self.anchors}
        return {name: None if part is None else part.state_dict() for name, part in parts.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what :meth:`state_dict` gave."""
        for name, part in (("groups", self.groups), ("anchors", self.anchors)):
            if part is not None:
                part.load_state_dict(state[name])

    def _replayed(
        self, buffer: TrajectoryBuffer, how: ReplayConfig, version: int, loss: LossConfig, score: Score
    ) -> tuple[Lesson | None, float]:
        groups, weights = buffer.draw(how.groups, version)
        if not groups:
            return None, float("nan")
        learnt = Columns(unpack(groups, self.domains))
        sizes = torch.tensor([len(group["lengths"]) for group in groups])
        learnt.set_weights(weights.repeat_interleave(sizes))
        behaviour = learnt.sampled("behaviour_logprob")
        assert behaviour is not None
        sample = effective_sample(score(learnt), behaviour)
        if not sample >= LEAST_SAMPLE:  # NaN is none either
            return None, sample
        # Clipped from above alone: -sg[min(r, 2)] A log p, with the ratio to the policy that sampled.
        truncated = replace(loss, policy_loss="cispo", clip_low=1.0, clip_high=RATIO_CAP - 1, correction="none")
        return Lesson(learnt, truncated), sample


def effective_sample(logprob: Tensor, behaviour_logprob: Tensor) -> float:
    """(sum r)^2 / (N sum r^2) of the ratios of tokens, [N]: what share of them the sample is worth (Kong 1992)."""
    ratio = torch.exp(logprob.double() - behaviour_logprob.double())
    return float(ratio.sum().square() / (len(ratio) * ratio.square().sum()))


def _mean_advantage(group: TensorDict) -> Tensor:
    """The mean absolute advantage of the group's sampled tokens: []."""
    mean: Tensor = group["advantage"][group["action_mask"]].abs().double().mean()
    return mean
