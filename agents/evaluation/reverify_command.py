"""``infinite-rl reverify``: are the verdicts of stored outputs still the same?"""

from __future__ import annotations

import argparse
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from ...datasets.folder import alone_in, write_whole
from ...spaces.visible import visible
from .evaluate import scored
from .given import declare_given, given_by
from .regrading import changes, regrade
from .results import RESULT, SAMPLES, Results, read_results, read_run, write_json
from .subject import Subject, subject_of

_MOST_SHOWN = 20


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``reverify``."""
    parser.add_argument("results", type=Path, metavar="RESULTS", help="the folder of an evaluation")
    declare_given(parser)
    parser.add_argument("--json", action="store_true", help="print all changes as JSON")
    parser.add_argument("--write", action="store_true", help="keep the new verdicts and the scores they make")


def run(arguments: argparse.Namespace) -> int:
    """Grades all samples again; the exit code is 1 if a verdict has changed, or a sample is missing."""
    folder: Path = arguments.results
    read_run(folder)
    # From reading to writing: what an evaluation adds meanwhile would be lost.
    with alone_in(folder, "evaluates") if arguments.write else nullcontext():
        results = read_results(folder)
        subject = subject_of(results.run, given_by(arguments))
        _check(results, subject)
        again = regrade(results.samples, subject.env, max_turns=results.run["sampling"].get("max_turns"))
        changed = list(changes(results.samples, again))
        written = arguments.write and bool(changed)
        if written:
            write_whole(folder / SAMPLES, "".join(json.dumps(sample) + "\n" for sample in again))
            if results.result is not None:
                write_json(folder / RESULT, results.result | scored(folder, results.run, again))
    missing = _missing(results)
    if arguments.json:
        print(json.dumps({"samples": len(again), "changed": changed, "missing": missing, "written": written}))
    else:
        _show(changed, len(again), missing, written)
    return 1 if changed or missing else 0


def _missing(results: Results) -> int:
    """How many samples a finished evaluation lacks: an unfinished one will get them yet."""
    asked: int = results.run["env"]["tasks"] * results.run["sampling"]["n"]
    return 0 if results.result is None else asked - len(results.samples)


def _check(results: Results, subject: Subject) -> None:
    """Refuses samples that the run did not ask for."""
    n = results.run["sampling"]["n"]
    for one in results.samples:
        if one["task_index"] not in subject.tasks or one["sample"] >= n:
            place = f"sample {one['sample']} of task {one['task_index']}"
            raise ValueError(f"{results.folder / SAMPLES}: {place} is none that the run asked for")


def _show(changed: list[dict[str, Any]], count: int, missing: int, written: bool) -> None:
    console = Console(highlight=False)
    for one in changed[:_MOST_SHOWN]:
        was, now = (f"{one[when]['status']} {one[when]['reward']:g}" for when in ("was", "now"))
        why = f" ({one['error_msg']})" if one["error_msg"] else ""
        console.print(Text(visible(f"{one['task_id']}, sample {one['sample']}: {was} -> {now}{why}")))
    if len(changed) > _MOST_SHOWN:
        console.print(f"… and {len(changed) - _MOST_SHOWN:,} more (--json shows all)")
    kept = "; the new verdicts are written" if written else ""
    verdicts = "1 verdict" if len(changed) == 1 else f"{len(changed):,} verdicts"
    samples = "1 sample" if count == 1 else f"{count:,} samples"
    lacking = f", {missing:,} missing" if missing else ""
    console.print(f"{samples} graded again, {verdicts} changed{lacking}{kept}")
