"""What scores lie between: what policies earn that understand nothing, and one that knows everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

POLICIES = {
    "empty": "says nothing",
    "copy": "repeats the prompt or a part of it",
    "constant": "always gives the answer that earns most in training",
    "majority": "gives the most common solution of training",
    "random": "gives the solution of some training task",
}
HOW = (
    "Floors: benchmarks/floors.py, {tasks} tasks of the test split at this level, other arguments as they are by "
    "default; empty says nothing, copy repeats the prompt or a part of it, constant always gives the answer that earns "
    "most in training, majority the most common solution of training, random that of some training task."
)

# Mean rewards by environment and level, in the order of POLICIES, as benchmarks/results/floors.json has them, which is
# not in a wheel; a test holds that both say the same.
_ZERO = dict.fromkeys((1, 2, 3, 4), (0.0, 0.0, 0.0, 0.0, 0.0))
FLOORS: dict[str, dict[int, tuple[float, float, float, float, float]]] = {
    "Coding-v0": _ZERO,
    "Conversation-v0": _ZERO,
    "LocalSearch-v0": {
        1: (0.0, 0.0, 0.0095, 0.0095, 0.0011),
        2: (0.0, 0.0, 0.0022, 0.0025, 0.0001),
        3: (0.0, 0.0, 0.0, 0.0007, 0.0),
        4: (0.0, 0.0, 0.0, 0.0, 0.0),
    },
    "Math-v0": {
        1: (0.0, 0.0, 0.0, 0.0, 0.039),
        2: (0.0, 0.0, 0.009, 0.002, 0.003),
        3: (0.0, 0.0, 0.036, 0.036, 0.01),
        4: (0.0, 0.0, 0.0, 0.001, 0.0),
    },
    "MultiDomain-v0": {
        1: (0.0, 0.0, 0.001, 0.012, 0.003),
        2: (0.0, 0.0, 0.0, 0.003, 0.001),
        3: (0.0, 0.0, 0.009, 0.008, 0.001),
        4: (0.0, 0.0, 0.002, 0.001, 0.0),
    },
    "Orz-v0": {
        1: (0.0, 0.0, 0.003, 0.002, 0.001),
        2: (0.0, 0.0, 0.0, 0.002, 0.0),
        3: (0.0, 0.0, 0.002, 0.0, 0.0),
        4: (0.0, 0.0, 0.001, 0.002, 0.0),
    },
    "Search-v0": _ZERO,
    "SelfVerification-v0": {
        1: (0.0, 0.0, 0.001, 0.012, 0.003),
        2: (0.0, 0.0, 0.0, 0.003, 0.001),
        3: (0.0, 0.0, 0.009, 0.008, 0.001),
        4: (0.0, 0.0, 0.002, 0.001, 0.0),
    },
    "Stub-v0": {
        1: (0.528, 0.528, 0.502, 0.536, 0.518),
        2: (0.316, 0.317, 0.318, 0.3, 0.316),
        3: (0.225, 0.225, 0.208, 0.216, 0.226),
        4: (0.158, 0.164, 0.148, 0.157, 0.152),
    },
}
# Fewer tasks where a policy costs more; 1,000 elsewhere.
TASKS = {"Coding-v0": 100}

# Simple programs that do understand a part, from the environments' own pages: by level.
REFERENCES: dict[str, dict[str, tuple[float, float, float, float]]] = {
    "Conversation-v0": {"asks, and takes all sentences literally": (1.0, 1.0, 0.07, 0.03)},
    "LocalSearch-v0": {"eight random solutions": (0.03, 0.01, 0.0, 0.0)},
}
# What a policy earns that is told the answers. Stub-v0 has none: a draw decides there.
CEILINGS = {name: 1.0 for name in FLOORS if name != "Stub-v0"}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is published of an environment's scores.

    Attributes:
        floor: by policy that understands nothing.
        references: by simple program.
        ceiling: of a policy that knows the answers; None where nothing earns 1.
        how: how these were measured.
    """

    floor: Mapping[str, float]
    references: Mapping[str, float]
    ceiling: float | None
    how: str


def bounds_of(env: Mapping[str, Any]) -> Bounds | None:
    """What is published for the tasks of a run; None if that is nothing.

    Args:
        env: ``env`` of its ``run.json``. Only levels of the procedural test split were measured.
    """
    name, arguments = str(env["id"]).removeprefix("InfiniteRL/"), env["arguments"]
    level = arguments.get("level")
    if (
        set(arguments) != {"level"}
        or not isinstance(level, int)
        or env["split"] != "test"
        or name not in FLOORS
        or level not in FLOORS[name]
    ):
        return None
    return Bounds(
        dict(zip(POLICIES, FLOORS[name][level], strict=True)),
        {program: values[level - 1] for program, values in REFERENCES.get(name, {}).items()},
        CEILINGS.get(name),
        HOW.format(tasks=f"{TASKS.get(name, 1000):,}"),
    )


def published(env: Mapping[str, Any]) -> dict[str, dict[str, float] | None]:
    """The members ``floor`` and ``ceiling`` of ``result.json``: scores of policies by name; None where none are known.

    Args:
        env: the member ``env`` of ``run.json``.
    """
    bounds = bounds_of(env)
    ceiling = None if bounds is None or bounds.ceiling is None else {"knows the answers": bounds.ceiling}
    return {"floor": None if bounds is None else dict(bounds.floor), "ceiling": ceiling}
