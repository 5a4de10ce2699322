"""From ragged trajectories to padded micro-batches."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ..rollouts.trajectory import State, Trajectory, column, masks_of, sampled, states_of

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
        rows: [B], int64: the place of each row in what the batch was made from; a trajectory of several segments has
            a row for each.
        places: [N], int64: the place of each sampled token among all those of what the batch was made from.
        last: [B], bool: whether the row holds the end of its place.
    """

    token_ids: Tensor
    attention_mask: Tensor
    action_mask: Tensor
    columns: dict[str, Tensor] = field(default_factory=dict)
    rows: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))
    places: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))
    last: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.bool))

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
    trajectories: Trajectory, tokens: int, device: torch.device, chosen: Container[int] | None = None
) -> list[TokenBatch]:
    """Splits trajectories into batches of at most ``tokens`` tokens, padding included; see :func:`plan_batches`.

    Args:
        trajectories: a batch.
        tokens: at most so many in a micro-batch.
        device: where the micro-batches go.
        chosen: the places of those that are wanted; by default all. ``TokenBatch.rows`` counts in ``trajectories``.
    """
    ids, masks, states = column(trajectories, "token_ids"), masks_of(trajectories), states_of(trajectories)
    assert ids is not None
    columns = {name: values for name in COLUMNS if (values := sampled(trajectories, name)) is not None}
    spans = [span for span in _spans(masks, states) if chosen is None or span.row in chosen]
    batches = []
    for plan in plan_batches([span.tokens.stop - span.tokens.start for span in spans], tokens):
        found = [spans[k] for k in plan]
        places = torch.cat([torch.arange(span.start, span.stop) for span in found])
        batches.append(
            TokenBatch(
                *_padded(
                    [ids[span.row][span.tokens] for span in found],
                    [masks[span.row][span.tokens] for span in found],
                    device,
                ),
                columns={name: values[places].to(device) for name, values in columns.items()},
                rows=torch.tensor([span.row for span in found]),
                places=places,
                last=torch.tensor([span.last for span in found]),
            )
        )
    return batches


class _Span(NamedTuple):
    """Tokens that make one sequence: of which trajectory, which of them, and whether they end it.

    Its sampled tokens are those from ``start`` to ``stop`` among all sampled tokens of the batch.
    """

    row: int
    tokens: slice
    start: int
    stop: int
    last: bool


def _spans(masks: Sequence[Tensor], states: Sequence[State]) -> list[_Span]:
    """The sequences of trajectories: each itself, or its segments, where an environment wrote prompts of its own."""
    counted = [0, *torch.cat(list(masks)).cumsum(0).tolist()]  # sampled tokens before each token of the batch
    found, first = [], 0
    for row, (mask, state) in enumerate(zip(masks, states, strict=True)):
        begin = 0
        for length in state.get("segments") or [len(mask)]:
            end = begin + length
            start, stop = counted[first + begin], counted[first + end]
            found.append(_Span(row, slice(begin, end), start, stop, last=end == len(mask)))
            begin = end
        first += len(mask)
    return found


def _padded(ids: list[Tensor], masks: list[Tensor], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    lengths = torch.tensor([len(row) for row in ids])
    attended = (torch.arange(int(lengths.max())) < lengths[:, None]).long()
    padded = (pad_sequence(ids, batch_first=True), attended, pad_sequence(masks, batch_first=True))
    return padded[0].to(device), padded[1].to(device), padded[2].to(device)
