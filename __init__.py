"""Verifiable text environments for training language models with reinforcement learning.

Importing this package registers the environments with Gymnasium::

    import gymnasium
    import infinite_rl

    env = gymnasium.make("InfiniteRL/Math-v0")

Everything else loads when it is first used, so the import is cheap and needs neither torch nor transformers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .envs.registration import register_envs

if TYPE_CHECKING:
    from .datasets.example_parser import ExampleParser
    from .datasets.generation.generate import generate_dataset
    from .datasets.task import Task, TaskSource
    from .envs.pool import TextEnvPool
    from .envs.text_env import TextEnv
    from .envs.tool_env import ToolEnv
    from .envs.vector import TextVectorEnv
    from .rewards import RewardFunctionScore, Status, get_reward_functions, verify, verify_many
    from .runtimes import ExecutionResult, RewardExecutor
    from .spaces import TextSpace

__version__ = "0.1.0"

_PUBLIC = {
    "ExampleParser": "datasets.example_parser",
    "ExecutionResult": "runtimes",
    "RewardExecutor": "runtimes",
    "RewardFunctionScore": "rewards",
    "Status": "rewards",
    "Task": "datasets.task",
    "TaskSource": "datasets.task",
    "TextEnv": "envs.text_env",
    "TextEnvPool": "envs.pool",
    "TextSpace": "spaces",
    "TextVectorEnv": "envs.vector",
    "ToolEnv": "envs.tool_env",
    "generate_dataset": "datasets.generation.generate",
    "get_reward_functions": "rewards",
    "verify": "rewards",
    "verify_many": "rewards",
}

__all__ = [
    "ExampleParser",
    "ExecutionResult",
    "RewardExecutor",
    "RewardFunctionScore",
    "Status",
    "Task",
    "TaskSource",
    "TextEnv",
    "TextEnvPool",
    "TextSpace",
    "TextVectorEnv",
    "ToolEnv",
    "generate_dataset",
    "get_reward_functions",
    "verify",
    "verify_many",
]


def __getattr__(name: str) -> Any:
    """Loads a public name from its room when it is first asked for."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'infinite_rl' has no attribute {name!r}")
    return getattr(import_module(f".{_PUBLIC[name]}", __name__), name)


register_envs()
