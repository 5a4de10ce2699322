"""From ragged trajectories to padded micro-batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ..rollouts.trajectory import Trajectory


class TokenRow(NamedTuple):
    """One sequence: ids, mask and log-probs [T], and its advantage."""

    token_ids: Tensor
    action_mask: Tensor
    behaviour_logprob: Tensor
    advantage: float = 0.0


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Trajectories of similar length, padded on the right; each [B, T].

    Attributes:
        token_ids: int64.
        attention_mask: int64: 1 at tokens, 0 at padding.
        action_mask: bool: the tokens that train.
        behaviour_logprob: float32.
        advantage: float32: of the trajectory, at each of its tokens.
    """

    token_ids: Tensor
    attention_mask: Tensor
    action_mask: Tensor
    behaviour_logprob: Tensor
    advantage: Tensor

    @classmethod
    def of_rows(cls, rows: Sequence[TokenRow], device: torch.device) -> TokenBatch:
        """Pads rows to the longest of them."""
        lengths = torch.tensor([len(row.token_ids) for row in rows])
        places = torch.arange(int(lengths.max()))
        return cls(
            token_ids=_pad([row.token_ids for row in rows], device),
            attention_mask=(places < lengths[:, None]).long().to(device),
            action_mask=_pad([row.action_mask for row in rows], device),
            behaviour_logprob=_pad([row.behaviour_logprob for row in rows], device),
            advantage=torch.tensor([row.advantage for row in rows], device=device)[:, None].expand(-1, len(places)),
        )


def microbatches(trajectories: Trajectory, tokens: int, device: torch.device) -> Iterator[TokenBatch]:
    """Splits trajectories into batches of at most ``tokens`` tokens, padding included, longest first.

    A single trajectory longer than ``tokens`` makes a batch of its own. Longest first, so that a run that does not fit
    into memory fails in its first batch.
    """
    keys = ("token_ids", "action_mask", "behaviour_logprob")
    columns = [trajectories.get(key, as_list=True) for key in keys]
    rows = [TokenRow(*values) for values in zip(*columns, trajectories.advantage.tolist(), strict=True)]
    rows.sort(key=lambda row: -len(row.token_ids))
    start = 0
    while start < len(rows):
        end = start + max(1, tokens // len(rows[start].token_ids))
        yield TokenBatch.of_rows(rows[start:end], device)
        start = end


def _pad(rows: list[Tensor], device: torch.device) -> Tensor:
    return pad_sequence(rows, batch_first=True).to(device)
