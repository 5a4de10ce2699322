"""Applies all kinds of parallelism to a model, from outside."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor
from torch.distributed.tensor.parallel import SequenceParallel, parallelize_module
from transformers import PreTrainedModel

from ..models.critic import Critic
from ..models.lora import ADAPTER
from ..updates.head import find_head
from ..updates.planning import LayoutPlan, find_plan
from ..updates.share import Share
from .scoring import enable_scoring, enable_values, free
from .sequence import enable_ring, try_ring
from .tensor import apply_tensor_parallel


def parallelize(model: PreTrainedModel | Critic, mesh: DeviceMesh, *, dtype: torch.dtype | None = None) -> None:
    """Makes a policy, a reference or a critic one of many processes, in place; see `make_mesh`.

    From then on all ranks that share its rows call it alike, with the same rows, and get whole scores or values of
    them; all ranks call it as often. Gradients are sums over all ranks, and not means: losses are sums over tokens,
    divided by the tokens of the whole step, which only their sum over ranks is right for.

    Args:
        model: with the same weights on all ranks, in host memory or on the device: a part at a time goes there. A
            reference that is the policy without its adapters needs nothing: it is divided with the policy.
        mesh: of `make_mesh`.
        dtype: of computing and of gathered weights, such as bfloat16; weights and gradients' sums stay as they are.
            It takes the place of autocast. None computes in that of the weights.

    Raises:
        ValueError: one line says what of the model can't be divided so.
    """
    backbone: Any = model.backbone if isinstance(model, Critic) else model
    layers = getattr(backbone.base_model, "layers", None)
    if layers is None:
        raise ValueError(
            f"parallel: {type(backbone).__name__} can't be divided, only decoders with their layers in model.layers, "
            "such as Llama, Qwen2, Qwen3, Mistral and Gemma"
        )
    if not isinstance(model, Critic) or _shares_rows(mesh):
        _try(model, backbone, mesh, dtype)
    apply_tensor_parallel(backbone, mesh["tp"])
    if _shares_rows(mesh):
        enable_ring(backbone)
    _shard(model, layers, mesh, dtype)
    if isinstance(model, Critic):
        enable_values(model, mesh)
    else:
        enable_scoring(model, mesh)
    model.register_forward_hook(lambda module, arguments, found: free(module))
    model.share = Share.of(mesh)


def _try(
    model: PreTrainedModel | Critic, backbone: PreTrainedModel, mesh: DeviceMesh, dtype: torch.dtype | None
) -> None:
    """Finds out by trying what a divided model is too slow for; what is made for that is gone afterwards."""
    tried = _first_layer(backbone, mesh.device_type)
    with torch.autocast(mesh.device_type, dtype, enabled=dtype is not None):
        if not isinstance(model, Critic):
            _decide(model, tried, mesh)
        if _shares_rows(mesh):
            try_ring(tried)


def _decide(model: PreTrainedModel, tried: PreTrainedModel, mesh: DeviceMesh) -> None:
    """Notes what the model's head is, and how rows are laid out for it."""
    if find_head(model) is None:
        raise ValueError(f"parallel: the logits of {type(model).__name__} are no plain product with a head's weights")
    # The ring knows no sequences that share a beginning.
    model.layout_plan = LayoutPlan(packed=True) if _shares_rows(mesh) else find_plan(tried)


def _first_layer(model: PreTrainedModel, device: str) -> PreTrainedModel:
    """The model on the device: itself if it is there, or else a copy of what it has but for the layers after the first.

    Which layout pays depends on the device, which may have no room for all of the model.
    """
    if model.device.type == device:
        return model
    backbone: Any = model.base_model
    layers = backbone.layers
    backbone.layers = layers[:1]
    try:
        found: PreTrainedModel = copy.deepcopy(model).to(device)
    finally:
        backbone.layers = layers
    return found


def _shares_rows(mesh: DeviceMesh) -> bool:
    """Whether ranks share rows, so that attention must be the ring's.

    That of a model alone would be wrong also where ``tp`` ranks see whole rows in attention: between layers they hold
    parts, and of those the model makes its masks.
    """
    return mesh["sp"].size() * mesh["tp"].size() > 1


def _shard(model: Any, layers: nn.ModuleList, mesh: DeviceMesh, dtype: torch.dtype | None) -> None:
    # Ranks that share a sequence hold the same weights, so they shard them, too.
    shards = mesh["fsdp", "sp"]._flatten("fsdp_sp")
    copies = mesh["ddp", "fsdp_sp"] if mesh["ddp"].size() > 1 else shards
    sums = torch.float32 if dtype is not None else None
    how: dict[str, Any] = {"mesh": copies, "mp_policy": MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=sums)}
    for layer in layers:
        fully_shard(layer, **how)
    if isinstance(model, Critic):
        # Values keep their precision; and all weights of one optimizer lie on meshes of one shape.
        if mesh["tp"].size() > 1:
            parallelize_module(model, mesh["tp"], {"head": SequenceParallel()})
        fully_shard(model.head, mesh=copies)
    fully_shard(model, **how)
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.set_gradient_divide_factor(1.0)
            # Else sums of float32 are scaled on their way, which gloo can't do.
            module.set_force_sum_reduction_for_comms(True)


def full_weights(
    model: nn.Module, *, keep: bool = True, host: bool = False, adapters: bool = False
) -> dict[str, Tensor]:
    """The state of a model with whole weights; all processes of its mesh take part.

    Args:
        model: divided or not.
        keep: whether this process wants them; others get nothing.
        host: collect them in host memory: the device holds one whole weight at a time.
        adapters: only those of adapters.
    """
    found: dict[str, Tensor] = {}
    known: dict[int, Tensor] = {}  # weights under two names stay one
    for name, weight in model.state_dict(keep_vars=True).items():
        if adapters and ADAPTER not in name:
            continue
        if id(weight) not in known:
            whole = weight.detach()
            whole = whole.full_tensor() if isinstance(whole, DTensor) else whole
            known[id(weight)] = (whole.cpu() if host else whole) if keep else whole.new_empty(0)
        found[name] = known[id(weight)]
    return found if keep else {}


def full_gradients(model: nn.Module) -> dict[str, Tensor]:
    """The whole gradient of each weight, on every rank."""
    found = {}
    for name, weight in model.named_parameters():
        gradient = weight.grad
        if gradient is not None:
            found[name] = gradient.full_tensor() if hasattr(gradient, "full_tensor") else gradient
    return found
