"""Attention of a block of queries to a block of keys, with what is needed to merge blocks: the log-sum-exp."""

from __future__ import annotations

import torch
from torch import Tensor

_CPU = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_CPU_BACKWARD = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward
_CUDA = torch.ops.aten._scaled_dot_product_flash_attention
_CUDA_BACKWARD = torch.ops.aten._scaled_dot_product_flash_attention_backward


def attend(query: Tensor, key: Tensor, value: Tensor, scale: float, *, causal: bool) -> tuple[Tensor, Tensor]:
    """Attention of a block, by torch's flash kernels where they take it.

    Args:
        query: [B, H, T, D].
        key: [B, G, S, D], where G divides H: each serves H / G heads of queries.
        value: like the key.
        scale: of the products of queries and keys.
        causal: whether query t sees the keys up to t only; then T is S.

    Returns:
        [B, H, T, D], and the log-sum-exp of the scaled products [B, H, T] (float32 where the kernel computes so).
    """
    key, value = _for_all(key, query), _for_all(value, query)
    if query.device.type == "cpu":
        found: tuple[Tensor, Tensor] = _CPU(query, key, value, 0.0, causal, scale=scale)
        return found
    if _is_flash(query):
        out, sums, *_ = _CUDA(query, key, value, 0.0, causal, scale=scale)
        return out, sums
    scores = _scores(query, key, scale, causal)
    sums = scores.logsumexp(-1)
    return torch.exp(scores - sums[..., None]).to(value.dtype) @ value, sums


def attend_backward(
    grad: Tensor, query: Tensor, key: Tensor, value: Tensor, out: Tensor, sums: Tensor, scale: float, *, causal: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients that a block contributes.

    ``out`` and ``sums`` are those of the queries over *all* blocks: a softmax over all keys is, in each block, the
    exponential of its products less the whole log-sum-exp, so that blocks need not know of each other.

    Args:
        grad: of the loss by the merged output, [B, H, T, D].
        query: as in `attend`, and so are the others.
        key: likewise.
        value: likewise.
        out: the merged output, [B, H, T, D].
        sums: the merged log-sum-exp, [B, H, T].
        scale: likewise.
        causal: likewise.

    Returns:
        Of queries, keys and values.
    """
    groups = key.shape[1]
    key, value = _for_all(key, query), _for_all(value, query)
    if query.device.type == "cpu":
        by_query, by_key, by_value = _CPU_BACKWARD(grad, query, key, value, out, sums, 0.0, causal, scale=scale)
    elif _is_flash(query):
        by_query, by_key, by_value = _flash_backward(grad, query, key, value, out, sums, scale, causal)
    else:
        shares = torch.exp(_scores(query, key, scale, causal) - sums[..., None])
        by_value = shares.to(grad.dtype).mT @ grad
        by_score = shares * ((grad @ value.mT).to(shares.dtype) - (grad * out).sum(-1, keepdim=True).to(shares.dtype))
        by_score = by_score.to(grad.dtype) * scale
        by_query, by_key = by_score @ key, by_score.mT @ query
    return by_query, _of_groups(by_key, groups), _of_groups(by_value, groups)


def _flash_backward(
    grad: Tensor, query: Tensor, key: Tensor, value: Tensor, out: Tensor, sums: Tensor, scale: float, causal: bool
) -> tuple[Tensor, Tensor, Tensor]:
    # Without dropout no random state is read.
    state = torch.zeros(2, dtype=torch.uint64, device=query.device)
    lengths = (query.shape[-2], key.shape[-2])
    found: tuple[Tensor, Tensor, Tensor] = _CUDA_BACKWARD(
        grad, query, key, value, out, sums, None, None, *lengths, 0.0, causal, state, state[:0], scale=scale
    )
    return found


def _is_flash(query: Tensor) -> bool:
    return query.is_cuda and query.dtype in (torch.bfloat16, torch.float16) and query.shape[-1] <= 256


def _scores(query: Tensor, key: Tensor, scale: float, causal: bool) -> Tensor:
    scores = (query @ key.mT).to(torch.promote_types(query.dtype, torch.float32)) * scale
    if causal:
        later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(later, -torch.inf)
    return scores


def _for_all(state: Tensor, query: Tensor) -> Tensor:
    """Keys or values, once for each head of queries that they serve."""
    times = query.shape[1] // state.shape[1]
    return state if times == 1 else state.repeat_interleave(times, 1)


def _of_groups(grad: Tensor, groups: int) -> Tensor:
    """The gradients of keys or values, summed over the heads that they serve."""
    rows, heads, length, width = grad.shape
    return grad if heads == groups else grad.reshape(rows, groups, heads // groups, length, width).sum(2)
