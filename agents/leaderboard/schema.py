"""What the files of a submission must hold, beyond what reading them already asks for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from ..evaluation.results import MEMBERS, RESULT, RUN, SAMPLES, Results

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
    **{f"hashes.{name}": _TEXT for name in ("data", "prompts", "parser", "runtimes", "code", "config")},
    "hardware.cpu": _TEXT,
    "hardware.cores": _COUNT,
    "hardware.gpu": _MAYBE_TEXT,
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
# Members that need not be there, or that are looked at elsewhere.
_NAMES = {*_RUN, "schema", "versions", "declarations.contamination", "declarations.tools", "hashes.source"}
_NAMES |= {"sampling.send_tools"}
_MORE = ("floor", "ceiling", "cost")
# Far beyond every evaluation; loops over them come to an end.
_GREATEST = 1 << 63
_BOUNDS: dict[str, tuple[int, int]] = {
    "env.tasks": (1, 10_000_000),
    "hardware.cores": (1, 1 << 20),
    "model.parameters": (1, 10**18),
    "sampling.n": (1, 4_096),
    "sampling.temperature": (0, 1_000),
    "sampling.top_p": (0, 1),
    "sampling.max_tokens": (1, 2**31 - 1),
    "sampling.max_turns": (1, 2**31 - 1),
}
# Characters of a text, the names of members too. Longer ones would be all that a page shows.
_LONGEST = 200
_LONGER = {"declarations.contamination": 4_000}
_LONGEST_RUN = 32_000
_MOST = 5


def malformed(results: Results) -> Iterator[str]:
    """The fields that are missing, of another type or out of bounds, one line each."""
    yield from _fields(RUN, results.run, _RUN)
    for name, (least, most) in _BOUNDS.items():
        value = _find(results.run, name)
        if isinstance(value, int | float) and not least <= value <= most:
            told = f"{value:,}"[:40]
            yield f'{RUN}: "{name}" must be from {least:,} to {most:,}, not {told}'
    if results.run["sampling"].get("send_tools", True) is not True:
        yield f'{RUN}: "sampling.send_tools" must be true, or left out'
    for name, value in results.run["versions"].items():
        if not isinstance(value, str):
            yield f'{RUN}: "versions.{name[:40]}" must be of type str, not {type(value).__name__}'
    yield from _unprintable(RUN, results.run)
    yield from islice(_long(RUN, results.run), _MOST)
    if (size := len(json.dumps(results.run))) > _LONGEST_RUN:
        yield f"{RUN}: has {size:,} characters, at most {_LONGEST_RUN:,}"
    names = ({name: one[name] for name in ("task_id", "domain")} for one in results.samples)
    yield from islice((line for one in names for line in _long(SAMPLES, one)), 1)
    if results.result is None:
        yield f"{RESULT} is missing: the evaluation has not come to its end"
    else:
        yield from _fields(RESULT, results.result, _RESULT)
        yield from _unprintable(RESULT, results.result)
        own = {name: one for name, one in results.result.items() if name not in results.run}
        yield from islice(_long(RESULT, own), _MOST)


def unknown(results: Results) -> Iterator[str]:
    """Members that nobody checks, and that nobody should take for checked; one line for each file."""
    run, result = results.run, results.result or {}
    parts = {name.partition(".")[0] for name in _NAMES}
    found = [name for name in run if name not in parts]
    for part in sorted({name.partition(".")[0] for name in _NAMES if "." in name} - {"env"}):
        found += [f"{part}.{name}" for name in run[part] if f"{part}.{name}" not in _NAMES]
    samples = {name: None for one in results.samples for name in one if name not in MEMBERS}
    beyond = [name for name in result if name not in parts and name not in _RESULT and name not in _MORE]
    for file, names in ((RUN, found), (RESULT, beyond), (SAMPLES, [*samples])):
        if names:
            yield f"{file}: unknown members {', '.join(name[:40] for name in names[:_MOST])}"


def _unprintable(file: str, found: Mapping[str, Any]) -> Iterator[str]:
    """Halves of a character, which JSON can say and no file can hold."""
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        yield f"{file}: holds a text that is no Unicode, with half of a surrogate pair"
    except RecursionError:
        yield f"{file}: is nested too deeply"


def _long(file: str, found: Mapping[str, Any]) -> Iterator[str]:
    """Texts that are longer than any that says what it should, one line each."""
    left: list[tuple[str, Any]] = [("", found)]  # in no function that calls itself: it may be nested deeply
    while left:
        place, value = left.pop()
        if isinstance(value, str) and len(value) > (most := _LONGER.get(place, _LONGEST)):
            yield f'{file}: "{place}" has {len(value):,} characters, at most {most:,}'
        elif isinstance(value, list):
            left += ((place, one) for one in value)
        elif isinstance(value, dict):
            for name, one in value.items():
                if len(name) > _LONGEST:
                    yield f'{file}: the name "{name[:40]}…" has {len(name):,} characters, at most {_LONGEST:,}'
                    continue
                left.append((f"{place}.{name}" if place else name, one))


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
