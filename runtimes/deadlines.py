"""Ends runs at their time limit, by the epochs of their engine."""

from __future__ import annotations

import math
import threading
import time

from . import native

TICK = 0.002
"""Length of an epoch, in seconds: how finely limits are kept."""

_CATCH_UP = 1.0
"""While something runs, the epoch is brought up to date at least this often, in seconds: no catch-up is long."""

_PATIENCE = 1.0


class Deadlines:
    """The clock of one engine: its epoch is the number of ticks since the first run began.

    Wasm code compares the epoch with its store's deadline at every loop and call. The epoch need not advance at every
    tick, only be right when some deadline is due: so the thread of this class sleeps until the earliest deadline, then
    catches up with the monotonic clock. Short runs never wake it, and when nothing runs it sleeps for good.

    Limits are wall-clock time from the moment ``arm`` is called, so the host's load counts; queueing does not.

    Args:
        engine: address of the C API's engine, which must outlive this object.
    """

    def __init__(self, engine: int) -> None:
        self._engine = engine
        # The lock is taken by itself: a condition's own ``with`` is Python code, which Ctrl-C can cut off halfway.
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._due: dict[int, float] = {}
        self._next_token = 0
        self._epoch = 0
        self._origin = 0.0
        self._wake_at = math.inf
        self._thread: threading.Thread | None = None

    def arm(self, context: int, seconds: float) -> int:
        """Sets a store's deadline ``seconds`` from now; returns the token for ``disarm``."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                thread = threading.Thread(target=self._watch, name="infinite_rl-deadlines", daemon=True)
                thread.start()
                self._thread = thread  # Only now: where no thread can be started, nothing may run.
            now = time.monotonic()
            if not self._due:
                self._origin = now - self._epoch * TICK  # Idle time need not be caught up with.
            due = now + seconds
            ticks = math.ceil((due - self._origin) / TICK) - self._epoch
            native.set_epoch_deadline(context, max(1, ticks))
            self._next_token += 1
            self._due[self._next_token] = due
            if due < self._wake_at:
                self._wake_at = due
                self._changed.notify()
            return self._next_token

    def disarm(self, token: int) -> None:
        """Forgets a deadline; its run has ended."""
        with self._lock:
            self._due.pop(token, None)

    def expire_all(self) -> None:
        """Makes every armed deadline due at once and waits a moment for the runs to end; for the process's end."""
        with self._lock:
            if self._due:
                self._advance_to(self._last_epoch())
        patience = time.monotonic() + _PATIENCE
        while self._due and time.monotonic() < patience:
            time.sleep(TICK)

    def _watch(self) -> None:
        with self._lock:
            while True:
                now = time.monotonic()
                if self._due:
                    self._catch_up(now)
                    # The tick of a deadline begins up to one tick after it.
                    pending = [due + TICK for due in self._due.values() if due + TICK > now]
                    self._wake_at = min([now + _CATCH_UP, *pending])
                    self._changed.wait(self._wake_at - now)
                else:
                    self._wake_at = math.inf
                    self._changed.wait()

    def _catch_up(self, now: float) -> None:
        """Brings the epoch up to date, but not beyond the last deadline: the process may have been stopped for days."""
        last, current = self._last_epoch(), int((now - self._origin) / TICK)
        self._advance_to(min(last, current))
        if current > last:
            self._origin = now - self._epoch * TICK

    def _last_epoch(self) -> int:
        """Where every armed deadline is due."""
        return math.ceil((max(self._due.values()) - self._origin) / TICK)

    def _advance_to(self, epoch: int) -> None:
        for _ in range(self._epoch, epoch):
            native.increment_epoch(self._engine)
        self._epoch = max(self._epoch, epoch)
