"""Groups of trajectories as they are stored: a few flat tensors each, whatever their lengths."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from tensordict import TensorDict
from torch import Tensor

from .columns import Columns
from .trajectory import TOKEN_COLUMNS, State, Trajectory, divide, from_rows, rows_of

_ENDINGS = ("reward", "valid", "truncated")


def pack(learnt: Columns, domains: Sequence[str]) -> list[TensorDict]:
    """The groups of a batch, in the order in which they begin.

    Args:
        learnt: trajectories, those of a group one after the other.
        domains: the names of all domains; a group keeps the number of its own.

    Returns:
        For each group: per-token columns [M], one trajectory after the other; ``lengths`` [G]; ``segments``, the
        lengths of the segments of all trajectories, and ``segment_counts`` [G]; what the trajectories came to, [G];
        ``domain`` and ``task_index``, [].
    """
    numbers = {name: k for k, name in enumerate(domains)}
    groups = learnt.groups
    first = [0, *(torch.nonzero(groups[1:] != groups[:-1]).flatten() + 1).tolist(), len(learnt)]
    found = []
    for start, stop in pairwise(first):
        rows, states = learnt.trajectories.tensordicts[start:stop], learnt.states[start:stop]
        lengths = learnt.lengths[start:stop]
        segments = [state.get("segments") or [length] for state, length in zip(states, lengths, strict=True)]
        found.append(
            TensorDict(
                {
                    **{name: torch.cat([row.get(name) for row in rows]) for name in TOKEN_COLUMNS},
                    **{name: torch.stack([row.get(name) for row in rows]) for name in _ENDINGS},
                    "lengths": torch.tensor(lengths),
                    "segments": torch.tensor([length for one in segments for length in one]),
                    "segment_counts": torch.tensor([len(one) for one in segments]),
                    "domain": torch.tensor(numbers[states[0]["domain"]]),
                    "task_index": torch.tensor(states[0]["task_index"]),
                },
                [],
            )
        )
    return found


def unpack(groups: Sequence[TensorDict], domains: Sequence[str]) -> Trajectory:
    """The trajectories of stored groups, numbered as groups in this order; their texts are gone."""
    rows: list[dict[str, Tensor]] = []
    states: list[State] = []
    for number, group in enumerate(groups):
        lengths, counts = group["lengths"].tolist(), group["segment_counts"].tolist()
        values = {name: group[name] for name in _ENDINGS} | {"group": torch.full((len(lengths),), number)}
        rows += rows_of({name: group[name] for name in TOKEN_COLUMNS}, values, lengths)
        task = int(group["task_index"])
        known = {"task_id": f"{task} (stored)", "task_index": task, "domain": domains[int(group["domain"])]}
        segments = divide(group["segments"], counts)
        states += [{**known, "limits": [], "segments": part.tolist()} for part in segments]
    return from_rows(rows, states)
