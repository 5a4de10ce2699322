"""Evaluations for people: a bar with the score so far, and tables at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...spaces.visible import visible
from ..progress import Bars
from .results import FAILURES, Sample
from .statistics import standard_error
from .subject import arguments_told

# Seconds between two looks at the score: there may be thousands of batches.
_REFRESH = 0.5
# Domains of a table, the largest first.
_MOST_DOMAINS = 12


class Bar:
    """A bar on a terminal with the score so far and its error; a context.

    Args:
        total: samples of the evaluation.
        known: those that are there already.
        shown: whether it is shown at all.
    """

    def __init__(self, total: int, known: Sequence[Sample], *, shown: bool) -> None:
        errors = Console(stderr=True, highlight=False)
        self._bars = Bars(errors, shown=shown and errors.is_terminal, transient=True)
        self._task = self._bars.add_task("asking", total=total)
        self._count, self._looked = 0, 0.0
        self._tasks: dict[int, list[int]] = {}
        self(known)

    def __call__(self, samples: Sequence[Sample]) -> None:
        """Counts more samples."""
        self._count += len(samples)
        for sample in samples:
            if sample["status"] not in FAILURES:
                counts = self._tasks.setdefault(sample["task_index"], [0, 0])
                counts[0] += sample["passed"]
                counts[1] += 1
        if time.monotonic() - self._looked > _REFRESH and not self._bars.disable:
            self._bars.update(self._task, completed=self._count, description=self._told())
            self._looked = time.monotonic()

    def _told(self) -> str:
        if not self._tasks:
            return "asking"
        counts = np.array(list(self._tasks.values()))
        shares = counts[:, 0] / counts[:, 1]
        error = standard_error(shares)
        return f"pass@1 {shares.mean():.3f}" + (f" ± {error:.3f}" if error == error else "")

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()


def result_table(result: Mapping[str, Any]) -> Table:
    """The scores of an evaluation."""
    table = Table(title=_title(result), title_justify="left")
    for name in ("score", "value", "error", "95 % interval"):
        table.add_column(name, justify="left" if name == "score" else "right", no_wrap=True)
    for name, one in result["scores"].items():
        table.add_row(name, *_cells(one))
    if len(result["by_domain"]) > 1:
        table.add_section()
        sizes: dict[str, int] = {}
        for task in result["per_task"]:
            sizes[task["domain"]] = sizes.get(task["domain"], 0) + 1
        largest = sorted(result["by_domain"], key=lambda name: -sizes[name])[:_MOST_DOMAINS]
        for name in sorted(largest):
            table.add_row(Text(visible(f"pass@1 {name}")), *_cells(result["by_domain"][name]))
    return table


def facts_table(result: Mapping[str, Any]) -> Table:
    """How it went: counts, rates, tokens, time and cost."""
    table = Table(show_header=False)
    counts, usage = result["counts"], result["usage"]
    left_out = counts["samples"] - counts["graded"]
    samples = f"{counts['samples']:,} of {counts['tasks']:,} tasks"
    table.add_row("samples", samples + (f", {left_out:,} of them left out, not the model's fault" if left_out else ""))
    told = {
        "extraction_failure": "without an answer",
        "timeout": "over a limit of time or size",
        "truncation": "cut off",
        "error": "failed, not the model's fault",
    }
    for name, label in told.items():
        if rate := result["rates"][name]:
            table.add_row(label, f"{rate:.1%}")
    table.add_row("tokens", f"{usage['prompt_tokens']:,} read, {usage['completion_tokens']:,} written")
    speed = usage["samples_per_second"]
    table.add_row("time", f"{usage['seconds']:.1f} s" + (f", {speed:,.1f} samples a second" if speed else ""))
    if result["cost"] is not None:
        table.add_row("cost", f"{result['cost']['total']:,.4f}")
    return table


def failures_told(samples: Sequence[Sample]) -> str:
    """Why most of those samples failed that say nothing about the model; empty if none did."""
    reasons = Counter(" ".join(sample["error_msg"].split()) for sample in samples if sample["status"] in FAILURES)
    if not reasons:
        return ""
    (reason, count), *others = reasons.most_common()
    of = f"{count:,} of them" if others else "all"
    return f"{reasons.total():,} of {len(samples):,} samples failed; {of}: {reason or 'no reason is known'}"


def comparison_table(found: Mapping[str, Any]) -> Table:
    """Two runs and their difference."""
    shared = "1 shared task" if found["tasks"] == 1 else f"{found['tasks']:,} shared tasks"
    table = Table(title=shared, title_justify="left")
    for name in ("", "value", "error", "95 % interval", "p"):
        table.add_column(name, justify="right" if name else "left", no_wrap=bool(name))
    for side in ("a", "b"):
        table.add_row(Text(visible(f"{side.upper()}: {found[side]['model']}")), *_cells(found[side]["pass@1"]), "")
    difference = found["difference"]
    table.add_row("A - B, paired by task", *_cells(difference, sign="+"), _number(difference["p"], ".2g"))
    test = found["mcnemar"]
    told = f"first samples: A alone passes {test['only_a']:,}, B alone {test['only_b']:,} (McNemar, exact)"
    table.add_row(told, "", "", "", _number(test["p"], ".2g"))
    return table


def _title(result: Mapping[str, Any]) -> Text:
    env, model = result["env"], result["model"]
    parts = (env["id"], arguments_told(env["arguments"]), env["split"])
    return Text(visible(f"{model['name']} on {', '.join(part for part in parts if part)}"))


def _cells(one: Mapping[str, float | None], sign: str = "") -> list[str]:
    interval = f"{_number(one['low'], f'{sign}.4f')} to {_number(one['high'], f'{sign}.4f')}"
    return [_number(one["value"], f"{sign}.4f"), _number(one["se"], ".4f"), interval]


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
