"""The other terms of an objective: KL estimates, the critic's loss, the correction for a sampler that disagrees."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from .inputs import Correction

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


KL_ESTIMATORS: dict[str, KLEstimator] = {"k1": k1, "k2": k2, "k3": k3}


def find_kl_estimator(name: str) -> KLEstimator:
    """The estimator of that name.

    Raises:
        ValueError: lists those there are.
    """
    if name not in KL_ESTIMATORS:
        raise ValueError(f"there is no KL estimator {name!r}; choose from {', '.join(KL_ESTIMATORS)}")
    return KL_ESTIMATORS[name]


def value_loss(value: Tensor, old_value: Tensor, returns: Tensor, clip: float | None) -> Tensor:
    """The critic's loss of each token: max((v - R)^2, (clip(v, v_old - c, v_old + c) - R)^2) / 2; each [N].

    The clipped form (Schulman et al., in the code of arXiv:1707.06347; Engstrom et al. 2020, arXiv:2005.12729) takes
    the gradient away where the value went further than ``clip`` towards the return; where it went away from the
    return, the gradient stays. With ``clip`` None it is half the squared error.
    """
    error = (value - returns).square()
    if clip is not None:
        bounded = old_value + (value - old_value).clamp(-clip, clip)
        error = torch.maximum(error, (bounded - returns).square())
    return error / 2


def importance_weights(
    old_logprob: Tensor, behaviour_logprob: Tensor, correction: Correction, cap: float
) -> Tensor | None:
    """How much a token counts that the sampler drew with another probability than the trainer gives it: [N], detached.

    ``truncate``: min(p_old / p_behaviour, cap) (Yao et al. 2025, "Your efficient RL framework secretly brings you
    off-policy RL training"). ``mask``: the ratio where it is between 1 / cap and cap, else 0, so that a token on which
    the two disagree teaches nothing (Ling team 2025, "Every step evolves", arXiv:2510.18855, IcePop). ``none``: None.

    Raises:
        ValueError: for another correction.
    """
    if correction == "none":
        return None
    ratio = torch.exp(old_logprob - behaviour_logprob).detach()
    if correction == "truncate":
        return ratio.clamp(max=cap)
    if correction == "mask":
        return torch.where((ratio <= cap) & (ratio >= 1 / cap), ratio, 0.0)
    raise ValueError(f"correction must be 'none', 'truncate' or 'mask', not {correction!r}")


def masked_sum(values: Tensor, mask: Tensor) -> Tensor:
    """The sum over the places where ``mask`` is true; what stands elsewhere, NaN too, does not matter."""
    return torch.where(mask, values, 0.0).sum()
