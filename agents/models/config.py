"""The section of the configuration about the policy; see :mod:`infinite_rl.agents.config`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class TinyConfig:
    """The shape of the model that is made on the spot."""

    hidden_size: int
    layers: int
    heads: int
    kv_heads: int
    mlp_size: int
    max_positions: int


@dataclass
class LoraConfig:
    """Adapters that are trained instead of the model's weights; the reference is then the model without them.

    Attributes:
        r: their rank.
        alpha: they count times ``alpha / r``.
        target_modules: names of the layers that get one; null takes all linear layers but the head.
    """

    r: int
    alpha: int
    target_modules: list[str] | None


@dataclass
class WarmStartConfig:
    """Supervised steps before reinforcement learning, so that rewards are not all zero.

    Attributes:
        path: conversations to learn from, in any form that ``data.train_path`` has; null takes solved training tasks.
        max_tokens: longer conversations are left out, and counted; null takes the model's own limit.
        tool_share: the share of solved tasks that are first put to the calculator, where the environment has one.
        lr: learning rate of AdamW.
        batch_size: conversations or solved tasks per step.
        tokens_per_microbatch: at most so many tokens, padding included, in one forward pass.
        target: stop at this pass rate on the validation split, sampled at temperature 1; null for never.
        check_every: steps between checks.
        max_steps: stop here at the latest; 0 for no warm start.
    """

    path: str | None
    max_tokens: int | None
    tool_share: float
    lr: float
    batch_size: int
    tokens_per_microbatch: int
    target: float | None
    check_every: int
    max_steps: int


@dataclass
class ModelConfig:
    """The policy.

    Attributes:
        name: local folder or hub name; null makes the tiny model.
        dtype: arithmetic of forward passes: ``float32``, ``bfloat16``, or ``auto`` (bfloat16 on a GPU that has it).
        weights: how weights are kept: ``float32``, or ``bfloat16``, which halves their memory and loses updates that
            are smaller than 1/256 of a weight; adapters are in float32 always.
        gradient_checkpointing: recompute activations in the backward pass, to save memory.
        compile: compile the model for scoring, on a GPU.
        liger: use Liger's kernels for norms, rotations and gated layers, on a GPU; needs ``liger-kernel``.
        lora: adapters to train instead of the weights; null for none.
        tiny: shape of the tiny model.
        warm_start: supervised steps first; null for none.
    """

    name: str | None
    dtype: str
    weights: str
    gradient_checkpointing: bool
    compile: bool
    liger: bool
    lora: LoraConfig | None
    tiny: TinyConfig | None
    warm_start: WarmStartConfig | None
