"""How the processes of a run are divided: who holds copies, shards of weights, parts of sequences, parts of layers."""

from __future__ import annotations

from dataclasses import dataclass

from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from ..config import ParallelConfig

DIMENSIONS = ("ddp", "fsdp", "sp", "tp")


@dataclass(frozen=True, slots=True)
class MeshShape:
    """How many ways each kind of parallelism divides the work; their product is the number of processes.

    Attributes:
        ddp: copies of the weights, each with rows of its own.
        fsdp: shards of each copy's weights, gradients and averages, each with rows of its own.
        sp: parts of each sequence, see `zigzag`.
        tp: parts of each layer's matrices.
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
