"""What a run writes down: metrics, timing, transcripts, summary."""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from transformers import PreTrainedTokenizerBase

from ...datasets.folder import write_whole
from ..config import TrainConfig
from ..rollouts.trajectory import Trajectory
from .samples import sample_row
from .sinks import open_sinks

# Of a test, or of a training step, so many samples are kept.
MOST_SAMPLES = 12
TRAINING_SAMPLES = "training_samples.jsonl"


def cpu_seconds() -> float:
    """CPU time of this process and its ended children, in seconds."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def peak_memory(device: torch.device) -> float:
    """The most memory in use so far, in MiB: on a GPU what its tensors took, else the process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


@contextmanager
def spent(times: dict[str, float]) -> Iterator[None]:
    """Puts the ``seconds`` and ``cpu_seconds`` that a block took into ``times``."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    yield
    times |= {"seconds": time.perf_counter() - wall, "cpu_seconds": cpu_seconds() - cpu}


class RunLog:
    """Appends to ``metrics.jsonl`` and ``timing.jsonl`` of a run's folder, and to the sinks its configuration names.

    ``metrics.jsonl`` holds nothing that depends on the machine's speed: the same seed writes the same bytes. Everything
    with a clock in it goes to ``timing.jsonl``.

    Args:
        folder: of the run.
        offset: how many bytes of ``metrics.jsonl`` to keep: those that a checkpoint had seen.
        step: the training steps that it had seen.
        warmup_steps: the steps of the warm start.
        tested: whether it had the transcripts of the test before training.
        config: of the run.
    """

    def __init__(
        self,
        folder: Path,
        *,
        offset: int,
        step: int = 0,
        warmup_steps: int = 0,
        tested: bool = True,
        config: TrainConfig,
    ) -> None:
        self.folder = folder
        self._metrics = (folder / "metrics.jsonl").open("ab")
        self._metrics.truncate(min(offset, self._metrics.tell()))
        _keep_transcripts(folder / "transcripts.jsonl", "before" if tested else "")
        _keep_steps(folder / "timing.jsonl", step)
        _keep_steps(folder / TRAINING_SAMPLES, step)
        self._timing = (folder / "timing.jsonl").open("a" if offset else "w", encoding="utf-8")
        # Of tests, that after training is made anew in any case.
        known = {"warmup": warmup_steps, "train": step, "validation": step, "curriculum": step}
        known["test"] = 0 if tested else -1
        self._sinks = open_sinks(config, folder, known if offset else None)

    @property
    def offset(self) -> int:
        """How many bytes of metrics are on the disk, where a checkpoint will count on them."""
        self._metrics.flush()
        os.fsync(self._metrics.fileno())
        return (self.folder / "metrics.jsonl").stat().st_size

    def write(self, step: int, phase: str, values: Mapping[str, Any]) -> None:
        """Writes one row of metrics."""
        row = {"step": step, "phase": phase, **{key: _json(value) for key, value in values.items()}}
        self._metrics.write((json.dumps(row) + "\n").encode())
        self._metrics.flush()
        # Both held-out splits are measured in the phase "eval".
        self._send(str(values.get("split", phase)), step, values)

    def write_times(self, step: int, phase: str, times: Mapping[str, float]) -> None:
        """Writes one row of times, and what else depends on the machine."""
        self._time(step, phase, times)
        self._send(phase, step, {f"time/{name}": value for name, value in times.items() if isfinite(value)})

    @contextmanager
    def timed(self, step: int, phase: str) -> Iterator[None]:
        """Times a block, and writes a row of that."""
        times: dict[str, float] = {}
        with spent(times):
            yield
        self._time(step, phase, times)

    def transcripts(
        self,
        when: str,
        trajectories: Trajectory,
        tokenizer: PreTrainedTokenizerBase,
        *,
        every: int,
        most: int = MOST_SAMPLES,
    ) -> None:
        """Appends some trajectories, the first of every ``every``, to ``transcripts.jsonl``."""
        places = range(0, min(len(trajectories), every * most), every)
        rows = [{"when": when, **sample_row(trajectories[place], tokenizer)} for place in places]
        self._append("transcripts.jsonl", rows)

    def training_samples(self, step: int, trajectories: Trajectory, tokenizer: PreTrainedTokenizerBase) -> None:
        """Appends a group of a step to ``training_samples.jsonl``: the first that taught anything, else the first."""
        first = next((one for one in trajectories if one.advantage.any()), trajectories[0])
        group = [one for one in trajectories if bool(one.group == first.group)]
        self._append(TRAINING_SAMPLES, [{"step": step, **sample_row(one, tokenizer)} for one in group[:MOST_SAMPLES]])

    def summary(self, values: Mapping[str, Any]) -> None:
        """Writes ``summary.json``."""
        row = {key: _json(value) for key, value in values.items()}
        (self.folder / "summary.json").write_text(json.dumps(row, indent=2) + "\n", encoding="utf-8")
        for sink in self._sinks:
            sink.summary(row)

    def __enter__(self) -> Self:
        """Nothing more to open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the files and the sinks."""
        self._metrics.close()
        self._timing.close()
        for sink in self._sinks:
            sink.finish(failed=error is not None)

    def _append(self, name: str, rows: list[dict[str, Any]]) -> None:
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row, default=str) + "\n" for row in rows)

    def _time(self, step: int, phase: str, times: Mapping[str, float]) -> None:
        row = {"step": step, "phase": phase, **{name: _json(value) for name, value in times.items()}}
        self._timing.write(json.dumps(row) + "\n")
        self._timing.flush()

    def _send(self, phase: str, step: int, values: Mapping[str, Any]) -> None:
        """Gives the numbers among the values to all sinks."""
        if self._sinks:
            numbers = {name: value for name, value in values.items() if isinstance(value, int | float)}
            for sink in self._sinks:
                sink.write(phase, step, numbers)


def _keep_steps(path: Path, step: int) -> None:
    """Drops the rows of steps that a run that is now resumed makes anew."""
    if path.exists():
        rows = path.read_text("utf-8").splitlines(True)
        whole = [row for row in rows if row.endswith("\n") and json.loads(row)["step"] <= step]
        if len(whole) < len(rows):
            write_whole(path, "".join(whole))


def _keep_transcripts(path: Path, when: str) -> None:
    """Drops what a run that is now resumed wrote at its end."""
    if path.exists():
        rows = [line for line in path.read_text("utf-8").splitlines(True) if line.startswith(f'{{"when": "{when}"')]
        write_whole(path, "".join(rows))


def _json(value: Any) -> Any:
    """NaN is no JSON: an unknown number is null."""
    return None if isinstance(value, float) and not isfinite(value) else value
