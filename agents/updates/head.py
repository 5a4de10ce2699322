"""The language head: log-probs and entropies from hidden states, without ever holding logits of all tokens.

A vocabulary of 152,000 makes 600 kB of float32 logits a token, and a plain softmax with its gradient holds several
copies. Here logits exist for a tile of tokens and words at a time, and are computed a second time for the gradient.

Where the words lie on several ranks, each goes over its own, and they send each other four numbers a token.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from transformers import PreTrainedModel

from .trial import holds


class Tile(NamedTuple):
    """Logits that exist at once: of so many tokens for so many words."""

    tokens: int
    words: int


# 8 MiB of float32 stay in a CPU's cache, where passes over them cost little; 128 MiB keep a GPU busy.
CPU_TILE, GPU_TILE = Tile(1024, 2048), Tile(4096, 8192)


@dataclass(frozen=True, slots=True)
class LanguageHead:
    """What turns hidden states into logits: ``cap * tanh(scale * (hidden @ weight.T + bias) / cap)``.

    Attributes:
        weight: [V, H].
        bias: [V], or None.
        scale: multiplies logits.
        cap: no logit is beyond it; None for no cap, and no tanh.
        group: the ranks that share the words, each as many, in their order; None where all are here.
    """

    weight: Tensor
    bias: Tensor | None = None
    scale: float = 1.0
    cap: float | None = None
    group: dist.ProcessGroup | None = None

    def score(
        self, hidden: Tensor, targets: Tensor, *, temperature: float, entropy_gradient: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Log-probs of tokens, and entropies of the distributions that they come from.

        Args:
            hidden: [N, H]: what predicts each token. Its gradient is that by way of the words here: where others are on
                other ranks, it is a part of a sum over them.
            targets: [N], int64: the tokens.
            temperature: divides the logits.
            entropy_gradient: whether the entropy has a gradient.

        Returns:
            Two tensors [N], float32 (float64 of hidden states in float64).
        """
        if torch.is_autocast_enabled(hidden.device.type):
            hidden = hidden.to(torch.get_autocast_dtype(hidden.device.type))
        logprob, entropy = _TiledScores.apply(  # type: ignore[no-untyped-call]
            hidden, self.weight, self.bias, self._own(targets), (self.scale, self.cap, temperature), self.group
        )
        return logprob, entropy if entropy_gradient else entropy.detach()

    def _own(self, targets: Tensor) -> Tensor:
        """Tokens counted from the first word of this rank."""
        return targets if self.group is None else targets - dist.get_rank(self.group) * len(self.weight)


class _TiledScores(torch.autograd.Function):
    """Log-probs and entropies by a softmax that goes over the words once; logits are made anew for the gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        how: tuple[float, float | None, float],
        group: dist.ProcessGroup | None,
    ) -> tuple[Tensor, Tensor]:
        dtype = torch.promote_types(hidden.dtype, torch.float32)
        # Of the words so far: the largest logit, the sum of exp(logit - largest), that sum weighted by logit - largest.
        least = torch.finfo(dtype).min
        largest = hidden.new_full((len(hidden),), least, dtype=dtype)
        mass, moment, picked = (torch.zeros_like(largest) for _ in range(3))
        for words, part in _tiles(hidden, weight):
            logits, _ = _logits(hidden[part], weight[words], None if bias is None else bias[words], how)
            place, here = _places(targets[part], words)
            picked[part] += torch.where(here, logits.gather(-1, place).squeeze(-1), 0.0)
            before = largest[part]
            now = torch.maximum(before, logits.amax(-1))
            # A word ruled out by a logit of minus infinity counts as 0 log 0 = 0; exp(-1e4) is 0 in any precision.
            logits.sub_(now[:, None]).clamp_(min=-1e4)
            weights = logits.exp()
            kept = torch.exp(before - now)
            moment[part] = kept * (moment[part] + mass[part] * (before - now)) + logits.mul_(weights).sum(-1)
            mass[part] = kept * mass[part] + weights.sum(-1)
            largest[part] = now
        if group is not None and len(hidden):
            largest, (mass, moment, picked) = _merged(largest, mass, moment, picked, group)
        log_mass = mass.log()
        normaliser, entropy = largest + log_mass, log_mass - moment / mass
        ctx.save_for_backward(hidden, weight, bias, targets, normaliser, entropy)
        ctx.how = how
        ctx.set_materialize_grads(False)
        return picked - normaliser, entropy

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_logprob: Tensor | None, d_entropy: Tensor | None) -> tuple[Tensor | None, ...]:
        hidden, weight, bias, targets, normaliser, entropy = ctx.saved_tensors
        scale, cap, temperature = ctx.how
        needs_hidden, needs_weight, needs_bias = ctx.needs_input_grad[:3]
        d_hidden = hidden.new_zeros(hidden.shape, dtype=normaliser.dtype) if needs_hidden else None
        d_weight = torch.zeros_like(weight) if needs_weight else None
        d_bias = torch.zeros_like(bias) if needs_bias else None
        factor = scale / temperature
        by_logprob = torch.zeros_like(normaliser) if d_logprob is None else d_logprob * factor
        by_entropy = None if d_entropy is None else d_entropy * factor
        total = None  # of a block of words, in at least float32: parts of a sum in half precision would round it
        for words, part in _tiles(hidden, weight):
            block, by_row = weight[words], by_logprob[part]
            logits, capped = _logits(hidden[part], block, None if bias is None else bias[words], ctx.how)
            logprob = logits.sub_(normaliser[part, None])
            if by_entropy is None:
                gradient = logprob.exp_().mul_(-by_row[:, None])
            else:
                gradient = logprob.exp()
                known = logprob.clamp_(min=-1e4).add_(entropy[part, None])
                gradient *= known.mul_(-by_entropy[part, None]).sub_(by_row[:, None])
            place, here = _places(targets[part], words)
            gradient.scatter_add_(1, place, torch.where(here, by_row, 0.0)[:, None])
            if cap is not None:
                gradient *= 1 - (capped / cap).square()
            if d_bias is not None:
                d_bias[words] += gradient.sum(0)
            gradient = gradient.to(hidden.dtype)
            if d_hidden is not None:
                _add_product(d_hidden[part], gradient, block.to(hidden.dtype))
            if d_weight is not None:
                total = block.new_zeros(block.shape, dtype=normaliser.dtype) if part.start == 0 else total
                assert total is not None
                _add_product(total, gradient.T, hidden[part])
                if part.stop >= len(hidden):
                    d_weight[words] = total.to(weight.dtype)
        return None if d_hidden is None else d_hidden.to(hidden.dtype), d_weight, d_bias, None, None, None


def _merged(
    largest: Tensor, mass: Tensor, moment: Tensor, picked: Tensor, group: dist.ProcessGroup
) -> tuple[Tensor, Tensor]:
    """What the ranks have found of their words, made one: the largest logit, and [3, N]: mass, moment, picked."""
    before = largest
    largest = before.clone()
    dist.all_reduce(largest, dist.ReduceOp.MAX, group)
    fall = before - largest
    kept = fall.exp()
    sums = torch.stack([kept * mass, kept * (moment + mass * fall), picked])
    dist.all_reduce(sums, group=group)
    return largest, sums


def _tiles(hidden: Tensor, weight: Tensor) -> Iterator[tuple[slice, slice]]:
    """The words and the tokens of each tile, block of words by block; of more tokens where there are fewer words."""
    tile, count = GPU_TILE if hidden.is_cuda else CPU_TILE, len(weight)
    wide = min(tile.words, count)
    high = tile.tokens * tile.words // wide
    for first in range(0, count, wide):
        for start in range(0, len(hidden), high):
            yield slice(first, min(first + wide, count)), slice(start, start + high)


def _places(targets: Tensor, words: slice) -> tuple[Tensor, Tensor]:
    """The places of the targets among the words of a tile, [n, 1], and whether they are there, [n]."""
    place = targets - words.start
    width = words.stop - words.start
    return place.clamp(0, width - 1)[:, None], (place >= 0) & (place < width)


def _add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    """Adds ``left @ right`` to a total, which may have a higher precision."""
    if total.dtype == left.dtype:
        total.addmm_(left, right)
    else:
        total += left @ right


def _logits(
    hidden: Tensor, weight: Tensor, bias: Tensor | None, how: tuple[float, float | None, float]
) -> tuple[Tensor, Tensor]:
    """The logits of a tile divided by the temperature; and, where there is a cap, before that."""
    scale, cap, temperature = how
    dtype = hidden.dtype
    logits = nn.functional.linear(hidden, weight.to(dtype), None if bias is None else bias.to(dtype))
    logits = logits.to(torch.promote_types(dtype, torch.float32))
    if cap is None:
        return logits.mul_(scale / temperature), logits
    capped = logits.mul_(scale / cap).tanh_().mul_(cap)
    return capped / temperature, capped


def find_head(model: PreTrainedModel) -> LanguageHead | None:
    """The head of a model, if its logits are what :class:`LanguageHead` computes; found out once, by trying it."""
    head = _head(model)
    return head if head is not None and holds(_computes_the_logits, model) else None


def _head(model: PreTrainedModel) -> LanguageHead | None:
    layer = getattr(model, "get_output_embeddings", lambda: None)()
    if type(layer) is not nn.Linear:
        return None
    config = model.config.get_text_config()
    scale = getattr(config, "logit_scale", None) or 1 / (getattr(config, "logits_scaling", None) or 1)
    return LanguageHead(layer.weight, layer.bias, float(scale), getattr(config, "final_logit_softcapping", None))


def _computes_the_logits(model: Any) -> bool:
    """Whether the head makes of the backbone's hidden states what the model makes of two tokens."""
    head = _head(model)
    assert head is not None
    ids = torch.tensor([[0, 1]], device=model.device)
    expected = torch.log_softmax(model(input_ids=ids, use_cache=False).logits[0].float(), -1)
    hidden = model.base_model(input_ids=ids, use_cache=False).last_hidden_state[0]
    words = torch.linspace(0, expected.shape[-1] - 1, 32, device=ids.device).long()
    found, _ = head.score(hidden.repeat_interleave(len(words), 0), words.repeat(2), temperature=1.0)
    return torch.allclose(found.float(), expected[:, words].flatten(), rtol=1e-2, atol=1e-2)
