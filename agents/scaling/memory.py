"""Memory of a GPU while it trains, part by part.

What is held all the time: weights, gradients, the optimizer's averages, the reference, the critic. What comes and goes:
what layers keep for the backward pass, the layer that is computed anew, gathered weights, the head's tile. The peak is
the higher of two moments: when the backward pass has just begun, and when the optimizer steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .hardware import ASSUMED, Efficiency, Hardware
from .job import Job, Setup
from .shapes import BF16, FP32, ModelShape

# Tokens and words of the head's tile on a GPU, as in updates/head.py.
HEAD_TILE = (4096, 8192)
# Bytes for each number in it: the product in half precision, logits, and their exponentials.
HEAD_TILE_BYTES = BF16 + FP32 + FP32
# Of logits that exist all at once: in half and in full precision, and the gradients of both.
WHOLE_LOGITS_BYTES = 2 * (BF16 + FP32)


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of a GPU at the peak, by what they are for.

    Attributes:
        weights: as they are kept.
        gradients: likewise.
        optimizer: its averages, where they are not in host memory.
        models: reference and critic, with its gradients and averages.
        gathered: weights of whole layers that FSDP has gathered, or copies that autocast made; gradients on their way.
        kept: what layers keep for the backward pass.
        working: what one layer computes anew, and gradients in it.
        head: tile, gradients of hidden states.
        step: what the optimizer's step holds beyond ``working``, ``kept``, ``gathered`` and ``head``, if that is more.
        reserved: CUDA, cuBLAS, NCCL.
    """

    weights: float
    gradients: float
    optimizer: float
    models: float
    gathered: float
    kept: float
    working: float
    head: float
    step: float
    reserved: float

    @property
    def held(self) -> float:
        """What is there all the time."""
        return self.weights + self.gradients + self.optimizer + self.models + self.reserved

    @property
    def total(self) -> float:
        """The peak."""
        return self.held + self.gathered + self.kept + self.working + self.head + self.step

    def parts(self) -> dict[str, float]:
        """By name."""
        return {name: float(getattr(self, name)) for name in self.__slots__}


def local_parameters(shape: ModelShape, tp: int) -> float:
    """Weights of a tensor-parallel rank: matrices are divided, norms are not."""
    vectors = shape.layers * shape.layer_vectors + shape.hidden
    return (shape.parameters - vectors) / tp + vectors


def local_root(shape: ModelShape, tp: int) -> float:
    """Those outside of the layers."""
    return (shape.root - shape.hidden) / tp + shape.hidden


def optimizer_bytes(shape: ModelShape, setup: Setup) -> float:
    """Bytes of the optimizer's averages on a rank; they have the precision of the weights."""
    if setup.optimizer != "adafactor":
        averages = {"adamw": 2, "sgd": 1}[setup.optimizer]
        return averages * setup.weights * local_parameters(shape, setup.mesh.tp) / setup.shards
    hidden, queries, keys, mlp = shape.hidden, shape.queries, shape.keys, shape.mlp
    sides = [(queries, hidden), (keys, hidden), (keys, hidden), (hidden, queries), (mlp, hidden), (mlp, hidden)]
    sides += [(hidden, mlp)]
    of_layer = sum(rows + columns for rows, columns in sides) + shape.layer_vectors
    words = (shape.vocabulary + hidden) * (1 if shape.tied else 2)
    return setup.weights * (shape.layers * of_layer + words + hidden) / (setup.shards * setup.mesh.tp)


def kept_by_layer(shape: ModelShape, *, autocast: bool = False, tp: int = 1) -> float:
    """Bytes that the backward pass of a layer needs of each token, without checkpointing.

    Of transformers' layers as they stand, in bfloat16, attention by flash kernels: norms keep their input in float32,
    its root and the normalised one; projections their input; attention queries, keys, values, the output and its
    log-sum-exp; the gated MLP four numbers for each of its width. Autocast, and Gemma, keep the normalised ones in
    float32, and autocast each projection's own cast of its input, beside copies of the weights (`cast_copies`).
    """
    hidden, width = shape.hidden, shape.mlp
    wide_norm = autocast or shape.family == "gemma"
    norms = 2 * ((FP32 + (FP32 if wide_norm else BF16)) * hidden + FP32)
    inputs = BF16 * hidden * (5 if autocast else 2)
    attention = BF16 * (2 * shape.queries + 2 * shape.keys) + FP32 * shape.heads
    if shape.has_head_norms:
        attention += (FP32 + BF16) * (shape.queries + shape.keys) + FP32 * (shape.heads + shape.kv_heads)
    # Norms see a part of the sequence, projections all of it, and each rank has some of the heads and of the MLP.
    return norms / tp + inputs + (attention + 4 * BF16 * width) / tp


def kept_between(shape: ModelShape, *, autocast: bool = False, tp: int = 1) -> float:
    """Bytes for each token that a checkpointed layer keeps: its input."""
    return (FP32 if autocast else BF16) * shape.hidden / tp


def cast_copies(shape: ModelShape) -> float:
    """Bytes of the copies in half precision that autocast makes of all layers' matrices, and keeps until it ends."""
    return BF16 * shape.body


def train_memory(shape: ModelShape, job: Job, setup: Setup, assumed: Efficiency = ASSUMED) -> Memory:
    """The peak of a trainer's GPU."""
    own = local_parameters(shape, setup.mesh.tp) / setup.shards
    averages = optimizer_bytes(shape, setup)
    critic, of_critic = _critic(shape, job, setup)
    models = (setup.weights * own if job.reference else 0.0) + 2 * critic
    moved = averages + of_critic if setup.offload_optimizer else 0.0
    kept, working = _activations(shape, setup)
    head = _head(shape, job, setup)
    gathered = _gathered(shape, job, setup, working)
    # The optimizer's step: averages are back, and a temporary as large as the weights.
    at_step = moved + setup.weights * own
    step = max(0.0, at_step - kept - working - head - gathered)
    return Memory(
        weights=setup.weights * own,
        gradients=setup.weights * own,
        optimizer=0.0 if setup.offload_optimizer else averages,
        models=models + (0.0 if setup.offload_optimizer else of_critic),
        gathered=gathered,
        kept=kept,
        working=working,
        head=head,
        step=step,
        reserved=assumed.reserved,
    )


def idle_memory(shape: ModelShape, job: Job, setup: Setup) -> float:
    """Bytes that the trainer holds while others sample: no gradients, which every step ends with clearing."""
    own = local_parameters(shape, setup.mesh.tp) / setup.shards
    critic, of_critic = _critic(shape, job, setup)
    weights = setup.weights * own * (2 if job.reference else 1) + critic
    averages = optimizer_bytes(shape, setup) + of_critic
    return (0.0 if setup.offload_models else weights) + (0.0 if setup.offload_optimizer else averages)


def _critic(shape: ModelShape, job: Job, setup: Setup) -> tuple[float, float]:
    """Bytes of the critic's weights, and of its averages."""
    if not job.critic:
        return 0.0, 0.0
    backbone = replace(shape, tied=True)  # its head is one number, not a vocabulary
    return setup.weights * local_parameters(backbone, setup.mesh.tp) / setup.shards, optimizer_bytes(backbone, setup)


def _activations(shape: ModelShape, setup: Setup) -> tuple[float, float]:
    """What waits for the backward pass, and what one layer of it works with."""
    tp, tokens, casts = setup.mesh.tp, setup.local_tokens, setup.casts
    layer = kept_by_layer(shape, autocast=casts, tp=tp) * tokens
    # Gradients of the three widths of the MLP, and of the residual stream in float32 and in its own precision.
    gradients = (3 * BF16 * shape.mlp / tp + 2 * FP32 * shape.hidden) * tokens
    if not setup.checkpointing:
        kept = shape.layers * layer
        return (0.0, 2 * layer + gradients) if setup.offload_activations else (kept, gradients)
    kept = shape.layers * kept_between(shape, autocast=casts, tp=tp) * tokens
    return (0.0 if setup.offload_activations else kept), layer + gradients


def _head(shape: ModelShape, job: Job, setup: Setup) -> float:
    """Hidden states, their gradients in float32 and in half precision, and logits."""
    tokens = setup.local_tokens
    states = (BF16 + FP32 + BF16) * shape.hidden * tokens
    if not setup.tiled_head:
        return states + WHOLE_LOGITS_BYTES * tokens * shape.vocabulary / setup.mesh.tp
    rows, words = HEAD_TILE
    tile = HEAD_TILE_BYTES * rows * words
    return states + tile + FP32 * min(words, shape.vocabulary) * shape.hidden


def _gathered(shape: ModelShape, job: Job, setup: Setup, working: float) -> float:
    """Whole weights and gradients in half precision, for as long as layers use them."""
    tp = setup.mesh.tp
    root = local_root(shape, tp)
    if setup.casts:
        # With checkpointing the copies of the forward pass are gone before a layer is computed anew.
        copies = cast_copies(shape)
        return FP32 * shape.head + (max(0.0, copies - working) if setup.checkpointing else copies)
    if setup.mesh.ranks == 1:
        return setup.weights * shape.head  # the head's gradient, before it is added
    layer = shape.layer / tp
    # This layer and the next; the root stays from the forward pass on, and so does the reference's.
    weights = BF16 * (2 * layer + root * (2 if job.reference else 1))
    # Gradients of the head, and of one layer on their way to the ranks, in float32.
    return weights + BF16 * shape.head / tp + (BF16 + FP32) * layer


def fits(memory: Memory, gpu: Hardware, assumed: Efficiency = ASSUMED) -> bool:
    """Whether a GPU has room for it."""
    return memory.total <= gpu.memory * assumed.share
