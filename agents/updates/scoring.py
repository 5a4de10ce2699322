"""Scoring: the log-probs and entropies of given tokens under a model, with gradients."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from .head import find_head


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
    position = (attention_mask.cumsum(-1) - 1).clamp(min=0)
    inputs = {"input_ids": token_ids, "attention_mask": attention_mask, "position_ids": position, "use_cache": False}
    # The first token of a row has nothing before it, wherever padding puts it.
    wanted = scored[:, 1:] & (attention_mask[:, :-1] > 0)
    targets = token_ids[:, 1:][wanted]
    if (head := find_head(model)) is not None:
        hidden = model.base_model(**inputs).last_hidden_state[:, :-1][wanted]
        logprob, entropy = head.score(hidden, targets, temperature=temperature, entropy_gradient=entropy_gradient)
    else:
        # Logits are needed from one position before the first scored token of the batch.
        keep = token_ids.shape[1] - max(int(scored.any(0).int().argmax()) - 1, 0)
        logits = model(**inputs, logits_to_keep=keep).logits[:, :-1][wanted[:, -keep + 1 :]]
        logprob, entropy = naive_scores(logits, targets, temperature=temperature, entropy_gradient=entropy_gradient)
    return TokenScores(_placed(logprob, wanted), _placed(entropy, wanted))


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
