"""The warm start: supervised steps on solved tasks, so that a model made on the spot sometimes earns a reward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ...datasets.task import TaskSource
from ...rewards.expected import expected_text
from ..config import WarmStartConfig
from ..inference.sampling import Sample, stream_key
from ..inference.session import Session
from ..losses import masked_sum
from .batching import TokenBatch, TokenRow
from .scoring import token_scores

RAMP_STEPS = 50


class WarmStart:
    """Maximises the likelihood of the right answers, with AdamW whose learning rate rises over the first 50 steps.

    Args:
        model: trained in place.
        rows: solved tasks; see :func:`solved`.
        config: how fast to go.
        seed: of the order of the batches.
    """

    def __init__(self, model: PreTrainedModel, rows: Sequence[TokenRow], config: WarmStartConfig, *, seed: int) -> None:
        self.model = model
        self.rows = rows
        self.config = config
        self.steps = 0
        self._generator = torch.Generator().manual_seed(stream_key(seed, "warm start") >> 1)
        self._optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr, betas=(0.9, 0.95), weight_decay=0.0)

    def step(self) -> float:
        """Makes one step.

        Returns:
            The loss: mean negative log-likelihood of an answer token, in nats.
        """
        self.steps += 1
        for group in self._optimizer.param_groups:
            group["lr"] = self.config.lr * min(1.0, self.steps / RAMP_STEPS)
        chosen = torch.randint(len(self.rows), (self.config.batch_size,), generator=self._generator)
        batch = TokenBatch.of_rows([self.rows[i] for i in chosen.tolist()], self.model.device)
        scores = token_scores(self.model, batch.token_ids, batch.attention_mask, batch.action_mask, temperature=1.0)
        loss = -masked_sum(scores.logprob, batch.action_mask) / batch.action_mask.sum()
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self._optimizer.step()
        return float(loss.detach())

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on, but for the model."""
        return {
            "steps": self.steps,
            "optimizer": self._optimizer.state_dict(),
            "generator": self._generator.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what :meth:`state_dict` gave."""
        self.steps = state["steps"]
        self._optimizer.load_state_dict(state["optimizer"])
        self._generator.set_state(state["generator"])


def solved(tasks: TaskSource, tokenizer: PreTrainedTokenizerBase) -> list[TokenRow]:
    """Each task with its answer, as if the policy had said it: its solution where it has one, such as a program.

    Raises:
        ValueError: if the source is endless, or an answer is neither text nor a number.
    """
    if tasks.size is None:
        raise ValueError("a warm start needs a finite list of tasks")
    rows = []
    for index in range(tasks.size):
        task = tasks.task(index)
        try:
            answer = task.metadata.get("solution") or expected_text(task.answer)
        except (TypeError, ValueError) as error:
            raise ValueError(f"task {task.id}: {error}") from None
        session = Session(tokenizer, key=0)
        session.observe(task.messages)
        ids = tokenizer.encode(f"<answer>{answer}</answer>{tokenizer.eos_token}", add_special_tokens=False)
        session.record(Sample(torch.tensor(ids), torch.zeros(len(ids)), truncated=False), version=0)
        rows.append(TokenRow(*session.tensors()))
    return rows
