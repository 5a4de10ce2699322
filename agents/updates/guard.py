"""What happens when a loss or a gradient is not finite: the step is skipped, counted and explained."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import fields

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ..losses import LossInputs
from .clipping import local

_log = logging.getLogger(__name__)
_SOMEWHERE = "the norm of the gradient is not finite, though each gradient is"


class NonFiniteError(ArithmeticError):
    """Too many steps in a row had a loss or gradient that was not finite."""


class FiniteGuard:
    """Keeps what is not finite away from optimizer and weights.

    Args:
        limit: so many skipped steps in a row end the run.

    Attributes:
        skipped: so many steps were skipped.
        in_a_row: so many of them since the last one that was made.
    """

    def __init__(self, limit: int = 5) -> None:
        self.limit = limit
        self.skipped = 0
        self.reason: str | None = None
        self.in_a_row = 0
        self._told = False

    def blame(self, reason: str) -> None:
        """Notes why the step in hand must be skipped; the first reason counts."""
        self.reason = self.reason or reason

    def agree(self, device: torch.device) -> None:
        """Takes over the reason of the first rank that has one: a step is made by all ranks, or by none."""
        blamed = torch.tensor(float(self.reason is not None), device=device)
        dist.all_reduce(blamed)
        if blamed:
            reasons: list[str | None] = [None] * dist.get_world_size()
            dist.all_gather_object(reasons, self.reason)
            known = [reason for reason in reasons if reason is not None]
            # That of a rank whose own part was finite says the least.
            self.reason = next((reason for reason in known if reason != _SOMEWHERE), known[0])

    def passed(self) -> None:
        """Notes that a step was made."""
        self.in_a_row = 0

    def skip(self) -> None:
        """Counts a skipped step and, the first time, says why.

        Raises:
            NonFiniteError: after ``limit`` in a row.
        """
        reason, self.reason = self.reason, None
        self.skipped += 1
        self.in_a_row += 1
        if not self._told:
            _log.warning("skipped an update: %s; further ones are only counted, in skipped_steps", reason)
            self._told = True
        if self.in_a_row >= self.limit:
            raise NonFiniteError(
                f"{self.in_a_row} updates in a row could not be made: {reason}; "
                "the weights are those before them; try a lower learning rate, or float32"
            )


def explain_loss(inputs: LossInputs, rows: Sequence[int], tasks: Sequence[str]) -> str:
    """Which tensor made a loss that is not finite, and on which task.

    Args:
        inputs: what the loss read.
        rows: the place of each sequence in ``tasks``.
        tasks: ids; may be empty.
    """
    for field in fields(inputs):
        value = getattr(inputs, field.name)
        if isinstance(value, Tensor) and not value.isfinite().all():
            token = int((~value.isfinite()).int().argmax())
            row = rows[int(inputs.sequence[token])]
            of = f" of a response to task {tasks[row]}" if tasks else ""
            return f"{field.name} is {float(value[token].detach())}{of}"
    return "the loss is not finite, though everything it reads is: a ratio or its product overflowed"


def explain_gradient(model: nn.Module) -> str:
    """Which weight has a gradient that is not finite, in what this rank holds of it."""
    for name, weight in model.named_parameters():
        if weight.grad is not None and not local(weight.grad).isfinite().all():
            return f"the gradient of {name} is not finite, though the loss is"
    return _SOMEWHERE
