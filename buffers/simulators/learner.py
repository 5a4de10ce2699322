"""What a simulated learner is: something that answers tasks, learns from it, and can be examined."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..sum_tree import Floats, Integers

# Tasks of each domain that are never practised.
HELD_OUT = 200


class Learner(Protocol):
    """Answers tasks of some domains, and learns from that alone.

    Attributes:
        domains: how many there are.
        items: tasks of each.
    """

    domains: int
    items: int

    def answer(self, domains: Integers, items: Integers, group_size: int, weights: Floats) -> Integers:
        """Answers each task of a batch ``group_size`` times, and makes one step of learning.

        Args:
            domains: of the tasks: [B].
            items: which of their domain's tasks they are: [B].
            group_size: answers to each.
            weights: what each group counts in the loss: [B]. Learners without a loss take no notice.

        Returns:
            How many answers to each task passed: [B].
        """

    def held_out(self) -> Floats:
        """The expected pass rate of each domain on tasks that are never practised: [K]."""


def sigmoid(values: Floats) -> Floats:
    """1 / (1 + exp(-values)), without overflow."""
    found: Floats = 1 / (1 + np.exp(-values.clip(-30, 30)))
    return found
