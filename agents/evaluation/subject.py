"""What is evaluated on: an environment with its tasks, and how ``run.json`` tells of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium

from ...datasets.files import names_of
from ...datasets.fingerprint import fingerprint
from ...datasets.procedural import first_distinct
from ...datasets.task import Task, TaskSource
from ...envs.registration import ENVIRONMENTS, known_id
from ...envs.serving.catalogue import ALLOWED
from ...envs.text_env import TextEnv
from .benchmarks import BENCHMARKS, Benchmark, BenchmarkEnv, find_benchmark
from .given import NOTHING, Given

# Of a stream that never ends.
TASKS = 200
# Arguments that a run of unknown origin may choose: names and levels. All others may name files, servers or sizes.
_CHOSEN = (*ALLOWED, "families", "language", "limits", "operations")


@dataclass(frozen=True, slots=True)
class Subject:
    """What is evaluated on.

    Attributes:
        env: the environment.
        tasks: those that are asked, by their index in its source.
        about: the member ``env`` of ``run.json``.
        prompt: the name of the prompt style; None where tasks are asked as they are.
        continues: whether the model is to go on with the text of a task, instead of being chatted with.
        files: what those of the tasks are called in the ids of tasks that have none of their own; see `names_of`.
    """

    env: TextEnv
    tasks: Mapping[int, Task]
    about: dict[str, Any]
    prompt: str | None = None
    continues: bool = False
    files: tuple[str, ...] = ()

    def hashes(self) -> dict[str, str]:
        """Of the tasks with their answers, of what a model is shown, and of all tasks of a benchmark."""
        published = self.env.published if isinstance(self.env, BenchmarkEnv) else None
        tasks = [task if published is None else published.task(index) for index, task in self.tasks.items()]
        shown = hashlib.blake2b(digest_size=16)
        shown.update(json.dumps(list(self.env.tool_schemas)).encode())
        for task in self.tasks.values():
            try:
                opening = json.dumps(self.env.open(task).messages)
            except Exception as error:  # its samples will have the status error
                opening = f"can't be opened: {type(error).__name__}"
            shown.update(opening.encode())
        # Whether these are the tasks that everybody means, or the first of them, is seen by all that there were.
        source = {} if published is None else {"source": fingerprint(published.task(i) for i in range(published.size))}
        return {"data": fingerprint(tasks), "prompts": shown.hexdigest(), **source}


def environment(
    name: str,
    *,
    split: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    tasks: int | None = None,
) -> Subject:
    """An environment by its id.

    Args:
        name: such as ``InfiniteRL/Math-v0``; ours may leave the namespace out.
        split: of its own tasks; by default ``test`` where it is one of ours.
        arguments: of the environment.
        tasks: how many, from the first; by default all, or up to 200 different ones of a stream.

    Raises:
        ValueError: there is no such environment or no such task, or it is none of text.
    """
    id, arguments = known_id(name), dict(arguments or {})
    if split is None and "tasks" not in arguments and any(row.id == id for row in ENVIRONMENTS):
        split = str(arguments.pop("split", "test"))
    if split is not None:
        arguments.pop("split", None)  # one name for one thing
    chosen = arguments | ({"split": split} if split is not None else {})
    env = gymnasium.make(id, disable_env_checker=True, **chosen).unwrapped
    if not isinstance(env, TextEnv):
        raise ValueError(f"{id} is no text environment; see infinite-rl envs")
    asked = _first(env.tasks, tasks)
    # Said also where it is the default, since a score without it says little.
    if "tasks" not in arguments and isinstance(level := getattr(env.tasks, "level", None), int):
        arguments["level"] = level
    version = id.rpartition("-")[2] if "-v" in id else ""
    about = {
        "id": id,
        "version": version,
        "arguments": {key: _without_path(value) for key, value in arguments.items() if _public(key, value)},
        "split": split,
        "tasks": len(asked),
        "description": _first_line(env),
    }
    file = arguments.get("tasks")
    return Subject(env, asked, about, files=(*names_of(file),) if isinstance(file, str | Path) else ())


def benchmark(
    name: str, *, file: str | Path | None = None, prompt: str | None = None, tasks: int | None = None
) -> Subject:
    """A benchmark by its name.

    Args:
        name: one of ``BENCHMARKS``.
        file: its tasks, as the benchmark's authors publish them; by default they come from the hub.
        prompt: one of its prompt styles; by default its first.
        tasks: how many, from the first; by default all.

    Raises:
        ValueError: there is no such benchmark or style, or the file is malformed.
    """
    found: Benchmark = find_benchmark(name)
    style = found.style(prompt)
    env = found.load(file, style)
    asked = _first(env.tasks, tasks)
    about = {
        "id": found.name,
        "version": found.version,
        "arguments": {},
        "split": found.split,
        "tasks": len(asked),
        "description": found.asks,
    }
    return Subject(env, asked, about, style.name, style.continues, (*names_of(found.hub if file is None else file),))


def subject_of(run: Mapping[str, Any], given: Given = NOTHING) -> Subject:
    """What the run of a ``run.json`` was evaluated on.

    Args:
        run: the run.
        given: what is not taken from a run: files, arguments that may name some, and environments that are not ours.

    Raises:
        ValueError: it can't be made again, or its tasks are others. What a run of unknown origin says names no module
            to import, no file to read or write and no server to ask.
    """
    about = run["env"]
    if ":" in about["id"] and given.named(about["id"]) is None:
        raise ValueError(f"env.id is {about['id'][:80]!r}, which names a module; --env with this name imports it")
    if not given.files or not _from_file(about):
        return _made_again(run, given, None)
    problems = []
    # A benchmark of which no file is given comes from the hub.
    for file in (*given.files, *((None,) if about["id"] in BENCHMARKS else ())):
        try:
            return _made_again(run, given, file)
        except (ValueError, TypeError, LookupError, OSError, ImportError) as error:
            problems.append(f"{file or 'from the hub'}: {error}")
    raise ValueError(f"no --file holds its tasks: {'; '.join(problems)}")


def _from_file(about: Mapping[str, Any]) -> bool:
    """Whether the tasks of a run may have come from a file."""
    return about["id"] in BENCHMARKS or "tasks" in about["arguments"] or about["split"] is None


def _made_again(run: Mapping[str, Any], given: Given, file: str | None) -> Subject:
    """The subject of a run with its tasks from this file.

    Raises:
        ValueError: it can't be made, or is another.
    """
    about, arguments = run["env"], {**({} if file is None else {"tasks": file}), **given.arguments}
    if foreign := not_taken(about["arguments"], arguments):
        raise ValueError(
            f"env.arguments.{foreign[0][:80]} is not taken from a run, since it may name files or servers; give it "
            + ("with --file" if foreign[0] == "tasks" else "with --arguments")
        )
    if about["id"] in BENCHMARKS:
        found = benchmark(about["id"], file=file, prompt=run["sampling"].get("prompt"), tasks=about["tasks"])
    else:
        name = given.named(about["id"]) or about["id"]
        arguments = about["arguments"] | arguments
        found = environment(name, split=about["split"], arguments=arguments, tasks=about["tasks"])
        if name != about["id"] and name.endswith(f":{about['id']}"):  # a module that registers it
            found.about["id"] = about["id"]
        if file is not None and "tasks" in about["arguments"]:  # the hash says that it is the same file
            found.about["arguments"]["tasks"] = about["arguments"]["tasks"]
    now = found.hashes()
    for name, told in (("data", "tasks"), ("prompts", "opening messages")):
        if now[name] != run["hashes"].get(name):
            raise ValueError(
                f"the {told} are not those of the run (hashes.{name} differs); files are given by --file or --arguments"
            )
    return found


def arguments_told(arguments: Mapping[str, Any]) -> str:
    """The arguments of an environment in one line; what is no text is JSON."""
    return ", ".join(
        f"{name} {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in arguments.items()
    )


def not_taken(arguments: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """The names of a run's arguments that are not taken from it: a person has to give them.

    Args:
        arguments: of the environment, as the run names them.
        given: what a person gave.
    """
    return [
        name for name, value in arguments.items() if name not in given and (name not in _CHOSEN or not _plain(value))
    ]


def _plain(value: Any) -> bool:
    """Whether a value is a name, a number or a list of such, and no address."""
    if isinstance(value, list):
        return all(isinstance(one, str | int) and _plain(one) for one in value)
    return isinstance(value, str | int | float | None) and "://" not in str(value)


def _first(source: TaskSource, count: int | None) -> dict[int, Task]:
    """The first tasks of a source, by index; of a stream, which repeats itself, the first that differ.

    Raises:
        ValueError: there are not so many.
    """
    if count is not None and count < 1:
        raise ValueError(f"--tasks must be at least 1, not {count}")
    if source.size is None:
        found = first_distinct(source, count or TASKS)
    else:
        found = {index: source.task(index) for index in range(min(source.size, count or source.size))}
    if count is not None and len(found) < count:
        raise ValueError(
            f"--tasks is {count}, and there are {len(found)} different ones: leave it out, which asks all of them"
            + (", or choose another --level or --arguments" if source.size is None else "")
        )
    return found


def _public(name: str, value: Any) -> bool:
    """Whether an argument is neither the address of a server nor a key, nor holds one."""
    if isinstance(value, Mapping):
        return all(_public(str(inner), one) for inner, one in value.items()) and "key" not in name.lower()
    if isinstance(value, list | tuple):
        return all(_public(name, one) for one in value)
    return "key" not in name.lower() and not (isinstance(value, str) and "://" in value)


def _without_path(value: Any) -> Any:
    """What a path names, without the folders in front, which are nobody's business."""
    if not isinstance(value, str):
        return value
    split, mark, rest = value.rpartition("@")
    path = Path(rest)
    return f"{split}{mark}{path.name}" if path.is_absolute() or ".." in path.parts or _exists(path) else value


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a text that is no path
        return False


def _first_line(env: TextEnv) -> str:
    return (type(env).__doc__ or "").strip().partition("\n")[0]
