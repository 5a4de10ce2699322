"""Token sampling: counter-based random streams, and drawing from a distribution.

A token's random number is a function of (stream key, position) alone. So a response does not depend on the batch it was
sampled in, on the order of the batch, or on what was sampled before, and a resumed run draws what the first one would.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Integers: TypeAlias = Sequence[int] | npt.NDArray[np.integer[Any]]


def stream_key(*parts: object) -> int:
    """A 64-bit key for the random stream named by ``parts``, the same in every process."""
    text = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


def uniforms(keys: Integers, positions: Integers, count: int) -> npt.NDArray[np.float64]:
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
        versions: [T], int64: of the policy that sampled each token, where new weights may come in its midst; None if
            one version sampled them all.
    """

    token_ids: Tensor
    logprobs: Tensor
    truncated: bool
    versions: Tensor | None = None

    def versions_or(self, version: int) -> int | list[int]:
        """The version of each token; or that of all, ``version``, where the sample does not tell."""
        return version if self.versions is None else self.versions.tolist()


def draw(
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
