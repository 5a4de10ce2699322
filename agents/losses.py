"""Losses: pure functions of log-probs and advantages, summed over tokens. The caller divides, once, over the step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class LossInputs:
    """What losses read; each [tokens] or [B, T], float32, except ``mask`` (bool).

    Attributes:
        logprob: of each token under the policy, with gradient.
        behaviour_logprob: of the same token when it was sampled.
        reference_logprob: under the reference model; None where no KL term reads it.
        advantage: of each token.
        mask: the tokens that count.
    """

    logprob: Tensor
    behaviour_logprob: Tensor
    reference_logprob: Tensor | None
    advantage: Tensor
    mask: Tensor


@dataclass(frozen=True, slots=True)
class LossOutputs:
    """Sums over the masked tokens; ``loss`` has the gradient, the others are for the log.

    Attributes:
        loss: the objective, to be minimised.
        policy_loss: its policy-gradient part.
        kl: estimated KL divergence from policy to reference, in nats.
        clipped: tokens whose ratio left the trust region on the side where the gradient vanishes.
        ratio: the probability ratios of policy and behaviour.
    """

    loss: Tensor
    policy_loss: Tensor
    kl: Tensor
    clipped: Tensor
    ratio: Tensor


KLEstimator: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def k1(logprob: Tensor, reference_logprob: Tensor) -> Tensor:
    """log(p/q): unbiased, high variance (Schulman 2020, "Approximating KL divergence")."""
    return logprob - reference_logprob


def k2(logprob: Tensor, reference_logprob: Tensor) -> Tensor:
    """log(p/q)^2 / 2: biased, low variance; on policy its gradient is that of the reverse KL (same source)."""
    return (logprob - reference_logprob).square() / 2


def k3(logprob: Tensor, reference_logprob: Tensor) -> Tensor:
    """q/p - 1 - log(q/p): unbiased, never negative (same source; eq. 4 of arXiv:2402.03300)."""
    gap = reference_logprob - logprob
    return torch.expm1(gap) - gap


def masked_sum(values: Tensor, mask: Tensor) -> Tensor:
    """The sum over the places where ``mask`` is true; what stands elsewhere, NaN too, does not matter."""
    return torch.where(mask, values, 0.0).sum()


def grpo_loss(batch: LossInputs, *, clip: float = 0.2, beta: float = 0.0, kl: KLEstimator = k3) -> LossOutputs:
    """Clipped policy-gradient loss with a KL term (GRPO, arXiv:2402.03300, eq. 3), summed over tokens.

    Args:
        batch: see :class:`LossInputs`.
        clip: half-width of the trust region of the ratio.
        beta: weight of the KL term; with 0 it is only measured, and not even that without a reference.
        kl: the estimator.
    """
    mask = batch.mask
    # Masked places may hold anything; zeroing them first keeps NaN out of the gradient too.
    logprob = torch.where(mask, batch.logprob, 0.0)
    advantage = torch.where(mask, batch.advantage, 0.0)
    ratio = torch.exp(logprob - torch.where(mask, batch.behaviour_logprob, 0.0))
    bounded = ratio.clamp(1 - clip, 1 + clip)
    policy_loss = masked_sum(-torch.minimum(ratio * advantage, bounded * advantage), mask)
    loss, divergence = policy_loss, policy_loss.new_zeros(())
    if batch.reference_logprob is not None:
        divergence = masked_sum(kl(logprob, torch.where(mask, batch.reference_logprob, 0.0)), mask)
        if beta:
            loss = policy_loss + beta * divergence
    clipped = (bounded * advantage < ratio * advantage) & mask
    return LossOutputs(
        loss=loss,
        policy_loss=policy_loss.detach(),
        kl=divergence.detach(),
        clipped=clipped.sum().float(),
        ratio=masked_sum(ratio, mask).detach(),
    )
