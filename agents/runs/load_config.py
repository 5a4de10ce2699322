"""How YAML files and overrides become the configuration.

An unknown key, a wrong type or a missing value is a :class:`~infinite_rl.agents.config.ConfigError`, one line long.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from math import inf
from pathlib import Path
from typing import Any, get_args, get_type_hints

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from ..config import (
    AGGREGATIONS,
    CORRECTIONS,
    DTYPES,
    ESTIMATORS,
    KL_ESTIMATORS,
    OPTIMIZERS,
    POLICY_LOSSES,
    SCHEDULERS,
    WEIGHTS,
    ConfigError,
    TinyConfig,
    TrainConfig,
)

CONFIG_DIR = Path(__file__).resolve().parents[2] / "config"
# A section whose keys the environment checks, not we.
FREE = "data.env_arguments."

# What may change when a run is resumed: how long and where it goes on, not what it is.
RESUMABLE = ("trainer.", "evaluation.every", "model.warm_start.max_steps")


def load_config(config_name: str = "grpo", overrides: Sequence[str] = ()) -> TrainConfig:
    """Composes the named YAML file with Hydra and checks every key and type.

    Args:
        config_name: a file of ``config/``, without its ending.
        overrides: as Hydra takes them: ``seed=1``, ``model=hf``, ``actor.lr=1e-5``.

    Raises:
        ConfigError: names the key and what to do.
    """
    if config_name not in _choices(CONFIG_DIR):
        names = ", ".join(_choices(CONFIG_DIR))
        raise ConfigError(f"--config-name {config_name}: there is no such configuration; choose from {names}")
    _check_keys(overrides)
    overrides = _spell_out(overrides)
    try:
        with initialize_config_dir(str(CONFIG_DIR), version_base=None):
            composed = compose(config_name, overrides=overrides)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(_explain(error)) from None
    return _typed(composed)


def reload_config(path: Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """The configuration that a run saved, with overrides on top.

    Raises:
        ConfigError: if there is no such file, it is damaged, or an override is wrong.
    """
    if not path.is_file():
        raise ConfigError(f"{path.parent}: not a run to resume (it holds no {path.name})")
    try:
        saved = OmegaConf.load(path)
    except (OmegaConfBaseException, YAMLError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({str(error).splitlines()[0]})") from None
    if not isinstance(saved, DictConfig):
        raise ConfigError(f"{path}: not the configuration of a run")
    try:
        _check_keys(overrides)
        for override in overrides:
            if not override.startswith(RESUMABLE):
                key = override.split("=")[0]
                raise ConfigError(f"{key} cannot change on resume: it would make another run; only the trainer's can")
        return _typed(OmegaConf.merge(saved, OmegaConf.from_dotlist(list(overrides))))
    except (OmegaConfBaseException, YAMLError) as error:
        raise ConfigError(_explain(error)) from None


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
        assert isinstance(merged, DictConfig)
        _check_ranges(merged)
        config = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        raise ConfigError(_explain(error)) from None
    assert isinstance(config, TrainConfig)
    return config


# What values must satisfy beyond their type; NaN satisfies nothing.
LIMITS: dict[str, tuple[Callable[[float], bool], tuple[str, ...]]] = {
    "at least 1": (
        lambda value: value >= 1,
        (
            "data.prompts_per_rollout",
            "rollout.max_new_tokens",
            "rollout.num_parallel",
            "actor.epochs",
            "actor.minibatches",
            "actor.max_skipped_steps",
            "actor.normaliser",
            "actor.ref_period",
            "adv.max_rounds",
            "actor.decay_steps",
            "actor.tokens_per_microbatch",
            "evaluation.samples_per_prompt",
            "evaluation.every",
            "trainer.save_every",
            "trainer.keep",
            "trainer.threads",
            "model.lora.r",
            "model.warm_start.batch_size",
            "model.warm_start.max_tokens",
            "model.warm_start.tokens_per_microbatch",
            "model.warm_start.check_every",
            *(f"model.tiny.{field.name}" for field in fields(TinyConfig)),
        ),
    ),
    "at least 2, to be compared with one another": (lambda value: value >= 2, ("data.responses_per_prompt",)),
    "at least 0": (
        lambda value: 0 <= value < inf,
        (
            "actor.lr",
            "actor.weight_decay",
            "actor.clip",
            "actor.clip_high",
            "actor.kl_coef",
            "actor.entropy_coef",
            "actor.value_coef",
            "actor.warmup_steps",
            "actor.freeze_steps",
            "critic.lr",
            "critic.weight_decay",
            "trainer.steps",
            "model.warm_start.lr",
            "model.warm_start.max_steps",
        ),
    ),
    "above 0": (
        lambda value: 0 < value < inf,
        ("rollout.temperature", "actor.max_grad_norm", "actor.dual_clip", "actor.value_clip", "model.lora.alpha"),
    ),
    "at least 1, a ratio": (lambda value: 1 <= value < inf, ("actor.correction_cap",)),
    "from 0 to 1": (
        lambda value: 0 <= value <= 1,
        ("adv.gamma", "adv.lam", "adv.overlong_share", "actor.ema_alpha", "actor.min_ratio", "actor.warmup_ratio"),
    ),
}


CHOICES = {
    "model.dtype": DTYPES,
    "model.weights": WEIGHTS,
    "actor.optimizer": OPTIMIZERS,
    "actor.scheduler": SCHEDULERS,
    "actor.policy_loss": POLICY_LOSSES,
    "actor.aggregation": AGGREGATIONS,
    "actor.kl_estimator": KL_ESTIMATORS,
    "actor.kl_in": ("loss", "reward"),
    "actor.correction": CORRECTIONS,
    "actor.ref_update": ("copy", "ema"),
    "adv.estimator": ESTIMATORS,
}


def _check_ranges(config: DictConfig) -> None:
    for demand, (holds, keys) in LIMITS.items():
        for key in keys:
            value = OmegaConf.select(config, key)
            if value is not None and not holds(value):
                raise ConfigError(f"{key} must be {demand}, not {value}")
    if not 0 <= config.seed < 2**63:
        raise ConfigError(f"seed must be from 0 to 2**63 - 1, not {config.seed}")
    if (tiny := config.model.tiny) is not None:
        if tiny.hidden_size % (2 * tiny.heads):
            raise ConfigError(f"model.tiny.hidden_size must be a multiple of 2 x heads, {2 * tiny.heads}")
        if tiny.heads % tiny.kv_heads:
            raise ConfigError(f"model.tiny.kv_heads must divide heads, {tiny.heads}")
    for key, choices in CHOICES.items():
        if (value := OmegaConf.select(config, key)) not in choices:
            hint = ": take bfloat16, float16 would need its loss scaled" if value == "float16" else ""
            raise ConfigError(f"{key} must be one of {', '.join(choices)}, not {value!r}{hint}")
    _check_schedule(config.actor)
    _check_companions(config)
    if config.model.lora is not None and config.actor.ref_period is not None:
        raise ConfigError("actor.ref_period: with model.lora the reference is the model without adapters, and stays")
    if (warm_start := config.model.warm_start) is not None and warm_start.path and not warm_start.max_steps:
        raise ConfigError("model.warm_start.path is not used while model.warm_start.max_steps=0: set how many steps")


def _check_companions(config: DictConfig) -> None:
    """Critic and teacher are there where they are read, and only there."""
    estimator = config.adv.estimator
    if (estimator == "gae") != (config.critic is not None):
        what = "reads no critic: set critic=null" if config.critic is not None else "needs a critic: take algorithm=ppo"
        raise ConfigError(f"adv.estimator={estimator} {what}")
    if (estimator == "distillation") != (config.adv.teacher is not None):
        what = "reads no adv.teacher" if config.adv.teacher is not None else "needs adv.teacher, a folder or hub name"
        raise ConfigError(f"adv.estimator={estimator} {what}")


def _check_schedule(actor: DictConfig) -> None:
    if len(actor.betas) != 2 or not all(0 <= beta < 1 for beta in actor.betas):
        raise ConfigError(f"actor.betas must be two numbers from 0 to below 1, not {list(actor.betas)}")
    constant = actor.scheduler == "constant"
    if constant == (actor.decay_steps is not None):
        what = (
            f"needs no actor.decay_steps, but there are {actor.decay_steps}" if constant else "needs actor.decay_steps"
        )
        raise ConfigError(f"actor.scheduler={actor.scheduler} {what}")
    if actor.warmup_ratio is not None and (constant or actor.warmup_steps):
        raise ConfigError("actor.warmup_ratio is a share of actor.decay_steps, in place of actor.warmup_steps")


def _check_keys(overrides: Sequence[str]) -> None:
    """Refuses overrides of keys that there are not, and choices that there are not."""
    known = known_keys()
    for override in overrides:
        key, sign, value = override.partition("=")
        bare = key.lstrip("+~")
        group = CONFIG_DIR / bare
        if bare not in known and not bare.startswith(FREE) and not (bare and group.is_dir()):
            near = difflib.get_close_matches(bare, known, n=1)
            raise ConfigError(f"unknown configuration key {bare!r}" + (f": did you mean {near[0]!r}?" if near else ""))
        if not sign:
            raise ConfigError(f"override {override!r} has no value: write {bare}=…")
        if group.is_dir() and value not in _choices(group) and not (bare == "env" and _is_environment(value)):
            choices = ", ".join(_choices(group))
            raise ConfigError(f"{bare}={value}: there is no such configuration; choose from {choices}")


def _spell_out(overrides: Sequence[str]) -> list[str]:
    """What people write in the words of Hydra: ids as environments, and free arguments.

    An environment that is named by its id starts without the arguments that a YAML file gives to another.
    """
    spelled = []
    for override in overrides:
        key, _, value = override.partition("=")
        if key.startswith(FREE):
            spelled.append(f"++{override}")
        elif key == "env" and value not in _choices(CONFIG_DIR / "env"):
            spelled += ["env=any", f"data.env={value}"]
        else:
            spelled.append(override)
    keys = [override.partition("=")[0] for override in spelled]
    return ["env=any", *spelled] if "data.env" in keys and "env" not in keys else spelled


def _is_environment(value: str) -> bool:
    return "/" in value or ":" in value or "-v" in value or value.endswith(".py")


def _explain(error: Exception) -> str:
    """One line for a person."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if isinstance(error, OverrideParseException):
        return f"override {error.override!r} cannot be read: {lines[0] if lines else ''}"
    full_key = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("full_key:")), "")
    if full_key and full_key not in known_keys():
        return f"unknown configuration key {full_key!r}"
    return (f"{full_key}: " if full_key else "") + (lines[0] if lines else type(error).__name__)


def _choices(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml"))
