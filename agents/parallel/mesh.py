"""How the processes of a run are divided: who holds copies, shards of weights, parts of sequences, parts of layers."""

from __future__ import annotations

from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from .config import ParallelConfig as ParallelConfig


def make_mesh(config: ParallelConfig, device: str, world_size: int) -> DeviceMesh:
    """The processes as a mesh of ``ddp`` x ``fsdp`` x ``sp`` x ``tp``; those of the last are next to each other.

    Args:
        config: how they are divided.
        device: ``cpu`` or ``cuda``.
        world_size: how many processes there are.

    Raises:
        ValueError: the numbers don't multiply to the number of processes.
    """
    for name in ("ddp", "fsdp", "sp", "tp"):
        if getattr(config, name) < 1:
            raise ValueError(f"parallel.{name} must be at least 1, not {getattr(config, name)}")
    if config.ranks != world_size:
        told = f"ddp {config.ddp} x fsdp {config.fsdp} x sp {config.sp} x tp {config.tp}"
        raise ValueError(f"parallel: {told} are {config.ranks} processes, and there are {world_size}")
    return init_device_mesh(
        device, (config.ddp, config.fsdp, config.sp, config.tp), mesh_dim_names=("ddp", "fsdp", "sp", "tp")
    )
