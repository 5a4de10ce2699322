"""Saved indexes: arrays and JSON in one file of NumPy's, never a pickle."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HEADER = "header"


def save_index(path: str | Path, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes an index; a reader sees the old file or the whole new one."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded = np.frombuffer(json.dumps(dict(header)).encode(), np.uint8)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, allow_pickle=False, **{_HEADER: encoded, **arrays})
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def load_index(path: str | Path, expected: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Reads an index: its header and its arrays.

    Args:
        path: what `save_index` wrote.
        expected: members that the header must have, such as the hash of the corpus.

    Raises:
        ValueError: it is no such file, or its header says something else.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(arrays.pop(_HEADER).tobytes())
        said = {name: header.get(name) for name in expected}
    except (ValueError, TypeError, LookupError, EOFError, AttributeError, RecursionError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is no saved index ({error}). Delete it, and it is made anew.") from None
    for name, value in expected.items():
        if said[name] != value:
            raise ValueError(f"{path} is of another {name}: {said[name]!r}, not {value!r}. Delete it, or name another.")
    return header, arrays
