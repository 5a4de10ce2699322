"""What a run came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ...datasets.task import SPLITS
from ..config import TrainConfig
from ..reports.continual import continual
from ..reports.data import Log, read_logs, read_rows
from ..rollouts.columns import Columns
from ..rollouts.trajectory import Trajectory
from .parts import Parts
from .provenance import code_hash, file_hash, tasks_hash, versions
from .run_folder import CONFIG_FILE


def summarise(config: TrainConfig, parts: Parts, folder: Path, step: int, results: Mapping[str, Any]) -> dict[str, Any]:
    """The summary of a run, as ``summary.json`` holds it.

    Args:
        config: of the run.
        parts: of the run.
        folder: of the run.
        step: how many steps there were.
        results: what was measured.
    """
    return {
        "status": _status(results),
        "experiment": config.experiment,
        "env": config.data.env,
        "model": config.model.name or "tiny",
        "parameters": parts.model.num_parameters(),
        "seed": config.seed,
        "steps": step,
        "warm_start_steps": parts.warm_start.steps if parts.warm_start else 0,
        "warm_start_left_out": parts.warm_start.left_out if parts.warm_start else "",
        **results,
        **_retention(config, folder),
        "device": str(parts.model.device),
        "threads": torch.get_num_threads(),
        "versions": versions(),
        "hashes": {
            "code": code_hash(),
            "config": file_hash(folder / CONFIG_FILE),
            **{name: tasks_hash(getattr(parts.splits, name)) for name in SPLITS},
        },
    }


def _status(results: Mapping[str, Any]) -> str:
    if "test_after" not in results:
        return "interrupted"
    if "halted_at" in results:
        return "halted"
    return "rolled back" if "rolled_back_to" in results else "finished"


def _retention(config: TrainConfig, folder: Path) -> dict[str, float]:
    """What a run of several stages learnt and kept, by the evaluations that it wrote down."""
    if not config.buffer.arrivals:  # most runs have one stage, and need not read their metrics again
        return {}
    rows = read_rows(folder / "metrics.jsonl", [])
    log = read_logs(rows, "metrics.jsonl", []).get("eval/validation", Log())
    found = continual(log, config.buffer.arrivals)
    return found.figures if found else {}


def outcomes(trajectories: Trajectory) -> str:
    """What became of responses, for people: how many of each status, and how many were cut off."""
    counts = Counter(state["status"] for state in Columns(trajectories).states)
    parts = [f"{count} {status}" for status, count in counts.most_common()]
    return ", ".join([*parts, f"{int(trajectories.truncated.sum())} cut off"])
