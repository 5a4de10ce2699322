"""Other ways to compute the same model: compiled, or with Liger's kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn
from transformers import PreTrainedModel

from ..config import ConfigError

# Beside the models, not in them: a compiled module is one, and would be saved as a part of the first.
_compiled: WeakKeyDictionary[nn.Module, Callable[..., Any]] = WeakKeyDictionary()


def backbone_of(model: PreTrainedModel) -> Callable[..., Any]:
    """What makes hidden states of tokens where they are scored: compiled, if :func:`compile_backbone` was called."""
    plain: Callable[..., Any] = model.base_model
    return _compiled.get(model, plain)


def compile_backbone(model: PreTrainedModel) -> None:
    """Has the backbone compiled for scoring, for batches of any shape; sampling keeps the plain one.

    Raises:
        ConfigError: if nothing can be compiled on this machine.
    """
    try:
        torch.compile(_double)(torch.ones(2, device=model.device))
    except Exception as error:  # each backend has its own
        reason = next(iter(str(error).splitlines()), type(error).__name__)[:200]
        raise ConfigError(f"model.compile: nothing can be compiled here ({reason}); set model.compile=false") from None
    _compiled[model] = torch.compile(model.base_model, dynamic=True)


def use_liger(model: PreTrainedModel, device: torch.device) -> None:
    """Replaces norms, rotations and gated layers by Liger's kernels (arXiv:2410.10989). The head is our own.

    Args:
        model: is computed with them from now on.
        device: where it is computed.

    Raises:
        ConfigError: without a GPU, without the package, or for a model that it does not know.
    """
    if device.type != "cuda":
        raise ConfigError(f"model.liger needs a GPU, and the model is on {device}: set model.liger=false")
    try:
        from liger_kernel.transformers import monkey_patch
    except ModuleNotFoundError:
        raise ConfigError("model.liger needs liger-kernel: pip install liger-kernel") from None
    if model.config.model_type not in monkey_patch.MODEL_TYPE_TO_APPLY_LIGER_FN:
        raise ConfigError(f"model.liger: Liger has no kernels for {model.config.model_type}; set model.liger=false")
    monkey_patch._apply_liger_kernel_to_instance(model, cross_entropy=False, fused_linear_cross_entropy=False)


def _double(values: torch.Tensor) -> torch.Tensor:
    return values * 2
