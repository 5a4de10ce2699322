"""Random draws that families of tasks share.

All of them come from ``Random.random``, the one method whose numbers Python promises to keep: a stream is the same
under every version of Python, and ``-v0`` means the same tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeAlias, TypeVar

Rng: TypeAlias = Random
LETTERS = "abcdefghijklmnopqrstuvwxyz"
# A number of ``random`` has 53 bits: its product with a bound of at most 32 bits shows no bias.
_FEW = 2**32
_WIDTH = 2**53
T = TypeVar("T")


def below(rng: Rng, bound: int) -> int:
    """An integer from 0 to ``bound`` - 1."""
    if bound <= _FEW:
        return int(rng.random() * bound)
    wide = int(rng.random() * _WIDTH) * _WIDTH + int(rng.random() * _WIDTH)
    return wide * bound // _WIDTH**2


def integer(rng: Rng, low: int, high: int) -> int:
    """An integer from ``low`` to ``high``, both included."""
    return low + below(rng, high - low + 1)


def integers(rng: Rng, count: int, low: int, high: int) -> list[int]:
    """``count`` such integers."""
    return [integer(rng, low, high) for _ in range(count)]


def pick(rng: Rng, options: Sequence[T]) -> T:
    """One of the options."""
    return options[below(rng, len(options))]


def sample(rng: Rng, options: Sequence[T], count: int) -> list[T]:
    """``count`` different ones of the options, in random order."""
    pool = list(options)
    for place in range(count):
        other = place + below(rng, len(pool) - place)
        pool[place], pool[other] = pool[other], pool[place]
    return pool[:count]


def shuffled(rng: Rng, options: Sequence[T]) -> list[T]:
    """All of the options, in random order."""
    return sample(rng, options, len(options))


def word(rng: Rng, length: int, letters: str = LETTERS) -> str:
    """A text of ``length`` random letters."""
    return "".join(pick(rng, letters) for _ in range(length))


def words(rng: Rng, count: int, longest: int, letters: str = LETTERS) -> list[str]:
    """``count`` words of 1 to ``longest`` letters."""
    return [word(rng, integer(rng, 1, longest), letters) for _ in range(count)]
