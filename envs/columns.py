"""Infos of many episodes in Gymnasium's array form."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .episode import SCORE_INFO, Episode, InfoFields, components_of


def columns(fields: InfoFields, count: int, places: Collection[int], episodes: Collection[Episode]) -> dict[str, Any]:
    """The fields of the episodes at ``places``, as arrays [count] with their masks."""
    everywhere = len(places) == count
    where = [*places]
    mask = np.full(count, everywhere)
    mask[where] = True
    found: dict[str, Any] = {}
    for key, (dtype, read) in fields.items():
        column: NDArray[Any] = np.fromiter(map(read, episodes), dtype, len(where))
        if not everywhere:
            part, column = column, np.full(count, None if dtype is object else 0, dtype)
            column[where] = part
        found[key], found["_" + key] = column, mask.copy()
    return found


def score_columns(count: int, over: Mapping[int, Episode]) -> dict[str, Any]:
    """The scores of ended episodes by place, as arrays [count] with their masks; nothing if none has ended."""
    if not over:
        return {}
    found = columns(SCORE_INFO, count, over.keys(), over.values())
    found["_components"] = found["_score"].copy()
    found["components"] = components = {}
    for i, episode in over.items():
        for name, value in components_of(episode).items():
            if name not in components:
                components[name] = np.zeros(count)
                components["_" + name] = np.zeros(count, dtype=np.bool_)
            components[name][i] = value
            components["_" + name][i] = True
    return found
