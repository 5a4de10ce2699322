"""Where outside code and outside models run.

Importing this package is cheap: wasmtime is loaded with the first executor.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .artefact import MissingArtefactError
    from .embeddings import EmbeddingEndpoint
    from .endpoint import Budget, BudgetError, ChatEndpoint, ChatReply, EndpointError
    from .executor import RewardExecutor
    from .result import CallResult, ExecutionResult, ExecutionStatus

_PUBLIC = {
    "Budget": "endpoint",
    "BudgetError": "endpoint",
    "ChatEndpoint": "endpoint",
    "ChatReply": "endpoint",
    "EmbeddingEndpoint": "embeddings",
    "EndpointError": "endpoint",
    "CallResult": "result",
    "ExecutionResult": "result",
    "ExecutionStatus": "result",
    "MissingArtefactError": "artefact",
    "RewardExecutor": "executor",
}

__all__ = [
    "Budget",
    "BudgetError",
    "CallResult",
    "ChatEndpoint",
    "ChatReply",
    "EmbeddingEndpoint",
    "EndpointError",
    "ExecutionResult",
    "ExecutionStatus",
    "MissingArtefactError",
    "RewardExecutor",
]


def __getattr__(name: str) -> Any:
    """Loads a public name from its module when it is first asked for."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_PUBLIC[name]}", __name__), name)
