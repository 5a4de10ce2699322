"""How the processes of a run are divided: who holds copies, shards of weights, parts of sequences, parts of layers."""

from __future__ import annotations

from dataclasses import dataclass

from torch.distributed.device_mesh import DeviceMesh, init_device_mesh


@dataclass(frozen=True, slots=True)
class ParallelConfig:
    """How many ways each kind of parallelism divides the work; their product is the number of processes.

    Attributes:
        ddp: copies of the weights, each with rows of its own.
        fsdp: shards of each copy's weights, gradients and averages, each with rows of its own.
        sp: parts of each sequence, see `zigzag`.
        tp: parts of each layer's matrices; they pass activations to each other several times a layer, so they belong
            into one machine.
    """

    ddp: int = 1
    fsdp: int = 1
    sp: int = 1
    tp: int = 1

    @property
    def ranks(self) -> int:
        """How many processes there are."""
        return self.ddp * self.fsdp * self.sp * self.tp

    @property
    def row_ranks(self) -> int:
        """How many groups of processes have rows of their own."""
        return self.ddp * self.fsdp


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
