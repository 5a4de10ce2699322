"""Scoring: the log-probs and entropies of given tokens under a model, with gradients."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True)
class TokenScores:
    """Scores of the tokens of a batch; 0 where a token was not to be scored.

    Attributes:
        logprob: [B, T], float32 (float64 of a model in float64): log-prob of each token given those before it.
        entropy: [B, T], like it: entropy of the distribution the token was drawn from, in nats; detached unless its
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
    """Scores tokens in one forward pass.

    Args:
        model: a causal language model.
        token_ids: [B, T], int64, padded on either side.
        attention_mask: [B, T]: non-zero at tokens, 0 at padding.
        scored: [B, T], bool: the tokens to score. The first token of a row has no distribution and scores 0.
        temperature: divides the logits, as in sampling.
        entropy_gradient: whether the entropy has a gradient.
    """
    width = token_ids.shape[1]
    # Logits are needed from one position before the first scored token of the batch.
    first = int(scored.any(0).int().argmax())
    keep = width - max(first - 1, 0)
    position = (attention_mask.cumsum(-1) - 1).clamp(min=0)
    out = model(
        input_ids=token_ids, attention_mask=attention_mask, position_ids=position, use_cache=False, logits_to_keep=keep
    )
    logits = out.logits[:, :-1]
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32)) / temperature
    targets = token_ids[:, width - keep + 1 :]
    normaliser = torch.logsumexp(logits, -1)
    picked = logits.gather(-1, targets[..., None]).squeeze(-1) - normaliser
    if entropy_gradient:
        spread = entropy_of(logits)
    else:
        with torch.no_grad():
            spread = torch.special.entr(torch.softmax(logits, -1)).sum(-1)
    # The first token of a row has nothing before it, wherever padding puts it.
    wanted = (scored[:, 1:] & (attention_mask[:, :-1] > 0))[:, width - keep :]
    pad = (width - keep + 1, 0)
    # where, not a product: an unscored place may be infinite, and 0 times infinity is NaN.
    zero = picked.new_zeros(())
    return TokenScores(
        logprob=torch.nn.functional.pad(torch.where(wanted, picked, zero), pad),
        entropy=torch.nn.functional.pad(torch.where(wanted, spread, zero), pad),
    )


def entropy_of(logits: Tensor) -> Tensor:
    """The entropy of the distributions over the last dimension of ``logits``, in nats, with a gradient."""
    logprob = torch.log_softmax(logits, -1)
    # A token ruled out by a logit of minus infinity counts as 0 log 0 = 0, and its gradient too is finite.
    return -(logprob.exp() * logprob.masked_fill(logprob == -torch.inf, 0.0)).sum(-1)
