"""Gradients and updates of the policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import torch
from torch import Tensor
from transformers import PreTrainedModel

from ..credit.advantages import group_advantages
from ..losses import LossInputs, LossOutputs, k3
from .batching import TokenBatch
from .scoring import TokenScores, token_scores

RefUpdate = Literal["copy", "ema"]


@dataclass(frozen=True, slots=True)
class BackpropConfig:
    """How updates are made.

    Attributes:
        ppo_clip_range: half-width of the trust region of the ratio.
        kl_coef: weight of the KL term against the reference model.
        max_grad_norm: gradients are scaled down to this norm.
        temperature: of the distribution that is trained: that of sampling.
        ref_update_method: what ``update_ref_model()`` does: ``copy`` or ``ema``.
        ema_alpha: share of the old reference that an ``ema`` update keeps.
    """

    ppo_clip_range: float = 0.2
    kl_coef: float = 0.1
    max_grad_norm: float = 1.0
    temperature: float = 1.0
    ref_update_method: RefUpdate = "copy"
    ema_alpha: float = 0.99


class UpdateResult(TypedDict):
    """What an update did: the norm of the gradient before clipping, and the loss."""

    grad_norm: float
    loss: float


class BackpropModule:
    """Scores tokens under policy and reference, turns losses into gradients, and gradients into new weights.

    Args:
        model: the policy.
        ref_model: the reference of the KL term; its weights get no gradient. None for no KL term.
        optimizer: over the policy's parameters.
        config: how updates are made.
        autocast: makes the context of forward passes: that of sampling, so that log-probs agree.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        ref_model: PreTrainedModel | None = None,
        optimizer: torch.optim.Optimizer | None = None,
        config: BackpropConfig | None = None,
        *,
        autocast: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        if optimizer is None:
            raise ValueError("BackpropModule needs an optimizer over the model's parameters")
        self.model = model
        self.ref_model = ref_model.eval().requires_grad_(False) if ref_model is not None else None
        self.optimizer = optimizer
        self.config = config or BackpropConfig()
        self.autocast = autocast

    def compute_relative_advantages(self, rewards: Tensor, group_size: int, *, norm_std: bool = True) -> Tensor:
        """Advantages of consecutive groups of ``group_size`` rewards: [N], float32; see :func:`group_advantages`.

        Raises:
            ValueError: if the number of rewards is no multiple of ``group_size``.
        """
        if group_size < 1 or len(rewards) % group_size:
            raise ValueError(f"{len(rewards)} rewards are not whole groups of {group_size}")
        groups = torch.arange(len(rewards)) // group_size
        return group_advantages(rewards, groups, torch.ones_like(groups, dtype=torch.bool), norm_std=norm_std)

    def compute_kl(self, logprob: Tensor, reference_logprob: Tensor) -> Tensor:
        """The KL estimate k3 of each token, in nats; the shape of its inputs."""
        return k3(logprob, reference_logprob)

    def score(self, batch: TokenBatch) -> TokenScores:
        """Log-probs and entropies of the batch's action tokens under the policy, with gradient."""
        return self._score(self.model, batch)

    def loss_inputs(self, batch: TokenBatch, scores: TokenScores) -> LossInputs:
        """What a loss reads: the policy's scores beside those of behaviour and reference."""
        reference = None
        if self.ref_model is not None:
            with torch.no_grad():
                reference = self._score(self.ref_model, batch).logprob
        return LossInputs(
            logprob=scores.logprob,
            behaviour_logprob=batch.behaviour_logprob,
            reference_logprob=reference,
            advantage=batch.advantage,
            mask=batch.action_mask,
        )

    def set_learning_rate(self, rate: float) -> None:
        """Sets the learning rate of all parameters."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def accumulate(self, loss: Tensor) -> None:
        """Adds the gradient of ``loss`` to what is there."""
        loss.backward()  # type: ignore[no-untyped-call]

    def step(self) -> float:
        """Clips the accumulated gradient, updates the weights, clears the gradient.

        Returns:
            The gradient's norm before clipping. Where it is not finite the weights stay as they are.
        """
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.max_grad_norm)
        if torch.isfinite(norm):
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return float(norm)

    def update(self, loss: Tensor | Mapping[str, Tensor] | LossOutputs) -> UpdateResult:
        """One whole update from one loss: a tensor, :class:`LossOutputs`, or a mapping with ``total_loss``."""
        if isinstance(loss, LossOutputs):
            loss = loss.loss
        elif isinstance(loss, Mapping):
            loss = loss["total_loss"]
        self.accumulate(loss)
        return {"grad_norm": self.step(), "loss": float(loss.detach())}

    @torch.no_grad()
    def update_ref_model(self, method: RefUpdate | None = None) -> None:
        """Moves the reference to the policy: ``copy`` takes its weights; ``ema`` ref <- alpha ref + (1 - alpha) policy.

        Raises:
            ValueError: if there is no reference, or for an unknown method.
        """
        if self.ref_model is None:
            raise ValueError("there is no reference model to update")
        method = method or self.config.ref_update_method
        if method not in ("copy", "ema"):
            raise ValueError(f"method must be 'copy' or 'ema', not {method!r}")
        share = 1.0 if method == "copy" else 1 - self.config.ema_alpha
        for old, new in zip(self.ref_model.parameters(), self.model.parameters(), strict=True):
            old.lerp_(new, share)
        for old, new in zip(self.ref_model.buffers(), self.model.buffers(), strict=True):
            old.copy_(new)

    def _score(self, model: PreTrainedModel, batch: TokenBatch) -> TokenScores:
        with self.autocast():
            return token_scores(
                model, batch.token_ids, batch.attention_mask, batch.action_mask, temperature=self.config.temperature
            )
