"""What a task must be to be graded, checked when it is loaded: a mistake that is found at grading costs an episode."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from functools import cache
from math import isfinite
from typing import Any

from ..rewards import get_reward_functions
from ..rewards.code.cases import read_expected
from ..rewards.equivalence.limits import check_text
from ..rewards.expected import expected_text
from ..rewards.forms import ANSWER_FORMS
from ..rewards.reward_function import TaggedRewardFunction
from .reasoning.grading import FamilyRewardFunction
from .rows import is_text
from .task import Task

ROLES = ("system", "developer", "user", "assistant", "tool")
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


class RowError(ValueError):
    """What is wrong with a row, without its place."""


@cache
def graders() -> Mapping[str, Callable[[Any], object]]:
    """The graders that a task may name, each with what it makes of an expected answer: it raises if it can't use it."""
    tagged = {
        name: reward for name, reward in get_reward_functions().items() if isinstance(reward, TaggedRewardFunction)
    }
    read = {name: reward.read_expected for name, reward in tagged.items()}
    return {"math": _read_math, "coding": read_expected, **read, "family": FamilyRewardFunction().read_expected}


def check_task(task: Task, grader: str | None = None) -> None:
    """Checks what a row became.

    Args:
        task: the task.
        grader: what judges it if its metadata name none; not known if None.

    Raises:
        RowError: a value is no JSON (not finite, half a character), a role, grader or form of answers is unknown, the
            answer is empty, or its grader can't use it.
    """
    _check_json(
        {
            "id": task.id,
            "domain": task.domain,
            "messages": task.messages,
            "answer": task.answer,
            "metadata": task.metadata,
        }
    )
    for place, message in enumerate(task.messages):
        _check_choice(f"messages[{place}].role", message["role"], ROLES)
    if task.answer in ([], {}) or (isinstance(task.answer, str) and not task.answer.strip()):
        raise RowError('"answer" is empty. Give null where nothing is expected.')
    metadata = task.metadata
    if "answer_form" in metadata:
        _check_choice("metadata.answer_form", metadata["answer_form"], ANSWER_FORMS)
    if not isinstance(metadata.get("expression", ""), str):
        raise RowError('"metadata.expression" must be text.')
    if "grader" in metadata:
        _check_choice("metadata.grader", metadata["grader"], graders())
        grader = metadata["grader"]
    if grader is not None:
        try:
            graders()[grader](task.answer)
        except (TypeError, ValueError) as error:
            raise RowError(f'"answer" can\'t be used by the grader {grader!r}: {error}') from None


def _check_choice(name: str, value: object, allowed: Collection[str]) -> None:
    if isinstance(value, str) and value in allowed:
        return
    near = get_close_matches(value.lower(), allowed, n=1) if isinstance(value, str) else ()
    guess = f" Did you mean {near[0]!r}?" if near else ""
    raise RowError(f'"{name}" is {value!r:.80}.{guess} There are {", ".join(allowed)}.')


def _read_math(answer: object) -> None:
    check_text(expected_text(answer))


def _check_json(fields: Mapping[str, Any]) -> None:
    # Writing them is quick; what can't be written is looked for.
    try:
        _ENCODER.encode(fields).encode()
    except RecursionError:
        raise RowError("the row is nested too deeply.") from None
    except (TypeError, ValueError):
        for name, value in fields.items():
            if flaw := _flaw(value):
                raise RowError(f'"{name}{flaw[0]}" {flaw[1]}.') from None
        raise


def _flaw(value: Any) -> tuple[str, str] | None:
    """Where in a value, and what, is no JSON; None if all of it is."""
    if isinstance(value, str):
        return None if is_text(value) else ("", "holds half of a character (a surrogate without its other half)")
    if isinstance(value, float) and not isfinite(value):
        return "", f"is {value}, not a finite number"
    if isinstance(value, Mapping):
        parts = ((f".{name!s:.80}", _flaw(name) or _flaw(part)) for name, part in value.items())
    elif isinstance(value, list | tuple):
        parts = ((f"[{place}]", _flaw(part)) for place, part in enumerate(value))
    elif value is None or isinstance(value, int | float):
        return None
    else:
        return "", f"is of type {type(value).__name__}, which JSON does not have"
    return next(((place + flaw[0], flaw[1]) for place, flaw in parts if flaw), None)
