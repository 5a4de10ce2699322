"""What callers may ask of a vector environment's reset, place by place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def task_indices(options: Mapping[str, Any], count: int) -> Sequence[Any]:
    """The task index of each place, not yet checked; nothing if the tasks are to be drawn.

    Raises:
        ValueError: there is not one for all, or one for each.
    """
    if "task_index" not in options:
        return ()
    indices = options["task_index"]
    if np.ndim(indices) == 0:
        return [indices] * count
    if len(indices) != count:
        raise ValueError(f"task_index must be one index or {count} of them, not {len(indices)}")
    return list(indices)


def domains_of(domains: str | Sequence[str | None] | None, count: int) -> Sequence[str | None]:
    """The domain of each place.

    Raises:
        ValueError: there is not one for all, or one for each.
    """
    if domains is None or isinstance(domains, str):
        return [domains] * count
    if len(domains) != count:
        raise ValueError(f"domain must be one name or {count} of them, not {len(domains)}")
    return domains


def seeds_of(seed: int | Sequence[int | None] | None, count: int) -> Sequence[int | None]:
    """The seed of each place; an integer s gives place i the seed s + i.

    Raises:
        ValueError: there is not one for all, or one for each.
    """
    if seed is None:
        return [None] * count
    if isinstance(seed, (int, np.integer)):
        return [int(seed) + i for i in range(count)]
    if len(seed) != count:
        raise ValueError(f"expected one seed or {count} of them, but got {len(seed)}")
    return seed


def group_size(size: Any, count: int) -> int:
    """The size of groups.

    Raises:
        TypeError: it is no integer.
        ValueError: it does not divide the places.
    """
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)):
        raise TypeError(f"group_size must be an integer, not {size!r}")
    if size < 1 or count % size:
        raise ValueError(f"group_size must divide the {count} environments, and {size} does not")
    return int(size)


def masked_places(options: Mapping[str, Any], count: int) -> list[int]:
    """The places that the mask selects; all, if there is none.

    Raises:
        TypeError: it is no array of bool.
        ValueError: it has the wrong shape, or selects none. These are the errors of Gymnasium's own environments.
    """
    if "reset_mask" not in options:
        return list(range(count))
    mask = options["reset_mask"]
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
        raise TypeError("options['reset_mask'] must be a NumPy array of bool")
    if mask.shape != (count,):
        raise ValueError(f"options['reset_mask'] must have shape ({count},), not {mask.shape}")
    if not mask.any():
        raise ValueError("options['reset_mask'] must select at least one environment")
    return [int(i) for i in np.flatnonzero(mask)]
