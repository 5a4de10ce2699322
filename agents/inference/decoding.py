"""Decoding: many continuations at once, with a key-value cache.

A prompt is read once, however many rows continue it. Rows that have ended leave the batch, and rows that wait take
their places, so that a few long responses do not keep all the others busy.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

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
    limits = [max_new_tokens] * len(prompts) if isinstance(max_new_tokens, int) else list(max_new_tokens)
    decoding = _Decoding(
        model, prompts, keys, limits,
        temperature=temperature, end_ids=end_ids, pad_id=pad_id, token_filter=token_filter, rows_at_once=rows_at_once,
    )  # fmt: skip
    while decoding.waiting or decoding.rows is not None:
        decoding.admit()
        decoding.advance()
    return decoding.samples()


class _Decoding:
    """What :func:`sample_tokens` does, step by step."""

    def __init__(
        self,
        model: PreTrainedModel,
        prompts: Sequence[Sequence[int]],
        keys: Sequence[int],
        limits: Sequence[int],
        *,
        temperature: float,
        end_ids: Sequence[int],
        pad_id: int,
        token_filter: TokenFilter | None,
        rows_at_once: int,
    ) -> None:
        self.model, self.prompts, self.pad_id = model, prompts, pad_id
        self.temperature, self.token_filter = temperature, token_filter
        self.keys = np.array(keys, dtype=np.uint64)
        self.lengths = np.array([len(prompt) for prompt in prompts])
        self.limits = torch.tensor(limits, device=model.device)
        self.ends = torch.tensor(list(end_ids), device=model.device)
        # Rows with equal prompts side by side, in the order in which the prompts come.
        first: dict[tuple[int, ...], int] = {}
        self.waiting = sorted(range(len(prompts)), key=lambda row: first.setdefault(tuple(prompts[row]), row))
        self.movable = new_cache(model)[1]
        self.rows_at_once = rows_at_once if self.movable else len(prompts)
        self.rows: Rows | None = None
        self._record: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []

    def admit(self) -> None:
        """Removes rows that have ended, where that pays, and lets others in."""
        rows = self.rows
        if rows is not None and self.movable:
            going = int(rows.alive.sum())
            if going > (1 - ENDED_SHARE) * len(rows.row):
                return
            self.rows = rows = kept(rows) if going else None
        elif rows is not None and not rows.alive.any():
            self.rows = rows = None
        free = self.rows_at_once - (len(rows.row) if rows is not None else 0)
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

    def samples(self) -> list[Sample]:
        """What was sampled, for each prompt.

        Raises:
            ValueError: if a log-prob is not finite.
        """
        row, token, logprob, alive = (torch.cat(column).cpu() for column in zip(*self._record, strict=True))
        row, token, logprob = row[alive], token[alive], logprob[alive]
        if not logprob.isfinite().all():
            raise ValueError("the model's logits are not finite: its weights are broken, or the learning rate too high")
        order = torch.argsort(row, stable=True)
        lengths = torch.bincount(row, minlength=len(self.prompts)).tolist()
        columns = token, logprob, torch.isin(token, self.ends.cpu())
        parts = zip(*(torch.split(column[order], lengths) for column in columns), strict=True)
        return [Sample(ids.clone(), logprobs.clone(), not bool(end[-1])) for ids, logprobs, end in parts]

    def _prefills(self, new: Sequence[int]) -> list[list[int]]:
        """Rows whose prompts are read at once: of similar lengths; equal prompts are read once."""
        if not new or not self.movable:
            return [list(new)] if new else []
        groups = [list(group) for _, group in groupby(new, key=lambda row: self.prompts[row])]
        plan = plan_batches([len(self.prompts[group[0]]) for group in groups], PREFILL_TOKENS)
        return [[row for k in part for row in groups[k]] for part in plan]

    def _opened(self, new: Sequence[int]) -> Rows:
        """Reads the prompts of new rows and samples their first tokens."""
        device = self.model.device
        groups = [list(group) for _, group in groupby(new, key=lambda row: self.prompts[row])]
        if not self.movable:
            groups = [[row] for row in new]
        ids, mask = _pad_left([self.prompts[group[0]] for group in groups], self.pad_id, device)
        position = (mask.cumsum(-1) - 1).clamp(min=0)
        cache, _ = new_cache(self.model)
        logits = self._logits(ids, mask, position, cache)
        member = torch.tensor([k for k, group in enumerate(groups) for _ in group], device=device)
        if len(groups) < len(new):
            select(cache, member)
        row = np.array(new, dtype=np.int64)
        rows = Rows(
            cache=cache,
            row=row,
            count=np.zeros(len(row), dtype=np.int64),
            mask=mask[member],
            position=position[member, -1],
            token=ids[member, -1],
            left=self.limits[torch.from_numpy(row).to(device)],
            alive=torch.ones(len(row), dtype=torch.bool, device=device),
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
        noise = uniforms(self.keys[rows.row], self.lengths[rows.row] + rows.count, 1)[:, 0]
        noise_here = torch.from_numpy(noise).to(logits.device)
        token, logprob = draw(logits.float(), noise_here, self.temperature, self.token_filter)
        self._record.append((torch.from_numpy(rows.row), token, logprob, rows.alive))
        rows.count = rows.count + 1
        rows.left = rows.left - 1
        # Rows that have ended stay where they are: a model with learnt positions has none behind its last.
        rows.position = rows.position + rows.alive
        rows.alive = rows.alive & ~torch.isin(token, self.ends) & (rows.left > 0)
        rows.token = token
        rows.mask = pad(rows.mask, (0, 1), value=1)


def _pad_left(rows: Sequence[Sequence[int]], pad_id: int, device: torch.device) -> tuple[Tensor, Tensor]:
    width = max(map(len, rows))
    ids = torch.tensor([[pad_id] * (width - len(row)) + list(row) for row in rows], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
    return ids, mask
