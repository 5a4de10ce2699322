"""Sequence parallelism: each rank computes its part of every sequence, and only attention needs the others."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel

from ..updates.packing import attend as packed_attention
from .ring import ring_attention
from .zigzag import zigzag_positions

# The name by which transformers knows this attention.
RING = "infinite_rl_ring"


def enable_ring(model: PreTrainedModel) -> None:
    """Lets a model compute parts of sequences from now on; see `sequence_parallel`.

    Raises:
        ValueError: some layers have another attention than to all earlier tokens, or to a window of them.
    """
    config = model.config.get_text_config()
    if getattr(config, "attention_dropout", 0.0):
        raise ValueError("parallel.sp and parallel.tp know no dropout of attention: set attention_dropout to 0")
    kinds = set(getattr(config, "layer_types", None) or ()) - {"full_attention", "sliding_attention"}
    if kinds or getattr(config, "attention_chunk_size", None):
        other = ", ".join(sorted(kinds)) or "chunked_attention"
        raise ValueError(f"parallel.sp and parallel.tp divide attention to all earlier tokens or a window, not {other}")
    model.set_attn_implementation(RING)


def try_ring(model: PreTrainedModel) -> None:
    """Lets a model compute parts of sequences from now on, if it finds for two side by side what it finds for each.

    Layers may drop what they are called with, or want of attention what the ring does not know, such as sinks.

    Raises:
        ValueError: as `enable_ring`, or it finds something else.
    """
    first, second = ([1, 2, 3, 1, 0], [1, 2, 0, 3])
    with torch.no_grad():
        alone = torch.cat([_states(model, ids, {"use_cache": False}) for ids in (first, second)], 1)
        enable_ring(model)
        beside = _states(model, first + second, _side_by_side([len(first), len(second)], model.device))
    if not torch.allclose(alone, beside, rtol=1e-2, atol=1e-2 * float(alone.abs().max())):
        raise ValueError(
            f"parallel.sp and parallel.tp: the attention of {type(model).__name__} is none that the ring computes; "
            "use parallel.fsdp"
        )


def sequence_parallel(
    lengths: Sequence[int], group: dist.ProcessGroup | None, *, rank: int = 0, ranks: int = 1
) -> dict[str, Any]:
    """What a model is called with besides its rank's part of a row of token ids (see `zigzag.shard`).

    Args:
        lengths: of the whole sequences of the row, each divisible by twice the number of ranks.
        group: the ranks that hold it; None for one alone.
        rank: this rank; read from the group if there is one.
        ranks: how many there are; likewise.
    """
    if group is not None:
        rank, ranks = dist.get_rank(group), dist.get_world_size(group)
    starts = [sum(lengths[:number]) for number in range(len(lengths))]
    where = zigzag_positions(lengths, rank, ranks)
    held = [length // ranks for length in lengths]
    begins = where.new_tensor(starts).repeat_interleave(where.new_tensor(held))
    return {
        "position_ids": (where - begins)[None],
        "use_cache": False,
        "ring_group": group,
        "ring_lengths": held,
    }


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    ring_group: dist.ProcessGroup | None = None,
    ring_lengths: Sequence[int] | None = None,
    **others: Any,
) -> tuple[Tensor, Tensor | None]:
    """Attention as transformers calls it, of the rank's part; [B, T, heads, D], and None."""
    if ring_lengths is None:
        name = type(module).__name__
        raise ValueError(f"parallel.sp and parallel.tp: {name} is not told where sequences lie; use parallel.fsdp")
    if sliding_window is None and _slides(module):
        raise ValueError(f"{type(module).__name__} does not say how far its window reaches; use parallel.fsdp")
    if ring_group is None and sliding_window is None and softcap is None:  # whole rows are for kernels that know them
        ends = None
        if len(ring_lengths) > 1:
            ends = torch.tensor([0, *accumulate(ring_lengths)], dtype=torch.int32, device=query.device)
            ends = ends[None, None, None]
            others["max_length_q"] = max(ring_lengths)
        return packed_attention(module, query, key, value, ends, scaling=scaling, **others)
    if torch.is_autocast_enabled(query.device.type):  # kernels are not cast by it, and rotated queries are float32
        dtype = torch.get_autocast_dtype(query.device.type)
        query, key, value = query.to(dtype), key.to(dtype), value.to(dtype)
    out = ring_attention(
        query, key, value, ring_group, lengths=ring_lengths, scale=scaling, window=sliding_window, cap=softcap
    )
    return out.transpose(1, 2), None


def _states(model: PreTrainedModel, ids: Sequence[int], how: dict[str, Any]) -> Tensor:
    found: Tensor = model.base_model(input_ids=torch.tensor([ids], device=model.device), **how).last_hidden_state
    return found.float()


def _side_by_side(lengths: Sequence[int], device: torch.device) -> dict[str, Any]:
    positions = torch.cat([torch.arange(length, device=device) for length in lengths])
    return {"position_ids": positions[None], "use_cache": False, "ring_group": None, "ring_lengths": list(lengths)}


def _slides(module: nn.Module) -> bool:
    """Whether a layer's queries see windows, as its configuration says."""
    config, number = getattr(module, "config", None), getattr(module, "layer_idx", None)
    kinds = getattr(config, "layer_types", None)
    return kinds is not None and number is not None and kinds[number] == "sliding_attention"


AttentionInterface.register(RING, attend)
# No mask: what a query sees follows from the positions.
AttentionMaskInterface.register(RING, lambda *arguments, **options: None)
