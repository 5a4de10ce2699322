"""Rubrics written in YAML."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from .auxiliary import format_score, language_score, length_score, repetition_score
from .coding import CodingRewardFunction
from .composition import Combination, Criterion, Gate, Minimum, Product, Scorer, Sequential, WeightedSum
from .exact_match import ExactMatchRewardFunction
from .json_schema import JsonSchemaRewardFunction
from .judge import JudgeRewardFunction
from .math import MathRewardFunction
from .multiple_choice import MultipleChoiceRewardFunction
from .reply_cache import ReplyCache
from .rubric import Rubric
from .search import SearchRewardFunction

ScorerFactory: TypeAlias = Callable[..., Scorer]

_COMBINATIONS: dict[str, Callable[..., Combination]] = {
    "gate": Gate,
    "min": Minimum,
    "product": Product,
    "rubric": Rubric,
    "sequence": Sequential,
    "weighted_sum": WeightedSum,
}
_REWARD_FUNCTIONS: dict[str, ScorerFactory] = {
    "coding": CodingRewardFunction,
    "eq": ExactMatchRewardFunction,
    "json_schema": JsonSchemaRewardFunction,
    "math": MathRewardFunction,
    "multiple_choice": MultipleChoiceRewardFunction,
    "search": SearchRewardFunction,
}
_TEXT_SCORES: dict[str, Callable[..., float]] = {
    "format": format_score,
    "language": language_score,
    "length": length_score,
    "repetition": repetition_score,
}
# Pairs of a mapping included.
_MAX_NODES = 20_000
# Scorers whose arguments are no criteria.
_PLAIN = {*_REWARD_FUNCTIONS, *_TEXT_SCORES}
_FIELDS = {"name", "weight", "scorer", "gate", "description", "expects"}


def load_rubric(source: str | Path, scorers: Mapping[str, ScorerFactory] | None = None) -> Rubric:
    """Reads a rubric.

    Args:
        source: a YAML file, as a `Path`; or YAML as text. It is a mapping with ``criteria``, a list of mappings of
            `Criterion`'s fields, and optionally ``binary``. A ``scorer`` is the name of one, or a mapping of its name
            to its arguments; the arguments of ``weighted_sum``, ``min``, ``product``, ``sequence``, ``gate`` and
            ``rubric`` are ``criteria`` again, those of ``judge`` also ``base_url``, ``model`` and the arguments of
            `JudgeRewardFunction`; its ``cache`` is a folder.
        scorers: makers of further scorers by name, which get the arguments by keyword.

    Raises:
        ValueError: it is no YAML or no rubric; the message names the place.
    """
    place = str(source) if isinstance(source, Path) else "rubric"
    found = _read_yaml(source, place)
    if isinstance(found, str):
        raise ValueError(
            f"{place}: give a list of criteria, or the Path of a file that holds one; it is {found[:100]!r}"
        )
    arguments = _arguments(found, place, scorers or {})
    _require_known(Rubric, arguments, place)
    try:
        return Rubric(**arguments)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place}: {error}") from None


def _read_yaml(source: str | Path, place: str) -> object:
    import yaml

    try:
        loader = yaml.SafeLoader(source.read_text(encoding="utf-8") if isinstance(source, Path) else source)
        try:
            root = loader.get_single_node()
            _check_size(root)
            return None if root is None else loader.construct_document(root)
        finally:
            loader.dispose()
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ValueError(f"{place}: not YAML that can be used ({' '.join(str(error).split())[:500]})") from None


def _check_size(root: object) -> None:
    """Refuses YAML whose aliases stand for more than was written, or for themselves."""
    nodes, left = [root], _MAX_NODES
    while nodes:
        node = nodes.pop()
        left -= 1
        if left < 0:
            raise ValueError(f"more than {_MAX_NODES} values, where each alias stands for all that it names")
        if isinstance(node, tuple | list):
            nodes += node
        elif isinstance(getattr(node, "value", None), list):
            nodes += node.value  # type: ignore[attr-defined]


def _arguments(found: object, place: str, scorers: Mapping[str, ScorerFactory]) -> dict[str, Any]:
    """The arguments of a combinator: its criteria are made, the others are as they stand."""
    if isinstance(found, list):
        found = {"criteria": found}
    if not isinstance(found, dict) or not isinstance(found.get("criteria"), list):
        instead = f", not {', '.join(map(str, found))}" if isinstance(found, dict) and found else ""
        raise ValueError(f"{place}: give a list of criteria{instead}")
    places = [f"{place}, criterion {number}" for number in range(1, len(found["criteria"]) + 1)]
    criteria = [_criterion(row, where, scorers) for row, where in zip(found["criteria"], places, strict=True)]
    return {**found, "criteria": criteria}


def _criterion(row: object, place: str, scorers: Mapping[str, ScorerFactory]) -> Criterion:
    if not isinstance(row, dict) or not isinstance(row.get("name"), str):
        raise ValueError(f"{place}: give a mapping with a name")
    place = f"{place} ({row['name']})"
    if unknown := row.keys() - _FIELDS:
        raise ValueError(f"{place}: unknown {', '.join(map(str, unknown))}. Known are {', '.join(sorted(_FIELDS))}.")
    scorer = _scorer(row["scorer"], place, scorers) if "scorer" in row else None
    try:
        return Criterion(**{**row, "scorer": scorer})
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place}: {error}") from None


def _scorer(found: object, place: str, scorers: Mapping[str, ScorerFactory]) -> Scorer:
    named = {found: {}} if isinstance(found, str) else found
    if not isinstance(named, dict) or len(named) != 1:
        raise ValueError(f"{place}: a scorer is a name, or one name with its arguments")
    ((name, arguments),) = named.items()
    place = f"{place}: {name}"
    plain = arguments or {}
    if name in _PLAIN and not isinstance(plain, dict):
        raise ValueError(f"{place}: its arguments are a mapping of their names to values, not {plain!r}")
    try:
        if name in scorers:
            return scorers[name](**plain)
        if name in _COMBINATIONS:
            return _COMBINATIONS[name](**_arguments(arguments, place, scorers))
        if name == "judge":
            return _judge(**_arguments(arguments, place, scorers))
        if name in _REWARD_FUNCTIONS:
            _require_known(_REWARD_FUNCTIONS[name], plain, place)
            return _REWARD_FUNCTIONS[name](**plain)
        if name in _TEXT_SCORES:
            _require_known(_TEXT_SCORES[name], plain, place)
            score = partial(_TEXT_SCORES[name], **plain)
            score("")  # wrong arguments are found here, not in training
            return score
    except (TypeError, ValueError) as error:
        message = str(error)
        raise ValueError(message if message.startswith(place) else f"{place}: {message}") from None
    known = sorted(["judge", *scorers, *_COMBINATIONS, *_REWARD_FUNCTIONS, *_TEXT_SCORES])
    raise ValueError(f"{place}: no such scorer. Known are {', '.join(known)}.")


def _require_known(function: Callable[..., object], arguments: Mapping[str, object], place: str) -> None:
    """Refuses arguments that a function doesn't have, and names those that it has."""
    known = [name for name in inspect.signature(function).parameters if name != "text"]
    if unknown := [name for name in arguments if name not in known]:
        raise ValueError(f"{place}: unknown {', '.join(map(str, unknown))}. Known are {', '.join(known) or 'none'}.")


def _judge(
    base_url: str, model: str, criteria: list[Criterion], cache: str | None = None, **arguments: Any
) -> JudgeRewardFunction:
    # Late: a rubric without a judge needs no HTTP.
    from ..runtimes import ChatEndpoint

    return JudgeRewardFunction(ChatEndpoint(base_url, model), Rubric(criteria), cache=ReplyCache(cache), **arguments)
