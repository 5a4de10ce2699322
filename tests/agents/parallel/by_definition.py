"""Attention by its definition, with windows and capped products."""

import torch
from torch.nn.functional import scaled_dot_product_attention


def attention(query, key, value, window=None, cap=None):
    """[B, H, T, D] of queries [B, H, T, D] and keys [B, G, T, D]; by torch, where it has the rule."""
    if window is None and cap is None:
        return scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
    key, value = (state.repeat_interleave(query.shape[1] // state.shape[1], 1) for state in (key, value))
    scores = query @ key.mT * query.shape[-1] ** -0.5
    if cap is not None:
        scores = cap * torch.tanh(scores / cap)
    distance = torch.arange(query.shape[2])[:, None] - torch.arange(query.shape[2])
    seen = (distance >= 0) & (distance < (window or query.shape[2]))
    return scores.masked_fill(~seen, -torch.inf).softmax(-1) @ value
