"""Inference, rollouts, advantages, losses, updates, algorithms, checkpoints, training, evaluation and reports.

The names of the primitives load when they are first used, so that importing this package needs neither torch nor
transformers::

    from infinite_rl.agents import InferenceModule, RolloutManager, SimpleTextEnvironment
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# Threads that spin while they wait for each other made a step nine times slower on a busy machine of two cores.
# This must stand before torch is loaded; what the person has set stays.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

if TYPE_CHECKING:
    from .algorithms.algorithm import Algorithm, AlgorithmConfig, GRPOAlgorithm, PPOAlgorithm, REINFORCEAlgorithm
    from .algorithms.create import create_algorithm, load_algorithm_from_checkpoint
    from .credit.objectives import ParetoRewardComputer, SVRLRewardComputer
    from .credit.reward_computer import RewardComputer
    from .environments.base import BaseEnvironment
    from .environments.create import create_environment
    from .environments.state import State, SVRLState
    from .environments.text import ConversationEnvironment, SimpleTextEnvironment
    from .environments.text_env import PlayedEnv
    from .environments.verification import SVRLEnvironment
    from .inference.backend import Backend, BackendError
    from .inference.endpoint import EndpointBackend
    from .inference.generation import Generation, GenerationResult
    from .inference.huggingface import HuggingFaceBackend
    from .inference.module import InferenceModule, create_inference_module
    from .inference.tools import ToolCall
    from .inference.vllm import VLLMBackend
    from .models.tiny_model import make_tiny
    from .rollouts.failures import RolloutError
    from .rollouts.manager import RolloutConfig, RolloutManager
    from .rollouts.trajectory import Trajectory
    from .updates.backprop import BackpropConfig, BackpropModule

# Where each name lies. A type checker reads the imports above; a test holds the two equal.
_HOMES = {
    "algorithms.algorithm": ("Algorithm", "AlgorithmConfig", "GRPOAlgorithm", "PPOAlgorithm", "REINFORCEAlgorithm"),
    "algorithms.create": ("create_algorithm", "load_algorithm_from_checkpoint"),
    "credit.objectives": ("ParetoRewardComputer", "SVRLRewardComputer"),
    "credit.reward_computer": ("RewardComputer",),
    "environments.base": ("BaseEnvironment",),
    "environments.create": ("create_environment",),
    "environments.state": ("SVRLState", "State"),
    "environments.text": ("ConversationEnvironment", "SimpleTextEnvironment"),
    "environments.text_env": ("PlayedEnv",),
    "environments.verification": ("SVRLEnvironment",),
    "inference.backend": ("Backend", "BackendError"),
    "inference.endpoint": ("EndpointBackend",),
    "inference.generation": ("Generation", "GenerationResult"),
    "inference.huggingface": ("HuggingFaceBackend",),
    "inference.module": ("InferenceModule", "create_inference_module"),
    "inference.tools": ("ToolCall",),
    "inference.vllm": ("VLLMBackend",),
    "models.tiny_model": ("make_tiny",),
    "rollouts.failures": ("RolloutError",),
    "rollouts.manager": ("RolloutConfig", "RolloutManager"),
    "rollouts.trajectory": ("Trajectory",),
    "updates.backprop": ("BackpropConfig", "BackpropModule"),
}
_PUBLIC = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Algorithm",
    "AlgorithmConfig",
    "Backend",
    "BackendError",
    "BackpropConfig",
    "BackpropModule",
    "BaseEnvironment",
    "ConversationEnvironment",
    "EndpointBackend",
    "GRPOAlgorithm",
    "Generation",
    "GenerationResult",
    "HuggingFaceBackend",
    "InferenceModule",
    "PPOAlgorithm",
    "ParetoRewardComputer",
    "PlayedEnv",
    "REINFORCEAlgorithm",
    "RewardComputer",
    "RolloutConfig",
    "RolloutError",
    "RolloutManager",
    "SVRLEnvironment",
    "SVRLRewardComputer",
    "SVRLState",
    "SimpleTextEnvironment",
    "State",
    "ToolCall",
    "Trajectory",
    "VLLMBackend",
    "create_algorithm",
    "create_environment",
    "create_inference_module",
    "load_algorithm_from_checkpoint",
    "make_tiny",
]


def __getattr__(name: str) -> Any:
    """Loads a public name from its room when it is first asked for."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # By the package's whole name: `python -m agents.train` imports this package as the top-level `agents`, whose
    # modules cannot reach beyond themselves.
    return getattr(import_module(f"infinite_rl.agents.{_PUBLIC[name]}"), name)
