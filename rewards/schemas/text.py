"""JSON as an answer: read strictly, and in a form in which equal values are equal text."""

from __future__ import annotations

import json
from typing import Any

from ...runtimes.finite_json import loads

MAX_DEPTH = 50


class JsonLimitError(Exception):
    """The value is nested too deeply, or takes too many steps to check."""


def read_json(text: str) -> Any:
    """The value of a JSON text.

    Stricter than `json.loads`: no ``NaN``, no infinite numbers, no object with two members of one name.

    Raises:
        ValueError: it is not JSON, or holds one of these.
        JsonLimitError: it is nested more than ``MAX_DEPTH`` deep.
    """
    try:
        value = loads(text, unique_members)
    except RecursionError:
        raise JsonLimitError(f"nested more than {MAX_DEPTH} deep") from None
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [part for whole in level for part in _parts(whole)]
        if not level:
            return value
    raise JsonLimitError(f"nested more than {MAX_DEPTH} deep")


def unique_members(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object from its members, for `json.loads`.

    Raises:
        ValueError: two of them have one name.
    """
    found = dict(members)
    if len(found) != len(members):
        names = [name for name, _ in members]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"an object has two members of the same name, {twice[:80]!r}")
    return found


def canonical(value: Any) -> str:
    """A text that is the same for equal values: ``1`` and ``1.0`` are equal, ``1`` and ``true`` are not."""
    # Text, because Python's hashes of numbers can be made to collide, and those of text can't.
    return json.dumps(_plain_numbers(value), sort_keys=True)


def _plain_numbers(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        # From 2^53 on a float stands for many integers; its digits would take longer than it did.
        return int(value) if abs(value) < 2**53 else value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return float(value) if abs(value) < 2**1000 and float(value) == value else value
    if isinstance(value, list | tuple):
        return [_plain_numbers(part) for part in value]
    if isinstance(value, dict):
        return {name: _plain_numbers(part) for name, part in value.items()}
    return value


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
