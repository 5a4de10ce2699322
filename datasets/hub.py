"""Rows of datasets of the Hugging Face hub."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .rows import Row

_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*(:[^/]*)?")
# The library itself would try for half a minute, also for a mistyped path.
_REACHED_WITHIN = 10.0


def is_hub_name(name: str) -> bool:
    """Whether a dataset could be called so: ``owner/name`` or ``owner/name:config``."""
    return _NAME.fullmatch(name) is not None


def hub_rows(name: str, split: str) -> Iterator[Row]:
    """The rows of a split of a dataset.

    Args:
        name: ``owner/name``, with ``:config`` behind it where there are several configurations.
        split: its split.

    Raises:
        ModuleNotFoundError: the library is missing; the message says what to install.
        ValueError: the dataset, the configuration or the split can't be loaded; the message says why.
    """
    try:
        from huggingface_hub import HfApi, constants

        import datasets
    except ModuleNotFoundError:
        raise ModuleNotFoundError(f"{name}: reading the hub needs datasets: pip install 'infinite-rl[train]'") from None
    place = f"{split}@{name}"
    dataset, _, config = name.partition(":")
    try:
        if not constants.HF_HUB_OFFLINE:
            HfApi(endpoint=datasets.config.HF_ENDPOINT).dataset_info(dataset, timeout=_REACHED_WITHIN)
        rows: Any = datasets.load_dataset(dataset, config or None, split=split)
    except Exception as error:  # the libraries raise many kinds: connection, missing name, missing split or config
        why = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ValueError(
            f"{place}: no folder {dataset!r} is here, and the hub gives no such dataset ({why})"
        ) from error
    for number, row in enumerate(rows, 1):
        yield number, f"{place}, row {number}", {key: value for key, value in row.items() if value is not None}
