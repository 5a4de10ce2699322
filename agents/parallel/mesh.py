"""How the processes of a run are divided: who holds copies, shards of weights, parts of sequences, parts of layers."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from .shape import DIMENSIONS, MeshShape


def resolve(ways: Mapping[str, int | None], processes: int, key: str = "parallel") -> MeshShape:
    """The shape of a mesh.

    Args:
        ways: how many ways each dimension divides, by its name; 1 where nothing is said. ``fsdp`` takes what the others
            leave where it is None or not there.
        processes: how many there are.
        key: what errors call it.

    Raises:
        ValueError: there is no such dimension, or the numbers don't multiply to the number of processes.
    """
    if unknown := [name for name in ways if name not in DIMENSIONS]:
        raise ValueError(f"{key}: there is no {unknown[0]!r}, only {', '.join(DIMENSIONS)}")
    known = {name: way for name, way in ways.items() if way is not None}
    left = processes // prod(way for name, way in known.items() if name != "fsdp")
    shape = MeshShape(**{"fsdp": max(1, left), **known})
    if shape.ranks != processes:
        told = " x ".join(f"{name} {getattr(shape, name)}" for name in DIMENSIONS)
        raise ValueError(
            f"{key}: {told} are {shape.ranks} processes, and there are {processes}: start so many by torchrun "
            f"--nproc_per_node={shape.ranks} -m agents.train, or choose others"
        )
    return shape


def make_mesh(shape: MeshShape, device: str) -> DeviceMesh:
    """The processes as a mesh of ``ddp`` x ``fsdp`` x ``sp`` x ``tp``; those of the last are next to each other.

    Args:
        shape: how they are divided.
        device: ``cpu`` or ``cuda``.
    """
    return init_device_mesh(device, tuple(getattr(shape, name) for name in DIMENSIONS), mesh_dim_names=DIMENSIONS)
