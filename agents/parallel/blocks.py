"""Attention of a block of queries to a block of keys, with what is needed to merge blocks: the log-sum-exp."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

_CPU = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_CPU_BACKWARD = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward
_CUDA = torch.ops.aten._scaled_dot_product_flash_attention
_CUDA_BACKWARD = torch.ops.aten._scaled_dot_product_flash_attention_backward
# Where no kernel knows a rule, the scores of so many queries are in memory at once.
TILE = 1024


@dataclass(frozen=True, slots=True)
class Rule:
    """What queries and keys make of each other.

    Attributes:
        scale: of their products.
        window: how many positions a query sees, its own among them; None for all until its own.
        cap: scaled products x become ``cap * tanh(x / cap)`` (Gemma 2, arXiv:2408.00118); None leaves them.
    """

    scale: float
    window: int | None = None
    cap: float | None = None


def attend(query: Tensor, key: Tensor, value: Tensor, rule: Rule, *, ahead: int | None) -> tuple[Tensor, Tensor]:
    """Attention of a block, by torch's flash kernels where they take it.

    Args:
        query: [B, H, T, D].
        key: [B, G, S, D], where G divides H: each serves H / G heads of queries.
        value: like the key.
        rule: what they make of each other.
        ahead: by so many positions the first query is ahead of the first key; None where all see all.

    Returns:
        [B, H, T, D], and the log-sum-exp of the scores [B, H, T] (float32 where the kernel computes so). Those of a
        query that sees no key are 0 and minus infinity.
    """
    key, value = _for_all(key, query), _for_all(value, query)
    if _has_kernel(query, rule, ahead):
        kernel = _CPU if query.device.type == "cpu" else _CUDA
        out, sums, *_ = kernel(query, key, value, 0.0, ahead is not None, scale=rule.scale)
        return out, sums
    tiles, exact = [], _exact(query.dtype)
    for asks, seen, there in _tiles(query.shape[-2], key.shape[-2], ahead, rule.window):
        scores, _ = _scores(query[:, :, asks].to(exact), key[:, :, seen].to(exact), rule, there)
        sums = scores.logsumexp(-1)
        tiles.append((_shares(scores, sums) @ value[:, :, seen].to(exact), sums))
    outs, all_sums = zip(*tiles, strict=True)
    return torch.cat(outs, 2).to(value.dtype), torch.cat(all_sums, 2)


def attend_backward(
    grad: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    out: Tensor,
    sums: Tensor,
    rule: Rule,
    *,
    ahead: int | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients that a block contributes.

    ``out`` and ``sums`` are those of the queries over *all* blocks: a softmax over all keys is, in each block, the
    exponential of its scores less the whole log-sum-exp, so that blocks need not know of each other.

    Args:
        grad: of the loss by the merged output, [B, H, T, D].
        query: as in `attend`, and so are the others.
        key: likewise.
        value: likewise.
        out: the merged output, [B, H, T, D].
        sums: the merged log-sum-exp, [B, H, T].
        rule: likewise.
        ahead: likewise.

    Returns:
        Of queries, keys and values.
    """
    groups = key.shape[1]
    key, value = _for_all(key, query), _for_all(value, query)
    if not _has_kernel(query, rule, ahead):
        found = _backward(grad, query, key, value, out, sums, rule, ahead)
    elif query.device.type == "cpu":
        found = _CPU_BACKWARD(grad, query, key, value, out, sums, 0.0, ahead is not None, scale=rule.scale)
    else:
        found = _flash_backward(grad, query, key, value, out, sums, rule.scale, ahead is not None)
    by_query, by_key, by_value = found
    return by_query, _of_groups(by_key, groups), _of_groups(by_value, groups)


def _has_kernel(query: Tensor, rule: Rule, ahead: int | None) -> bool:
    """Whether a kernel takes these, and knows the rule: a query sees all, or all until its own position."""
    if rule.cap is not None or not (query.device.type == "cpu" or _is_flash(query)):
        return False
    return ahead is None or (ahead == 0 and (rule.window is None or rule.window >= query.shape[-2]))


def _backward(
    grad: Tensor, query: Tensor, key: Tensor, value: Tensor, out: Tensor, sums: Tensor, rule: Rule, ahead: int | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients without a kernel, tile by tile; added up in float32 at least."""
    exact = _exact(query.dtype)
    by_query, by_key, by_value = (torch.zeros_like(state, dtype=exact) for state in (query, key, value))
    for asks, seen, there in _tiles(query.shape[-2], key.shape[-2], ahead, rule.window):
        asked, held, carried = (state.to(exact) for state in (query[:, :, asks], key[:, :, seen], value[:, :, seen]))
        own, found = grad[:, :, asks].to(exact), out[:, :, asks].to(exact)
        scores, slopes = _scores(asked, held, rule, there)
        shares = _shares(scores, sums[:, :, asks])
        by_value[:, :, seen] += shares.mT @ own
        by_score = shares * (own @ carried.mT - (own * found).sum(-1, keepdim=True)) * rule.scale
        by_score = by_score if slopes is None else by_score * slopes
        by_query[:, :, asks] = by_score @ held
        by_key[:, :, seen] += by_score.mT @ asked
    return by_query.to(query.dtype), by_key.to(key.dtype), by_value.to(value.dtype)


def _tiles(queries: int, keys: int, ahead: int | None, window: int | None) -> Iterator[tuple[slice, slice, int | None]]:
    """Some queries, the keys that any of them sees, and how far the first query is ahead of the first of these keys."""
    for start in range(0, queries, TILE):
        end = min(start + TILE, queries)
        first, last = 0, keys
        if ahead is not None:
            last = min(keys, ahead + end)
            first = 0 if window is None else min(max(ahead + start - window + 1, 0), last)
        yield slice(start, end), slice(first, last), None if ahead is None else ahead + start - first


def _exact(dtype: torch.dtype) -> torch.dtype:
    """In which products are added up, as kernels do."""
    return torch.promote_types(dtype, torch.float32)


def _scores(query: Tensor, key: Tensor, rule: Rule, ahead: int | None) -> tuple[Tensor, Tensor | None]:
    """The scores, and their slopes by the scaled products where these are capped."""
    scores = query @ key.mT * rule.scale
    slopes = None
    if rule.cap is not None:
        bent = torch.tanh(scores / rule.cap)
        scores, slopes = rule.cap * bent, 1 - bent.square()
    if ahead is not None:
        queries, keys = (torch.arange(length, device=scores.device) for length in scores.shape[-2:])
        distance = ahead + queries[:, None] - keys
        hidden = distance < 0
        if rule.window is not None:
            hidden |= distance >= rule.window
        scores = scores.masked_fill(hidden, -torch.inf)
    return scores, slopes


def _shares(scores: Tensor, sums: Tensor) -> Tensor:
    """Each key's share of the attention; 0 of all keys where a query sees none."""
    return torch.exp(scores - sums.clamp_min(torch.finfo(sums.dtype).min)[..., None])


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


def _for_all(state: Tensor, query: Tensor) -> Tensor:
    """Keys or values, once for each head of queries that they serve."""
    times = query.shape[1] // state.shape[1]
    return state if times == 1 else state.repeat_interleave(times, 1)


def _of_groups(grad: Tensor, groups: int) -> Tensor:
    """The gradients of keys or values, summed over the heads that they serve."""
    rows, heads, length, width = grad.shape
    return grad if heads == groups else grad.reshape(rows, groups, heads // groups, length, width).sum(2)
