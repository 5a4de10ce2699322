"""What ``board.json`` says of a leaderboard: its title, and which splits are private or retired."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...runtimes.finite_json import loads

SETTINGS = "board.json"
_KNOWN = {"title": str, "about": str, "references": list, "splits": list, "canaries": list}
_SPLIT = {"env", "split", "arguments", "name", "private", "retired"}


def read_settings(folder: Path) -> dict[str, Any]:
    """What ``board.json`` says; empty if it is not there.

    Raises:
        ValueError: it is malformed.
    """
    path = folder / SETTINGS
    if not path.exists():
        return {}
    try:
        found = loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not JSON ({error})") from None
    if not isinstance(found, dict) or not set(found) <= set(_KNOWN):
        raise ValueError(f"{path}: its fields are {', '.join(_KNOWN)}")
    for name, kind in _KNOWN.items():
        if not isinstance(found.get(name, kind()), kind):
            raise ValueError(f'{path}: "{name}" must be of type {kind.__name__}')
    for split in found.get("splits", []):
        if not isinstance(split, dict) or not {"env", "split"} <= set(split) <= _SPLIT:
            fields = ", ".join(sorted(_SPLIT))
            raise ValueError(f'{path}: each of "splits" needs "env" and "split"; its fields are {fields}')
    return found


def split_of(settings: Mapping[str, Any], run: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row of ``splits`` that is about the tasks of a run; empty if there is none."""
    env = run["env"]
    for split in settings.get("splits", []):
        wanted = split.get("arguments", env.get("arguments"))
        if (split["env"], split["split"], wanted) == (env.get("id"), env.get("split"), env.get("arguments")):
            found: Mapping[str, Any] = split
            return found
    return {}
