"""How the processes of a run are divided: who holds copies, shards of weights, parts of sequences, parts of layers."""

from __future__ import annotations

from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from ..config import ParallelConfig
from .shape import DIMENSIONS, MeshShape


def resolve(config: ParallelConfig, processes: int) -> MeshShape:
    """The shape that a configuration asks for, where ``fsdp`` may take what the others leave.

    Raises:
        ValueError: the numbers don't multiply to the number of processes.
    """
    others = config.ddp * config.sp * config.tp
    fsdp = max(1, processes // others) if config.fsdp is None else config.fsdp
    shape = MeshShape(config.ddp, fsdp, config.sp, config.tp)
    if shape.ranks != processes:
        told = " x ".join(f"{name} {getattr(shape, name)}" for name in DIMENSIONS)
        raise ValueError(
            f"parallel: {told} are {shape.ranks} processes, and there are {processes}: start so many by torchrun "
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
