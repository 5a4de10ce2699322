"""Seconds by phase of a step."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import wraps
from typing import Any

import torch
from torch.profiler import record_function


class Stopwatch:
    """Adds up the seconds of phases, which may lie in each other.

    A GPU works behind the program's back. There, marks are put into its queue, so that a phase has the time that its
    work took, and nobody waits for that before :meth:`lap`.

    Args:
        device: where the work is done.
        traced: whether a profiler is to show the phases, too; that costs more than the clock.
    """

    def __init__(self, device: torch.device, *, traced: bool = False) -> None:
        self._device = device
        self._traced = traced
        self._spans: list[tuple[str, Any, Any]] = []

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Times a block."""
        begin = self._mark()
        try:
            with record_function(name) if self._traced else nullcontext():
                yield
        finally:
            self._spans.append((name, begin, self._mark()))

    def watch(self, owner: Any, method: str, name: str) -> None:
        """Times every call of an object's method from now on."""
        function = getattr(owner, method)

        @wraps(function)
        def timed(*arguments: Any, **options: Any) -> Any:
            with self.phase(name):
                return function(*arguments, **options)

        setattr(owner, method, timed)

    def lap(self) -> dict[str, float]:
        """The seconds of each phase since the last call, as ``<phase>_seconds``."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        total: Counter[str] = Counter()
        for name, begin, end in self._spans:
            total[f"{name}_seconds"] += end - begin if isinstance(end, float) else begin.elapsed_time(end) / 1000
        self._spans.clear()
        return dict(total)

    def _mark(self) -> Any:
        if self._device.type != "cuda":
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(self._device))
        return event
