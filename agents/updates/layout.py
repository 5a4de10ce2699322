"""Layouts: how sequences lie in the rows of a batch.

A sequence may have a row of its own, padded on the right. Or sequences that begin alike, such as the responses to one
prompt, share a row: the beginning stands there once, each sequence goes on from it, and none sees another. Or all lie
side by side in one row, without padding. Log-probs and gradients are the same; a shared prompt is computed once instead
of once for each response, and a packed row computes nothing that is not a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

# In place of the number of a sequence: the beginning that all in the row share; padding.
_SHARED, _PADDING = -1, -2


class Bundle(NamedTuple):
    """Sequences that make one row; each is a piece of columns of tokens that lie one sequence after the other.

    Attributes:
        shared: all of them begin with so many equal tokens, of which none is scored.
        pieces: where each begins and ends.
    """

    shared: int
    pieces: list[tuple[int, int]]

    @property
    def width(self) -> int:
        """Tokens of the row."""
        return self.shared + sum(end - start - self.shared for start, end in self.pieces)


@dataclass(frozen=True, slots=True)
class Layout:
    """B rows of T tokens, which hold S sequences with N tokens to score.

    Attributes:
        token_ids: [B, T], int64.
        position_ids: [B, T], int64: the place of each token in its sequence.
        attention: what tokens see: [B, T], int64, 1 at tokens and 0 at padding, where each row is one sequence; else
            [B, 1, T, T], bool: whether a token sees another. Of a packed row [1, 1, 1, S + 1], int32: where each
            sequence begins, and the last one ends.
        predictor: [N], int64: the token, counted over all rows, after which each scored token comes.
        target: [N], int64: the ids of the scored tokens, one sequence after the other.
        sequence: [N], int64: the sequence of each.
        end: [S], int64: the last token of each sequence, counted over all rows.
        longest: tokens of the longest sequence.
    """

    token_ids: Tensor
    position_ids: Tensor
    attention: Tensor
    predictor: Tensor
    target: Tensor
    sequence: Tensor
    end: Tensor
    longest: int

    @property
    def packed(self) -> bool:
        """Whether all lie in one row, which only a model with :func:`~.packing.enable_packing` reads."""
        return self.attention.dtype == torch.int32

    @property
    def inputs(self) -> dict[str, Any]:
        """What a model is called with."""
        sight = self.attention
        if sight.dim() == 2 and bool((sight[:, 1:] <= sight[:, :-1]).all()):
            # No token sees what comes after it: where padding does, kernels of causal attention need no other mask.
            sight = torch.ones_like(sight)
        inputs = {"input_ids": self.token_ids, "position_ids": self.position_ids, "attention_mask": sight}
        return inputs | {"use_cache": False} | ({"max_length_q": self.longest} if self.packed else {})


def lay_out(
    token_ids: Tensor, scored: Tensor, bundles: Sequence[Bundle], device: torch.device, *, packed: bool = False
) -> Layout:
    """Lays bundles into rows, one each, padded on the right.

    Args:
        token_ids: [M], int64: a column of tokens.
        scored: [M], bool: which of them are to be scored.
        bundles: pieces of the columns.
        device: of the layout.
        packed: there is one bundle, which shares no beginning, and its attention is by ends.

    Raises:
        ValueError: if a token is to be scored that has none before it.
    """
    assert not packed or (len(bundles) == 1 and not bundles[0].shared)
    stretches: list[_Stretch] = []
    ends: list[int] = []
    width = max(bundle.width for bundle in bundles)
    for row, (shared, pieces) in enumerate(bundles):
        place = row * width + shared
        if shared:
            stretches.append(_Stretch(pieces[0][0], shared, row * width, 0, 0, _SHARED))
        for start, stop in pieces:
            own = stop - start - shared
            stretches.append(_Stretch(start + shared, own, place, shared, place - row * width - shared, len(ends)))
            place += own
            ends.append(place - 1 if own else row * width + shared - 1)
    table = torch.tensor(stretches)
    lengths = table[:, 1]
    tokens, _, place_of, position, gap, number = torch.repeat_interleave(table, lengths, dim=0).unbind(1)
    inside = torch.arange(len(tokens)) - torch.repeat_interleave(lengths.cumsum(0) - lengths, lengths)
    tokens, place_of, position = tokens + inside, place_of + inside, position + inside
    chosen = scored[tokens].nonzero().squeeze(1)
    if bool((position[chosen] == 0).any()):
        raise ValueError("a token is to be scored that has none before it")

    def spread(values: Tensor, fill: int) -> Tensor:
        rows = torch.full((len(bundles) * width,), fill)
        rows[place_of] = values
        return rows.view(-1, width)

    numbers = spread(number, _PADDING)
    if packed:
        attention = torch.tensor([0, *(end + 1 for end in ends)], dtype=torch.int32)[None, None, None]
    elif all(len(bundle.pieces) == 1 for bundle in bundles):
        attention = (numbers != _PADDING).long()
    else:
        attention = _sight(numbers)
    columns = {
        "token_ids": spread(token_ids[tokens], 0),
        "position_ids": spread(position, 0),
        "attention": attention,
        # The token before the first of its own is the last of the shared ones.
        "predictor": (place_of - 1 - torch.where(inside == 0, gap, 0))[chosen],
        "target": token_ids[tokens][chosen],
        "sequence": number[chosen],
        "end": torch.tensor(ends),
    }
    longest = max(end - start for bundle in bundles for start, end in bundle.pieces)
    return Layout(**{name: column.to(device) for name, column in columns.items()}, longest=longest)


class _Stretch(NamedTuple):
    """Tokens side by side in columns and in rows: the shared beginning of a row, or what a sequence has of its own.

    Attributes:
        source: where it begins in the columns.
        length: how many tokens.
        place: where it begins, counted over all rows.
        position: of its first token in its sequence.
        gap: tokens of other sequences between its first token and the one before it.
        number: of the sequence.
    """

    source: int
    length: int
    place: int
    position: int
    gap: int
    number: int


def _sight(number: Tensor) -> Tensor:
    """Whether a token sees another: [B, 1, T, T], from the numbers of their sequences, [B, T]. Padding sees padding."""
    width = number.shape[1]
    same = (number[:, :, None] == number[:, None, :]) | (number == _SHARED)[:, None, :]
    return (same & torch.ones(width, width, dtype=torch.bool).tril())[:, None]
