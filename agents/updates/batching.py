"""From ragged trajectories to padded micro-batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ..rollouts.trajectory import Trajectory

# The per-token columns of a trajectory that losses read, where they are set.
COLUMNS = ("behaviour_logprob", "advantage", "old_logprob", "reference_logprob", "value", "returns")


class TokenRow(NamedTuple):
    """One sequence: ids, mask and log-probs, each [T]."""

    token_ids: Tensor
    action_mask: Tensor
    behaviour_logprob: Tensor


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Sequences of similar length, padded on the right: B rows of T tokens, N of them sampled.

    Attributes:
        token_ids: [B, T], int64.
        attention_mask: [B, T], int64: 1 at tokens, 0 at padding.
        action_mask: [B, T], bool: the tokens that train.
        columns: what is known of those, by name; each [N], float32, row after row.
        rows: [B], int64: the place of each row in what the batch was made from.
    """

    token_ids: Tensor
    attention_mask: Tensor
    action_mask: Tensor
    columns: dict[str, Tensor] = field(default_factory=dict)
    rows: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))

    @classmethod
    def of_rows(cls, rows: Sequence[TokenRow], device: torch.device) -> TokenBatch:
        """Pads rows to the longest of them."""
        masks = [row.action_mask for row in rows]
        logprobs = torch.cat([row.behaviour_logprob[row.action_mask] for row in rows])
        return cls(
            *_padded([row.token_ids for row in rows], masks, device),
            columns={"behaviour_logprob": logprobs.to(device)},
            rows=torch.arange(len(rows)),
        )

    @property
    def sequence(self) -> Tensor:
        """The row of each sampled token: [N], int64."""
        return self.action_mask.nonzero()[:, 0]


def plan_batches(lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """Which sequences make which micro-batch of at most ``tokens`` tokens, padding included: longest first.

    A single sequence longer than ``tokens`` makes a batch of its own. Longest first, so that a run that does not fit
    into memory fails in its first batch.
    """
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    plan, start = [], 0
    while start < len(order):
        end = start + max(1, tokens // lengths[order[start]])
        plan.append(order[start:end])
        start = end
    return plan


def microbatches(
    trajectories: Trajectory, tokens: int, device: torch.device, chosen: Sequence[int] | None = None
) -> list[TokenBatch]:
    """Splits trajectories into batches of at most ``tokens`` tokens, padding included; see :func:`plan_batches`.

    Args:
        trajectories: a batch.
        tokens: at most so many in a micro-batch.
        device: where the micro-batches go.
        chosen: the places of those that are wanted; by default all. ``TokenBatch.rows`` counts in ``trajectories``.
    """
    ids = trajectories.get("token_ids", as_list=True)
    masks = trajectories.get("action_mask", as_list=True)
    columns = {
        name: trajectories.get(name, as_list=True)
        for name in COLUMNS
        if name in trajectories.keys()  # noqa: SIM118
    }
    chosen = range(len(ids)) if chosen is None else chosen
    batches = []
    for plan in plan_batches([len(ids[i]) for i in chosen], tokens):
        rows = [chosen[i] for i in plan]
        batches.append(
            TokenBatch(
                *_padded([ids[i] for i in rows], [masks[i] for i in rows], device),
                columns={
                    name: torch.cat([column[i][masks[i]] for i in rows]).to(device) for name, column in columns.items()
                },
                rows=torch.tensor(rows),
            )
        )
    return batches


def _padded(ids: list[Tensor], masks: list[Tensor], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    lengths = torch.tensor([len(row) for row in ids])
    attended = (torch.arange(int(lengths.max())) < lengths[:, None]).long()
    padded = (pad_sequence(ids, batch_first=True), attended, pad_sequence(masks, batch_first=True))
    return padded[0].to(device), padded[1].to(device), padded[2].to(device)
