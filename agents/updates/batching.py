"""From ragged trajectories to micro-batches."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..rollouts.columns import Columns
from .layout import Bundle, Layout, lay_out
from .planning import OWN_ROWS, LayoutPlan, bundles_of

# The per-token columns of a trajectory that losses read, where they are set.
COLUMNS = ("behaviour_logprob", "advantage", "old_logprob", "reference_logprob", "value", "returns")


class TokenRow(NamedTuple):
    """One sequence: ids, mask and log-probs, each [T]."""

    token_ids: Tensor
    action_mask: Tensor
    behaviour_logprob: Tensor


@dataclass(frozen=True, slots=True)
class TokenBatch(Layout):
    """A micro-batch: sequences of trajectories, with N sampled tokens.

    Attributes:
        columns: what is known of those, by name; each [N], float32.
        rows: [S], int64: the place of each sequence in what the batch was made from; a trajectory of several segments
            has a sequence for each.
        places: [N], int64: the place of each sampled token among all those of what the batch was made from.
        last: [S], bool: whether the sequence holds the end of its place.
    """

    columns: dict[str, Tensor]
    rows: Tensor
    places: Tensor
    last: Tensor

    @classmethod
    def of_rows(cls, rows: Sequence[TokenRow], device: torch.device) -> TokenBatch:
        """Pads rows to the longest of them."""
        ids, masks, logprobs = (torch.cat(list(parts)) for parts in zip(*rows, strict=True))
        ends = [0, *accumulate(len(row.token_ids) for row in rows)]
        logprobs = logprobs[masks]
        return cls(
            **_fields(lay_out(ids, masks, [Bundle(0, [piece]) for piece in pairwise(ends)], device)),
            columns={"behaviour_logprob": logprobs.to(device)},
            rows=torch.arange(len(rows)),
            places=torch.arange(len(logprobs)),
            last=torch.ones(len(rows), dtype=torch.bool),
        )


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
    source: Columns,
    tokens: int,
    device: torch.device,
    chosen: Container[int] | None = None,
    *,
    layout: LayoutPlan = OWN_ROWS,
) -> list[TokenBatch]:
    """Splits trajectories into batches of at most ``tokens`` tokens, padding included; see :func:`plan_batches`.

    Args:
        source: the trajectories.
        tokens: at most so many in a micro-batch.
        device: where the micro-batches go.
        chosen: the places of those that are wanted; by default all. ``TokenBatch.rows`` counts in ``source``.
        layout: how sequences lie, see :func:`~.planning.find_plan`; by default each in a row of its own.
    """
    token_ids, scored, groups = source.token_ids, source.mask, source.groups.tolist()
    tokens = min(tokens, layout.tokens)
    columns = {name: values for name in COLUMNS if (values := source.sampled(name)) is not None}
    spans = [span for span in _spans(source) if chosen is None or span.row in chosen]
    pieces = [span.piece for span in spans]
    bundles = bundles_of(token_ids, scored, pieces, [groups[span.row] for span in spans], tokens=tokens, plan=layout)
    batches = []
    for plan in plan_batches([bundle.width for bundle, _ in bundles], tokens):
        found = [spans[number] for k in plan for number in bundles[k][1]]
        places = torch.cat([torch.arange(span.start, span.stop) for span in found])
        batches.append(
            TokenBatch(
                **_fields(lay_out(token_ids, scored, [bundles[k][0] for k in plan], device, packed=layout.packed)),
                columns={name: values[places].to(device) for name, values in columns.items()},
                rows=torch.tensor([span.row for span in found]),
                places=places,
                last=torch.tensor([span.last for span in found]),
            )
        )
    return batches


def _fields(layout: Layout) -> dict[str, Any]:
    return {field.name: getattr(layout, field.name) for field in fields(layout)}


class _Span(NamedTuple):
    """One sequence: of which trajectory, where its tokens lie among all of the batch, and whether it ends there.

    Its sampled tokens are those from ``start`` to ``stop`` among all sampled tokens of the batch.
    """

    row: int
    piece: tuple[int, int]
    start: int
    stop: int
    last: bool


def _spans(source: Columns) -> list[_Span]:
    """The sequences of trajectories: each itself, or its segments, where an environment wrote prompts of its own."""
    counted = [0, *source.mask.cumsum(0).tolist()]  # sampled tokens before each token of the batch
    found, begin = [], 0
    for row, (whole, state) in enumerate(zip(source.lengths, source.states, strict=True)):
        stop = begin + whole
        for length in state.get("segments") or [whole]:
            end = begin + length
            found.append(_Span(row, (begin, end), counted[begin], counted[end], last=end == stop))
            begin = end
    return found
