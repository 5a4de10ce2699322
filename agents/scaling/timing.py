"""How long a step takes: learning, its messages, sampling, and new weights for the samplers.

Learning is products with matrices, attention, and what only reads and writes memory, one after the other, each at its
own assumed share of the data sheet's figure; but no faster than the host launches kernels. Messages of FSDP and of
copies are hidden behind it as far as it lasts, those of the ring behind attention, those of tensor parallelism behind
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from ..parallel.shape import MeshShape
from .hardware import ASSUMED, Efficiency, Hardware
from .job import Job, Setup
from .memory import kept_between, local_parameters, optimizer_bytes
from .shapes import BF16, FP32, ModelShape
from .traffic import Traffic, backward_traffic, forward_traffic, sync_bytes

# Kernels of a layer in a forward pass; a backward pass has twice as many.
KERNELS = 60
# Operations of attention's backward pass over those of the forward pass: five products for two.
ATTENTION_BACKWARD = 2.5


@dataclass(frozen=True, slots=True)
class Work:
    """What a rank computes in a pass.

    Attributes:
        matrices: operations of products with matrices.
        attention: operations of attention.
        moved: bytes that are read and written beside them.
        kernels: how many are launched.
    """

    matrices: float
    attention: float
    moved: float
    kernels: float

    def plus(self, other: Work) -> Work:
        """Of both."""
        return Work(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    def seconds(self, gpu: Hardware, assumed: Efficiency) -> float:
        """How long a GPU takes over it."""
        computing = self.matrices / (assumed.matrices * gpu.operations) + self.attention_seconds(gpu)
        computing += self.moved / (assumed.memory * gpu.bandwidth)
        return max(computing, self.kernels * assumed.launch)

    def attention_seconds(self, gpu: Hardware) -> float:
        """How long attention alone takes."""
        return self.attention / (gpu.attention * gpu.operations)


def moved_by_layer(shape: ModelShape) -> float:
    """Bytes that a layer reads and writes for each token in a forward pass beside its products, kernel by kernel.

    A norm has six kernels (cast, square, mean, scale, cast, weight: 32 bytes a number in all), a rotation and a product
    16 in all, a residual sum 6, the gate 10.
    """
    norms = 2 * 32 * shape.hidden + (32 * (shape.queries + shape.keys) if shape.has_head_norms else 0)
    return norms + 2 * 6 * shape.hidden + 16 * (shape.queries + shape.keys) + 10 * shape.mlp


def forward_work(shape: ModelShape, mesh: MeshShape, tokens: float, pairs: float, scored: float) -> Work:
    """Of a rank, in a forward pass over tokens of its group with rows of its own."""
    matrices, attention = shape.forward_operations(tokens, tokens * pairs, scored)
    ranks = mesh.sp * mesh.tp
    logits = HEAD_MOVED * shape.vocabulary * scored
    moved = shape.layers * moved_by_layer(shape) * tokens + logits
    return Work(matrices / ranks, attention / ranks, moved / ranks, KERNELS * shape.layers)


# Bytes that the head reads and writes for each token and word in a forward pass.
HEAD_MOVED = 20


def backward_work(forward: Work, shape: ModelShape, *, checkpointing: bool, head: float) -> Work:
    """Of the backward pass, with layers and logits computed anew.

    Args:
        forward: the work of the forward pass.
        shape: the model.
        checkpointing: whether layers are computed anew.
        head: operations of the head in the forward pass: logits are always computed anew.
    """
    again = 1.0 if checkpointing else 0.0
    return Work(
        matrices=(2 + again) * forward.matrices + (1 - again) * head,
        attention=(ATTENTION_BACKWARD + again) * forward.attention,
        moved=(2 + again) * forward.moved,
        kernels=(2 + again) * forward.kernels,
    )


def send_rate(mesh: MeshShape, gpu: Hardware, assumed: Efficiency, *, stride: int, ranks: int) -> float:
    """Bytes a second that a rank of a group sends in a collective.

    Within a machine over its links. Beyond, the group's ranks in a machine share what they have of its network; they
    are ``stride`` apart, so that ``stride`` groups share it alike.
    """
    if stride * ranks <= gpu.per_machine:
        return assumed.network * gpu.link
    inside = max(1, min(ranks, gpu.per_machine // stride))
    return assumed.network * min(gpu.link, inside * gpu.network)


@dataclass(frozen=True, slots=True)
class Learning:
    """Seconds of a step in which the policy learns.

    Attributes:
        computing: of forward and backward passes.
        waiting: for messages that nothing hides.
        optimizer: its steps, with averages coming from host memory and going there.
        offloading: activations on their way to host memory and back.
        mfu: the share of the peak that the model's own operations come to.
        traffic: bytes that a rank sends.
    """

    computing: float
    waiting: float
    optimizer: float
    offloading: float
    mfu: float
    traffic: Traffic

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.computing + self.waiting + self.optimizer + self.offloading


def learning(shape: ModelShape, job: Job, setup: Setup, gpu: Hardware, assumed: Efficiency = ASSUMED) -> Learning:
    """The time that a step's tokens take to learn from."""
    mesh = setup.mesh
    per_group = job.tokens / mesh.row_ranks
    passes = max(1, ceil(per_group / setup.microbatch))
    tokens = per_group / passes
    scored = tokens * job.scored_share
    forward = forward_work(shape, mesh, tokens, job.pairs_per_token, scored)
    head = 2.0 * shape.head * scored / (mesh.sp * mesh.tp)
    backward = backward_work(forward, shape, checkpointing=setup.checkpointing, head=head)
    there, back = forward_traffic(shape, setup, tokens), backward_traffic(shape, setup, tokens)
    # The critic is a backbone beside the policy: it scores once, and learns as often.
    learns = job.epochs * (2 if job.critic else 1)
    scores = job.scoring_passes + (1 if job.reference else 0) + (1 if job.critic else 0)
    traffic = there.times(passes * (scores + learns)).plus(back.times(passes * learns))
    work, both = forward.seconds(gpu, assumed), forward.plus(backward)
    exposed_forward = _exposed(there, forward, setup, gpu, assumed)
    exposed = _exposed(there.plus(back), both, setup, gpu, assumed)
    computing = passes * (scores * work + learns * both.seconds(gpu, assumed))
    waiting = passes * (scores * exposed_forward + learns * exposed)
    offloading = 0.0
    if setup.offload_activations:
        kept = shape.layers * kept_between(shape, autocast=setup.casts, tp=mesh.tp) * setup.local_tokens
        offloading = passes * learns * 2 * kept / (assumed.memory * gpu.host)
    steps = job.epochs * job.minibatches * (2 if job.critic else 1)
    stepping = steps * _optimizer_seconds(shape, setup, gpu, assumed)
    seconds = computing + waiting + offloading + stepping
    # The model's own operations: three forward passes' worth for each that learns.
    useful = passes * (forward.matrices + forward.attention) * (scores + 3 * learns)
    return Learning(computing, waiting, stepping, offloading, useful / seconds / gpu.operations, traffic)


def _exposed(traffic: Traffic, work: Work, setup: Setup, gpu: Hardware, assumed: Efficiency) -> float:
    """Seconds of messages that no computing hides."""
    mesh = setup.mesh
    fsdp = traffic.fsdp / send_rate(mesh, gpu, assumed, stride=mesh.tp, ranks=setup.shards)
    ddp = traffic.ddp / send_rate(mesh, gpu, assumed, stride=mesh.tp * setup.shards, ranks=mesh.ddp)
    within = mesh.sp * mesh.tp <= gpu.per_machine
    ring = traffic.sp / (assumed.network * (gpu.link if within else gpu.network))
    tensor = traffic.tp / send_rate(mesh, gpu, assumed, stride=1, ranks=mesh.tp)
    ring = max(0.0, ring - work.attention_seconds(gpu))
    return tensor + ring + max(0.0, fsdp + ddp - work.seconds(gpu, assumed))


def _optimizer_seconds(shape: ModelShape, setup: Setup, gpu: Hardware, assumed: Efficiency) -> float:
    own = local_parameters(shape, setup.mesh.tp) / setup.shards
    averages = optimizer_bytes(shape, setup)
    # Weights, gradients and averages are read and written a few times: once for each of the optimizer's operations.
    moved = 3 * (2 * setup.weights * own + averages)
    seconds = moved / (assumed.memory * gpu.bandwidth)
    return seconds + (2 * averages / (assumed.memory * gpu.host) if setup.offload_optimizer else 0.0)


def sync_seconds(shape: ModelShape, setup: Setup, gpu: Hardware, assumed: Efficiency = ASSUMED) -> float:
    """New weights for the samplers: gathered, written to a file in half precision, and read from there."""
    gathered = FP32 / BF16 * sync_bytes(shape) / (assumed.network * gpu.link) if setup.mesh.ranks > 1 else 0.0
    return gathered + sync_bytes(shape) / assumed.write
