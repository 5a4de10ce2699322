"""Two runs side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isnan
from typing import Any

import numpy as np

from .results import FAILURES, Results, Sample
from .statistics import mcnemar, paired_difference, share_estimate


def compare(a: Results, b: Results) -> dict[str, Any]:
    """How two runs differ on the tasks that they share, those of equal id.

    Returns:
        ``tasks``; for ``a`` and ``b`` the ``model``, the ``env`` and ``pass@1`` on the shared tasks; ``difference``
        (of pass@1, paired by task), ``mcnemar`` (on the first samples, of tasks where both were graded); and
        ``notes``: what else differs, and which run is not finished.

    Raises:
        ValueError: no task is in both; or equal ids may be other tasks: of another environment, split or data, or of
            other arguments where one run asked more tasks, so that their data can't be held against each other.
    """
    notes = _others(a, b) + [note for side, one in (("A", a), ("B", b)) for note in _unfinished(side, one)]
    ours, theirs = _by_id(a), _by_id(b)
    shared = [task for task in ours if task in theirs]
    if not shared:
        raise ValueError(f"{a.folder} and {b.folder} share no task with a graded sample")
    first, second = _shares(ours, shared), _shares(theirs, shared)
    firsts = [(first_passed(ours[task]), first_passed(theirs[task])) for task in shared]
    only_a, only_b = firsts.count((True, False)), firsts.count((False, True))
    return {
        "tasks": len(shared),
        "a": _side(a, first, ours, shared),
        "b": _side(b, second, theirs, shared),
        "difference": _as_json(asdict(paired_difference(first, second))),
        "mcnemar": {"only_a": only_a, "only_b": only_b, "p": mcnemar(only_a, only_b)},
        "notes": notes,
    }


def _others(a: Results, b: Results) -> list[str]:
    """In which arguments the runs differ, though their tasks are the same."""
    one, other = a.run["env"], b.run["env"]
    for name, told in (("id", ""), ("split", "the split ")):
        if (ours := one.get(name)) != (theirs := other.get(name)):
            raise ValueError(
                f"{a.folder} is of {told}{ours}, {b.folder} of {told}{theirs}: equal ids would be other tasks"
            )
    same = a.run["hashes"].get("data") == b.run["hashes"].get("data")
    if one["tasks"] == other["tasks"] and not same:
        raise ValueError(f"{a.folder} and {b.folder} were asked other tasks (hashes.data differs)")
    notes = [
        f"{name} is {_given(one, name)} for A and {_given(other, name)} for B"
        for name in sorted({*one["arguments"], *other["arguments"]})
        if one["arguments"].get(name) != other["arguments"].get(name)
    ]
    if notes and not same:
        raise ValueError(f"equal ids may be other tasks: {notes[0]}, of {one['tasks']:,} and {other['tasks']:,} tasks")
    return notes


def _given(env: Mapping[str, Any], name: str) -> str:
    return json.dumps(env["arguments"][name])[:80] if name in env["arguments"] else "left out"


def _unfinished(side: str, results: Results) -> list[str]:
    total = results.run["env"]["tasks"] * results.run["sampling"]["n"]
    told = f"{side} is not finished: {len(results.samples):,} of {total:,} samples are there"
    return [told] if results.result is None else []


def _by_id(results: Results) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    for sample in sorted(results.samples, key=lambda one: (one["task_index"], one["sample"])):
        if sample["status"] not in FAILURES:
            found.setdefault(sample["task_id"], []).append(sample)
    return found


def first_passed(graded: Sequence[Sample]) -> bool | None:
    """Whether the first sample of a task passed, of its graded ones in their order; None if that is not among them."""
    return graded[0]["passed"] if graded and graded[0]["sample"] == 0 else None


def _shares(groups: Mapping[str, Sequence[Sample]], tasks: Sequence[str]) -> list[float]:
    return [float(np.mean([sample["passed"] for sample in groups[task]])) for task in tasks]


def _side(
    results: Results, shares: Sequence[float], groups: Mapping[str, Sequence[Sample]], tasks: Sequence[str]
) -> dict[str, Any]:
    samples = sum(len(groups[task]) for task in tasks)
    return {
        "model": results.run["model"]["name"],
        "env": results.run["env"]["id"],
        "pass@1": share_estimate(shares, samples).as_json(),
    }


def _as_json(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if isnan(value) else value for name, value in values.items()}
