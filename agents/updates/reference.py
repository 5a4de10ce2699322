"""How the reference of the KL term follows the policy."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import nn

RefUpdate: TypeAlias = Literal["copy", "ema"]


@torch.no_grad()
def follow(reference: nn.Module, policy: nn.Module, method: RefUpdate, alpha: float) -> None:
    """Moves the reference: ``copy`` takes the policy's weights; ``ema`` ref <- alpha ref + (1 - alpha) policy.

    Raises:
        ValueError: for an unknown method, or for an average in half precision.
    """
    if method not in ("copy", "ema"):
        raise ValueError(f"method must be 'copy' or 'ema', not {method!r}")
    share = 1.0 if method == "copy" else 1 - alpha
    for old, new in zip(reference.parameters(), policy.parameters(), strict=True):
        if method == "ema" and torch.finfo(old.dtype).bits < 32:
            raise ValueError(f"an average in {old.dtype} rounds its steps away: keep the reference in float32")
        old.lerp_(new.to(old.dtype), share)
    for kept, buffer in zip(reference.buffers(), policy.buffers(), strict=True):
        kept.copy_(buffer)
