"""JSON without the numbers that Python alone takes for JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, NoReturn


def loads(text: str, object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """The value of a JSON text, as `json.loads` gives it.

    Raises:
        ValueError: it is not JSON, or holds ``NaN``, ``Infinity`` or a float that is out of range.
        RecursionError: it is nested too deeply.
    """
    return json.loads(text, object_pairs_hook=object_pairs_hook, parse_constant=_constant, parse_float=_float)


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a float is out of range")
    return value
