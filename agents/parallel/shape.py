"""How many ways each kind of parallelism divides the work; free of torch, so that plans are made without it."""

from __future__ import annotations

from dataclasses import dataclass

DIMENSIONS = ("ddp", "fsdp", "sp", "tp")


@dataclass(frozen=True, slots=True)
class MeshShape:
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
