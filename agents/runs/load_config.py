"""How YAML files and overrides become the configuration.

An unknown key, a wrong type or a missing value is a :class:`~infinite_rl.agents.config.ConfigError`, one line long.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from ...datasets.folder import write_whole
from ...envs.registration import known_id
from ..config import ConfigError, TrainConfig
from .check_config import check_values

CONFIG_DIR = Path(__file__).resolve().parents[2] / "config"
# Sections whose keys are names of the environment's: it checks them, not we.
ARGUMENTS = "data.env_arguments."
ARRIVALS = "buffer.arrivals."
FREE = (ARGUMENTS, ARRIVALS)

# The group whose choices also name the run.
EXPERIMENTS = "experiments"
# The group that is chosen by others.
RECIPE = "recipe"
# The file that takes environments by their ids.
ANY = "any"
# What others call our keys.
OTHER_NAMES = {"learning_rate": "lr", "model_name": "name", "max_tokens": "max_new_tokens", "num_steps": "steps"}
# What may change when a run is resumed: how long and where it goes on, not what it is.
RESUMABLE = (
    *("trainer.", "parallel.", "evaluation.every", "model.warm_start.max_steps", "actor.offload_"),
    *(f"rollout.{name}" for name in ("servers", "options", "parity", "processes", "ray", "staleness")),
)


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
                can = ", ".join(f"{one}*" if one.endswith((".", "_")) else one for one in RESUMABLE)
                raise ConfigError(f"{key} cannot change on resume: it would make another run; only these can: {can}")
        return _typed(OmegaConf.merge(saved, OmegaConf.from_dotlist(list(overrides))))
    except (OmegaConfBaseException, YAMLError) as error:
        raise ConfigError(_explain(error)) from None


def has_recipe(config: TrainConfig) -> bool:
    """Whether the tiny model has a recipe for the environment of the run, or tasks of its user's own."""
    names = (path.stem.removeprefix("tiny_") for path in CONFIG_DIR.glob("recipe/tiny_*.yaml"))
    ours = [OmegaConf.load(CONFIG_DIR / "env" / f"{name}.yaml").data.env for name in names]
    return config.data.train_path is not None or config.data.env in ours


def check_same_run(config: TrainConfig, path: Path) -> None:
    """Compares a configuration with the one that a run saved; what says where and how it runs may differ.

    Raises:
        ConfigError: names a key that would make another run of it.
    """
    saved, new = (OmegaConf.structured(one) for one in (reload_config(path), config))
    for key in known_keys():
        one, other = OmegaConf.select(saved, key), OmegaConf.select(new, key)
        if not key.startswith(RESUMABLE) and not isinstance(one, DictConfig) and one != other:
            raise ConfigError(f"{path.parent} holds another run: {key} is {one} there, and not {other}")


def save_config(config: TrainConfig, path: Path) -> None:
    """Writes all keys with their resolved values."""
    write_whole(path, OmegaConf.to_yaml(OmegaConf.structured(config)))


@cache  # types are read of text, which takes long
def known_keys(schema: type = TrainConfig, prefix: str = "") -> tuple[str, ...]:
    """All dotted keys of the configuration, sections included."""
    keys: list[str] = []
    hints = get_type_hints(schema)
    for field in fields(schema):
        keys.append(prefix + field.name)
        section = next((t for t in (hints[field.name], *get_args(hints[field.name])) if is_dataclass(t)), None)
        if isinstance(section, type):
            keys += known_keys(section, f"{prefix}{field.name}.")
    return tuple(keys)


def _typed(composed: Any) -> TrainConfig:
    try:
        merged = OmegaConf.merge(OmegaConf.structured(TrainConfig), composed)
        if missing := sorted(OmegaConf.missing_keys(merged)):
            raise ConfigError(f"{missing[0]} needs a value: add {missing[0]}=…")
        assert isinstance(merged, DictConfig)
        check_values(merged)
        config = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        raise ConfigError(_explain(error)) from None
    assert isinstance(config, TrainConfig)
    if not config.data.env.endswith(".py"):
        # Here, since the environment is made when torch has long been loaded.
        try:
            config.data.env = known_id(config.data.env)
        except ValueError as error:
            raise ConfigError(f"data.env={config.data.env}: {error}") from None
    return config


def _check_keys(overrides: Sequence[str]) -> None:
    """Refuses overrides of keys that there are not, and choices that there are not."""
    known = [*known_keys(), "sampler"]
    for override in overrides:
        key, sign, value = override.partition("=")
        bare = key.lstrip("+~")
        group = CONFIG_DIR / bare
        if bare not in known and not bare.startswith(FREE) and not (bare and group.is_dir()):
            near = _nearest(bare)
            raise ConfigError(f"unknown configuration key {bare!r}" + (f": did you mean {near!r}?" if near else ""))
        if not sign:
            raise ConfigError(f"override {override!r} has no value: write {bare}=…")
        if group.is_dir() and value not in _choices(group) and not (bare == "env" and _is_environment(value)):
            choices = ", ".join(name for name in _choices(group) if name != ANY)
            if bare == "env":
                choices += ", the id of a registered environment, such as InfiniteRL/Orz-v0, or a file.py"
            raise ConfigError(f"{bare}={value}: there is no such configuration; choose from {choices}")


def _nearest(key: str) -> str | None:
    """The key that somebody may have meant: one of that name elsewhere, else one that is spelt alike."""
    head, _, name = key.rpartition(".")
    if head == "env":
        return ARGUMENTS + name
    name = OTHER_NAMES.get(name, name)
    keys = [known for known in known_keys() if not any(other.startswith(f"{known}.") for other in known_keys())]
    same = sorted((known for known in keys if known.rpartition(".")[2] == name), key=lambda known: known.count("."))
    here = [known for known in same if known.startswith(f"{head}.")]
    alike = difflib.get_close_matches(f"{head}.{name}" if head else name, keys, n=1)
    return next(iter([*here, *same, *alike]), None)


def _spell_out(overrides: Sequence[str]) -> list[str]:
    """What people write in the words of Hydra: ids as environments, and free arguments.

    ``sampler`` is ``buffer.sampler``; an experiment that has a file takes it. An environment that is named by its id
    starts without the arguments that a YAML file gives to another.
    """
    spelled = []
    for override in overrides:
        key, _, value = override.partition("=")
        if key == "sampler":
            spelled.append(f"buffer.{override}")
        elif key == "experiment" and value in _choices(CONFIG_DIR / EXPERIMENTS):
            spelled += [f"+{EXPERIMENTS}={value}", override]
        elif key.startswith(ARRIVALS):  # names of domains may hold what a key may not
            spelled.append(f"++{ARRIVALS[:-1]}={{{key.removeprefix(ARRIVALS)}: {value}}}")
        elif f"{key}.".startswith(FREE):
            # A mapping takes the place of what a YAML file gives; Hydra would add to that.
            spelled += [f"++{key}=null"] * value.startswith("{") + [f"++{override}"]
        elif key == "env" and value not in _choices(CONFIG_DIR / "env"):
            spelled += [f"env={ANY}", f"data.env={value}"]
        else:
            spelled.append(override)
    keys = [override.partition("=")[0] for override in spelled]
    return [f"env={ANY}", *spelled] if "data.env" in keys and "env" not in keys else spelled


def _is_environment(value: str) -> bool:
    return "/" in value or ":" in value or "-v" in value or value.endswith(".py")


def _explain(error: Exception) -> str:
    """One line for a person."""
    if absent := re.match(r"Could not override '([\w.]+)\.\w+'", str(error)):
        key, section = absent[0].split("'")[1], absent[1]
        return f"{key}: there is no {section} here; it needs {' or '.join(_givers(section)) or 'one'}"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if isinstance(error, OverrideParseException):
        return f"override {error.override!r} cannot be read: {lines[0] if lines else ''}"
    full_key = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("full_key:")), "")
    if full_key and full_key not in known_keys():
        return f"unknown configuration key {full_key!r}"
    if full_key and "is not a ListConfig" in lines[0]:
        return f"{full_key} is a list: write {full_key}=[…]"
    return (f"{full_key}: " if full_key else "") + (lines[0] if lines else type(error).__name__)


def _givers(section: str) -> list[str]:
    """The choices that bring a section which is null elsewhere."""
    files = sorted(path for path in CONFIG_DIR.glob("*/*.yaml") if path.parent.name != RECIPE)
    found = [path for path in files if isinstance(OmegaConf.select(OmegaConf.load(path), section), DictConfig)]
    # Experiments change what others bring; by themselves they are the way to what is theirs alone.
    brought = [path for path in found if path.parent.name != EXPERIMENTS]
    return [f"{path.parent.name}={path.stem}" for path in brought] or [f"experiment={path.stem}" for path in found]


def _choices(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml"))
