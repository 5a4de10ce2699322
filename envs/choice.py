"""Which task an episode asks, and what callers may pass."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..datasets.files import load_tasks
from ..datasets.naming import did_you_mean, listed
from ..datasets.task import TaskSource, domains_of

if TYPE_CHECKING:
    from .text_env import TextEnv

# Indices drawn from an endless source: exact in JSON and in floats, and so many that repeats are rare.
_ENDLESS = 2**53
# So many draws find a domain of an endless source if one task in 300 is of it: all but 1 in 20,000 times.
_DRAWS_FOR_A_DOMAIN = 3_000


def find_tasks(env: TextEnv, tasks: TaskSource | str | Path | None, arguments: Mapping[str, Any]) -> TaskSource:
    """The tasks of an environment.

    Args:
        env: the environment, of which only the class is made yet.
        tasks: a source, or the path of a file; None for the environment's own.
        arguments: what else it was made with.

    Raises:
        TypeError: if ``tasks`` is none of these, if there are arguments beside them, or the source does not know one.
        ValueError: if there is no task.
    """
    if tasks is None:
        try:
            return env.make_source(**arguments)
        except TypeError as error:
            unknown = re.search(r"unexpected keyword argument '(\w+)'", str(error))
            if unknown is None:
                raise
            raise TypeError(_unexpected(type(env), unknown[1])) from None
    if arguments:
        raise TypeError(f"{', '.join(arguments)}: for procedural tasks only, not beside tasks that are given")
    source = tasks
    if isinstance(tasks, (str, Path)):
        source = load_tasks(tasks, domain=env.domain, grader=env.default_grader)
    if not isinstance(source, TaskSource):
        raise TypeError(f"tasks must be a task source or the path of a file of tasks, not {type(tasks).__name__}")
    if source.size == 0:
        raise ValueError("tasks holds no task")
    return source


def _unexpected(environment: type[TextEnv], name: str) -> str:
    """What to say about an argument that neither the environment nor its source has."""
    # The page of an environment names those of its source, which has not been made.
    known = re.findall(r"``(\w+)``", environment.__doc__ or "")
    made_by = [vars(ancestor)["__init__"] for ancestor in environment.__mro__ if "__init__" in vars(ancestor)]
    for function in (environment.make_source, *made_by):
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                known.append(parameter.name)
    name_of, guess = environment.__name__, did_you_mean(name, dict.fromkeys(known))
    # The words of Python: TorchRL looks for them.
    words = f"{name_of} got an unexpected keyword argument {name!r}.{guess}"
    return f"{words} See help({name_of}), or its page in docs/environments."


def draw_index(tasks: TaskSource, rng: np.random.Generator, domain: str | None = None) -> int:
    """A task index, all equally likely; if ``domain`` is given, of the tasks of that domain.

    ``coding`` names all domains that begin with ``coding/``.

    Raises:
        ValueError: if there is no such task, or none turns up.
    """
    if domain is None:
        return _draw(rng, tasks.size or _ENDLESS)
    if not isinstance(domain, str):
        raise TypeError(f"domain must be text, not {domain!r}")
    known = domains_of(tasks)
    if known is not None and not any(_within(name, domain) for name in known):
        roots = dict.fromkeys(name.partition("/")[0] for name in known)
        guess = did_you_mean(domain, [*known, *roots], cutoff=0.8)  # they have their beginnings in common
        raise ValueError(f"no task of domain {domain!r}.{guess} There are {listed(known)}.")
    if tasks.size is None:
        draws = (_draw(rng, _ENDLESS) for _ in range(_DRAWS_FOR_A_DOMAIN))
        index = next((index for index in draws if _within(tasks.task(index).domain, domain)), None)
    else:
        found = [index for index in range(tasks.size) if _within(tasks.task(index).domain, domain)]
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


def _within(name: str, domain: str) -> bool:
    return name == domain or name.startswith(f"{domain}/")


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
