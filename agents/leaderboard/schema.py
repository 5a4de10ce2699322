"""What the files of a submission must hold, beyond what reading them already asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..evaluation.results import RESULT, RUN, Results

_TEXT, _COUNT, _NUMBER, _OBJECT = (str,), (int,), (int, float), (dict,)
_MAYBE_TEXT, _MAYBE_NUMBER = (str, type(None)), (int, float, type(None))

_RUN: dict[str, tuple[type, ...]] = {
    "env.id": _TEXT,
    "env.version": (str, int),
    "env.arguments": _OBJECT,
    "env.split": _MAYBE_TEXT,
    "env.tasks": _COUNT,
    "env.description": _TEXT,
    "model.name": _TEXT,
    "model.backend": _TEXT,
    "model.parameters": _MAYBE_NUMBER,
    "sampling.n": _COUNT,
    "sampling.temperature": _MAYBE_NUMBER,
    "sampling.top_p": _MAYBE_NUMBER,
    "sampling.max_tokens": (int, type(None)),
    "sampling.max_turns": (int, type(None)),
    "sampling.seed": (int, type(None)),
    "sampling.prompt": _MAYBE_TEXT,
    "hashes.data": _TEXT,
    "hashes.prompts": _TEXT,
    "hashes.parser": _TEXT,
    "hashes.runtimes": _TEXT,
    "hashes.code": _TEXT,
    "canary": _MAYBE_TEXT,
    "started": _TEXT,
}
_RESULT: dict[str, tuple[type, ...]] = {
    "scores": _OBJECT,
    "by_domain": _OBJECT,
    "per_task": (list,),
    "rates": _OBJECT,
    "counts": _OBJECT,
    "usage": _OBJECT,
    "samples_sha256": _TEXT,
    "finished": _TEXT,
}
# Far beyond every evaluation; loops over them come to an end.
_GREATEST = 1 << 63
_MOST = {"sampling.n": 4_096, "env.tasks": 10_000_000}


def malformed(results: Results) -> Iterator[str]:
    """The fields that are missing or of another type, one line each."""
    yield from _fields(RUN, results.run, _RUN)
    for name, most in _MOST.items():
        value = _find(results.run, name)
        if isinstance(value, int) and not 1 <= value <= most:
            yield f'{RUN}: "{name}" must be from 1 to {most:,}, not {value:,}'
    if results.result is None:
        yield f"{RESULT} is missing: the evaluation has not come to its end"
    else:
        yield from _fields(RESULT, results.result, _RESULT)


def _fields(file: str, found: Mapping[str, Any], wanted: Mapping[str, tuple[type, ...]]) -> Iterator[str]:
    for name, kinds in wanted.items():
        value = _find(found, name)
        if value is _ABSENT:
            yield f'{file}: "{name}" is missing'
        # True is an int to Python.
        elif not isinstance(value, kinds) or isinstance(value, bool):
            names = " or ".join("null" if kind is type(None) else kind.__name__ for kind in kinds)
            yield f'{file}: "{name}" must be of type {names}, not {type(value).__name__}'
        elif isinstance(value, int) and abs(value) > _GREATEST:
            yield f'{file}: "{name}" is out of range'


_ABSENT = object()


def _find(found: Any, name: str) -> Any:
    for part in name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return _ABSENT
        found = found[part]
    return found
