"""What ``board.json`` says of a leaderboard: its title, and which splits are private or retired."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...envs.registration import ENVIRONMENTS, full_id
from ...rewards.schemas.text import unique_members
from ...runtimes.finite_json import loads
from ..evaluation.benchmarks import BENCHMARKS
from ..evaluation.subject import not_taken

SETTINGS = "board.json"
_KNOWN = {"title": str, "about": str, "references": list, "splits": list, "canaries": list}
_SPLIT = {"env", "split", "arguments", "data", "name", "private", "retired"}
_UNKNOWN = object()


def read_settings(folder: Path) -> dict[str, Any]:
    """What ``board.json`` says; empty if it is not there.

    Raises:
        ValueError: it is malformed.
    """
    path = folder / SETTINGS
    if not path.exists():
        return {}
    try:
        # Of two members with one name a reader would keep the last, and "private" might be lost.
        found = loads(path.read_text("utf-8"), unique_members)
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
        if not isinstance(split.get("arguments", {}), dict) or not isinstance(split.get("private", False), bool):
            raise ValueError(f'{path}: of "splits", "arguments" must be an object, and "private" true or false')
    return found


def split_of(settings: Mapping[str, Any], run: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row of ``splits`` that is about the tasks of a run; empty if there is none.

    Of several the private one counts, then the one that names most arguments.
    """
    found: list[Mapping[str, Any]] = [row for row in settings.get("splits", []) if _is_about(row, run)]
    return max(found, key=lambda row: (bool(row.get("private")), len(row.get("arguments", {}))), default={})


def private_rows(settings: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rows of ``splits`` whose tasks must not be shown."""
    return [row for row in settings.get("splits", []) if row.get("private")]


def official(run: Mapping[str, Any]) -> bool:
    """Whether the tasks of a run are those that the authors of a benchmark published, or the first of them."""
    known, hashes = BENCHMARKS.get(run["env"]["id"]), run["hashes"]
    return known is not None and known.data is not None and hashes.get("source", hashes.get("data")) == known.data


def withheld(run: Mapping[str, Any]) -> bool:
    """Whether a submitter keeps transcripts back by a canary.

    Nobody can where everybody has the tasks: they are a published benchmark, or ours, made of the usual seed.
    """
    env = run["env"]
    id, arguments = full_id(str(env["id"])), env["arguments"]
    ours = any(row.id == id for row in ENVIRONMENTS) and (env["split"] or arguments.get("split")) is not None
    usual = ours and not not_taken(arguments, {}) and str(arguments.get("seed", 0)) == "0"
    return run.get("canary") is not None and not usual and not official(run)


def _is_about(row: Mapping[str, Any], run: Mapping[str, Any]) -> bool:
    """Whether a row is about the tasks of a run.

    What the run does not say has its default. Where that is not known, or the run has a text for a number, which makes
    the same tasks, a private row is about it: to hide too much is mended, to show too much is not.
    """
    if "data" in row and row["data"] == run["hashes"].get("data"):
        return True
    env = run["env"]
    id, arguments = full_id(str(env["id"])), env["arguments"]
    splits: list[str | None] = [one for one in (env["split"], arguments.get("split")) if isinstance(one, str)]
    if full_id(str(row["env"])) != id or row["split"] not in (splits or ["test", None]):
        return False
    defaults = defaults_of(id)
    for name, wanted in row.get("arguments", {}).items():
        told = arguments.get(name, defaults.get(name, _UNKNOWN))
        unsure = told is _UNKNOWN or (name in arguments and _kind(told) is not _kind(wanted))
        if name != "split" and told != wanted and not (unsure and row.get("private")):
            return False
    return True


def _kind(value: Any) -> type:
    """The type of a value of JSON, which knows numbers of one kind."""
    return float if type(value) is int else type(value)


def defaults_of(id: str) -> dict[str, Any]:
    """The defaults of an environment's arguments, as far as its class names them.

    Args:
        id: with its namespace.
    """
    found: dict[str, Any] = {"seed": 0}  # of all procedural tasks
    for row in ENVIRONMENTS:
        if row.id == id:
            for base in reversed(row.load().__mro__):
                for made in (base.__dict__.get("__init__"), base.__dict__.get("make_source")):
                    parameters = inspect.signature(made).parameters.values() if inspect.isfunction(made) else ()
                    found |= {one.name: one.default for one in parameters if one.default is not inspect.Parameter.empty}
            found |= row.kwargs
    return found
