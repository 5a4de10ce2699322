"""From samples to scores: what ``result.json`` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .results import FAILURES, Sample
from .statistics import Array, Estimate, bootstrap, majority, pass_at_k, share_estimate
from .voting import labels

Grouped = Mapping[int, Sequence[Sample]]


def summarize(run: Mapping[str, Any], samples: Sequence[Sample]) -> dict[str, Any]:
    """The scores of an evaluation, its rates and what it used; members of ``result.json``.

    Args:
        run: what was asked.
        samples: what came of it.
    """
    graded = [sample for sample in samples if sample["status"] not in FAILURES]
    groups = by_task(graded)
    return {
        "scores": {name: found.as_json() for name, found in scores(groups, run["sampling"]["n"]).items()},
        "by_domain": {name: found.as_json() for name, found in _by_domain(groups).items()},
        "per_task": [
            {
                "task_id": found[0]["task_id"],
                "domain": found[0]["domain"],
                "samples": len(found),
                "passed": sum(sample["passed"] for sample in found),
                "reward": float(np.mean([sample["reward"] for sample in found])),
            }
            for found in groups.values()
        ],
        "rates": rates(samples, graded),
        "counts": {"tasks": run["env"]["tasks"], "samples": len(samples), "graded": len(graded)},
    }


def by_task(samples: Sequence[Sample]) -> dict[int, list[Sample]]:
    """The samples of each task, both in their order."""
    groups: dict[int, list[Sample]] = {}
    for sample in sorted(samples, key=lambda one: (one["task_index"], one["sample"])):
        groups.setdefault(sample["task_index"], []).append(sample)
    return groups


def scores(groups: Grouped, n: int) -> dict[str, Estimate]:
    """All scores by name.

    Args:
        groups: the graded samples of each task.
        n: samples that each task was to have.
    """
    counts = np.array([len(found) for found in groups.values()], np.int64)
    passed = np.array([sum(sample["passed"] for sample in found) for found in groups.values()], np.int64)
    columns = {"pass@1": passed / counts}
    for k in sorted({n, *(2**power for power in range(1, n.bit_length()))} - {1}):
        columns[f"pass@{k}"] = pass_at_k(counts, passed, k)
    columns[f"avg@{n}"] = columns["pass@1"]
    columns[f"maj@{n}"] = np.array([_majority(one) for one in groups.values()])
    columns["reward"] = np.array([np.mean([sample["reward"] for sample in one]) for one in groups.values()])
    return {name: _estimate(values, counts) for name, values in columns.items()}


def _estimate(values: Array, counts: NDArray[np.int64]) -> Estimate:
    """Of the tasks that have a value: one of which samples are missing has no pass@n."""
    there = ~np.isnan(values)
    estimate = share_estimate(values[there], int(counts[there].sum()))
    if there.sum() < 2:
        return estimate
    low, high = bootstrap(values[there])
    return replace(estimate, bootstrap=(float(low), float(high)))


def rates(samples: Sequence[Sample], graded: Sequence[Sample]) -> dict[str, float | None]:
    """How often something went otherwise than planned: ``error`` of all samples, the others of those graded."""

    def share(count: int, of: int) -> float | None:
        return count / of if of else None

    return {
        "extraction_failure": share(sum(one["status"] == "no_answer" for one in graded), len(graded)),
        "timeout": share(sum(one["status"] in ("timeout", "resource_limit") for one in graded), len(graded)),
        "truncation": share(sum(is_truncated(one) for one in graded), len(graded)),
        "error": share(len(samples) - len(graded), len(samples)),
    }


def is_truncated(sample: Sample) -> bool:
    """Whether a limit of tokens cut its last reply, or one of turns or tokens its episode."""
    return sample["finish_reason"] == "length" or not sample["terminated"]


def used(samples: Sequence[Sample], asked: int, seconds: float) -> dict[str, Any]:
    """Tokens of all samples; and how fast so many were asked for in the last process that asked any."""
    return {
        "prompt_tokens": sum(sample["prompt_tokens"] for sample in samples),
        "completion_tokens": sum(sample["completion_tokens"] for sample in samples),
        "seconds": seconds,
        "samples_per_second": asked / seconds if seconds > 0 else None,
    }


def cost(usage: Mapping[str, Any], price: Sequence[float] | None) -> dict[str, float] | None:
    """What the tokens cost.

    Args:
        usage: their numbers.
        price: of a million tokens read, and of a million written.
    """
    if price is None:
        return None
    read, written = price
    total = (usage["prompt_tokens"] * read + usage["completion_tokens"] * written) / 1e6
    return {"input_per_million": read, "output_per_million": written, "total": total}


def _majority(samples: Sequence[Sample]) -> float:
    return majority(labels([one["answer"] for one in samples]), [one["passed"] for one in samples])


def _by_domain(groups: Grouped) -> dict[str, Estimate]:
    found: dict[str, list[Sequence[Sample]]] = {}
    for samples in groups.values():
        found.setdefault(samples[0]["domain"], []).append(samples)
    return {
        name: share_estimate([np.mean([one["passed"] for one in samples]) for samples in all_of], sum(map(len, all_of)))
        for name, all_of in sorted(found.items())
    }
