"""The metrics of a step, by name.

Of the rollout, means over trajectories unless said otherwise:
    ``reward``: what the algorithm learnt from, before advantages, over trajectories whose grading worked.
    ``pass_rate``: share of them that the environment gave a full score; ``pass_rate/<domain>`` for each domain. Not
        of environments that leave all judgement to a reward computer.
    ``reward/<component>``: the parts of the environment's score.
    ``response_length``: sampled tokens.
    ``truncated``: share cut off by a limit; ``truncated/<limit>``: share that met this one, also in an earlier turn:
        ``response`` and ``context`` (tokens), ``turns``, ``time``.
    ``turns``: responses of the policy, where any trajectory has several.
    ``zero_variance_groups``: share of groups whose rewards are all equal, so that they teach nothing.
    ``failures/<status>``: number of trajectories with a status other than ``scored``. Of these only ``error`` is a
        failure of ours, and teaches nothing; the others (``no_answer``, ``timeout``, ``resource_limit``) are facts
        about a response, which earned nothing and is learnt from.

    ``staleness``, ``staleness_max``: of asynchronous rollouts: how many versions older than the policy that learns is
        the one that sampled a token: mean over sampled tokens, and the most.
    ``learnt_from``: share of trajectories that the update used: graded, and not filtered out.
    ``sampling_rounds``, ``dropped_groups``: with dynamic sampling: how often groups were drawn, and how many of all of
        them taught nothing.

Of the update. Parts of the objective, as the optimizer saw them, means over its steps:
    ``loss``: the objective.
    ``policy_loss``: its policy-gradient part.
    ``value_loss``, ``kl_loss``, ``entropy_bonus``: the other parts, before their coefficients (the entropy itself,
        also where its coefficient is 0).
Means over sampled tokens of all updates:
    ``kl``: from policy to reference, in nats (estimator k3); 0 without a reference.
    ``clip_fraction``: share of tokens whose gradient the trust region changed.
    ``ratio``, ``ratio_std``: probability under the policy relative to the old one: mean and standard deviation.
    ``entropy``: of the policy, in nats.
    ``correction``: the importance weight of sampler and trainer; 0 without a correction.
    ``sampler_kl``: from the sampler to the trainer before the update, in nats (estimator k3): how far apart their
        log-probs of the same tokens are. Of trajectories that are replayed, their age too.
And
    ``sampler_gap``: the largest difference of these log-probs, of any token; log-ratios have long tails.
    ``grad_norm``: before clipping, mean over updates.
    ``updates``: optimizer steps that were made.
    ``skipped_steps``: optimizer steps that were not, because a loss or gradient was not finite.
With replay, of which the figures above know nothing:
    ``replayed``: stored groups that were learnt from once more.
    ``effective_sample``: the effective sample size of their tokens, as a share of their number.
    ``anchored``: groups of verified successes whose likelihood was kept up.
    ``replay_loss``, ``anchor_loss``: their parts of the objective; that of anchors with its coefficient.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import chain
from math import inf, isnan, nan
from statistics import fmean
from typing import Self, TypeAlias

import torch
from torch import Tensor

from ..losses import LossInputs, Objective
from ..parallel.processes import Processes
from ..rollouts.columns import Columns
from ..updates.share import Share

Metrics: TypeAlias = dict[str, float]

# Of the objective; already weighed over the optimizer step.
_PARTS = ("loss", "policy_loss", "value_loss", "kl_loss", "entropy_bonus")
_PER_TOKEN = ("kl", "clip_fraction", "ratio", "ratio_std", "entropy", "correction", "sampler_kl")


def rollout_metrics(collected: Columns, rewards: Tensor) -> Metrics:
    """Metrics of what was collected; ``rewards`` [N] is what the algorithm learns from."""
    return {
        "reward": _mean(rewards[collected.valid]),
        **outcome_metrics(collected),
        "response_length": _mean(collected.response_lengths.double()),
        "truncated": _mean(collected.truncated.double()),
        "zero_variance_groups": _zero_variance(rewards, collected.groups, collected.valid),
    }


def outcome_metrics(collected: Columns) -> Metrics:
    """What the environment said of trajectories: pass rates, parts of the score, limits met, turns, failures."""
    states, turns = collected.states, collected.turn_counts.double()
    passed: dict[str, list[float]] = defaultdict(list)
    components: dict[str, list[float]] = defaultdict(list)
    for state, graded in zip(states, collected.valid.tolist(), strict=True):
        if "passed" in state:
            passed[state["domain"]].append(float(state["passed"]) if graded else nan)
        for name, value in state["components"].items() if graded else ():
            components[name].append(value)
    rates = {"pass_rate": _mean(torch.tensor([*chain(*passed.values())]))} if passed else {}
    failures = Counter(str(state["status"]) for state in states)
    limits = Counter(limit for state in states for limit in state["limits"])
    return {
        **rates,
        **{f"pass_rate/{domain}": _mean(torch.tensor(outcomes)) for domain, outcomes in sorted(passed.items())},
        **{f"reward/{name}": fmean(values) for name, values in sorted(components.items())},
        **{f"truncated/{name}": count / len(states) for name, count in sorted(limits.items())},
        **({"turns": _mean(turns)} if turns.max() > 1 else {}),
        **{f"failures/{name}": float(count) for name, count in sorted(failures.items()) if name != "scored"},
    }


def staleness(collected: Columns, version: int) -> Metrics:
    """How much older than ``version``, which learns, the policies were that sampled."""
    sampled = collected.sampled("version")
    assert sampled is not None, "trajectories tell who sampled them"
    age = (version - sampled).double()
    return {"staleness": _mean(age), "staleness_max": float(age.max()) if len(age) else nan}


def passes(collected: Columns) -> Tensor:
    """1.0 for a full score, 0.0 for less, NaN where grading failed: [N], float32."""
    passed = torch.tensor([float(state["passed"]) for state in collected.states])
    return torch.where(collected.valid, passed, torch.nan)


def group_pass_rates(collected: Columns, group_size: int) -> Tensor:
    """The pass rate of each of the consecutive groups: [N / group_size], NaN where no member could be graded."""
    return torch.nanmean(passes(collected).view(-1, group_size), 1)


def group_scores(collected: Columns, group_size: int) -> Tensor:
    """The mean reward, within 0 and 1, of each of the consecutive groups; NaN where no member could be graded."""
    scores = torch.where(collected.valid, collected.rewards.clamp(0, 1), torch.nan)
    return torch.nanmean(scores.view(-1, group_size), 1)


class UpdateSums:
    """Sums over the tokens of an update, reduced once at its end."""

    def __init__(self) -> None:
        self._parts: dict[str, Tensor] = dict.fromkeys(_PARTS, torch.zeros(()))
        self._tokens: dict[str, Tensor] = dict.fromkeys(_PER_TOKEN, torch.zeros(()))
        self._count = 0
        self._gap = torch.zeros(())
        self._norms: list[float] = []

    def add(self, found: Objective, inputs: LossInputs) -> None:
        """Adds one micro-batch."""
        for name in self._parts:
            self._parts[name] = self._parts[name] + getattr(found, name).detach().double().cpu()
        before = inputs.logprob if inputs.old_logprob is inputs.behaviour_logprob else inputs.old_logprob
        gap = (before.detach() - inputs.behaviour_logprob).double()
        if len(gap):
            self._gap = torch.maximum(self._gap, gap.abs().max().cpu())
        per_token = {
            "sampler_kl": torch.expm1(gap) - gap,
            "kl": found.kl,
            "clip_fraction": found.clipped,
            "ratio": found.ratio,
            "ratio_std": found.ratio.double().square(),
            "entropy": inputs.entropy,
            "correction": found.correction,
        }
        for name, values in per_token.items():
            if values is not None:
                self._tokens[name] = self._tokens[name] + values.detach().double().sum().cpu()
        self._count += len(inputs.logprob)

    def add_values(self, loss: Tensor, coefficient: float) -> None:
        """Adds the critic's loss of all micro-batches."""
        self._parts["value_loss"] = self._parts["value_loss"] + loss
        self._parts["loss"] = self._parts["loss"] + coefficient * loss

    def add_step(self, grad_norm: float) -> None:
        """Notes that the weights were updated; a norm of NaN says that the step was skipped."""
        self._norms.append(grad_norm)

    def over(self, processes: Processes, share: Share) -> Self:
        """The sums over all processes, of which each added its share of micro-batches; updates were common."""
        if processes.size > 1:
            names = [*self._parts, *self._tokens]
            sums = [*self._parts.values(), *self._tokens.values(), torch.tensor(float(self._count))]
            *totals, count = share.gather(torch.stack([one.double() for one in sums]))
            values = dict(zip(names, totals, strict=True))
            self._parts, self._tokens = ({name: values[name] for name in old} for old in (self._parts, self._tokens))
            self._count, self._gap = int(count), processes.most(self._gap.double())
        return self

    def means(self) -> Metrics:
        """Means over tokens and over updates."""
        norms = [norm for norm in self._norms if not isnan(norm)]
        parts = {name: _ratio(value, len(self._norms)) for name, value in self._parts.items()}
        tokens = {name: _ratio(value, self._count) for name, value in self._tokens.items()}
        variance = tokens["ratio_std"] - tokens["ratio"] ** 2
        tokens["ratio_std"] = variance if isnan(variance) else max(0.0, variance) ** 0.5
        skipped = len(self._norms) - len(norms)
        return {
            **parts,
            **tokens,
            "sampler_gap": float(self._gap) if self._count else nan,
            "grad_norm": fmean(norms) if norms else nan,
            "updates": float(len(norms)),
            "skipped_steps": float(skipped),
        }


def _ratio(total: Tensor, count: int) -> float:
    return float(total) / count if count else nan


def _mean(values: Tensor) -> float:
    known = values.double()[~values.isnan()]
    return float(known.mean()) if len(known) else float("nan")


def _zero_variance(rewards: Tensor, groups: Tensor, valid: Tensor) -> float:
    """The share of groups whose graded members all earned the same, or of which there are none."""
    names, group = torch.unique(groups, return_inverse=True)
    known, members = rewards[valid], group[valid]
    least = torch.full((len(names),), inf, dtype=rewards.dtype).scatter_reduce(0, members, known, "amin")
    most = torch.full((len(names),), -inf, dtype=rewards.dtype).scatter_reduce(0, members, known, "amax")
    return float((least >= most).double().mean())
