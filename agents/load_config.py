"""How YAML files and overrides become the configuration.

An unknown key, a wrong type or a missing value is a :class:`~infinite_rl.agents.config.ConfigError`, one line long.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from .config import ConfigError, TrainConfig

CONFIG_DIR = Path(__file__).resolve().parent.parent / "config"


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
    not_negative = {
        "actor.lr": config.actor.lr,
        "actor.kl_coef": config.actor.kl_coef,
        "trainer.steps": config.trainer.steps,
    }
    for key, number in not_negative.items():
        if not number >= 0:
            raise ConfigError(f"{key} must not be negative, but is {number}")
    if not config.rollout.temperature > 0:
        raise ConfigError(
            f"rollout.temperature must be above 0, not {config.rollout.temperature}: training needs samples"
        )
    if config.model.dtype not in ("auto", "float32", "bfloat16"):
        raise ConfigError(f"model.dtype must be auto, float32 or bfloat16, not {config.model.dtype!r}")


def _explain(error: Exception, overrides: Sequence[str]) -> str:
    """One line for a person, with the nearest known key where a key is unknown."""
    known = known_keys()
    for override in overrides:
        key = override.split("=", 1)[0].lstrip("+~")
        if "=" not in override:
            return f"override {override!r} has no value: write {key}=…"
        if key not in known and not (CONFIG_DIR / key).is_dir():
            near = difflib.get_close_matches(key, known, n=1)
            return f"unknown configuration key {key!r}" + (f": did you mean {near[0]!r}?" if near else "")
        if (CONFIG_DIR / key).is_dir() and (choice := override.split("=", 1)[1]) not in _choices(CONFIG_DIR / key):
            return (
                f"{key}={choice}: there is no such configuration; choose from {', '.join(_choices(CONFIG_DIR / key))}"
            )
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    full_key = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("full_key:")), "")
    if full_key and full_key not in known:
        return f"unknown configuration key {full_key!r}"
    return (f"{full_key}: " if full_key else "") + (lines[0] if lines else type(error).__name__)


def _choices(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml"))
