"""Trajectories on their way between processes: flat columns, as thousands of small tensors would take seconds."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from .columns import Columns
from .trajectory import State, Trajectory, divide, from_rows

_TOKENS = ("token_ids", "action_mask", "behaviour_logprob", "version", "turn", "advantage")
_ENDINGS = ("reward", "group", "valid", "truncated")


class Parcel(NamedTuple):
    """Trajectories as they were collected.

    Attributes:
        tokens: per-token columns [M], one trajectory after the other.
        endings: what each came to, [S].
        lengths: tokens of each.
        states: of each.
    """

    tokens: dict[str, Tensor]
    endings: dict[str, Tensor]
    lengths: list[int]
    states: list[State]


def pack(trajectories: Trajectory) -> Parcel:
    """Packs a batch; what an algorithm sets later is not in it."""
    columns, rows = Columns(trajectories), trajectories.tensordicts
    tokens: dict[str, Any] = {name: columns.tokens(name) for name in _TOKENS}
    endings = {name: torch.stack([row.get(name) for row in rows]) for name in _ENDINGS}
    return Parcel(tokens, endings, columns.lengths, columns.states)


def unpack(parcel: Parcel) -> Trajectory:
    """The batch that was packed."""
    fields: dict[str, Any] = {name: divide(column, parcel.lengths) for name, column in parcel.tokens.items()}
    fields |= {name: column.unbind() for name, column in parcel.endings.items()}
    rows = [dict(zip(fields, row, strict=True)) for row in zip(*fields.values(), strict=True)]
    return from_rows(rows, parcel.states)
