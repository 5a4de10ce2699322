"""Stopping a run from outside, at the next safe place."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Schedulers kill what has not ended 30 s after SIGTERM, and a checkpoint and a report are still to be written then.
GRACE = 10.0


class Leave(BaseException):
    """What the run is doing is left undone, because there is no time to wait for it."""


class Interrupt:
    """A context in which Ctrl-C and SIGTERM ask the run to stop at its next step boundary.

    Ctrl-C after another signal stops at once, with ``KeyboardInterrupt``. SIGTERM never does: schedulers send it to a
    process and to its group, and so twice. Who sends it waits for some time only, so blocks in :meth:`leaving` are then
    left.

    Args:
        announce: called at the first signal, to tell the person that it was heard.
        grace: seconds after SIGTERM in which the step boundary may come.
    """

    def __init__(self, announce: Callable[[], None], *, grace: float = GRACE) -> None:
        self.announce = announce
        self.grace = grace
        self.signal: int | None = None
        self._late = self._may_leave = self._counting = False

    @property
    def requested(self) -> bool:
        """Whether the run should stop."""
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """What the process should exit with: 0 after SIGTERM, as schedulers send it, and 130 after Ctrl-C."""
        return 130 if self.signal == signal.SIGINT else 0

    @contextmanager
    def leaving(self) -> Iterator[None]:
        """A block that may take long, as it waits for environments, say, and that changes nothing before its end.

        Raises:
            Leave: in the midst of it, when the time after SIGTERM is over.
        """
        if self._late:
            raise Leave
        within, self._may_leave = self._may_leave, True
        try:
            yield
        finally:
            self._may_leave = within

    def __enter__(self) -> Self:
        """Takes the signals over."""
        # Only the main thread may handle signals; a run in another thread is its owner's to stop.
        mine = threading.current_thread() is threading.main_thread()
        self._old = {number: signal.signal(number, self._hear) for number in SIGNALS if mine}
        if mine:
            self._old[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._expire)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gives the signals back; after a failure SIGTERM is ignored, for what is to be told of it is not told yet.

        torchrun sends it to all processes when it hears that one has ended.
        """
        if self._old:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._old.items():
            failed = isinstance(error, Exception) and "LOCAL_RANK" in os.environ
            signal.signal(number, signal.SIG_IGN if failed and number == signal.SIGTERM else handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        again = self.requested
        if again and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = self.signal or number
        hurried = number == signal.SIGTERM or "LOCAL_RANK" in os.environ  # torchrun kills after Ctrl-C, too
        if hurried and not self._counting:
            self._counting = True  # and again and again, should a library swallow what a handler raises
            signal.setitimer(signal.ITIMER_REAL, self.grace, 1.0)
        if not again:
            self.announce()

    def _expire(self, number: int, frame: FrameType | None) -> None:
        self._late = True
        if self._may_leave:
            raise Leave
