"""Sharded checkpoints: every process writes its part of what no process holds whole, and any number of them reads it.

Weights and the averages of optimizers go by the names of weights, into the format of torch.distributed.checkpoint. So
a run goes on with another number of processes, or another mesh, or one process alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.metadata import TensorStorageMetadata
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save
from torch.distributed.tensor import DTensor, distribute_tensor


@dataclass(frozen=True, slots=True)
class Part:
    """Something that is saved in shards.

    Attributes:
        module: its weights.
        optimizer: of these weights; None where they are not trained.
        weights: whether they are saved too, and not its averages alone.
    """

    module: nn.Module
    optimizer: torch.optim.Optimizer | None = None
    weights: bool = True


def save_shards(folder: Path, parts: Mapping[str, Part]) -> None:
    """Writes parts by their names; all processes call it."""
    with _as_os_error():
        save({key: value for name, part in parts.items() for key, value in _tensors(name, part)}, checkpoint_id=folder)


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Torch's own error of this is no ``Exception``, and holds those of all processes."""
    try:
        yield
    except CheckpointException as error:
        reasons = [str(reason) for reason, _ in error.failures.values()]
        raise OSError(next(iter(reasons), str(error))) from None


@torch.no_grad()
def load_shards(folder: Path, parts: Mapping[str, Part]) -> None:
    """Reads what `save_shards` wrote of these parts into them, however they are divided now; all processes call it."""
    known = FileSystemReader(folder).read_metadata().state_dict_metadata
    wanted: dict[str, Any] = {}
    for name, part in parts.items():
        if not any(key.startswith(f"{name}.") for key in known):
            continue  # it was not there yet
        for path, weight in part.module.named_parameters():
            if part.weights:
                wanted[f"{name}.weights.{path}"] = weight.detach()
            prefix = f"{name}.averages.{path}:"
            forms = {key: form for key, form in known.items() if key.startswith(prefix)}
            state = {
                key: _empty(form, weight) for key, form in forms.items() if isinstance(form, TensorStorageMetadata)
            }
            wanted |= state
            if state and part.optimizer is not None:
                part.optimizer.state[weight] = {key.removeprefix(prefix): value for key, value in state.items()}
    with _as_os_error():
        load(wanted, checkpoint_id=folder)


@torch.no_grad()
def load_whole(part: Part, weights: Mapping[str, Tensor] | None, averages: Mapping[str, Any] | None) -> None:
    """Takes the ``state_dict`` of a module and of its optimizer, of a single process, however they are divided now."""
    if weights is not None:
        own = part.module.state_dict()
        part.module.load_state_dict({name: _divided(value, own[name]) for name, value in weights.items()})
    if averages is None or part.optimizer is None:
        return
    trained = [weight for group in part.optimizer.param_groups for weight in group["params"]]
    state = {
        number: {
            name: _divided(value, trained[number]) if isinstance(value, Tensor) else value for name, value in of.items()
        }
        for number, of in averages["state"].items()
    }
    part.optimizer.load_state_dict({**averages, "state": state})


def _tensors(name: str, part: Part) -> Iterator[tuple[str, Tensor]]:
    for path, weight in part.module.named_parameters():
        if part.weights:
            yield f"{name}.weights.{path}", weight.detach()
        for average, value in part.optimizer.state.get(weight, {}).items() if part.optimizer is not None else ():
            if isinstance(value, Tensor):
                yield f"{name}.averages.{path}:{average}", value


def _empty(form: TensorStorageMetadata, weight: Tensor) -> Tensor:
    """What an average is read into: divided as its weight, if it is of its shape."""
    if form.size == weight.shape:
        return torch.zeros_like(weight, dtype=form.properties.dtype, requires_grad=False)
    return torch.zeros(form.size, dtype=form.properties.dtype)


def _divided(value: Tensor, like: Tensor) -> Tensor:
    if not isinstance(like, DTensor) or value.shape != like.shape:
        return value
    # Every process has the whole value, so none sends any.
    return distribute_tensor(value.to(like.device), like.device_mesh, like.placements, src_data_rank=None)
