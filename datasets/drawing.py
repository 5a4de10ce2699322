"""Random draws that families of tasks share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, TypeVar

import numpy as np

Rng: TypeAlias = np.random.Generator
LETTERS = "abcdefghijklmnopqrstuvwxyz"
T = TypeVar("T")


def integer(rng: Rng, low: int, high: int) -> int:
    """An integer from ``low`` to ``high``, both included."""
    return int(rng.integers(low, high + 1))


def integers(rng: Rng, count: int, low: int, high: int) -> list[int]:
    """``count`` such integers."""
    return [integer(rng, low, high) for _ in range(count)]


def pick(rng: Rng, options: Sequence[T]) -> T:
    """One of the options."""
    return options[int(rng.integers(len(options)))]


def sample(rng: Rng, options: Sequence[T], count: int) -> list[T]:
    """``count`` different ones of the options, in random order."""
    return [options[int(i)] for i in rng.permutation(len(options))[:count]]


def word(rng: Rng, length: int, letters: str = LETTERS) -> str:
    """A text of ``length`` random letters."""
    return "".join(pick(rng, letters) for _ in range(length))


def words(rng: Rng, count: int, longest: int, letters: str = LETTERS) -> list[str]:
    """``count`` words of 1 to ``longest`` letters."""
    return [word(rng, integer(rng, 1, longest), letters) for _ in range(count)]
