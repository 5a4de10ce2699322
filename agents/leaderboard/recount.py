"""What follows from the samples of a submission, and whether ``result.json`` says the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from math import inf, isclose
from typing import Any, TypeGuard

from ..evaluation.bounds import published
from ..evaluation.results import FAILURES, RESULT, RUN, SAMPLES, Results, sha256_of
from ..evaluation.summary import cost, summarize
from .schema import unknown

# Sums of floats may differ in their last digits between machines; shares of samples differ by more.
_NEAR = 1e-9
# So many digits of a sum are the same in whichever order it was made.
_DIGITS = 13
_MOST = 5
_FAILED = 0.01
_DEAREST = 1_000_000


def figures_of(results: Results) -> dict[str, Any]:
    """The figures of ``result.json`` as the samples give them; without the cost, which has prices beside."""
    sums = {name: sum(one[name] for one in results.samples) for name in ("prompt_tokens", "completion_tokens")}
    return {**summarize(results.run, results.samples), "usage": sums}


def with_figures(result: Mapping[str, Any], figures: Mapping[str, Any]) -> dict[str, Any]:
    """A ``result.json`` that agrees with its samples, with figures that are equal where the samples are.

    Two sums of the same numbers differ in their last digits, and a file may say a little more than is true: whoever
    ranks by these would see a winner where there is none.

    Args:
        result: as a submission has it.
        figures: as `figures_of` gives them.
    """
    usage, price = result["usage"] | figures["usage"], result.get("cost")
    if price is not None:
        price = cost(usage, [price[f"{name}_per_million"] for name in ("input", "output")])
    return {**result, **_rounded({**figures, "cost": price}), "usage": usage}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [*map(_rounded, value)]
    return round(value, _DIGITS) if isinstance(value, float) else value


def disagreements(results: Results, figures: Mapping[str, Any]) -> Iterator[str]:
    """What does not fit together, one line each; nothing of the environment is needed.

    Args:
        results: finished or not.
        figures: as `figures_of` gives them.
    """
    run, samples, result = results.run, results.samples, results.result
    if result is None:
        yield f"{RESULT} is missing: the evaluation has not come to its end"
        return
    if not (results.folder / SAMPLES).exists():
        yield f"{SAMPLES} is missing"
        return
    for name in run:
        if result.get(name) != run[name]:
            yield f'{RESULT}: "{name}" differs from {RUN}{_where(run[name], result.get(name))}'
    if (found := sha256_of(results.folder / SAMPLES)) != result.get("samples_sha256"):
        yield f'{RESULT}: "samples_sha256" is {result.get("samples_sha256")!s:.16}…, but {SAMPLES} has {found[:16]}…'
    yield from missing(run, samples)
    for name, wanted in figures.items():
        if name != "usage":
            yield from _first(_differences(name, result.get(name), wanted))
    yield from _usage(result, figures["usage"])
    yield from _bounds(run, result)
    yield from _times(run, result)
    yield from unknown(results)


def missing(run: Mapping[str, Any], samples: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Gaps: each of so many tasks has samples 0 to n - 1, all of them asked of the model."""
    tasks, n = run["env"]["tasks"], run["sampling"]["n"]
    there: dict[int, set[int]] = {}
    for one in samples:
        there.setdefault(one["task_index"], set()).add(one["sample"])
    beyond = [(task, number) for task, numbers in there.items() for number in numbers if number >= n]
    if beyond:
        task, number = min(beyond)
        yield f"{SAMPLES}: sample {number} of task {task} is beyond what was asked, {n} of each ({len(beyond)} such)"
    if len(there) != tasks:
        yield f"{SAMPLES}: has {len(there)} tasks, and {tasks} were asked"
    gaps = sum(n - len([number for number in numbers if number < n]) for numbers in there.values())
    if gaps:
        task, numbers = next((task, found) for task, found in there.items() if not found.issuperset(range(n)))
        first = min(set(range(n)) - numbers)
        yield f"{SAMPLES}: sample {first} of task {task} is missing ({gaps} of {len(there) * n} are)"
    failed = [one for one in samples if one["status"] in FAILURES]
    # They are in no score, so that whoever may leave out many can leave out the wrong ones.
    if len(failed) > _FAILED * len(samples):
        yield (
            f"{SAMPLES}: {len(failed)} of {len(samples)} samples failed by nobody's answer ({', '.join(FAILURES)}), "
            f"the first of task {failed[0]['task_index']}; more than {_FAILED:.0%} are too many, and infinite-rl eval "
            "--retry asks for them anew"
        )


def _times(run: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[str]:
    try:
        started, finished = map(datetime.fromisoformat, (str(run.get("started")), str(result.get("finished"))))
    except ValueError:
        started = finished = datetime.min
    if started.tzinfo is None or finished.tzinfo is None:
        yield f'{RESULT}: "started" and "finished" must be times with their zone, such as 2026-11-20T10:00:00+00:00'
    elif finished < started:
        yield f'{RESULT}: "finished" is before "started"'


def _usage(result: Mapping[str, Any], sums: Mapping[str, int]) -> Iterator[str]:
    usage = result.get("usage")
    if not isinstance(usage, dict):
        yield f'{RESULT}: "usage" is missing'
        return
    for name in ("seconds", "samples_per_second"):
        if (value := usage.get(name)) is not None and not (_number(value) and 0 <= value < inf):
            yield f'{RESULT}: "usage.{name}" must be a number from 0, or null'
    if more := {*usage} - {"prompt_tokens", "completion_tokens", "seconds", "samples_per_second"}:
        yield f"{RESULT}: unknown members of usage, {', '.join(sorted(more)[:_MOST])}"
    yield from _first(_differences("usage", {name: usage.get(name) for name in sums}, sums))
    price = result.get("cost")
    if price is not None:
        told = price if isinstance(price, dict) else {}
        found = [told.get(f"{name}_per_million") for name in ("input", "output")]
        prices = [one for one in found if _number(one) and 0 <= one <= _DEAREST]
        if len(prices) < len(found):
            yield f'{RESULT}: "cost" must hold prices of a million tokens, from 0 to {_DEAREST:,}, or be null'
        else:
            yield from _differences("cost", price, cost(sums, prices))


def _bounds(run: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[str]:
    """Floors and ceilings are published for an environment, and no submission changes them."""
    for name, value in published(run["env"]).items():
        if name not in result or result[name] != value:
            yield f'{RESULT}: "{name}" is not what is published for {run["env"]["id"]}'


def _differences(name: str, told: Any, wanted: Any) -> Iterator[str]:
    """Where what is told differs from what the samples give."""
    if isinstance(wanted, Mapping):
        if not isinstance(told, Mapping):
            yield f'{RESULT}: "{name}" is missing'
            return
        for key in {**wanted, **told}:
            yield from _differences(f"{name}.{key}", told.get(key), wanted.get(key))
    elif isinstance(wanted, list):
        if not isinstance(told, list) or len(told) != len(wanted):
            yield f'{RESULT}: "{name}" has not {len(wanted)} rows, as the samples give'
            return
        for row, (one, other) in enumerate(zip(told, wanted, strict=True)):
            yield from _differences(f"{name}.{row}", one, other)
    elif not _equal(told, wanted):
        yield f'{RESULT}: "{name}" is {told!r}, but the samples give {wanted!r}'


def _first(lines: Iterator[str]) -> Iterator[str]:
    """The first few: one changed sample changes many figures."""
    yield from islice(lines, _MOST)
    if more := sum(1 for _ in lines):
        yield f"{RESULT}: and {more} more {'figure that differs' if more == 1 else 'figures that differ'}"


def _number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(told: object, wanted: object) -> bool:
    if _number(told) and _number(wanted):
        return isclose(told, wanted, rel_tol=_NEAR, abs_tol=_NEAR)
    return told == wanted and type(told) is type(wanted)  # True is 1 to Python


def _where(old: Any, new: Any) -> str:
    """The fields of two objects that differ."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return ""
    names = [name for name in old | new if old.get(name) != new.get(name)]
    return f" in {', '.join(names[:_MOST])}"
