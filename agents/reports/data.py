"""What a run's folder holds, read for its report: rows, summary, configuration, and figures by phase and step.

Nothing that is missing or broken stops a reader: a line about it goes to the reader's ``notes``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..progress import number


class Log(dict[str, dict[float, float]]):
    """The figures of one phase: key to step to value. Of a step written twice, by a resumed run, the last counts."""


class Point(NamedTuple):
    """One held-out evaluation.

    Attributes:
        step: after which training step it was made.
        value: of the figure.
        error: its standard error, None where it is not known.
    """

    step: float
    value: float
    error: float | None


def read_rows(path: Path, notes: list[str]) -> Iterator[dict[str, Any]]:
    """The JSON objects of a file of lines, one at a time, so that a long file never lies in memory whole.

    Args:
        path: the file.
        notes: gets one line if the file is missing, or if lines are cut or hold something else.

    Yields:
        The objects in the order of the file.
    """
    if not path.is_file():
        notes.append(f"{path.name} is missing.")
        return
    broken = []
    with path.open(encoding="utf-8", errors="replace") as lines:
        for count, line in enumerate(lines, start=1):
            row = _parse(line)
            if isinstance(row, dict):
                yield row
            elif line.strip():
                broken.append(count)
    if broken:
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        notes.append(f"{path.name}, line {broken[0]}{more}: cut or not a JSON object; left out.")


def read_summary(path: Path, notes: list[str]) -> dict[str, Any]:
    """The summary of a run.

    Args:
        path: the file, one JSON object.
        notes: gets one line if the file is missing or holds something else.

    Returns:
        The object, or an empty one with a note.
    """
    if not path.is_file():
        notes.append(f"{path.name} is missing: the run was cut short or still goes on.")
        return {}
    summary = _parse(path.read_text(encoding="utf-8", errors="replace"))
    if not isinstance(summary, dict):
        notes.append(f"{path.name} is not a JSON object; left out.")
        return {}
    return summary


def read_config(path: Path, notes: list[str]) -> tuple[str, dict[str, Any]]:
    """The configuration of a run.

    Args:
        path: the file, YAML.
        notes: gets one line if the file is missing or can't be read.

    Returns:
        The file's text as it was written, and what it says as a mapping; either may be empty.
    """
    if not path.is_file():
        notes.append(f"{path.name} is missing.")
        return "", {}
    from omegaconf import OmegaConf

    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        config = OmegaConf.to_container(OmegaConf.create(text))
    except Exception as error:  # YAML and OmegaConf raise many kinds, and none is worth losing the report
        notes.append(f"{path.name} can't be read ({type(error).__name__}); it is shown as it is.")
        config = None
    return text, config if isinstance(config, dict) else {}


def read_logs(rows: Iterable[Mapping[str, Any]], name: str, notes: list[str]) -> dict[str, Log]:
    """Figures by phase.

    Args:
        rows: one for each step of a phase: ``step``, ``phase``, ``split`` for evaluations, and the figures.
        name: of the file that the rows come from, for the notes.
        notes: gets one line for each key with values that are missing or not finite.

    Returns:
        Phase to its log; rows without a phase are ``train``. The evaluations of each split are a phase of their own
        (``eval/test``).
    """
    logs: dict[str, Log] = {}
    lost = Counter[str]()
    for row in rows:
        step = number(row.get("step"))
        if step is None:
            lost["step"] += 1
            continue
        phase = "/".join(str(row[key]) for key in ("phase", "split") if key in row) or "train"
        log = logs.setdefault(phase, Log())
        for key, value in row.items():
            finite = number(value)
            if finite is not None and key != "step":
                log.setdefault(key, {})[step] = finite
            elif isinstance(value, float):
                lost[key] += 1
    notes.extend(f"{name}: {count} values of {key} are missing or not finite; left out." for key, count in lost.items())
    return logs


def held_out(logs: Mapping[str, Log], key: str) -> dict[str, list[Point]]:
    """The evaluations of one figure, by split, in the order of their steps.

    Args:
        logs: figures by phase.
        key: of the figure. Pass rates come with their standard errors where those were logged.

    Returns:
        Split to its evaluations; splits without this figure are left out.
    """
    points = {}
    for phase, log in sorted(logs.items(), reverse=True):
        if phase.startswith("eval") and key in log:
            errors = log.get(key.replace("pass_rate", "standard_error"), {}) if "pass_rate" in key else {}
            values = sorted(log[key].items())
            points[phase.removeprefix("eval/")] = [Point(step, value, errors.get(step)) for step, value in values]
    return points


def find(config: Mapping[str, Any], path: str) -> Any:
    """What a configuration holds at a dotted path such as ``model.name``, None if nothing."""
    value: Any = config
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
