"""Which entries are compared, and what their common tasks are called."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...envs.registration import ENVIRONMENTS
from ..evaluation.benchmarks import BENCHMARKS
from ..evaluation.subject import TASKS, not_taken
from ..evaluation.subject import arguments_told as listed
from .scripts import shown, slug
from .settings import defaults_of, official

# Characters of arguments in a title.
_LONGEST = 150


def benchmark_key(run: Mapping[str, Any]) -> str:
    """A short name of what a run was asked: equal for equal tasks, asked by equal prompts with equally many turns."""
    env, hashes = run["env"], run["hashes"]
    told = [env["id"], env["version"], arguments_of(env), env["split"], env["tasks"], hashes.get("data"), source(run)]
    told += [hashes.get("prompts"), run["sampling"].get("prompt"), run["sampling"].get("max_turns")]
    digest = hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=8).hexdigest()
    return f"{slug(str(env['id']).removeprefix('InfiniteRL/'), 30)}-{digest}"


def arguments_of(env: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of an environment that make its tasks, in one order, so that equal tasks have equal ones.

    A default that is said makes no other tasks, and only the level is told of all. A file is seen by its data; what it
    is called may be any text, which nobody can check.
    """
    defaults, said = defaults_of(str(env["id"])), env["arguments"]
    found = {name: one for name, one in said.items() if name not in defaults or one != defaults[name]}
    if "tasks" in said:
        found["tasks"] = "of a file"
    else:
        found |= {name: one for name, one in (defaults | said).items() if name == "level"}
    return {name: found[name] for name in sorted(found, key=lambda name: (name != "level", name))}


def source(run: Mapping[str, Any]) -> str:
    """The hash of all tasks that those of a run are the first of, as far as the run says so."""
    hashes = run["hashes"]
    return str(hashes.get("source", hashes.get("data")))


def arguments_told(env: Mapping[str, Any]) -> str:
    """The arguments of an environment in one line; of ours, those that may be any text are only named."""
    told = {name: value for name, value in arguments_of(env).items() if name != "split"}
    ours = any(env["id"] == row.id for row in ENVIRONMENTS)
    plain = {name: one for name, one in told.items() if one is None or isinstance(one, int | float)}
    free = not_taken(told, {"tasks": "", **plain}) if ours else []
    return ", ".join(filter(None, [listed({name: one for name, one in told.items() if name not in free}), *free]))


def title(run: Mapping[str, Any], name: str = "", *, private: bool = False) -> str:
    """What the tasks of a run are called, with what sets them apart from all that are usual.

    Args:
        run: one of those that share a key.
        name: what the host calls them.
        private: whether nothing may be said by which the tasks could be made again, or a guess be tried.
    """
    env, sampling = run["env"], run["sampling"]
    short = str(env["id"]).removeprefix("InfiniteRL/")
    told = "" if private else shown(arguments_told(env), _LONGEST)
    parts = [name or ", ".join(filter(None, [short, told])), _part(run, private)]
    known = BENCHMARKS.get(env["id"])
    if known is not None and sampling.get("prompt") not in (None, known.styles[0].name):
        parts.append(f"{sampling['prompt']} prompts")
    if (turns := sampling.get("max_turns")) is not None:
        parts.append(f"at most {turns} turn{'s' if turns > 1 else ''}")
    return ", ".join(filter(None, parts))


def titles(runs: Sequence[Mapping[str, Any]], names: Sequence[str], private: Sequence[bool]) -> list[str]:
    """The titles of groups, all different.

    Args:
        runs: one of each group.
        names: what the host calls them; empty where it says nothing.
        private: whether their tasks are kept back. A hash would confirm a guess, so these are numbered.
    """
    groups = [*zip(runs, names, private, strict=True)]
    found = [title(run, name, private=hidden) for run, name, hidden in groups]
    for mark in (_data, _digest):
        twice = [found.count(one) > 1 and not hidden for one, (_, _, hidden) in zip(found, groups, strict=True)]
        found = [f"{one}, {mark(run)}" if more else one for one, run, more in zip(found, runs, twice, strict=True)]
    twice = [found.count(one) > 1 for one in found]
    return [f"{one}, no. {1 + found[:i].count(one)}" if twice[i] else one for i, one in enumerate(found)]


def _part(run: Mapping[str, Any], private: bool) -> str:
    """How the tasks differ from all of a benchmark, or from as many as are usual; empty if they don't."""
    env = run["env"]
    count, known = env["tasks"], BENCHMARKS.get(env["id"])
    if known is None:
        plain = count == TASKS and "tasks" not in env["arguments"]
        return "" if plain else f"{count:,} tasks"
    if official(run):
        return "" if count == known.size else f"first {count:,} of {known.size:,}"
    # Where nobody knows the hash of what was published, the number has to do.
    if known.data is None and count == known.size:
        return ""
    other = "other data" if known.data is not None else f"{count:,} of {known.size:,} tasks, data"
    return other.removesuffix(", data") if private else f"{other} {_short(source(run))}"


def _data(run: Mapping[str, Any]) -> str:
    return f"data {_short(run['hashes'].get('data'))}"


def _digest(run: Mapping[str, Any]) -> str:
    return benchmark_key(run).rpartition("-")[2]


def _short(hash: object) -> str:
    return f"{str(hash)[:4]}…"
