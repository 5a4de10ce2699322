"""The warm start: supervised steps before reinforcement learning, on conversations or on solved tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from transformers import PreTrainedModel

from ..config import WarmStartConfig
from ..inference.sampling import stream_key
from .batching import TokenBatch, TokenRow
from .clipping import clip_gradients
from .scoring import layout_scores
from .shards import Part, load_whole
from .share import share_of

RAMP_STEPS = 50


class WarmStart:
    """Maximises the likelihood of what was said, with AdamW whose learning rate rises over the first 50 steps.

    Args:
        model: trained in place.
        rows: what to learn from; see :mod:`~infinite_rl.agents.updates.demonstrations` and
            :mod:`~infinite_rl.agents.updates.conversations`.
        config: how fast to go.
        seed: of the order of the batches.
        validation: rows that are only measured.
        autocast: makes the context of forward passes.
        left_out: what of the data is not used, for people.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        rows: Sequence[TokenRow],
        config: WarmStartConfig,
        *,
        seed: int,
        validation: Sequence[TokenRow] = (),
        autocast: Callable[[], AbstractContextManager[Any]] = nullcontext,
        left_out: str = "",
    ) -> None:
        self.model = model
        self.share = share_of(model)
        self.rows = rows
        self.validation = validation
        self.config = config
        self.autocast = autocast
        self.left_out = left_out
        self.steps = 0
        self._generator = torch.Generator().manual_seed(stream_key(seed, "warm start") >> 1)
        trained = [weight for weight in model.parameters() if weight.requires_grad]
        self.optimizer = torch.optim.AdamW(trained, lr=config.lr, betas=(0.9, 0.95), weight_decay=0.0)

    def step(self) -> float:
        """Makes one step.

        Returns:
            The loss: mean negative log-likelihood of a token that trains, in nats, over the whole batch.
        """
        self.steps += 1
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.lr * min(1.0, self.steps / RAMP_STEPS)
        chosen = torch.randint(len(self.rows), (self.config.batch_size,), generator=self._generator)
        rows = [self.rows[i] for i in chosen.tolist()]
        tokens = sum(int(row.action_mask.sum()) for row in rows)
        total = torch.zeros((), dtype=torch.float64)
        for part in self._parts(rows):
            loss = self._negative_likelihood(part) / tokens
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach().cpu()
        clip_gradients(self.model.parameters(), 1.0)
        self.optimizer.step()
        # Nothing may be left for the first update of reinforcement learning, which adds to what it finds.
        self.optimizer.zero_grad(set_to_none=True)
        return float(self.share.gather(total))

    @torch.no_grad()
    def validation_loss(self) -> float:
        """The loss on the held-out rows: mean over their tokens, in nats; NaN where there are none."""
        tokens = sum(int(row.action_mask.sum()) for row in self.validation)
        if not tokens:
            return float("nan")
        total = sum(self._negative_likelihood(part).double().cpu() for part in self._parts(self.validation))
        return float(self.share.gather(torch.as_tensor(total))) / tokens

    def state_dict(self, *, averages: bool = True) -> dict[str, Any]:
        """Everything that the next step depends on, but for the model; with the optimizer's ``averages`` or without."""
        return {
            "steps": self.steps,
            "optimizer": self.optimizer.state_dict() if averages else None,
            "generator": self._generator.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what :meth:`state_dict` gave."""
        self.steps = state["steps"]
        if state["optimizer"] is not None:
            load_whole(Part(self.model, self.optimizer), None, state["optimizer"])
        self._generator.set_state(state["generator"])

    def _negative_likelihood(self, batch: TokenBatch) -> torch.Tensor:
        """Summed over the tokens that train."""
        with self.autocast():
            scores = layout_scores(self.model, batch, temperature=1.0)
        return -scores.logprob.sum()

    def _parts(self, rows: Sequence[TokenRow]) -> Sequence[TokenBatch]:
        """This process's micro-batches."""
        return self.share.deal([TokenBatch.of_rows(part, self.model.device) for part in self._cut(rows)])

    def _cut(self, rows: Sequence[TokenRow]) -> Iterator[Sequence[TokenRow]]:
        """Rows of micro-batches: as they come where all fit into one, else the longest first."""
        limit = self.config.tokens_per_microbatch
        # With several processes there is one for each, at least.
        most = -(-len(rows) // self.share.groups)
        if rows and most == len(rows) and len(rows) * max(len(row.token_ids) for row in rows) <= limit:
            yield rows
            return
        rows, start = sorted(rows, key=lambda row: -len(row.token_ids)), 0
        while start < len(rows):
            end = start + min(most, max(1, limit // len(rows[start].token_ids)))
            yield rows[start:end]
            start = end
