"""Scoring: the log-probs and entropies of given tokens under a model, with gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from ..models.speed import backbone_of
from .head import find_head
from .layout import Layout
from .packing import enable_packing


@dataclass(frozen=True, slots=True)
class TokenScores:
    """Scores of tokens: [N], or [B, T] with 0 where a token was not to be scored.

    Attributes:
        logprob: float32 (float64 of a model in float64): log-prob of each token given those before it.
        entropy: like it: entropy of the distribution the token was drawn from, in nats; detached unless its
            gradient was asked for.
    """

    logprob: Tensor
    entropy: Tensor


def token_scores(
    model: PreTrainedModel,
    token_ids: Tensor,
    attention_mask: Tensor,
    scored: Tensor,
    *,
    temperature: float,
    entropy_gradient: bool = False,
) -> TokenScores:
    """Scores tokens of padded rows in one forward pass: [B, T].

    Args:
        model: a causal language model.
        token_ids: [B, T], int64, padded on either side.
        attention_mask: [B, T]: non-zero at tokens, 0 at padding.
        scored: [B, T], bool: the tokens to score. The first token of a row has no distribution and scores 0.
        temperature: divides the logits, as in sampling.
        entropy_gradient: whether the entropy has a gradient.
    """
    # The first token of a row has nothing before it, wherever padding puts it.
    wanted = scored[:, 1:] & (attention_mask[:, :-1] > 0)
    row, place = wanted.nonzero(as_tuple=True)
    width = token_ids.shape[1]
    layout = Layout(
        token_ids=token_ids,
        position_ids=(attention_mask.cumsum(-1) - 1).clamp(min=0),
        attention=attention_mask,
        predictor=row * width + place,
        target=token_ids[row, place + 1],
        sequence=row,
        end=torch.arange(len(token_ids), device=row.device) * width + (attention_mask > 0).cumsum(-1).argmax(-1),
        longest=width,
    )
    scores = layout_scores(model, layout, temperature=temperature, entropy_gradient=entropy_gradient)
    return TokenScores(_placed(scores.logprob, wanted), _placed(scores.entropy, wanted))


def layout_scores(
    model: PreTrainedModel, layout: Layout, *, temperature: float, entropy_gradient: bool = False
) -> TokenScores:
    """Scores the tokens of a layout in one forward pass: [N], in its order; the other arguments as above."""
    how: dict[str, Any] = {"temperature": temperature, "entropy_gradient": entropy_gradient}
    if (on_ranks := getattr(model, "layout_scores", None)) is not None:  # see `parallel.scoring`
        return TokenScores(*on_ranks(layout, **how))
    if layout.packed:
        enable_packing(model)
    if (head := find_head(model)) is not None:
        hidden = backbone_of(model)(**layout.inputs).last_hidden_state.flatten(0, 1)
        return TokenScores(*head.score(hidden[layout.predictor], layout.target, **how))
    # Logits are needed from the first place on that predicts a token.
    width = layout.token_ids.shape[1]
    row, place = layout.predictor // width, layout.predictor % width
    first = int(place.min()) if len(place) else width - 1
    logits = model(**layout.inputs, logits_to_keep=width - first).logits
    return TokenScores(*naive_scores(logits[row, place - first], layout.target, **how))


def naive_scores(
    logits: Tensor, targets: Tensor, *, temperature: float, entropy_gradient: bool = False
) -> tuple[Tensor, Tensor]:
    """Log-probs of ``targets`` [N] and entropies, both [N], from logits [N, V]."""
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32)) / temperature
    logprob = logits.gather(-1, targets[:, None]).squeeze(-1) - torch.logsumexp(logits, -1)
    if entropy_gradient:
        return logprob, entropy_of(logits)
    with torch.no_grad():
        return logprob, torch.special.entr(torch.softmax(logits, -1)).sum(-1)


def _placed(values: Tensor, wanted: Tensor) -> Tensor:
    """Values [N] at the places of ``wanted`` [B, T - 1] and 0 elsewhere, with a first column of zeros: [B, T]."""
    return nn.functional.pad(values.new_zeros(wanted.shape).masked_scatter(wanted, values), (1, 0))


def entropy_of(logits: Tensor) -> Tensor:
    """The entropy of the distributions over the last dimension of ``logits``, in nats, with a gradient."""
    logprob = torch.log_softmax(logits, -1)
    # A token ruled out by a logit of minus infinity counts as 0 log 0 = 0, and its gradient too is finite.
    return -(logprob.exp() * logprob.masked_fill(logprob == -torch.inf, 0.0)).sum(-1)
