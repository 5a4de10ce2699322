"""The tasks of a run: three splits that share no task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from ...datasets.arithmetic import QUESTION, ArithmeticSource
from ...datasets.coding.source import CodingSource
from ...datasets.files import load_tasks
from ...datasets.procedural import ProceduralSource, distinct, split_of
from ...datasets.task import SPLITS, Split, Task, TaskList
from ..config import ConfigError, DataConfig

CODING = "InfiniteRL/Coding-v0"
MakeSplit: TypeAlias = Callable[[Split, int | None], TaskList]


@dataclass(frozen=True, slots=True)
class Splits:
    """Training practises on ``train``; choices are made on ``validation``; ``test`` only measures."""

    train: TaskList
    validation: TaskList
    test: TaskList


def load_splits(config: DataConfig, *, seed: int) -> Splits:
    """Makes or reads the tasks.

    Raises:
        ConfigError: if a file is missing, empty or malformed, a split is empty, or two splits share a task.
    """
    try:
        make = _from_files(config) if config.train_path else _procedural(config, seed)
        splits = Splits(*(make(name, _size(config, name)) for name in SPLITS))
    except (OSError, ValueError, LookupError) as error:
        raise ConfigError(str(error)) from None
    prompts: dict[str, set[str]] = {name: {task.prompt for task in getattr(splits, name).tasks} for name in SPLITS}
    for name, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
        if shared := prompts[name] & prompts[other]:
            raise ConfigError(f"{len(shared)} tasks are in both {name} and {other}, such as {min(shared)[:80]!r}")
    return splits


def _size(config: DataConfig, name: Split) -> int | None:
    """How many tasks a split is to have; None for all that a file holds."""
    sizes = {"train": config.train_size, "validation": config.validation_size, "test": config.test_size}
    size = sizes[name]
    if size is None and not config.train_path:
        raise ConfigError(f"data.{name}_size must be a number, not null: procedural tasks have no end")
    if size is not None and size < 1:
        raise ConfigError(f"data.{name}_size must be at least 1, not {size}")
    return size


def _procedural(config: DataConfig, seed: int) -> MakeSplit:
    source, arguments = _source(config)

    def split(name: Split, size: int | None) -> TaskList:
        assert size is not None
        try:
            return distinct(source(seed=seed, split=name, **arguments), size)
        except LookupError as error:
            raise ConfigError(f"data.{name}_size={size}: {error}") from None

    return split


def _source(config: DataConfig) -> tuple[type[ProceduralSource], dict[str, Any]]:
    """The environment's own procedural tasks: the class of their source, and its arguments."""
    if config.env == CODING:
        if config.coding is None:
            raise ConfigError("no tasks: set data.train_path, or take env=coding")
        return CodingSource, {
            "level": config.coding.level,
            "language": config.coding.language,
            "families": config.coding.families,
            "template": config.coding.template,
        }
    if config.arithmetic is None:
        raise ConfigError("no tasks: set data.train_path, or take data=arithmetic")
    return ArithmeticSource, {
        "level": config.arithmetic.level,
        "operations": config.arithmetic.operations,
        "digits": config.arithmetic.digits,
        "template": config.arithmetic.template or QUESTION,
    }


def _from_files(config: DataConfig) -> MakeSplit:
    assert config.train_path is not None
    everything = load_tasks(config.train_path).tasks
    files = {"validation": config.validation_path, "test": config.test_path}
    carved = [name for name in SPLITS if not files.get(name)]

    def own(name: str) -> list[Task]:
        """The tasks of the train file whose prompt's hash says ``name``; those of a split with its own file train."""
        return [task for task in everything if (part if (part := split_of(task.prompt)) in carved else "train") == name]

    def split(name: Split, size: int | None) -> TaskList:
        path = files.get(name)
        tasks = list(load_tasks(path).tasks) if path else own(name)
        if not tasks:
            raise ConfigError(f"{config.train_path}: too few tasks to hold out a {name} split; set data.{name}_path")
        return TaskList(tasks[:size])

    return split
