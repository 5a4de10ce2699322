"""Host memory for what waits: activations for the backward pass, averages for a step, models for their turn."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

# What is smaller stays where it is: moving it takes longer than it frees.
LEAST_ELEMENTS = 4096


def offloaded_activations(wanted: bool) -> AbstractContextManager[Any]:
    """A context of forward passes in which what the backward pass will need goes to host memory, and back for it.

    Weights stay: they are there anyway. Of models on the CPU everything does. With gradient checkpointing what goes is
    what each layer begins with.
    """
    return torch.autograd.graph.saved_tensors_hooks(_pack, _unpack) if wanted else nullcontext()


def offload_state(optimizer: torch.optim.Optimizer) -> None:
    """Keeps the optimizer's averages in host memory but for its steps; of weights on the CPU they are there already."""
    optimizer.register_step_pre_hook(lambda optimizer, *_: _move_state(optimizer, away=False))
    optimizer.register_step_post_hook(lambda optimizer, *_: _move_state(optimizer, away=True))
    # Which puts them beside their weights.
    optimizer.register_load_state_dict_post_hook(lambda optimizer: _move_state(optimizer, away=True))


def move(model: nn.Module, device: torch.device) -> None:
    """Moves weights and buffers of a model, divided or not, to a device or to host memory, in place.

    They stay the objects that they are, so that optimizers, and other names of tied weights, follow.
    """
    away = device.type == "cpu"
    # What ``to`` does, with host memory that a GPU reads without a detour.
    model._apply(  # type: ignore[no-untyped-call]
        to_host if away else lambda tensor: tensor.to(device, non_blocking=True)
    )
    if away and torch.cuda.is_available():
        torch.cuda.empty_cache()  # for engines and processes that share the GPU


def to_host(tensor: Tensor) -> Tensor:
    """A copy in host memory that a GPU reads without a detour; the tensor itself, if it is on the CPU.

    Of divided tensors copies are plain, because nothing makes them otherwise.
    """
    if tensor.device.type != "cuda" or isinstance(tensor, DTensor):
        return tensor.cpu()
    return torch.empty_like(tensor, device="cpu", pin_memory=True).copy_(tensor)


def _pack(tensor: Tensor) -> tuple[torch.device, Tensor]:
    held = tensor if tensor._base is None else tensor._base
    stays = isinstance(held, nn.Parameter) or tensor.numel() < LEAST_ELEMENTS
    return tensor.device, tensor if stays else to_host(tensor)


def _unpack(packed: tuple[torch.device, Tensor]) -> Tensor:
    device, tensor = packed
    return tensor.to(device, non_blocking=True)


def _move_state(optimizer: torch.optim.Optimizer, *, away: bool) -> None:
    for weight, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.dim():  # counts of steps are where the optimizer wants them
                state[name] = to_host(value) if away else value.to(weight.device, non_blocking=True)
