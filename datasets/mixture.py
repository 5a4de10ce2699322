"""Several task sources as one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .drawing import below
from .procedural import stream
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
        self.seed = seed
        shares = np.array([weights[name] for name in self.sources], dtype=np.float64)
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
