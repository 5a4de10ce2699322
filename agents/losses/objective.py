"""The objective of an update: the policy loss, its corrections, and the terms beside it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .inputs import LossConfig, LossInputs
from .policy import find_policy_loss
from .terms import find_kl_estimator, importance_weights, value_loss


@dataclass(frozen=True, slots=True)
class Objective:
    """The objective of a micro-batch and what it is made of.

    ``loss`` is to be minimised and has the gradient. The parts of it are sums over tokens, weighed as in the loss; the
    rest is per token, [N]. All but ``loss`` are detached.

    Attributes:
        loss: policy_loss + kl_coef kl_loss - entropy_coef entropy_bonus + value_coef value_loss.
        policy_loss: the policy-gradient part.
        kl_loss: the weighed KL estimate; 0 without a reference.
        entropy_bonus: the weighed entropy; 0 where it was not scored.
        value_loss: the critic's loss; 0 without a critic.
        kl: the KL divergence from policy to reference by ``k3``, in nats; None without a reference.
        ratio: probability under the policy relative to the old one.
        clipped: bool: whether the trust region changed the token's gradient.
        correction: the importance weights; None without a correction.
    """

    loss: Tensor
    policy_loss: Tensor
    kl_loss: Tensor
    entropy_bonus: Tensor
    value_loss: Tensor
    kl: Tensor | None
    ratio: Tensor
    clipped: Tensor
    correction: Tensor | None


def objective(inputs: LossInputs, config: LossConfig) -> Objective:
    """Puts the terms together that ``config`` asks for. A term of weight 0 is measured, where that costs nothing."""
    policy = find_policy_loss(config.policy_loss)(inputs, config)
    token_loss = policy.token_loss
    correction = importance_weights(
        inputs.old_logprob, inputs.behaviour_logprob, config.correction, config.correction_cap
    )
    if correction is not None:
        token_loss = token_loss * correction
    weight = inputs.weight.to(token_loss.dtype)
    policy_part = (weight * token_loss).sum()
    kl_part = entropy_part = value_part = policy_part.new_zeros(())
    kl = None
    if inputs.reference_logprob is not None:
        kl = find_kl_estimator("k3")(inputs.logprob.detach(), inputs.reference_logprob)
        estimate = find_kl_estimator(config.kl_estimator)(inputs.logprob, inputs.reference_logprob)
        kl_part = (weight * estimate).sum()
    if inputs.entropy is not None:
        entropy_part = (weight * inputs.entropy).sum()
    if inputs.value is not None and inputs.old_value is not None and inputs.returns is not None:
        value_part = (weight * value_loss(inputs.value, inputs.old_value, inputs.returns, config.value_clip)).sum()
    loss = policy_part + config.value_coef * value_part
    if config.kl_coef and config.kl_in == "loss":
        loss = loss + config.kl_coef * kl_part
    if config.entropy_coef:
        loss = loss - config.entropy_coef * entropy_part
    return Objective(
        loss=loss,
        policy_loss=policy_part.detach(),
        kl_loss=kl_part.detach(),
        entropy_bonus=entropy_part.detach(),
        value_loss=value_part.detach(),
        kl=kl,
        ratio=policy.ratio,
        clipped=policy.clipped,
        correction=correction,
    )
