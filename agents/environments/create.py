"""Environments by name."""

from __future__ import annotations

from typing import Any

import gymnasium

from ...envs.text_env import TextEnv
from .base import BaseEnvironment
from .text import ConversationEnvironment, SimpleTextEnvironment
from .verification import SVRLEnvironment

ENVIRONMENTS: dict[str, type[BaseEnvironment[Any]]] = {
    "simple": SimpleTextEnvironment,
    "svrl": SVRLEnvironment,
    "conversation": ConversationEnvironment,
}


def create_environment(name: str, inference: Any = None, **arguments: Any) -> BaseEnvironment[Any] | TextEnv:
    """Makes an environment.

    Args:
        name: ``simple``, ``svrl`` or ``conversation``, or the id of a registered one, such as ``InfiniteRL/Math-v0``.
        inference: the policy; a registered environment needs none, its rollout manager does.
        **arguments: of the environment.

    Raises:
        ValueError: for an unknown name.
    """
    kind = ENVIRONMENTS.get(name.lower().replace("_", "").removesuffix("environment").replace("simpletext", "simple"))
    if kind is not None:
        return kind(inference, **arguments)
    if "/" in name:
        env = gymnasium.make(name, **arguments).unwrapped
        if isinstance(env, TextEnv):
            return env
    raise ValueError(f"unknown environment {name!r}: there are {', '.join(ENVIRONMENTS)}, and ids of text environments")
