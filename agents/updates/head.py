"""The language head: log-probs and entropies from hidden states, without ever holding logits of all tokens.

A vocabulary of 152,000 makes 600 kB of float32 logits a token, and a plain softmax with its gradient holds several
copies. Here logits exist for a chunk of tokens at a time, and are computed a second time for the gradient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from transformers import PreTrainedModel

# Logits of so many tokens times words exist at once: 128 MiB of float32.
CHUNK_ELEMENTS = 2**25


@dataclass(frozen=True, slots=True)
class LanguageHead:
    """What turns hidden states into logits: ``cap * tanh(scale * (hidden @ weight.T + bias) / cap)``.

    Attributes:
        weight: [V, H].
        bias: [V], or None.
        scale: multiplies logits.
        cap: no logit is beyond it; None for no cap, and no tanh.
    """

    weight: Tensor
    bias: Tensor | None = None
    scale: float = 1.0
    cap: float | None = None

    def score(
        self, hidden: Tensor, targets: Tensor, *, temperature: float, entropy_gradient: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Log-probs of tokens, and entropies of the distributions that they come from.

        Args:
            hidden: [N, H]: what predicts each token.
            targets: [N], int64: the tokens.
            temperature: divides the logits.
            entropy_gradient: whether the entropy has a gradient.

        Returns:
            Two tensors [N], float32 (float64 of hidden states in float64).
        """
        rows = max(1, CHUNK_ELEMENTS // self.weight.shape[0])
        weight = self.weight
        if torch.is_autocast_enabled(hidden.device.type):
            dtype = torch.get_autocast_dtype(hidden.device.type)
            hidden, weight = hidden.to(dtype), weight.to(dtype)
        logprob, entropy = _ChunkedScores.apply(  # type: ignore[no-untyped-call]
            hidden, weight, self.bias, targets, (self.scale, self.cap, temperature, rows)
        )
        return logprob, entropy if entropy_gradient else entropy.detach()


class _ChunkedScores(torch.autograd.Function):
    """Log-probs and entropies, with the logits computed anew for their gradients."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        how: tuple[float, float | None, float, int],
    ) -> tuple[Tensor, Tensor]:
        dtype = torch.promote_types(hidden.dtype, torch.float32)
        normaliser, picked, entropy = (hidden.new_empty(len(hidden), dtype=dtype) for _ in range(3))
        for part in _chunks(len(hidden), how[3]):
            logits, _ = _logits(hidden[part], weight, bias, how)
            normaliser[part] = torch.logsumexp(logits, -1)
            picked[part] = logits.gather(-1, targets[part, None]).squeeze(-1)
            probability = torch.softmax(logits, -1)
            # A token ruled out by a logit of minus infinity counts as 0 log 0 = 0.
            entropy[part] = normaliser[part] - (probability * logits.masked_fill(probability == 0, 0.0)).sum(-1)
        ctx.save_for_backward(hidden, weight, bias, targets, normaliser, entropy)
        ctx.how = how
        return picked - normaliser, entropy

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_logprob: Tensor, d_entropy: Tensor) -> tuple[Tensor | None, ...]:
        hidden, weight, bias, targets, normaliser, entropy = ctx.saved_tensors
        scale, cap, temperature, rows = ctx.how
        needs_hidden, needs_weight, needs_bias = ctx.needs_input_grad[:3]
        d_hidden = torch.zeros_like(hidden) if needs_hidden else None
        d_weight = torch.zeros_like(weight) if needs_weight else None
        d_bias = torch.zeros_like(bias) if needs_bias else None
        with_entropy = bool(d_entropy.any())
        for part in _chunks(len(hidden), rows):
            logits, capped = _logits(hidden[part], weight, bias, ctx.how)
            logprob = logits.sub_(normaliser[part, None])
            gradient = logprob.exp()
            by_row = d_logprob[part, None]
            if with_entropy:
                known = logprob.masked_fill_(gradient == 0, 0.0)
                gradient *= -by_row - d_entropy[part, None] * (known + entropy[part, None])
            else:
                gradient *= -by_row
            gradient.scatter_add_(1, targets[part, None], by_row)
            gradient *= scale / temperature
            if cap is not None:
                gradient *= 1 - (capped / cap).square()
            gradient = gradient.to(weight.dtype)
            if d_hidden is not None:
                d_hidden[part] = gradient @ weight
            if d_weight is not None:
                d_weight.addmm_(gradient.T, hidden[part])
            if d_bias is not None:
                d_bias += gradient.sum(0)
        return d_hidden, d_weight, d_bias, None, None


def _chunks(count: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def _logits(
    hidden: Tensor, weight: Tensor, bias: Tensor | None, how: tuple[float, float | None, float, int]
) -> tuple[Tensor, Tensor]:
    """The logits of a chunk divided by the temperature; and, where there is a cap, before that."""
    scale, cap, temperature, _ = how
    logits = nn.functional.linear(hidden, weight, None if bias is None else bias.to(weight.dtype))
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    if scale != 1:
        logits *= scale
    if cap is None:
        return logits.div_(temperature), logits
    capped = (logits / cap).tanh_().mul_(cap)
    return capped / temperature, capped


_known: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()


def find_head(model: PreTrainedModel) -> LanguageHead | None:
    """The head of a model, if its logits are what :class:`LanguageHead` computes; found out once, by trying it."""
    layer = getattr(model, "get_output_embeddings", lambda: None)()
    if type(layer) is not nn.Linear:
        return None
    config = model.config.get_text_config()
    scale = getattr(config, "logit_scale", None) or 1 / (getattr(config, "logits_scaling", None) or 1)
    head = LanguageHead(layer.weight, layer.bias, float(scale), getattr(config, "final_logit_softcapping", None))
    if model not in _known:
        _known[model] = _computes_the_logits(head, model)
    return head if _known[model] else None


@torch.no_grad()
def _computes_the_logits(head: LanguageHead, model: PreTrainedModel) -> bool:
    """Whether the head makes of the backbone's hidden states what the model makes of two tokens."""
    ids = torch.tensor([[0, 1]], device=model.device)
    training = model.training
    model.eval()
    try:
        expected = torch.log_softmax(model(input_ids=ids, use_cache=False).logits[0].float(), -1)
        hidden = model.base_model(input_ids=ids, use_cache=False).last_hidden_state[0]
        words = torch.linspace(0, expected.shape[-1] - 1, 32, device=ids.device).long()
        found, _ = head.score(hidden.repeat_interleave(len(words), 0), words.repeat(2), temperature=1.0)
    except (AttributeError, IndexError, RuntimeError, TypeError, ValueError):
        return False  # a model of another make
    finally:
        model.train(training)
    return torch.allclose(found.float(), expected[:, words].flatten(), rtol=1e-2, atol=1e-2)
