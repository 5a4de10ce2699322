"""Attention to sequences that lie side by side in one row: each sees itself alone, and no mask is made.

On a GPU in half precision a kernel for sequences of any length does it, torch's own or that of flash-attn; elsewhere
one sequence after the other.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

# The name by which transformers knows this attention.
PACKED = "infinite_rl_packed"
HALVES = (torch.bfloat16, torch.float16)

# Of queries, keys and values, each [T, heads, D], ends, the longest sequence, and a scale: makes [T, heads, D].
Kernel = Callable[[Tensor, Tensor, Tensor, Tensor, int, float | None], Tensor]


def enable_packing(model: PreTrainedModel) -> None:
    """Lets a model read packed rows from now on; what else it is called with goes to SDPA, as before.

    It is set for good, because gradient checkpointing calls the layers once more in the backward pass.
    """
    if model.config.get_text_config()._attn_implementation != PACKED:
        model.set_attn_implementation(PACKED)


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    max_length_q: int = 0,
    **others: Any,
) -> tuple[Tensor, Tensor | None]:
    """Causal attention, as transformers calls it; of packed rows without dropout.

    Args:
        module: the layer.
        query: [1, heads, T, D].
        key: [1, heads of keys, T, D].
        value: like the key.
        attention_mask: of packed rows [1, 1, 1, S + 1], int32: where each of S sequences begins, and the last one ends.
            Any other, or None, is SDPA's.
        scaling: of the products of queries and keys; None for one over the root of D.
        max_length_q: tokens of the longest sequence.
        others: for SDPA.

    Returns:
        [1, T, heads, D], and None.
    """
    if attention_mask is None or attention_mask.dtype != torch.int32:
        found: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **others
        )
        return found
    query, key, value = (state[0].transpose(0, 1) for state in (query, key, value))
    if torch.is_autocast_enabled(query.device.type):  # kernels are not cast by it, and rotated queries are float32
        dtype = torch.get_autocast_dtype(query.device.type)
        query, key, value = query.to(dtype), key.to(dtype), value.to(dtype)
    fused = fused_kernel() if query.is_cuda and query.dtype in HALVES else None
    kernel = fused or _one_by_one
    return kernel(query, key, value, attention_mask.flatten(), max_length_q, scaling)[None], None


@cache
def fused_kernel() -> Kernel | None:
    """A kernel for sequences of any length on a GPU, in half precision; None where torch and flash-attn have none."""
    try:
        varlen: Any = import_module("torch.nn.attention.varlen").varlen_attn
    except (ImportError, AttributeError):
        pass
    else:
        known = inspect.signature(varlen).parameters
        # The first versions had no windows, and no heads that share keys.
        options: dict[str, Any] = {"window_size": (-1, 0)} if "window_size" in known else {"is_causal": True}
        shares = "enable_gqa" in known
        if shares:
            options["enable_gqa"] = True
        if "scale" in known:
            return lambda query, key, value, ends, longest, scale: varlen(
                query, *(state if shares else _repeated(state, query) for state in (key, value)),
                ends, ends, longest, longest, scale=scale, **options,
            )  # fmt: skip
    try:
        flash: Any = import_module("flash_attn").flash_attn_varlen_func
    except (ImportError, AttributeError):
        return None
    return lambda query, key, value, ends, longest, scale: flash(
        query, key, value, ends, ends, longest, longest, softmax_scale=scale, causal=True
    )


def _repeated(state: Tensor, query: Tensor) -> Tensor:
    """Keys or values once for each head of the queries."""
    return state.repeat_interleave(query.shape[1] // state.shape[1], dim=1)


def _one_by_one(query: Tensor, key: Tensor, value: Tensor, ends: Tensor, longest: int, scale: float | None) -> Tensor:
    lengths = ends.diff().tolist()
    parts = zip(
        *(torch.split(state.transpose(0, 1)[None], lengths, dim=2) for state in (query, key, value)), strict=True
    )
    how: dict[str, Any] = {"is_causal": True, "scale": scale, "enable_gqa": True}
    found = [nn.functional.scaled_dot_product_attention(*one, **how) for one in parts]
    return torch.cat(found, dim=2)[0].transpose(0, 1)


AttentionInterface.register(PACKED, attend)
AttentionMaskInterface.register(PACKED, sdpa_mask)
