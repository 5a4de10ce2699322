"""Token sampling: counter-based random streams and the decoding loop.

A token's random number is a function of (stream key, position) alone. So a response does not depend on the batch it was
sampled in, on the order of the batch, or on what was sampled before, and a resumed run draws what the first one would.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel


def stream_key(*parts: object) -> int:
    """A 64-bit key for the random stream named by ``parts``, the same in every process."""
    text = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


def uniforms(keys: Sequence[int], positions: Sequence[int], count: int) -> npt.NDArray[np.float64]:
    """Uniform numbers in [0, 1) with 53 random bits: row i holds positions ``positions[i]`` … ``+ count`` of stream i.

    SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): a counter times an odd constant, then two multiply-xorshift rounds.

    Returns:
        [len(keys), count], float64.
    """
    start = np.array(keys, dtype=np.uint64)[:, None]
    position = np.array(positions, dtype=np.uint64)[:, None] + np.arange(1, count + 1, dtype=np.uint64)
    z = np.asarray(start + position * np.uint64(0x9E3779B97F4A7C15), dtype=np.uint64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    numbers: npt.NDArray[np.float64] = np.ldexp((z >> np.uint64(11)).astype(np.float64), -53)
    return numbers


@dataclass(frozen=True, slots=True)
class TokenFilter:
    """Which tokens may be sampled; the others get probability 0, and the rest is scaled up to 1.

    Log-probs of samples are those of the filtered distribution. A policy that is trained needs the whole one: the ratio
    of two filtered probabilities would need both of their filters.

    Attributes:
        top_k: only the likeliest so many; None for all.
        top_p: only the likeliest that together have this probability, the one that reaches it included (Holtzman et
            al. 2020, arXiv:1904.09751); 1 for all.
        min_p: only those with at least this share of the likeliest one's probability (Nguyen et al. 2024,
            arXiv:2407.01082); 0 for all.
    """

    top_k: int | None = None
    top_p: float = 1.0
    min_p: float = 0.0

    def __post_init__(self) -> None:
        """Refuses what filters nothing sensibly."""
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top_k must be at least 1, not {self.top_k}; leave it out for no limit")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be above 0 and at most 1, not {self.top_p}")
        if not 0 <= self.min_p <= 1:
            raise ValueError(f"min_p must be from 0 to 1, not {self.min_p}")

    def __bool__(self) -> bool:
        """Whether anything is left out."""
        return self.top_k is not None or self.top_p < 1 or self.min_p > 0

    def apply(self, logprob: Tensor) -> Tensor:
        """Log-probs of the filtered distribution: [B, V], from those of the whole one. Of equals, the first counts."""
        ordered, token = torch.sort(logprob, dim=-1, descending=True, stable=True)
        probability = ordered.double().exp()
        keep = (probability.cumsum(-1) - probability < self.top_p) & (probability >= self.min_p * probability[:, :1])
        if self.top_k is not None:
            keep[:, self.top_k :] = False
        keep[:, 0] = True
        left = torch.log_softmax(ordered.masked_fill(~keep, -torch.inf), -1)
        return torch.empty_like(logprob).scatter_(-1, token, left)


@dataclass(frozen=True, slots=True)
class Sample:
    """One sampled continuation.

    Attributes:
        token_ids: [T], int64, the end token included where one was sampled.
        logprobs: [T], float32, of each token under the distribution it was drawn from (temperature and filter
            included).
        truncated: whether the token limit ended it, rather than an end token.
    """

    token_ids: Tensor
    logprobs: Tensor
    truncated: bool


@torch.no_grad()
def sample_tokens(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    keys: Sequence[int],
    *,
    max_new_tokens: int | Sequence[int],
    temperature: float,
    end_ids: Sequence[int],
    pad_id: int,
    token_filter: TokenFilter | None = None,
) -> list[Sample]:
    """Samples one continuation per prompt, all in one batch with a key-value cache.

    Args:
        model: a causal language model, in evaluation mode.
        prompts: token ids, one list a row, none empty.
        keys: the random stream of each row; see :func:`stream_key`.
        max_new_tokens: at most so many tokens a row; one number for all of them, or one for each.
        temperature: divides the logits; 0 takes the likeliest token, with log-probs at temperature 1.
        end_ids: tokens that end a row.
        pad_id: fills rows on the left; masked out.
        token_filter: which tokens may be sampled; not used at temperature 0.

    Raises:
        ValueError: if the model's logits are not finite.
    """
    if not prompts:
        return []
    device = model.device
    ids, mask = _pad_left(prompts, pad_id, device)
    rows = len(prompts)
    limits = [max_new_tokens] * rows if isinstance(max_new_tokens, int) else list(max_new_tokens)
    limit = torch.tensor(limits, device=device)
    noise = torch.from_numpy(uniforms(keys, [len(prompt) for prompt in prompts], max(limits))).to(device)
    ends = torch.tensor(list(end_ids), device=device)
    position = (mask.cumsum(-1) - 1).clamp(min=0)
    cache = DynamicCache(config=model.config)
    alive = torch.ones(rows, dtype=torch.bool, device=device)
    cut = torch.zeros(rows, dtype=torch.bool, device=device)
    length = torch.zeros(rows, dtype=torch.long, device=device)
    tokens, logprobs = [], []
    for step in range(max(limits)):
        out = model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=position,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        token, logprob = _draw(out.logits[:, -1].float(), noise[:, step], temperature, token_filter)
        tokens.append(token)
        logprobs.append(logprob)
        length += alive
        alive = alive & ~torch.isin(token, ends)
        cut |= alive & (length == limit)
        alive = alive & ~cut
        if not alive.any():
            break
        ids = token[:, None]
        mask = torch.cat([mask, mask.new_ones(rows, 1)], dim=1)
        # Rows that have ended stay where they are: a model with learnt positions has none behind its last.
        position = position[:, -1:] + alive[:, None]
    if not torch.stack(logprobs).isfinite().all():
        raise ValueError("the model's logits are not finite: its weights are broken, or the learning rate too high")
    token_rows, logprob_rows = torch.stack(tokens, 1).cpu(), torch.stack(logprobs, 1).cpu()
    return [
        Sample(token_rows[i, :n], logprob_rows[i, :n], bool(is_cut))
        for i, (n, is_cut) in enumerate(zip(length.tolist(), cut.tolist(), strict=True))
    ]


def _draw(
    logits: Tensor, noise: Tensor, temperature: float, token_filter: TokenFilter | None = None
) -> tuple[Tensor, Tensor]:
    """Draws a token per row of ``logits`` [B, V] by inverting the cumulative distribution at ``noise`` [B]."""
    if temperature == 0:
        logprob = torch.log_softmax(logits, -1)
        token = logprob.argmax(-1)
    else:
        logprob = torch.log_softmax(logits / temperature, -1)
        if token_filter:
            logprob = token_filter.apply(logprob)
        cumulative = logprob.double().exp().cumsum(-1)
        # The first entry above the target; as noise is at most 1 - 2**-53, the product is below the last entry.
        token = torch.searchsorted(cumulative, noise[:, None] * cumulative[:, -1:], right=True).squeeze(-1)
        token = token.clamp(max=logits.shape[-1] - 1)  # beyond the last only where the model gave NaN: see the caller
    return token, logprob.gather(-1, token[:, None]).squeeze(-1)


def _pad_left(rows: Sequence[Sequence[int]], pad_id: int, device: torch.device) -> tuple[Tensor, Tensor]:
    width = max(map(len, rows))
    ids = torch.tensor([[pad_id] * (width - len(row)) + list(row) for row in rows], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
    return ids, mask
