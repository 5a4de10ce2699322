"""Policy losses: small pure functions, by name. The advantage says what to do, the ratio how far to go."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from .inputs import LossConfig, LossInputs, PolicyLoss, sequence_means

PolicyLossFunction: TypeAlias = Callable[[LossInputs, LossConfig], PolicyLoss]
POLICY_LOSSES: dict[str, PolicyLossFunction] = {}


def policy_loss(name: str) -> Callable[[PolicyLossFunction], PolicyLossFunction]:
    """Registers a policy loss under ``name``."""

    def register(function: PolicyLossFunction) -> PolicyLossFunction:
        POLICY_LOSSES[name] = function
        return function

    return register


def find_policy_loss(name: str) -> PolicyLossFunction:
    """The policy loss of that name.

    Raises:
        ValueError: lists those there are.
    """
    if name not in POLICY_LOSSES:
        raise ValueError(f"there is no policy loss {name!r}; choose from {', '.join(sorted(POLICY_LOSSES))}")
    return POLICY_LOSSES[name]


@policy_loss("clip")
def clip_loss(inputs: LossInputs, config: LossConfig) -> PolicyLoss:
    """The clipped surrogate: -min(r A, clip(r, 1 - low, 1 + high) A), r = p / p_old.

    PPO (Schulman et al. 2017, arXiv:1707.06347, eq. 7) and GRPO (arXiv:2402.03300, eq. 3) with one width, DAPO
    (arXiv:2503.14476, eq. 8) with a wider upper side. With ``dual_clip`` c, where A < 0 the objective is at least c A
    (Ye et al. 2020, arXiv:1912.09729, eq. 5), so that a bad token which became very likely has no unbounded gradient.
    """
    ratio = torch.exp(inputs.logprob - inputs.old_logprob)
    return _clipped(ratio, inputs.advantage, config)


@policy_loss("gspo")
def gspo_loss(inputs: LossInputs, config: LossConfig) -> PolicyLoss:
    """The clipped surrogate of whole sequences (GSPO, Zheng et al. 2025, arXiv:2507.18071, eq. 5 to 7).

    The ratio is that of the sequence, to the power of 1 / length: the geometric mean of its tokens' ratios. Each token
    carries the loss of its sequence; with ``sequence_mean`` weights their sum is the paper's objective.
    """
    ratio = torch.exp(sequence_means(inputs.logprob - inputs.old_logprob, inputs))
    return _clipped(ratio, inputs.advantage, config)


@policy_loss("cispo")
def cispo_loss(inputs: LossInputs, config: LossConfig) -> PolicyLoss:
    """Clipped importance weights: -sg[clip(r, 1 - low, 1 + high)] A log p (MiniMax-M1, arXiv:2506.13585, eq. 4, 5).

    The weight is bounded and every token keeps its gradient. ``clip_low`` of 1 bounds only from above.
    """
    ratio = torch.exp(inputs.logprob - inputs.old_logprob).detach()
    low, high = config.bounds()
    weight = ratio.clamp(low, high)
    return PolicyLoss(-weight * inputs.advantage * inputs.logprob, ratio, weight != ratio)


@policy_loss("reinforce")
def reinforce_loss(inputs: LossInputs, config: LossConfig) -> PolicyLoss:
    """The likelihood ratio gradient: -A log p (Williams 1992, eq. 4; with group baselines RLOO, arXiv:2402.14740)."""
    ratio = torch.exp(inputs.logprob - inputs.old_logprob).detach()
    return PolicyLoss(-inputs.advantage * inputs.logprob, ratio, torch.zeros_like(ratio, dtype=torch.bool))


def _clipped(ratio: Tensor, advantage: Tensor, config: LossConfig) -> PolicyLoss:
    bounded = ratio.clamp(*config.bounds())
    gain, bounded_gain = ratio * advantage, bounded * advantage
    clipped = bounded_gain < gain
    gain = torch.minimum(gain, bounded_gain)
    if config.dual_clip is not None:
        floor = config.dual_clip * advantage
        too_low = (advantage < 0) & (gain < floor)
        gain, clipped = torch.where(too_low, floor, gain), clipped | too_low
    return PolicyLoss(-gain, ratio.detach(), clipped)
