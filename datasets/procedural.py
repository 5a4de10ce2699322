"""Procedural tasks: endless streams that need no files, with splits that cannot overlap."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from random import Random
from typing import Any, ClassVar, Self

from .task import SPLITS, Split, Task, TaskList, TaskSource

# The share of all problems that each split may use, in sixteenths.
_SPLIT_OF_BUCKET: tuple[Split, ...] = ("train",) * 11 + ("validation",) * 2 + ("test",) * 3
_MAX_TRIES = 10_000


def _digest(*parts: object) -> int:
    """A 128-bit hash of the parts, the same on every machine and in every process."""
    # Parts may be texts of a model, with lone surrogates in them.
    text = "\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "little")


def stream(*key: object) -> Random:
    """The random stream that a key names, such as (seed, split, index): others for other keys, the same everywhere."""
    return Random(_digest(*key))


def split_of(problem: str) -> Split:
    """The only split that may show ``problem``: decided by the problem's own hash, whatever the seed."""
    return _SPLIT_OF_BUCKET[_digest("split", problem) % len(_SPLIT_OF_BUCKET)]


class ProceduralSource(ABC):
    """An endless stream of generated tasks.

    Task ``index`` comes from a random stream keyed by a hash of (seed, split, index), so seed 1 is not seed 0 shifted
    by one. Splits are disjoint by construction: each problem, named by its ``key``, belongs to one split for all seeds,
    and the stream of a split redraws until a problem of its own comes.

    Args:
        seed: names the stream.
        split: ``train`` (11/16 of all problems), ``validation`` (2/16) or ``test`` (3/16).
        level: difficulty, from 1 to ``max_level``.
    """

    max_level: ClassVar[int] = 4
    _arguments: dict[str, Any]

    def __init__(self, *, seed: int = 0, split: Split = "train", level: int = 1) -> None:
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}, not {split!r}")
        if isinstance(level, bool) or not isinstance(level, int):
            raise TypeError(f"level must be an integer from 1 to {self.max_level}, not {level!r}")
        if not 1 <= level <= self.max_level:
            raise ValueError(f"level must be from 1 to {self.max_level}, not {level!r}")
        self.seed = seed
        self.split = split
        self.level = level

    size = None

    def __new__(cls, **arguments: Any) -> Self:
        """Keeps the arguments, for ``at_level``."""
        source = super().__new__(cls)
        source._arguments = arguments
        return source

    def at_level(self, level: int) -> Self:
        """The source of the same arguments but for the level."""
        return type(self)(**self._arguments | {"level": level})

    @abstractmethod
    def draw(self, rng: Random) -> Task:
        """Draws one task.

        Its ``metadata["key"]`` names the problem, equal for tasks that ask the same thing; without it the prompt does.
        """

    def belongs(self, key: str) -> bool:
        """Whether the split may show the problem ``key``; an override must keep every problem to one split."""
        return split_of(key) == self.split

    def task(self, index: int) -> Task:
        """The task at ``index``.

        Raises:
            IndexError: if ``index`` is negative.
            LookupError: if the split holds next to none of the problems that these arguments can make.
        """
        if index < 0:
            raise IndexError(f"task index {index} is negative")
        rng = stream(self.seed, self.split, index)
        for _ in range(_MAX_TRIES):
            task = self.draw(rng)
            key = task.metadata.get("key")
            if self.belongs(task.prompt if key is None else key):
                return task
        raise LookupError(f"no problem for split {self.split!r} in {_MAX_TRIES} draws: allow more different problems")


def distinct(source: TaskSource, count: int) -> TaskList:
    """The first ``count`` tasks of ``source`` that ask different things.

    Raises:
        LookupError: if the source does not hold that many.
    """
    found = first_distinct(source, count)
    if len(found) < count:
        raise LookupError(f"wanted {count} different tasks, but the source holds only about {len(found)}")
    return TaskList(list(found.values()))


def first_distinct(source: TaskSource, count: int) -> dict[int, Task]:
    """The first tasks of ``source`` that ask different things, by index: ``count``, or as many as there are."""
    seen: set[str] = set()
    found: dict[int, Task] = {}
    index, last_new = 0, 0
    limit = source.size
    # A stream of k equally likely problems shows all of them in about k ln k draws; ten times that is a fair wait.
    while len(seen) < count and (index - last_new < 100 + 10 * len(seen)) and (limit is None or index < limit):
        task = source.task(index)
        index += 1
        key = task.metadata.get("key", task.id)
        if key not in seen:
            seen.add(key)
            found[index - 1] = task
            last_new = index
    return found
