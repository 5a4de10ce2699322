"""The parts of an update on plain tensors, as methods: for code that puts its own loop together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import get_args

import torch
from torch import Tensor

from ..credit.advantages import group_advantages, whiten
from ..credit.returns import gae_rows, return_rows
from ..losses import LossConfig, LossInputs, Objective, find_kl_estimator, objective
from .reference import RefUpdate as RefUpdate
from .scoring import entropy_of


@dataclass(frozen=True, slots=True)
class BackpropConfig:
    """How updates are made. None takes the algorithm's value, and where there is no algorithm the one named here.

    Attributes:
        gamma: discount; 0.99.
        gae_lambda: of generalised advantages; 0.95.
        ppo_clip_range: half-width of the trust region of the ratio; 0.2.
        ppo_epochs: passes over the trajectories of a step; 1.
        value_loss_coef: weight of the critic's loss; 0.1.
        entropy_coef: weight of the entropy bonus; 0.01.
        kl_coef: weight of the KL term against the reference model; 0.1.
        max_grad_norm: gradients are scaled down to this norm.
        ref_update_method: what ``update_ref_model()`` does: ``copy`` or ``ema``.
        ema_alpha: share of the old reference that an ``ema`` update keeps.
        normalize_advantages: scale advantages of estimators without groups to mean 0 and standard deviation 1; True.
        clip_value_loss: keep the critic within ``ppo_clip_range`` of its old values; True.
        temperature: of the distribution that is trained: that of sampling.
        max_skipped_steps: so many steps in a row whose loss or gradient is not finite end the run.
        offload_activations: keep what the backward pass needs in host memory, on a GPU.
    """

    gamma: float | None = None
    gae_lambda: float | None = None
    ppo_clip_range: float | None = None
    ppo_epochs: int | None = None
    value_loss_coef: float | None = None
    entropy_coef: float | None = None
    kl_coef: float | None = None
    max_grad_norm: float = 1.0
    ref_update_method: RefUpdate = "copy"
    ema_alpha: float = 0.99
    normalize_advantages: bool | None = None
    clip_value_loss: bool | None = None
    temperature: float = 1.0
    max_skipped_steps: int = 5
    offload_activations: bool = False

    def __post_init__(self) -> None:
        """Refuses what no update can use; NaN too.

        Raises:
            ValueError: names the attribute.
        """
        limits = {
            "from 0 to 1": (0, 1, ("gamma", "gae_lambda", "ema_alpha")),
            "at least 0": (0, inf, ("ppo_clip_range", "value_loss_coef", "entropy_coef", "kl_coef")),
            "at least 1": (1, inf, ("ppo_epochs", "max_skipped_steps")),
            "above 0": (5e-324, inf, ("max_grad_norm", "temperature")),
        }
        for demand, (least, most, names) in limits.items():
            for name in names:
                value = getattr(self, name)
                if value is not None and not least <= value <= most:
                    raise ValueError(f"{name} must be {demand}, not {value}")
        if self.ref_update_method not in get_args(RefUpdate):
            raise ValueError(f"ref_update_method must be 'copy' or 'ema', not {self.ref_update_method!r}")


class TensorPrimitives:
    """Advantages, returns, divergences and losses with the values of ``config``; the base of the backprop module."""

    config: BackpropConfig

    def loss_config(self) -> LossConfig:
        """What :meth:`compute_ppo_loss` minimises: PPO's loss, averaged over tokens."""
        config = self.config
        clip = _or(config.ppo_clip_range, 0.2)
        return LossConfig(
            clip_low=clip,
            kl_coef=_or(config.kl_coef, 0.1),
            entropy_coef=_or(config.entropy_coef, 0.01),
            value_coef=_or(config.value_loss_coef, 0.1),
            value_clip=clip if config.clip_value_loss in (None, True) else None,
        )

    def compute_returns(self, rewards: Tensor | Sequence[Sequence[float]], dones: Tensor | None = None) -> Tensor:
        """Discounted returns: [batch, T], float32. ``dones`` [batch, T] marks the last steps of episodes."""
        rows = _rows("rewards", rewards)
        return return_rows(rows, _like("dones", dones, rows), gamma=_or(self.config.gamma, 0.99)).float()

    def compute_advantages(
        self,
        rewards: Tensor | Sequence[Sequence[float]],
        values: Tensor | None = None,
        dones: Tensor | None = None,
    ) -> Tensor:
        """Generalised advantages with values, returns without: [batch, T], float32.

        Whitened unless ``normalize_advantages`` is False.

        Args:
            rewards: [batch, T].
            values: [batch, T + 1]: before each step, and after the last.
            dones: [batch, T], bool: the episode terminated with this step.

        Raises:
            ValueError: for shapes that do not fit.
        """
        config, rows = self.config, _rows("rewards", rewards)
        gamma, over = _or(config.gamma, 0.99), _like("dones", dones, rows)
        if values is None:
            found = return_rows(rows, over, gamma=gamma)
        else:
            expected = torch.as_tensor(values).double()
            if expected.shape != (len(rows), rows.shape[1] + 1):
                raise ValueError(
                    f"values must have shape {[len(rows), rows.shape[1] + 1]}, one more step than rewards, "
                    f"not {list(expected.shape)}"
                )
            found = gae_rows(rows, expected, over, gamma=gamma, lam=_or(config.gae_lambda, 0.95))
        if config.normalize_advantages in (None, True):
            found = whiten(found.flatten()).view_as(found)
        return found.float()

    def compute_relative_advantages(
        self, rewards: Tensor | Sequence[float], group_size: int, *, norm_std: bool = True
    ) -> Tensor:
        """Advantages of consecutive groups of ``group_size`` rewards: [N], float32; see :func:`group_advantages`.

        Raises:
            ValueError: if the number of rewards is no multiple of ``group_size``, or one of them is not finite.
        """
        rewards = torch.as_tensor(rewards)
        if rewards.dim() != 1 or not rewards.isfinite().all():
            raise ValueError(f"rewards must be finite and of shape [N], not of {list(rewards.shape)}")
        if group_size < 1 or len(rewards) % group_size:
            raise ValueError(f"{len(rewards)} rewards are not whole groups of {group_size}")
        groups = torch.arange(len(rewards)) // group_size
        return group_advantages(rewards, groups, torch.ones_like(groups, dtype=torch.bool), norm_std=norm_std)

    def compute_kl(self, logprob: Tensor, reference_logprob: Tensor, estimator: str = "k3") -> Tensor:
        """The KL estimate of each token, in nats; the shape of its inputs, which must have the same.

        Raises:
            ValueError: if they have not.
        """
        if logprob.shape != reference_logprob.shape:
            shapes = f"{list(logprob.shape)} and {list(reference_logprob.shape)}"
            raise ValueError(f"log-probs of policy and reference must have one shape, not {shapes}")
        return find_kl_estimator(estimator)(logprob, reference_logprob)

    def compute_entropy(self, logits: Tensor) -> Tensor:
        """The entropy of each distribution, in nats, from logits [..., V]: [...]. Temperature is not applied."""
        return entropy_of(logits)

    def compute_loss(self, inputs: LossInputs, config: LossConfig | None = None) -> Objective:
        """The objective on flat tokens; by default that of :meth:`loss_config`."""
        return objective(inputs, config or self.loss_config())


def spread_over_tokens(values: Tensor, lengths: Tensor, name: str) -> Tensor:
    """Values of sequences, [S] or [S, 1], or of padded tokens, [S, longest], at each sampled token: [N]."""
    if values.shape in (lengths.shape, (*lengths.shape, 1)):
        return torch.repeat_interleave(values.flatten(), lengths)
    longest = int(lengths.max())
    if values.shape != (len(lengths), longest):
        shapes = f"[{len(lengths)}] or [{len(lengths)}, {longest}]"
        raise ValueError(f"{name} must have shape {shapes}, not {list(values.shape)}")
    return values[torch.arange(longest) < lengths[:, None]]


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _rows(name: str, values: Tensor | Sequence[Sequence[float]]) -> Tensor:
    rows = torch.as_tensor(values).double()
    if rows.dim() != 2:
        raise ValueError(f"{name} must have shape [batch, T], not {list(rows.shape)}")
    if not rows.isfinite().all():
        raise ValueError(f"{name} must be finite")
    return rows


def _like(name: str, values: Tensor | None, rows: Tensor) -> Tensor | None:
    if values is None:
        return None
    values = torch.as_tensor(values)
    if values.shape != rows.shape:
        raise ValueError(f"{name} must have the shape of rewards, {list(rows.shape)}, not {list(values.shape)}")
    return values
