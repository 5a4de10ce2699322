"""The configuration: what each key of the YAML files means, and how files and overrides become it.

Values live in ``config/*.yaml`` alone; names, types and meanings live here alone. An unknown key, a wrong type or a
missing value is a :class:`ConfigError`, one line long.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

CONFIG_DIR = Path(__file__).resolve().parent.parent / "config"


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
        weight_decay: its decoupled weight decay.
        max_grad_norm: gradients are scaled down to this norm.
        clip: half-width of the trust region of the ratio.
        kl_coef: weight of the KL term against the model at the start; 0 keeps no reference model.
        epochs: passes over the trajectories of a step.
        tokens_per_microbatch: at most so many tokens, padding included, in one forward pass.
    """

    lr: float
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
        progress: show progress.
        use_wandb: log to Weights & Biases too (``WANDB_MODE=offline`` works).
        project: the project's name there.
    """

    steps: int
    save_every: int
    keep: int
    save_dir: str | None
    device: str
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


def load_config(config_name: str = "grpo", overrides: Sequence[str] = ()) -> TrainConfig:
    """Composes the named YAML file with Hydra and checks every key and type.

    Args:
        config_name: a file of ``config/``, without its ending.
        overrides: as Hydra takes them: ``seed=1``, ``model=hf``, ``actor.lr=1e-5``.

    Raises:
        ConfigError: names the key and what to do.
    """
    try:
        with initialize_config_dir(str(CONFIG_DIR), version_base=None):
            composed = compose(config_name, overrides=list(overrides))
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(_explain(error, overrides)) from None
    return _typed(composed)


def reload_config(path: Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """The configuration that a run saved, with overrides on top.

    Raises:
        ConfigError: if there is no such file, or an override is wrong.
    """
    if not path.is_file():
        raise ConfigError(f"{path.parent}: not a run to resume (it holds no {path.name})")
    try:
        saved = OmegaConf.load(path)
        assert isinstance(saved, DictConfig)
        return _typed(OmegaConf.merge(saved, OmegaConf.from_dotlist(list(overrides))))
    except OmegaConfBaseException as error:
        raise ConfigError(_explain(error, overrides)) from None


def save_config(config: TrainConfig, path: Path) -> None:
    """Writes all keys with their resolved values."""
    path.write_text(OmegaConf.to_yaml(OmegaConf.structured(config)), encoding="utf-8")


def known_keys(schema: type = TrainConfig, prefix: str = "") -> list[str]:
    """All dotted keys of the configuration, sections included."""
    keys = []
    hints = get_type_hints(schema)
    for field in fields(schema):
        keys.append(prefix + field.name)
        section = next((t for t in (hints[field.name], *get_args(hints[field.name])) if is_dataclass(t)), None)
        if isinstance(section, type):
            keys += known_keys(section, f"{prefix}{field.name}.")
    return keys


def _typed(composed: Any) -> TrainConfig:
    try:
        merged = OmegaConf.merge(OmegaConf.structured(TrainConfig), composed)
        if missing := sorted(OmegaConf.missing_keys(merged)):
            raise ConfigError(f"{missing[0]} needs a value: add {missing[0]}=…")
        config = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        raise ConfigError(_explain(error, ())) from None
    assert isinstance(config, TrainConfig)
    _check_ranges(config)
    return config


def _check_ranges(config: TrainConfig) -> None:
    positive = {
        "data.prompts_per_rollout": config.data.prompts_per_rollout,
        "data.responses_per_prompt": config.data.responses_per_prompt,
        "rollout.max_new_tokens": config.rollout.max_new_tokens,
        "rollout.num_parallel": config.rollout.num_parallel,
        "actor.epochs": config.actor.epochs,
        "actor.tokens_per_microbatch": config.actor.tokens_per_microbatch,
        "evaluation.samples_per_prompt": config.evaluation.samples_per_prompt,
        "evaluation.every": config.evaluation.every,
        "trainer.save_every": config.trainer.save_every,
        "trainer.keep": config.trainer.keep,
    }
    for key, value in positive.items():
        if value < 1:
            raise ConfigError(f"{key} must be at least 1, not {value}")
    not_negative = {"actor.lr": config.actor.lr, "actor.kl_coef": config.actor.kl_coef, "trainer.steps": config.trainer.steps}
    for key, number in not_negative.items():
        if not number >= 0:
            raise ConfigError(f"{key} must not be negative, but is {number}")
    if not config.rollout.temperature > 0:
        raise ConfigError(f"rollout.temperature must be above 0, not {config.rollout.temperature}: training needs samples")
    if config.model.dtype not in ("auto", "float32", "bfloat16"):
        raise ConfigError(f"model.dtype must be auto, float32 or bfloat16, not {config.model.dtype!r}")


def _explain(error: Exception, overrides: Sequence[str]) -> str:
    """One line for a person, with the nearest known key where a key is unknown."""
    known = known_keys()
    for override in overrides:
        key = override.split("=", 1)[0].lstrip("+~")
        if "=" not in override:
            return f"override {override!r} has no value: write {key}=…"
        group = key.split("@")[0]
        if group not in known and not (CONFIG_DIR / group).is_dir():
            near = difflib.get_close_matches(key, known, n=1)
            return f"unknown configuration key {key!r}" + (f": did you mean {near[0]!r}?" if near else "")
    text = str(error)
    if "Available options" in text:
        missing, options = text.split("Available options", 1)
        name = missing.split("'")[-2] if "'" in missing else missing
        return f"no configuration {name!r}; there are: {', '.join(options.split(':', 1)[1].split('Config search path')[0].split())}"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    full_key = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("full_key:")), "")
    if full_key and full_key not in known:
        return f"unknown configuration key {full_key!r}"
    return (f"{full_key}: " if full_key else "") + (lines[0] if lines else type(error).__name__)
