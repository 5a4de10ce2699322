"""What finds documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ...datasets.documents import Document


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that was found, with its score: higher is better, and scores of two queries don't compare."""

    document: Document
    score: float


@runtime_checkable
class Retriever(Protocol):
    """Finds documents; any thread may ask it."""

    def search(self, queries: Sequence[str], k: int) -> list[list[Hit]]:
        """For each query the best hits in falling order, at most ``k``."""


def best(scores: NDArray[np.float32], k: int) -> list[int]:
    """The indices of the ``k`` highest scores, in falling order; of equal ones the first come first."""
    k = min(k, len(scores))
    # All that reach the k-th highest score: which of equal ones a partition keeps depends on the machine.
    candidates = np.flatnonzero(scores >= np.partition(scores, -k)[-k])
    order = np.argsort(-scores[candidates], kind="stable")
    return [int(index) for index in candidates[order[:k]]]
