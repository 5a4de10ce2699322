"""The tasks of a run: an environment for each of three splits that share no task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import gymnasium
from gymnasium.error import Error as GymnasiumError

from ...datasets.contamination.audit import contamination
from ...datasets.files import load_conversations, load_tasks
from ...datasets.procedural import distinct, split_of
from ...datasets.task import SPLITS, Split, Task, TaskList
from ...envs.module_env import ModuleEnv
from ...envs.text_env import TextEnv
from ..config import ConfigError, DataConfig

# What the run itself tells the environment, and where a person says it instead.
_OURS = {"split": "data.train_size and its like", "seed": "seed", "tasks": "data.train_path", "render_mode": "nothing"}


@dataclass(frozen=True, slots=True)
class Splits:
    """Training practises on ``train``; choices are made on ``validation``; ``test`` only measures.

    Attributes:
        train: the tasks.
        validation: the same.
        test: the same.
        envs: what asks and grades each of them.
    """

    train: TaskList
    validation: TaskList
    test: TaskList
    envs: Mapping[Split, TextEnv]


def load_splits(config: DataConfig, *, seed: int) -> Splits:
    """Makes the environments, and makes or reads their tasks.

    Raises:
        ConfigError: if there is no such environment, it refuses an argument, a file is missing, empty or malformed, a
            split is empty, two splits share a task, or more training tasks are contaminated than is tolerated.
    """
    for name, place in _OURS.items():
        if name in (config.env_arguments or {}):
            raise ConfigError(f"data.env_arguments.{name}: the run sets this itself; use {place}")
    files = _read_files(config) if config.train_path else None
    envs: dict[Split, TextEnv] = {}
    tasks: dict[Split, TaskList] = {}
    for split in SPLITS:
        size = _size(config, split)
        if files is not None:
            tasks[split] = TaskList(files[split][:size])
            envs[split] = _make(config, {"tasks": tasks[split]})
        else:
            envs[split], tasks[split] = _own_tasks(config, split, size, seed)
    _check_disjoint(tasks, _prompt if files is not None else _problem)
    if config.contamination is not None:
        _check_clean(tasks, config.contamination)
    return Splits(**tasks, envs=envs)


def _size(config: DataConfig, split: Split) -> int | None:
    """How many tasks a split is to have; None for all there are."""
    size = {"train": config.train_size, "validation": config.validation_size, "test": config.test_size}[split]
    if size is not None and size < 1:
        raise ConfigError(f"data.{split}_size must be at least 1, not {size}")
    return size


def _make(config: DataConfig, ours: Mapping[str, Any]) -> TextEnv:
    """The environment, with the person's arguments and ours. A path ends in ``.py``; everything else is an id.

    A null argument is one that is not given, so that a person can take back what a YAML file sets.
    """
    arguments = {name: value for name, value in (config.env_arguments or {}).items() if value is not None}
    try:
        if config.env.endswith(".py"):
            return ModuleEnv(config.env, **arguments, **ours)
        env = gymnasium.make(config.env, **arguments, **ours).unwrapped
    except (GymnasiumError, TypeError, ValueError, LookupError, OSError, ImportError) as error:
        # Gymnasium's words hold all arguments, and so every task.
        reason = str(error).split(" was raised from the environment creator")[0].split(" with kwargs")[0]
        raise ConfigError(f"data.env={config.env}: {reason[:300]}") from error
    if not isinstance(env, TextEnv):
        raise ConfigError(f"data.env={config.env}: not a text environment")
    return env


def _own_tasks(config: DataConfig, split: Split, size: int | None, seed: int) -> tuple[TextEnv, TaskList]:
    """The environment with tasks of its own source: those of the split, as the source itself divides them."""
    ours: dict[str, Any] = {"split": split, "seed": seed}
    while True:
        try:
            env = _make(config, ours)
            break
        except ConfigError as error:
            refused = [name for name in ours if f"unexpected keyword argument '{name}'" in str(error)]
            if not refused:
                if "no tasks of its own" in str(error):
                    raise ConfigError(f"data.env={config.env} has no tasks of its own: set data.train_path") from None
                raise
            del ours[refused[0]]
    source = env.tasks
    if "split" not in ours:
        if source.size is None:
            raise ConfigError(f"data.env={config.env}: its endless tasks know no splits; set data.train_path")
        everything = [source.task(index) for index in range(source.size)]
        source = TaskList([task for task in everything if split_of(_problem(task)) == split])
    if size is None and source.size is None:
        raise ConfigError(f"data.{split}_size must be a number, not null: procedural tasks have no end")
    try:
        found = distinct(source, size) if size is not None else TaskList([*map(source.task, range(source.size or 0))])
    except LookupError as error:
        raise ConfigError(f"data.{split}_size={size}: {error}") from None
    if not found.tasks:
        raise ConfigError(f"data.env={config.env}: too few tasks to hold out a {split} split")
    env.tasks = found
    return env, found


def _read_files(config: DataConfig) -> dict[Split, list[Task]]:
    """Each split's tasks: of its own file, or of the train file those whose prompt's hash names the split."""
    paths = {"validation": config.validation_path, "test": config.test_path}
    try:
        everything = load_tasks(str(config.train_path)).tasks
        found = {name: list(load_tasks(path).tasks) for name, path in paths.items() if path}
    except (OSError, ValueError, ModuleNotFoundError) as error:
        raise ConfigError(f"{error}{_hint(error, config)}") from None
    if 2 * sum(map(_is_demonstration, everything)) > len(everything):
        raise ConfigError(
            f"{config.train_path}: in most rows the assistant gives the answer already, so there is nothing to ask; to "
            "learn from what it says, set model.warm_start.path instead"
        )
    carved = [name for name in SPLITS if not paths.get(name)]
    for name in carved:
        # Tasks of a split that has its own file train.
        mine = ((task, split_of(task.prompt)) for task in everything)
        found[name] = [task for task, part in mine if (part if part in carved else "train") == name]
        if not found[name]:
            raise ConfigError(f"{config.train_path}: too few tasks to hold out a {name} split; set data.{name}_path")
    return {name: found[name] for name in SPLITS}


def _is_demonstration(task: Task) -> bool:
    """Whether the answer is in sight: an opening may end with a turn of the assistant, but not with this one."""
    last = task.messages[-1]
    return last["role"] == "assistant" and str(task.answer) in str(last.get("content"))


def _hint(error: Exception, config: DataConfig) -> str:
    """Where conversations belong, if that is what stands in the place of tasks."""
    paths = [path for path in (config.train_path, config.validation_path, config.test_path) if path]
    if '"answer" is missing' not in str(error) or not any(map(_is_conversations, paths)):
        return ""
    return " These are conversations: to learn from what is said in them, set model.warm_start.path instead."


def _is_conversations(path: str) -> bool:
    try:
        return next(load_conversations(path), None) is not None
    except (OSError, ValueError, ModuleNotFoundError):
        return False


def _prompt(task: Task) -> str:
    return task.prompt


def _problem(task: Task) -> str:
    """What a procedural task asks, whatever its words: other problems may open with the same ones."""
    return str(task.metadata.get("key", task.prompt))


def _check_disjoint(tasks: Mapping[Split, TaskList], name_of: Callable[[Task], str]) -> None:
    named = {split: {name_of(task) for task in tasks[split].tasks} for split in SPLITS}
    for name, other in combinations(SPLITS, 2):
        if shared := named[name] & named[other]:
            raise ConfigError(f"{len(shared)} tasks are in both {name} and {other}, such as {min(shared)[:80]!r}")


def _check_clean(tasks: Mapping[Split, TaskList], tolerated: float) -> None:
    if not 0 <= tolerated <= 1:
        raise ConfigError(f"data.contamination must be a share from 0 to 1, or null, not {tolerated}")
    report = contamination(tasks["train"].tasks, [*tasks["validation"].tasks, *tasks["test"].tasks])
    if report.share > tolerated:
        pair = next(pair for pair in report.pairs if pair.kind != "template")
        example = f"{pair.train.id} holds {pair.evaluation.id}: {pair.train.text!r}, {pair.evaluation.text!r}"
        raise ConfigError(f"data.contamination={tolerated}: {report.summary}; {example}")
