"""The task buffer: the tasks of a run, and the curriculum that draws from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from tensordict import TensorDict
from torch import Tensor
from torchrl.data import LazyTensorStorage, TensorDictReplayBuffer

from .sampler import RubricPrioritizedSampler


@dataclass(frozen=True, slots=True)
class TaskDraw:
    """A task to practise.

    Attributes:
        task_index: its index in the task source.
        attempt: how often it was drawn before, so that each draw can have random streams of its own.
        weight: what the loss of its responses is to be multiplied by.
    """

    task_index: int
    attempt: int = 0
    weight: float = 1.0


class TaskBuffer:
    """Tasks by index and domain in a TensorDict buffer, drawn by :class:`RubricPrioritizedSampler`.

    Args:
        domains: the domain of each task, in the order of the task source.
        preset: of the sampler.
        seed: of the sampler.
        group_size: responses to each task that is drawn.
    """

    def __init__(
        self, domains: Sequence[str], *, preset: str = "seed_acc_ema", seed: int = 0, group_size: int = 8
    ) -> None:
        self.domains = sorted(set(domains))
        self.sampler = RubricPrioritizedSampler(len(self.domains), preset, seed=seed, group_size=group_size)
        self.buffer = TensorDictReplayBuffer(storage=LazyTensorStorage(len(domains)), sampler=self.sampler)
        number = {domain: k for k, domain in enumerate(self.domains)}
        self.buffer.extend(
            TensorDict(
                {
                    "task_index": torch.arange(len(domains)),
                    "domain": torch.tensor([number[domain] for domain in domains]),
                },
                [len(domains)],
            )
        )
        self._attempts = torch.zeros(len(domains), dtype=torch.long)

    def draw(self, count: int) -> list[TaskDraw]:
        """The next ``count`` tasks to practise."""
        draws = []
        drawn = self.buffer.sample(count)
        weights = drawn.get("priority_weight", torch.ones(count)).tolist()
        for index, weight in zip(drawn["task_index"].tolist(), weights, strict=True):
            draws.append(TaskDraw(index, int(self._attempts[index]), weight))
            self._attempts[index] += 1
        return draws

    def learn_from(self, draws: Sequence[TaskDraw], pass_rates: Tensor, scores: Tensor | None = None) -> None:
        """Tells the sampler how the groups went.

        Args:
            draws: what was drawn.
            pass_rates: [len(draws)], float; NaN where no response could be graded, which teaches nothing.
            scores: [len(draws)], float: mean rubric scores, in [0, 1]; by default the pass rates.
        """
        known = ~pass_rates.isnan()
        index = torch.tensor([draw.task_index for draw in draws], dtype=torch.long)
        if not known.any():
            return
        more = None if scores is None else scores[known].double().numpy()
        self.sampler.learn(self.buffer.storage, index[known].numpy(), pass_rates[known].double().numpy(), more)

    def accuracy(self) -> dict[str, float]:
        """The sampler's average pass rate of each domain."""
        return dict(zip(self.domains, self.sampler.accuracy.tolist(), strict=True))

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next draws depend on; the tasks themselves come from the source again."""
        return {"sampler": self.sampler.state_dict(), "attempts": self._attempts.clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what :meth:`state_dict` gave.

        Raises:
            ValueError: if it comes from other tasks.
        """
        if len(state["attempts"]) != len(self._attempts):
            raise ValueError(f"saved with {len(state['attempts'])} tasks, but there are {len(self._attempts)} now")
        self.sampler.load_state_dict(state["sampler"])
        self._attempts = state["attempts"].clone()
