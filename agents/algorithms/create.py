"""Algorithms by name, and from checkpoints."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ..config import ConfigError
from ..runs.checkpoint import read_state
from .algorithm import Algorithm, GRPOAlgorithm, PPOAlgorithm, REINFORCEAlgorithm
from .loop import find_checkpoint, restore
from .recipes import OWN_RECIPE, Recipe
from .settings import AlgorithmConfig

_CLASSES = {kind.default_recipe: kind for kind in (GRPOAlgorithm, PPOAlgorithm, REINFORCEAlgorithm)}


def create_algorithm(
    name: str,
    env: Any,
    rollout_manager: Any,
    reward_computer: Any,
    backprop: Any,
    config: AlgorithmConfig | None = None,
    **settings: Any,
) -> Algorithm:
    """Makes an algorithm by the name of its recipe, in any case.

    Args:
        name: ``ppo``, ``grpo``, ``reinforce``, or another file of ``config/algorithm/``.
        env: the environment.
        rollout_manager: collects trajectories in it.
        reward_computer: gives them rewards.
        backprop: scores and updates the policy.
        config: of the loop.
        **settings: attributes of ``config`` instead, such as ``batch_size``.

    Raises:
        ValueError: for an unknown name; lists those there are.
    """
    config = replace(config or AlgorithmConfig(), **settings)
    recipe = name.lower()
    kind = _CLASSES.get(recipe, Algorithm)
    return kind(env, rollout_manager, reward_computer, backprop, config, recipe=recipe)


def load_algorithm_from_checkpoint(
    path: str | Path,
    env: Any,
    rollout_manager: Any,
    reward_computer: Any,
    backprop: Any,
    config: AlgorithmConfig | None = None,
    *,
    recipe: Recipe | None = None,
) -> Algorithm:
    """Makes the algorithm that a checkpoint was saved from, and goes on where it was.

    The parts are made anew, as they were for the first run; the checkpoint gives them weights, optimizer and counts, so
    that N iterations, a checkpoint and N more do what 2N would.

    Args:
        path: the checkpoint's folder, or a ``checkpoint_dir``, whose latest is taken.
        env: the environment.
        rollout_manager: collects trajectories in it.
        reward_computer: gives them rewards.
        backprop: with the model and optimizer that take what was saved.
        config: of the loop; by default the one that was saved.
        recipe: of an algorithm that was made with a recipe of its own, which a checkpoint does not hold.

    Raises:
        ConfigError: if there is no checkpoint, it cannot be read, or the recipe is missing.
    """
    folder = find_checkpoint(path)
    state = read_state(folder)
    name, config = state["algorithm"], config or _read_config(state["config"])
    if (name == OWN_RECIPE) != (recipe is not None):
        said = f"the algorithm {name!r}; leave recipe out" if recipe else "a recipe of its own; give it as recipe=…"
        raise ConfigError(f"{folder}: saved by {said}")
    parts = (env, rollout_manager, reward_computer, backprop, config)
    algorithm = create_algorithm(name, *parts) if recipe is None else Algorithm(*parts, recipe=recipe)
    restore(algorithm, folder)
    return algorithm


def _read_config(text: str) -> AlgorithmConfig:
    values = json.loads(text)
    return AlgorithmConfig(
        **{field.name: values[field.name] for field in fields(AlgorithmConfig) if field.name in values}
    )
