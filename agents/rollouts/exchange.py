"""Trajectories on their way between processes: flat columns, as thousands of small tensors would take seconds."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from .columns import Columns
from .trajectory import TOKEN_COLUMNS, State, Trajectory, from_rows, rows_of

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
    tokens: dict[str, Any] = {name: columns.tokens(name) for name in TOKEN_COLUMNS}
    endings = {name: torch.stack([row.get(name) for row in rows]) for name in _ENDINGS}
    return Parcel(tokens, endings, columns.lengths, columns.states)


def unpack(parcel: Parcel) -> Trajectory:
    """The batch that was packed."""
    return from_rows(rows_of(parcel.tokens, parcel.endings, parcel.lengths), parcel.states)
