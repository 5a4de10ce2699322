"""Applies all kinds of parallelism to a model, from outside."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from transformers import PreTrainedModel

from .sequence import enable_ring
from .tensor import apply_tensor_parallel


def parallelize(model: PreTrainedModel, mesh: DeviceMesh, *, dtype: torch.dtype | None = None) -> None:
    """Makes a model one of many processes, in place; see `make_mesh`.

    Gradients are sums over all ranks, and not means: losses are sums over tokens, divided by the tokens of the whole
    step, which only their sum over ranks is right for.

    Args:
        model: with the same weights on all ranks.
        mesh: of `make_mesh`.
        dtype: of computing and of gathered weights, such as bfloat16; weights and gradients' sums stay as they are.
            None computes in that of the weights.
    """
    apply_tensor_parallel(model, mesh["tp"])
    if mesh["sp"].size() > 1:
        enable_ring(model)
    # Ranks that share a sequence hold the same weights, so they shard them, too.
    shards = mesh["fsdp", "sp"]._flatten("fsdp_sp")
    copies = mesh["ddp", "fsdp_sp"] if mesh["ddp"].size() > 1 else shards
    policy = MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=torch.float32 if dtype is not None else None)
    for layer in model.model.layers:
        fully_shard(layer, mesh=copies, mp_policy=policy)
    fully_shard(model, mesh=copies, mp_policy=policy)
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.set_gradient_divide_factor(1.0)
            # Else sums of float32 are scaled on their way, which gloo can't do.
            module.set_force_sum_reduction_for_comms(True)


def full_gradients(model: nn.Module) -> dict[str, Tensor]:
    """The whole gradient of each weight, on every rank."""
    found = {}
    for name, weight in model.named_parameters():
        gradient = weight.grad
        if gradient is not None:
            found[name] = gradient.full_tensor() if hasattr(gradient, "full_tensor") else gradient
    return found
