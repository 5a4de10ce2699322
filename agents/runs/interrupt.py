"""Stopping a run from outside, at the next safe place."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """A context in which Ctrl-C and SIGTERM ask the run to stop at its next step boundary.

    The second signal stops at once, with ``KeyboardInterrupt``.

    Args:
        announce: called at the first signal, to tell the person that it was heard.
    """

    def __init__(self, announce: Callable[[], None]) -> None:
        self.announce = announce
        self.signal: int | None = None

    @property
    def requested(self) -> bool:
        """Whether the run should stop."""
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """What the process should exit with: 0 after SIGTERM, as schedulers send it, and 130 after Ctrl-C."""
        return 130 if self.signal == signal.SIGINT else 0

    def __enter__(self) -> Self:
        """Takes the signals over."""
        # Only the main thread may handle signals; a run in another thread is its owner's to stop.
        mine = threading.current_thread() is threading.main_thread()
        self._old = {number: signal.signal(number, self._hear) for number in SIGNALS if mine}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gives the signals back."""
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.signal = number
        self.announce()
