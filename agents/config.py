"""The configuration: what each key of the YAML files means.

Values live in ``config/*.yaml`` alone; names, types and meanings live here alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DTYPES = ("auto", "float32", "bfloat16")


class ConfigError(ValueError):
    """Bad input from the person who started the run: reported in one line, exit code 2."""


@dataclass
class DataConfig:
    """Which tasks.

    Attributes:
        env: id of the environment that asks and grades, or the path of a Python file with ``interact`` and
            ``reward_fn``.
        env_arguments: its arguments, as its class describes them; null leaves one out.
        prompts_per_rollout: tasks per step.
        responses_per_prompt: responses per task: the size of a group.
        train_path: file of tasks, ``split@folder`` or ``split@hub/name``; null for the environment's own tasks.
        validation_path: the same for the validation split; null carves it out of the train file.
        test_path: the same for the test split.
        train_size: so many different tasks, of a file at most; null for all there are.
        validation_size: the same for the validation split.
        test_size: the same for the test split.
    """

    env: str
    env_arguments: dict[str, Any] | None
    prompts_per_rollout: int
    responses_per_prompt: int
    train_path: str | None
    validation_path: str | None
    test_path: str | None
    train_size: int | None
    validation_size: int | None
    test_size: int | None


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
class WarmStartConfig:
    """Supervised steps before reinforcement learning, so that rewards are not all zero.

    Attributes:
        lr: learning rate of AdamW.
        batch_size: solved tasks per step.
        target: stop at this pass rate on the validation split, sampled at temperature 1.
        check_every: steps between checks.
        max_steps: stop here at the latest.
    """

    lr: float
    batch_size: int
    target: float
    check_every: int
    max_steps: int


@dataclass
class ModelConfig:
    """The policy.

    Attributes:
        name: local folder or hub name; null makes the tiny model.
        dtype: arithmetic of forward passes: ``float32``, ``bfloat16``, or ``auto`` (bfloat16 on a GPU that has it).
        gradient_checkpointing: recompute activations in the backward pass, to save memory.
        tiny: shape of the tiny model.
        warm_start: supervised steps first; null for none.
    """

    name: str | None
    dtype: str
    gradient_checkpointing: bool
    tiny: TinyConfig | None
    warm_start: WarmStartConfig | None


@dataclass
class ActorConfig:
    """The update.

    Attributes:
        lr: learning rate of AdamW.
        decay_steps: the rate falls linearly to a tenth over so many steps and stays there; null keeps it. It does not
            depend on ``trainer.steps``, so that a run can be resumed for more.
        weight_decay: its decoupled weight decay.
        max_grad_norm: gradients are scaled down to this norm.
        clip: half-width of the trust region of the ratio.
        kl_coef: weight of the KL term against the model at the start; 0 keeps no reference model.
        epochs: passes over the trajectories of a step.
        tokens_per_microbatch: at most so many tokens, padding included, in one forward pass.
    """

    lr: float
    decay_steps: int | None
    weight_decay: float
    max_grad_norm: float
    clip: float
    kl_coef: float
    epochs: int
    tokens_per_microbatch: int


@dataclass
class SamplingConfig:
    """Sampling of responses.

    Attributes:
        max_new_tokens: at most so many tokens a response; what is longer counts as truncated.
        temperature: of sampling, and of the log-probs that training uses.
        num_parallel: at most so many episodes at once.
    """

    max_new_tokens: int
    temperature: float
    num_parallel: int


@dataclass
class AdvConfig:
    """Advantages; ``norm_std`` divides them by the standard deviation of their group."""

    norm_std: bool


@dataclass
class BufferConfig:
    """The task buffer; ``sampler`` is a preset of ``RubricPrioritizedSampler``: ``uniform`` or ``seed_acc_ema``."""

    sampler: str


@dataclass
class EvaluationConfig:
    """Held-out evaluation.

    Attributes:
        samples_per_prompt: responses per task, at the rollout's temperature.
        every: steps between evaluations on the validation split. The test split is measured before and after only.
    """

    samples_per_prompt: int
    every: int


@dataclass
class TrainerConfig:
    """The run.

    Attributes:
        steps: updates in all; a resumed run goes on to this number.
        save_every: steps between checkpoints; the last step is always saved.
        keep: so many checkpoints are kept.
        save_dir: folder of the run; null makes a new one under ``runs/``.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        threads: CPU threads of PyTorch; null leaves the choice to it.
        progress: show progress.
        use_wandb: log to Weights & Biases too (``WANDB_MODE=offline`` works).
        project: the project's name there.
    """

    steps: int
    save_every: int
    keep: int
    save_dir: str | None
    device: str
    threads: int | None
    progress: bool
    use_wandb: bool
    project: str


@dataclass
class TrainConfig:
    """All of a run; ``experiment`` names it, ``seed`` sets every random stream."""

    experiment: str
    seed: int
    data: DataConfig
    model: ModelConfig
    actor: ActorConfig
    rollout: SamplingConfig
    adv: AdvConfig
    buffer: BufferConfig
    evaluation: EvaluationConfig
    trainer: TrainerConfig
