"""Decoding: many continuations at once, with a key-value cache.

A prompt is read once, however many rows continue it. Rows that have ended leave the batch, and rows that wait take
their places, so that a few long responses do not keep all the others busy.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import DynamicCache, PreTrainedModel

from ..updates.batching import plan_batches
from .rows import Rows, joined, kept, new_cache, select
from .sampling import Sample, TokenFilter, draw, uniforms

# At most so many rows are decoded at once, and so many tokens of prompts read at once, padding included.
ROWS_AT_ONCE = 512
PREFILL_TOKENS = 8192
# Ended rows are removed when they are this share of the batch; each time, the cache of the others is copied.
ENDED_SHARE = 0.25


@torch.no_grad()
def sample_tokens(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    keys: Sequence[int],
    *,
    max_new_tokens: int | Sequence[int],
    temperature: float,
    end_ids: Sequence[int],
    pad_id: int,
    token_filter: TokenFilter | None = None,
    rows_at_once: int = ROWS_AT_ONCE,
) -> list[Sample]:
    """Samples one continuation per prompt.

    Args:
        model: a causal language model, in evaluation mode.
        prompts: token ids, one list a row, none empty.
        keys: the random stream of each row; see :func:`stream_key`.
        max_new_tokens: at most so many tokens a row; one number for all of them, or one for each.
        temperature: divides the logits; 0 takes the likeliest token, with log-probs at temperature 1.
        end_ids: tokens that end a row.
        pad_id: fills rows on the left; masked out.
        token_filter: which tokens may be sampled; not used at temperature 0.
        rows_at_once: at most so many rows are under way; the others wait until some have ended.

    Raises:
        ValueError: if the model's logits are not finite.
    """
    if not prompts:
        return []
    decoding = _Batch(
        model, temperature=temperature, end_ids=end_ids, pad_id=pad_id, token_filter=token_filter,
        rows_at_once=rows_at_once,
    )  # fmt: skip
    decoding.add(prompts, keys, max_new_tokens)
    while decoding.busy:
        decoding.admit()
        decoding.advance()
    return decoding.samples(len(prompts))


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row that has not begun; see :func:`sample_tokens`."""

    number: int
    prompt: Sequence[int]
    key: int
    limit: int


class Decoding(ABC):
    """Rows that are continued together, token by token; others may be added at any time. See :func:`sample_tokens`.

    Who uses it calls :meth:`admit` and :meth:`advance` in turns, without gradients, while it is :attr:`busy`.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        *,
        temperature: float,
        end_ids: Sequence[int],
        pad_id: int,
        token_filter: TokenFilter | None = None,
        rows_at_once: int = ROWS_AT_ONCE,
    ) -> None:
        self.model, self.pad_id = model, pad_id
        self.temperature, self.token_filter = temperature, token_filter
        self.ends = torch.tensor(list(end_ids), device=model.device)
        self.waiting: list[Waiting] = []
        self.movable = new_cache(model)[1]
        self.rows_at_once = rows_at_once
        self.rows: Rows | None = None
        self._added = 0

    @abstractmethod
    def note(self, rows: Rows, token: Tensor, logprob: Tensor) -> None:
        """Keeps the next token of each row, [B], with its log-prob; those of rows that are not alive say nothing."""

    @property
    def busy(self) -> bool:
        """Whether there is any row, under way or waiting."""
        return bool(self.waiting) or self.rows is not None

    def add(self, prompts: Sequence[Sequence[int]], keys: Sequence[int], max_new_tokens: int | Sequence[int]) -> range:
        """Lets rows wait for their turn; returns their numbers."""
        limits = [max_new_tokens] * len(prompts) if isinstance(max_new_tokens, int) else max_new_tokens
        numbers = range(self._added, self._added + len(prompts))
        self._added = numbers.stop
        # Rows with equal prompts side by side, in the order in which the prompts come.
        first: dict[tuple[int, ...], int] = {}
        new = [Waiting(*row) for row in zip(numbers, prompts, keys, limits, strict=True)]
        self.waiting += sorted(new, key=lambda row: first.setdefault(tuple(row.prompt), row.number))
        return numbers

    def admit(self) -> None:
        """Removes rows that have ended, where that pays, and lets others in."""
        rows = self.rows
        if rows is not None and self.movable:
            going = int(rows.alive.sum())
            crowded = not self.waiting or len(rows.row) >= self.rows_at_once
            if crowded and going > (1 - ENDED_SHARE) * len(rows.row):
                return
            self.rows = rows = kept(rows) if going else None
        elif rows is not None and not rows.alive.any():
            self.rows = rows = None
        free = self.rows_at_once - (len(rows.row) if rows is not None else 0)
        if not self.movable:
            free = len(self.waiting) if rows is None else 0
        new, self.waiting = self.waiting[:free], self.waiting[free:]
        for part in self._prefills(new):
            opened = self._opened(part)
            self.rows = opened if self.rows is None else joined(self.rows, opened)

    def advance(self) -> None:
        """Samples the next token of all rows."""
        rows = self.rows
        if rows is None or not rows.alive.any():
            return
        self._take(rows, self._logits(rows.token[:, None], rows.mask, rows.position[:, None], rows.cache))

    def _prefills(self, new: Sequence[Waiting]) -> list[list[Waiting]]:
        """Rows whose prompts are read at once: of similar lengths; equal prompts are read once."""
        if not new or not self.movable:
            return [list(new)] if new else []
        groups = [list(group) for _, group in groupby(new, key=lambda row: row.prompt)]
        plan = plan_batches([len(group[0].prompt) for group in groups], PREFILL_TOKENS)
        return [[row for k in part for row in groups[k]] for part in plan]

    def _opened(self, new: Sequence[Waiting]) -> Rows:
        """Reads the prompts of new rows and samples their first tokens."""
        device = self.model.device
        groups = [list(group) for _, group in groupby(new, key=lambda row: row.prompt)]
        if not self.movable:
            groups = [[row] for row in new]
        ids, mask = _pad_left([group[0].prompt for group in groups], self.pad_id, device)
        position = (mask.cumsum(-1) - 1).clamp(min=0)
        cache, _ = new_cache(self.model)
        logits = self._logits(ids, mask, position, cache)
        member = torch.tensor([k for k, group in enumerate(groups) for _ in group], device=device)
        if len(groups) < len(new):
            select(cache, member)
        rows = Rows(
            cache=cache,
            row=np.array([one.number for one in new], dtype=np.int64),
            key=np.array([one.key for one in new], dtype=np.uint64),
            place=np.array([len(one.prompt) for one in new], dtype=np.int64),
            mask=mask[member],
            position=position[member, -1],
            token=ids[member, -1],
            left=torch.tensor([one.limit for one in new], device=device),
            alive=torch.ones(len(new), dtype=torch.bool, device=device),
        )
        self._take(rows, logits[member])
        return rows

    def _logits(self, ids: Tensor, mask: Tensor, position: Tensor, cache: DynamicCache) -> Tensor:
        """What follows the last of the tokens [B, T], which enter the cache: [B, V]."""
        out = self.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=position,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: Tensor = out.logits[:, -1]
        return logits

    def _take(self, rows: Rows, logits: Tensor) -> None:
        """Draws the next token of each row from its logits [B, V]."""
        noise = uniforms(rows.key, rows.place, 1)[:, 0]
        noise_here = torch.from_numpy(noise).to(logits.device)
        token, logprob = draw(logits.float(), noise_here, self.temperature, self.token_filter)
        self.note(rows, token, logprob)
        rows.place = rows.place + 1
        rows.left = rows.left - 1
        # Rows that have ended stay where they are: a model with learnt positions has none behind its last.
        rows.position = rows.position + rows.alive
        rows.alive = rows.alive & ~torch.isin(token, self.ends) & (rows.left > 0)
        rows.token = token
        rows.mask = pad(rows.mask, (0, 1), value=1)


class _Batch(Decoding):
    """Rows that all come at once: what they say is read at the end, so that a GPU is not waited for."""

    def __init__(self, model: PreTrainedModel, **options: Any) -> None:
        super().__init__(model, **options)
        self._record: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []

    def note(self, rows: Rows, token: Tensor, logprob: Tensor) -> None:
        """Keeps them where they are."""
        self._record.append((torch.from_numpy(rows.row), token, logprob, rows.alive))

    def samples(self, count: int) -> list[Sample]:
        """What was sampled, for each of ``count`` prompts.

        Raises:
            ValueError: if a log-prob is not finite.
        """
        row, token, logprob, alive = (torch.cat(column).cpu() for column in zip(*self._record, strict=True))
        row, token, logprob = row[alive], token[alive], logprob[alive]
        if not logprob.isfinite().all():
            raise ValueError("the model's logits are not finite: its weights are broken, or the learning rate too high")
        order = torch.argsort(row, stable=True)
        lengths = torch.bincount(row, minlength=count).tolist()
        columns = token, logprob, torch.isin(token, self.ends.cpu())
        parts = zip(*(torch.split(column[order], lengths) for column in columns), strict=True)
        return [Sample(ids.clone(), logprobs.clone(), not bool(end[-1])) for ids, logprobs, end in parts]


def _pad_left(rows: Sequence[Sequence[int]], pad_id: int, device: torch.device) -> tuple[Tensor, Tensor]:
    width = max(map(len, rows))
    ids = torch.tensor([[pad_id] * (width - len(row)) + list(row) for row in rows], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
    return ids, mask
