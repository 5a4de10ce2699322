"""Task after task, in an order that can be stopped and taken up again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .drawing import shuffled
from .files import load_tasks
from .mixture import Mixture
from .procedural import stream
from .task import Task, TaskSource


class TaskIterator(Iterator[Task]):
    """Goes through a source without end: a finite one again and again, each time in another order.

    The order is a function of (seed, epoch), so two numbers are the whole state.

    Args:
        source: where the tasks come from. Of an endless source the indices run from 0 on.
        seed: of the orders.
        shuffle: whether a finite source is shuffled anew each time.

    Raises:
        ValueError: if the source holds no task.
    """

    def __init__(self, source: TaskSource, *, seed: int = 0, shuffle: bool = True) -> None:
        if source.size == 0:
            raise ValueError("the source holds no task")
        self.source = source
        self.seed = seed
        self.shuffle = shuffle
        self.epoch = 0
        self.position = 0
        self._order = self._ordered()

    def __next__(self) -> Task:
        """The next task."""
        size = self.source.size
        if size is not None and self.position == size:
            self.epoch, self.position = self.epoch + 1, 0
            self._order = self._ordered()
        index = self.position if self._order is None else self._order[self.position]
        self.position += 1
        return self.source.task(index)

    def state_dict(self) -> dict[str, Any]:
        """All that `load_state_dict` needs, JSON values."""
        return {"epoch": self.epoch, "position": self.position} | self._fixed()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on where the state was taken.

        Raises:
            ValueError: the state is of another seed or order, of a source of another size, or of none of its places.
        """
        self.epoch, self.position = self.place_of(state)
        self._order = self._ordered()

    def place_of(self, state: Mapping[str, Any]) -> tuple[int, int]:
        """Epoch and position of a state, which must fit; see ``load_state_dict``."""
        for name, mine in self._fixed().items():
            if state.get(name) != mine:
                raise ValueError(f"the state is of {name} {state.get(name)}, not {mine}: its order would be another")
        epoch, position = int(state["epoch"]), int(state["position"])
        if epoch < 0 or not 0 <= position <= (position if self.source.size is None else self.source.size):
            raise ValueError(f"there is no position {position} of epoch {epoch}")
        return epoch, position

    def _fixed(self) -> dict[str, Any]:
        """What the order depends on beside the epoch."""
        return {"seed": self.seed, "size": self.source.size, "shuffle": self.shuffle}

    def _ordered(self) -> list[int] | None:
        if self.source.size is None or not self.shuffle:
            return None
        return shuffled(stream("order", self.seed, self.epoch), range(self.source.size))


class Domains:
    """Several sources by domain, each with an iterator of its own.

    Args:
        sources: by domain: task sources, or what `load_tasks` reads.
        seed: of the orders and of mixtures.
    """

    def __init__(self, sources: Mapping[str, TaskSource | str | Path], *, seed: int = 0) -> None:
        if not sources:
            raise ValueError("no domain is given")
        self.seed = seed
        self.sources: dict[str, TaskSource] = {
            name: load_tasks(source, domain=name) if isinstance(source, str | Path) else source
            for name, source in sources.items()
        }
        self.iterators = {name: TaskIterator(source, seed=seed) for name, source in self.sources.items()}

    def next(self, domain: str) -> Task:
        """The next task of a domain.

        Raises:
            KeyError: there is no such domain.
        """
        if domain not in self.iterators:
            raise KeyError(f"no domain {domain!r}; there are {', '.join(self.iterators)}")
        return next(self.iterators[domain])

    def mixture(self, weights: Mapping[str, float] | None = None) -> Mixture:
        """All domains as one source, mixed by weights, for an environment's ``tasks``."""
        return Mixture(self.sources, weights, seed=self.seed)

    def state_dict(self) -> dict[str, Any]:
        """Where each iterator stands, JSON values."""
        return {name: iterator.state_dict() for name, iterator in self.iterators.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on where the state was taken.

        Raises:
            ValueError: the state is of other domains, or does not fit one of them; then nothing has moved.
        """
        if state.keys() != self.iterators.keys():
            raise ValueError(f"the state is of the domains {sorted(state)}, not {sorted(self.iterators)}")
        for name, iterator in self.iterators.items():
            iterator.place_of(state[name])
        for name, iterator in self.iterators.items():
            iterator.load_state_dict(state[name])
