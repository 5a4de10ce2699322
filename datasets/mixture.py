"""Several task sources as one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .drawing import below
from .procedural import ProceduralSource, stream
from .task import Task, TaskSource


class Mixture:
    """Tasks of several sources, mixed by weights.

    Which source serves index ``i`` is drawn by a stream keyed by a hash of (seed, i), so the mixture is as pure as its
    sources, and splits that share nothing in them share nothing here. Of an endless source index ``i`` is taken, of a
    finite one a drawn index, so that tasks of small sources come again.

    Args:
        sources: by name.
        weights: of the sources, at least 0 and not all 0; without them all are alike. Those left out weigh 0.
        seed: names the stream.

    Raises:
        ValueError: there is no source, a weight names none, or the weights can't be used.
    """

    size = None

    def __init__(
        self, sources: Mapping[str, TaskSource], weights: Mapping[str, float] | None = None, *, seed: int = 0
    ) -> None:
        weights = dict.fromkeys(sources, 1.0) if weights is None else weights
        if unknown := [name for name in weights if name not in sources]:
            raise ValueError(f"weights names {unknown[0]!r}; there are {', '.join(sources)}")
        if not all(0 <= weight < float("inf") for weight in weights.values()) or not any(weights.values()):
            raise ValueError(f"weights must be numbers of at least 0, one of them above 0, not {dict(weights)}")
        self.sources = {name: source for name, source in sources.items() if weights.get(name)}
        self.weights = {name: weights[name] for name in self.sources}
        self.seed = seed
        shares = np.array([*self.weights.values()], dtype=np.float64)
        self._bounds = np.cumsum(shares / shares.sum())

    def task(self, index: int) -> Task:
        """The task at ``index``.

        Raises:
            IndexError: if ``index`` is negative.
        """
        if index < 0:
            raise IndexError(f"task index {index} is negative")
        rng = stream("mixture", self.seed, index)
        place = int(np.searchsorted(self._bounds, rng.random(), side="right"))
        source = [*self.sources.values()][min(place, len(self.sources) - 1)]
        return source.task(index if source.size is None else below(rng, source.size))

    @property
    def level(self) -> int | None:
        """The level of all sources; None if one of them has none, or another."""
        levels = {getattr(source, "level", None) for source in self.sources.values()}
        return levels.pop() if len(levels) == 1 else None

    @property
    def max_level(self) -> int:
        """The highest level that all sources have."""
        return min(getattr(source, "max_level", 0) for source in self.sources.values())

    def at_level(self, level: int) -> Mixture:
        """The mixture of the same sources at another level.

        Raises:
            TypeError: if a source has no levels.
        """
        sources: dict[str, TaskSource] = {}
        for name, source in self.sources.items():
            if not isinstance(source, ProceduralSource | Mixture):
                raise TypeError(f"the source {name} has no levels")
            sources[name] = source.at_level(level)
        return Mixture(sources, self.weights, seed=self.seed)
