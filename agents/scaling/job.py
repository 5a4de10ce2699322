"""What is to be trained, and how: the questions that a plan answers."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..parallel.shape import MeshShape
from .shapes import BF16, FP32, causal_pairs

OPTIMIZERS = ("adamw", "adafactor", "sgd")


@dataclass(frozen=True, slots=True)
class Job:
    """A step of reinforcement learning.

    Attributes:
        prompts: tasks per step.
        responses: responses per task.
        prompt_length: tokens of a prompt, on average.
        response_length: tokens of a response, on average.
        longest: tokens of the longest episode.
        epochs: passes over the trajectories of a step.
        minibatches: optimizer steps in each of them.
        reference: a reference model scores all tokens.
        critic: a critic scores all tokens, and learns.
    """

    prompts: int = 32
    responses: int = 8
    prompt_length: int = 512
    response_length: int = 2048
    longest: int = 4096
    epochs: int = 1
    minibatches: int = 1
    reference: bool = True
    critic: bool = False

    @property
    def sequences(self) -> int:
        """Episodes of a step."""
        return self.prompts * self.responses

    @property
    def mean_length(self) -> int:
        """Tokens of an episode, on average."""
        return self.prompt_length + self.response_length

    @property
    def tokens(self) -> int:
        """Tokens of a step."""
        return self.sequences * self.mean_length

    @property
    def pairs_per_token(self) -> float:
        """Tokens that a token sees, on average."""
        return causal_pairs(self.mean_length) / self.mean_length

    @property
    def scored_share(self) -> float:
        """The share of tokens whose log-probs are computed."""
        return self.response_length / self.mean_length

    @property
    def scoring_passes(self) -> int:
        """Forward passes of the policy alone: before several updates log-probs are scored once more."""
        return 1 if self.epochs * self.minibatches > 1 else 0


@dataclass(frozen=True, slots=True)
class Setup:
    """How the trainer is set up.

    Attributes:
        mesh: how its processes are divided.
        microbatch: tokens in one forward pass of a group of processes with rows of its own.
        weights: bytes of each weight as it is kept, 4 or 2. Arithmetic is in bfloat16.
        optimizer: ``adamw``, ``adafactor`` or ``sgd`` (with momentum).
        checkpointing: of each layer only the input is kept for the backward pass.
        offload_activations: what is kept waits in host memory.
        offload_optimizer: averages wait in host memory between steps.
        offload_models: weights wait in host memory while vLLM samples on the same GPUs.
        tiled_head: logits exist a tile at a time; else all at once, which is for comparison with other trainers.
        autocast: casts by autocast, as one process does; None where there is one. FSDP casts what it gathers.
    """

    mesh: MeshShape = field(default_factory=MeshShape)
    microbatch: int = 4096
    weights: int = FP32
    optimizer: str = "adamw"
    checkpointing: bool = True
    offload_activations: bool = False
    offload_optimizer: bool = False
    offload_models: bool = False
    tiled_head: bool = True
    autocast: bool | None = None

    @property
    def casts(self) -> bool:
        """Whether autocast makes copies of weights in half precision."""
        alone = self.mesh.ranks == 1 if self.autocast is None else self.autocast
        return alone and self.weights != BF16

    @property
    def shards(self) -> int:
        """Processes that share weights, gradients and averages by FSDP."""
        return self.mesh.fsdp * self.mesh.sp

    @property
    def local_tokens(self) -> float:
        """Tokens of a micro-batch that a process holds in attention and MLP."""
        return self.microbatch / self.mesh.sp
