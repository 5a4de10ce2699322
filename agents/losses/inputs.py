"""What losses read and what they give: flat over the tokens that the policy sampled, without padding and masks."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, TypeAlias

import torch
from torch import Tensor

Aggregation: TypeAlias = Literal["token_mean", "sequence_mean", "sequence_sum"]
KLName: TypeAlias = Literal["k1", "k2", "k3"]
Correction: TypeAlias = Literal["none", "truncate", "mask"]


@dataclass(frozen=True, slots=True)
class LossInputs:
    """The sampled tokens of a micro-batch, one sequence after the other; each field [N].

    Attributes:
        logprob: of each token under the policy, float, with gradient.
        old_logprob: under the policy that ratios are taken against (the proximal policy).
        behaviour_logprob: when the token was sampled.
        advantage: of each token.
        sequence: int64: which sequence of the micro-batch the token belongs to.
        weight: share of the token in the optimizer step's loss; see :func:`~.aggregation.sequence_weights`.
        entropy: of the distribution that the token was drawn from, in nats; with gradient where a bonus is asked for.
        reference_logprob: under the reference model; None where there is none.
        value: what the critic expects now, with gradient; None without a critic.
        old_value: what it expected before the update.
        returns: what it should have expected.
    """

    logprob: Tensor
    old_logprob: Tensor
    behaviour_logprob: Tensor
    advantage: Tensor
    sequence: Tensor
    weight: Tensor
    entropy: Tensor | None = None
    reference_logprob: Tensor | None = None
    value: Tensor | None = None
    old_value: Tensor | None = None
    returns: Tensor | None = None

    def __post_init__(self) -> None:
        """Refuses shapes that would broadcast.

        Raises:
            ValueError: names the field, its shape and the one it should have.
        """
        shape = self.logprob.shape
        if len(shape) != 1:
            raise ValueError(f"logprob must be flat over tokens, [N], not of shape {list(shape)}")
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and value.shape != shape:
                raise ValueError(f"{field.name} has shape {list(value.shape)}, but logprob has {list(shape)}")

    @property
    def sequences(self) -> int:
        """How many sequences there are."""
        return int(self.sequence.max()) + 1 if len(self.sequence) else 0


@dataclass(frozen=True, slots=True)
class PolicyLoss:
    """A policy loss; each [N].

    Attributes:
        token_loss: what is to be minimised, with gradient. Weights and sums come later.
        ratio: probability under the policy relative to the old one, detached.
        clipped: bool: whether the trust region changed the token's gradient.
    """

    token_loss: Tensor
    ratio: Tensor
    clipped: Tensor


@dataclass(frozen=True, slots=True)
class LossConfig:
    """Which terms make the objective, and how strong they are.

    Attributes:
        policy_loss: the name of a policy loss: ``clip``, ``gspo``, ``cispo``, ``reinforce``.
        clip_low: the ratio's trust region begins at 1 - ``clip_low``.
        clip_high: and ends at 1 + ``clip_high``; None takes ``clip_low``.
        dual_clip: for negative advantages the ratio counts at most so much; None for no bound.
        aggregation: how tokens weigh; see :func:`~.aggregation.sequence_weights`.
        normaliser: tokens that ``sequence_sum`` divides by.
        kl_coef: weight of the KL term against the reference.
        kl_estimator: ``k1``, ``k2`` or ``k3``.
        kl_in: ``loss``, or ``reward``, where it makes no term here.
        entropy_coef: weight of the entropy bonus.
        correction: what is done where sampler and trainer disagree about a token: ``none``, ``truncate`` or ``mask``.
        correction_cap: the ratio of trainer and sampler from which on that is done.
        value_coef: weight of the critic's loss.
        value_clip: half-width of the region around the old value; None for no clipping.
    """

    policy_loss: str = "clip"
    clip_low: float = 0.2
    clip_high: float | None = None
    dual_clip: float | None = None
    aggregation: Aggregation = "token_mean"
    normaliser: int = 1
    kl_coef: float = 0.0
    kl_estimator: KLName = "k3"
    kl_in: Literal["loss", "reward"] = "loss"
    entropy_coef: float = 0.0
    correction: Correction = "none"
    correction_cap: float = 2.0
    value_coef: float = 0.1
    value_clip: float | None = None

    def bounds(self) -> tuple[float, float]:
        """Where the ratio's trust region begins and ends."""
        return 1 - self.clip_low, 1 + (self.clip_low if self.clip_high is None else self.clip_high)


def sequence_means(values: Tensor, inputs: LossInputs) -> Tensor:
    """The mean of ``values`` [N] over each sequence, at each of its tokens: [N]."""
    total = values.new_zeros(inputs.sequences).index_add(0, inputs.sequence, values)
    count = torch.bincount(inputs.sequence, minlength=inputs.sequences).clamp(min=1)
    return (total / count)[inputs.sequence]
