"""What a step does, kernel by kernel, where somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile, schedule

PROFILE = "profile"
# Rows of the table: beyond that nothing takes time.
ROWS = 100


@contextmanager
def profiled(folder: Path, steps: int | None) -> Iterator[Callable[[], None]]:
    """Records ``steps`` steps after a first one, in which everything is still warming up.

    What was recorded lies in ``folder`` once the last of them is done, or the block is left: ``trace.json.gz``, for
    https://ui.perfetto.dev or chrome://tracing, and ``table.txt``, operations by the time that they took themselves.

    Args:
        folder: made if it is needed.
        steps: None or 0 for none.

    Yields:
        To be called after each step.
    """
    if not steps:
        yield lambda: None
        return
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * torch.cuda.is_available()
    by = "self_device_time_total" if torch.cuda.is_available() else "self_cpu_time_total"

    def write(found: profile) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        found.export_chrome_trace(str(folder / "trace.json.gz"))
        table = found.key_averages().table(sort_by=by, row_limit=ROWS, max_name_column_width=80)
        (folder / "table.txt").write_text(table + "\n", encoding="utf-8")

    plan = schedule(wait=0, warmup=1, active=steps, repeat=1)
    with profile(activities=activities, schedule=plan, on_trace_ready=write) as profiler:
        yield profiler.step
