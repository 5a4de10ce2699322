"""The configuration: what each key of the YAML files means.

Values live in ``config/*.yaml`` alone; names, types and meanings live here alone.
"""

from __future__ import annotations

from dataclasses import dataclass

DTYPES = ("auto", "float32", "bfloat16")


class ConfigError(ValueError):
    """Bad input from the person who started the run: reported in one line, exit code 2."""


@dataclass
class ArithmeticConfig:
    """Arguments of :class:`~infinite_rl.datasets.arithmetic.ArithmeticSource`; null takes the level's default."""

    level: int
    operations: list[str] | None
    digits: list[int] | None
    template: str | None


@dataclass
class CodingConfig:
    """Arguments of :class:`~infinite_rl.datasets.coding.source.CodingSource`.

    Attributes:
        level: 1 to 4.
        language: ``python`` or ``javascript``.
        families: names of families; null takes the level's.
        template: the prompt of ``print_arithmetic`` alone; null asks in words.
    """

    level: int
    language: str
    families: list[str] | None
    template: str | None


@dataclass
class DataConfig:
    """Which tasks.

    Attributes:
        env: id of the environment that asks and grades.
        prompts_per_rollout: tasks per step.
        responses_per_prompt: responses per task: the size of a group.
        train_path: JSON Lines file of tasks; null for procedural ones.
        validation_path: the same for the validation split; null carves it out of the train file.
        test_path: the same for the test split.
        train_size: at most so many different tasks; null for all of a file.
        validation_size: the same for the validation split.
        test_size: the same for the test split.
        arithmetic: the procedural tasks, used where there is no file.
        coding: the procedural tasks of ``InfiniteRL/Coding-v0``, used instead there.
    """

    env: str
    prompts_per_rollout: int
    responses_per_prompt: int
    train_path: str | None
    validation_path: str | None
    test_path: str | None
    train_size: int | None
    validation_size: int | None
    test_size: int | None
    arithmetic: ArithmeticConfig | None
    coding: CodingConfig | None


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
        max_skipped_steps: so many steps in a row whose loss or gradient is not finite end the run.
        policy_loss: ``clip``, ``gspo``, ``cispo`` or ``reinforce``.
        clip: the trust region of the ratio begins at 1 - ``clip``.
        clip_high: and ends at 1 + ``clip_high``; null takes ``clip``.
        dual_clip: for negative advantages the ratio counts at most so much; null for no bound.
        aggregation: how tokens weigh: ``token_mean``, ``sequence_mean`` or ``sequence_sum``.
        normaliser: tokens that ``sequence_sum`` divides by; null takes ``rollout.max_new_tokens``.
        kl_coef: weight of the KL term against the reference; 0 keeps no reference model.
        kl_estimator: ``k1``, ``k2`` or ``k3``.
        kl_in: where the term goes: ``loss`` or ``reward``.
        entropy_coef: weight of the entropy bonus.
        correction: of tokens on which sampler and trainer disagree: ``none``, ``truncate`` or ``mask``.
        correction_cap: the ratio of trainer and sampler from which on that is done.
        value_coef: weight of the critic's loss.
        value_clip: half-width of the region around the critic's old value; null for no clipping.
        ref_update: how the reference follows the policy: ``copy`` or ``ema``.
        ref_period: steps between such updates; null keeps the model of the start.
        ema_alpha: share of the old reference that ``ema`` keeps.
        epochs: passes over the trajectories of a step.
        minibatches: optimizer steps in each of them.
        tokens_per_microbatch: at most so many tokens, padding included, in one forward pass.
    """

    lr: float
    decay_steps: int | None
    weight_decay: float
    max_grad_norm: float
    max_skipped_steps: int
    policy_loss: str
    clip: float
    clip_high: float | None
    dual_clip: float | None
    aggregation: str
    normaliser: int | None
    kl_coef: float
    kl_estimator: str
    kl_in: str
    entropy_coef: float
    correction: str
    correction_cap: float
    value_coef: float
    value_clip: float | None
    ref_update: str
    ref_period: int | None
    ema_alpha: float
    epochs: int
    minibatches: int
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
    """Advantages.

    Attributes:
        estimator: ``group``, ``rloo``, ``reinforce``, ``reinforce_pp``, ``gae`` or ``distillation``.
        norm_std: ``group``: divide by the standard deviation of the group.
        gamma: discount from token to token; by turns from turn to turn.
        lam: of ``gae``: 0 trusts the critic, 1 the rewards.
        by_turn: ``gae``: a whole turn is one action.
        whiten: scale advantages of estimators without groups to mean 0 and standard deviation 1.
        filter_groups: drop groups whose rewards are all equal, and draw others in their place.
        max_rounds: at most so many rounds of drawing a step.
        overlong_tokens: punish responses that come nearer than this to the longest allowed; 0 for none.
        teacher: ``distillation``: local folder or hub name of the teacher; null elsewhere.
    """

    estimator: str
    norm_std: bool
    gamma: float
    lam: float
    by_turn: bool
    whiten: bool
    filter_groups: bool
    max_rounds: int
    overlong_tokens: int
    teacher: str | None


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
