"""How the models of a run are divided over its processes, and in what arithmetic they are computed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.distributed.device_mesh import DeviceMesh
from transformers import PreTrainedModel

from ..config import ConfigError, TrainConfig
from ..inference.huggingface import computes_in_half
from ..parallel.apply import parallelize
from ..parallel.mesh import make_mesh, resolve
from ..parallel.processes import Processes
from ..parallel.shape import DIMENSIONS
from ..updates.clipping import is_divided


def divide_policy(
    config: TrainConfig, model: PreTrainedModel, device: torch.device, processes: Processes
) -> dict[str, DeviceMesh]:
    """Divides the policy, which is in host memory, over the devices of the processes, where there are several.

    Returns:
        The meshes of all models; none if there is one process.

    Raises:
        ConfigError: if there are not as many as the configuration divides it by, or it cannot be divided.
    """
    ours = config.parallel
    try:
        shapes = {"policy": resolve({name: getattr(ours, name) for name in DIMENSIONS}, processes.size)}
        for name, other in (("reference", ours.reference), ("critic", ours.critic)):
            shapes[name] = shapes["policy"] if other is None else resolve(other, processes.size, f"parallel.{name}")
        if processes.size == 1:
            return {}
        if config.model.compile:
            raise ValueError("model.compile works in one process only: models are divided as they are written")
        if config.actor.ref_period is not None and shapes["reference"] != shapes["policy"]:
            raise ValueError("parallel.reference: a reference that follows the policy is divided as the policy")
        if config.actor.optimizer == "adafactor":
            raise ValueError("actor.optimizer=adafactor works in one process only; take adamw or sgd")
        known = {shape: make_mesh(shape, device.type) for shape in dict.fromkeys(shapes.values())}
        meshes = {name: known[shape] for name, shape in shapes.items()}
        parallelize(model, meshes["policy"], dtype=half_of(config, device))
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return meshes


def autocast_of(config: TrainConfig, model: PreTrainedModel) -> Callable[[], AbstractContextManager[Any]]:
    """The context of forward passes. Divided models were told of their arithmetic when they were divided."""
    device, half = model.device.type, half_of(config, model.device)
    if half is None or is_divided(model):
        return nullcontext
    return lambda: torch.autocast(device, dtype=half)


def half_of(config: TrainConfig, device: torch.device) -> torch.dtype | None:
    """The dtype of the arithmetic if it is another than float32."""
    return torch.bfloat16 if computes_in_half(config.model.dtype, device) else None
