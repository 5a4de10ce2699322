"""Which task an episode asks, and what callers may pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..datasets.files import load_tasks
from ..datasets.task import Task, TaskSource

# Indices drawn from an endless source: exact in JSON and in floats, and so many that repeats are rare.
_ENDLESS = 2**53
# So many draws find a domain of an endless source if one task in 300 is of it: all but 1 in 20,000 times.
_DRAWS_FOR_A_DOMAIN = 3_000


def find_tasks(
    tasks: TaskSource | str | Path | None,
    make_source: Callable[..., TaskSource],
    arguments: Mapping[str, Any],
    name: str,
    domain: str,
    grader: str | None,
) -> TaskSource:
    """The tasks of an environment.

    Args:
        tasks: a source, or the path of a file; None for the environment's own.
        make_source: makes these from ``arguments``.
        arguments: what else the environment was made with.
        name: of the environment's class.
        domain: of the tasks of a file that names none.
        grader: the same for the grader that their answers are checked for.

    Raises:
        TypeError: if ``tasks`` is none of these, if there are arguments beside them, or the source does not know one.
        ValueError: if there is no task.
    """
    if tasks is None:
        try:
            return make_source(**arguments)
        except TypeError as error:
            if "unexpected keyword argument" not in str(error):
                raise
            unknown = str(error).rpartition("argument ")[2]
            known = f"see help({name}), or its page in docs/environments"
            # The words of Python: TorchRL looks for them.
            raise TypeError(f"{name} got an unexpected keyword argument {unknown}; {known}") from None
    if arguments:
        raise TypeError(f"{', '.join(arguments)}: for procedural tasks only; tasks={tasks!r} has no use for it")
    source = load_tasks(tasks, domain=domain, grader=grader) if isinstance(tasks, (str, Path)) else tasks
    if not isinstance(source, TaskSource):
        raise TypeError(f"tasks must be a task source or the path of a file of tasks, not {type(tasks).__name__}")
    if source.size == 0:
        raise ValueError("tasks holds no task")
    return source


def draw_index(tasks: TaskSource, rng: np.random.Generator, domain: str | None = None) -> int:
    """A task index, all equally likely; if ``domain`` is given, of the tasks of that domain.

    ``coding`` names all domains that begin with ``coding/``.

    Raises:
        ValueError: if there is no such task, or none turns up.
    """
    if domain is None:
        return _draw(rng, tasks.size or _ENDLESS)
    if tasks.size is None:
        draws = (_draw(rng, _ENDLESS) for _ in range(_DRAWS_FOR_A_DOMAIN))
        index = next((index for index in draws if _belongs(tasks.task(index), domain)), None)
    else:
        found = [index for index in range(tasks.size) if _belongs(tasks.task(index), domain)]
        index = found[_draw(rng, len(found))] if found else None
    if index is None:
        raise ValueError(f"no task of domain {domain!r}; one of this source is {tasks.task(0).domain!r}")
    return index


def check_index(tasks: TaskSource, index: object) -> int:
    """Returns ``index`` if the source has such a task.

    Raises:
        TypeError: if it is not an integer.
        ValueError: if it is out of range.
    """
    if isinstance(index, (bool, np.bool_)) or not isinstance(index, (int, np.integer)):
        raise TypeError(f"task_index must be an integer, not {index!r}")
    limit = tasks.size or 2**63
    if not 0 <= index < limit:
        raise ValueError(f"task_index must be from 0 to {limit - 1}, not {index}")
    return int(index)


def _belongs(task: Task, domain: str) -> bool:
    return task.domain == domain or task.domain.startswith(f"{domain}/")


def check_options(options: dict[str, Any] | None, *known: str) -> None:
    """Raises ``ValueError`` if ``options`` has a key that is not in ``known``, or names both a task and a domain."""
    if unknown := [key for key in options or () if key not in known]:
        raise ValueError(f"unknown reset option {unknown[0]!r}; known: {', '.join(known)}")
    if options and {"task_index", "domain"} <= options.keys():
        raise ValueError("the reset options task_index and domain exclude each other: give one of them")


def check_action(action: object) -> None:
    """Raises ``TypeError`` if ``action`` is not a ``str``."""
    if not isinstance(action, str):
        raise TypeError(f"an action must be a str, not {type(action).__name__}")


def _draw(rng: np.random.Generator, size: int) -> int:
    # Ten times as fast as rng.integers. Of the 53 random bits, a source of a million tasks notices nothing.
    return min(int(rng.random() * size), size - 1)
