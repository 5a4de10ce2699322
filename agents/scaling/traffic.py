"""What each rank sends to others in a step, in bytes.

Collectives are counted as rings do them: gathering a whole of S bytes over n ranks, or reducing one to its parts, sends
(n - 1) / n S from each, and an all-reduce does both.
"""

from __future__ import annotations

from dataclasses import dataclass

from .job import Setup
from .memory import local_parameters, local_root
from .shapes import BF16, FP32, ModelShape


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes that a rank sends, by who they are for.

    Attributes:
        fsdp: gathered weights, and gradients reduced to shards.
        ddp: gradients summed over copies.
        sp: keys and values that go round the ring, and their gradients.
        tp: activations between the ranks of a layer.
    """

    fsdp: float = 0.0
    ddp: float = 0.0
    sp: float = 0.0
    tp: float = 0.0

    def times(self, count: float) -> Traffic:
        """Of so many passes."""
        return Traffic(*(count * getattr(self, name) for name in self.__slots__))

    def plus(self, other: Traffic) -> Traffic:
        """Of both."""
        return Traffic(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


def ring_numbers(ranks: int, rows: int, kv_heads: int, length: int, head_dim: int) -> tuple[int, int]:
    """Numbers that a rank sends in one call of `ring_attention`, forward and backward.

    Args:
        ranks: in the ring.
        rows: of the batch.
        kv_heads: of keys.
        length: tokens of a row that the rank holds.
        head_dim: numbers in each head.
    """
    state = 2 * rows * kv_heads * length * head_dim
    return (ranks - 1) * state, ((ranks - 1) + ranks) * state if ranks > 1 else 0


def forward_traffic(shape: ModelShape, setup: Setup, tokens: float) -> Traffic:
    """Of a forward pass over so many tokens of a group of ranks with rows of its own."""
    mesh, shards = setup.mesh, setup.shards
    local = tokens / mesh.sp
    gathered = BF16 * local_parameters(shape, mesh.tp)
    ring, _ = ring_numbers(mesh.sp, 1, shape.kv_heads, 1, shape.head_dim)
    return Traffic(
        fsdp=gathered * (shards - 1) / shards,
        sp=BF16 * shape.layers * ring * local / mesh.tp,
        # Attention and MLP gather their input and scatter their output; the embedding scatters, the head gathers.
        tp=BF16 * (4 * shape.layers + 2) * shape.hidden * local * (mesh.tp - 1) / mesh.tp,
    )


def backward_traffic(shape: ModelShape, setup: Setup, tokens: float) -> Traffic:
    """Of the backward pass, the forward pass of checkpointed layers in it included."""
    mesh, shards = setup.mesh, setup.shards
    local, own = tokens / mesh.sp, local_parameters(shape, mesh.tp)
    forward, backward = ring_numbers(mesh.sp, 1, shape.kv_heads, 1, shape.head_dim)
    again = forward if setup.checkpointing else 0
    layers = own - local_root(shape, mesh.tp)  # the root stays gathered
    gradients = FP32 * own
    # Layers are computed anew up to the last thing that was kept, which is before the MLP scatters its output.
    each = 4 + (3 if setup.checkpointing else 0)
    return Traffic(
        fsdp=(BF16 * layers + gradients) * (shards - 1) / shards,
        ddp=2 * gradients / shards * (mesh.ddp - 1) / mesh.ddp,
        sp=BF16 * shape.layers * (backward + again) * local / mesh.tp,
        tp=BF16 * (each * shape.layers + 2) * shape.hidden * local * (mesh.tp - 1) / mesh.tp,
    )


def sync_bytes(shape: ModelShape) -> float:
    """Bytes of the weights that rollouts get after a step."""
    return float(BF16 * shape.parameters)


def trajectory_bytes(tokens: float) -> float:
    """Bytes of trajectories on their way to the trainer: of each token id, log-prob, version, mask, advantage."""
    return 24.0 * tokens
