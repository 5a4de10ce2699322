"""The norm of a gradient, and clipping by it; also where its parts lie on several ranks."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.tensor import DTensor


def is_divided(model: nn.Module) -> bool:
    """Whether the model's weights lie on several ranks, all of which take part in whatever it does."""
    return any(isinstance(weight, DTensor) for weight in model.parameters())


def local(tensor: Tensor) -> Tensor:
    """What this rank holds of a tensor."""
    found: Tensor = tensor.to_local() if isinstance(tensor, DTensor) else tensor
    return found


@torch.no_grad()
def clip_gradients(parameters: Iterable[nn.Parameter], max_norm: float) -> Tensor:
    """Scales gradients down to a norm, and returns the norm that they had: [], the same on all ranks.

    Args:
        parameters: on one process; or divided over all processes there are, some perhaps in more ways than others.
        max_norm: of all gradients together.
    """
    held = [weight for weight in parameters if weight.grad is not None]
    gradients = [weight.grad for weight in held if weight.grad is not None]
    if not any(isinstance(gradient, DTensor) for gradient in gradients):
        return nn.utils.clip_grad_norm_(held, max_norm)
    parts = [local(gradient) for gradient in gradients]
    # A part that several ranks hold counts on each of them as a share of one, so that one sum over all ranks is enough,
    # and has the same bits everywhere: copies of the weights must not drift apart.
    shares = [_distinct(gradient) / dist.get_world_size() for gradient in gradients]
    norms = torch.stack(torch._foreach_norm(parts)).double()
    total = (norms.square() * norms.new_tensor(shares)).sum()
    dist.all_reduce(total)
    norm = total.sqrt()
    if (share := max_norm / (float(norm) + 1e-6)) < 1:
        torch._foreach_mul_(parts, share)
    return norm


def _distinct(tensor: Tensor) -> int:
    """On how many ranks are parts of a tensor that differ."""
    if not isinstance(tensor, DTensor):
        return 1
    sizes = zip(tensor.placements, tensor.device_mesh.shape, strict=True)
    return prod(size for placement, size in sizes if not placement.is_replicate())
