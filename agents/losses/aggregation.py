"""How much each token weighs in the loss of an optimizer step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from .inputs import Aggregation

# Sums a tensor over all ranks; with one process there is nothing to do.
Reduce: TypeAlias = Callable[[Tensor], Tensor]


def alone(sums: Tensor) -> Tensor:
    """The reduction of a single process."""
    return sums


def sequence_weights(
    lengths: Tensor, aggregation: Aggregation, *, normaliser: int = 1, reduce: Reduce = alone
) -> Tensor:
    """The weight of each token of each sequence: [S], float64.

    They are computed once for a whole optimizer step, so that neither micro-batches nor ranks change its gradient.

    Args:
        lengths: [S], int64: sampled tokens of all sequences of the step on this rank.
        aggregation: ``token_mean``: every token weighs alike (DAPO, arXiv:2503.14476, eq. 8); ``sequence_mean``: every
            sequence weighs alike, and so do the tokens within it (GRPO, arXiv:2402.03300, eq. 3); ``sequence_sum``:
            tokens weigh 1 / ``normaliser``, whatever the length of their sequence (Dr.GRPO, arXiv:2503.20783).
        normaliser: a constant number of tokens, such as the longest response allowed.
        reduce: sums over ranks.

    Raises:
        ValueError: for another aggregation.
    """
    tokens, sequences = reduce(torch.stack([lengths.sum(), lengths.new_tensor(len(lengths))])).double().clamp(min=1)
    if aggregation == "token_mean":
        return torch.reciprocal(tokens).expand(len(lengths))
    if aggregation == "sequence_mean":
        return torch.reciprocal(lengths.double().clamp(min=1) * sequences)
    if aggregation == "sequence_sum":
        return torch.reciprocal(normaliser * sequences).expand(len(lengths))
    raise ValueError(f"aggregation must be 'token_mean', 'sequence_mean' or 'sequence_sum', not {aggregation!r}")
