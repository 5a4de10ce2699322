"""Replies that wait to be recorded get into the journal in time, so that a kill loses none that was paid."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterable, Mapping
from itertools import chain

from .journal import Entry, Journal

# Seconds between two looks: a reply that is recorded before the second look is never written to the journal.
INTERVAL = 0.05


class Keeper:
    """Holds the replies of episodes that are not recorded, and writes down those that wait, from a thread of its own.

    What is graded at once is recorded before, and costs nothing more. A reply that is held for two intervals is in the
    file, be it that grading takes long, or that others are graded before it.

    Args:
        journal: where they are written.
        interval: seconds between two looks.
    """

    def __init__(self, journal: Journal, interval: float = INTERVAL) -> None:
        self._journal, self._interval = journal, interval
        self._new: dict[Hashable, list[Entry]] = {}
        self._waiting: dict[Hashable, list[Entry]] = {}  # since the look before
        self._lock = threading.Lock()
        self._problem: OSError | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="journal", daemon=True)
        self._thread.start()

    def hold(self, entries: Mapping[Hashable, Entry], *, write: bool = False) -> None:
        """Takes replies, each by what it belongs to; any thread may bring them.

        Args:
            entries: the replies.
            write: write them at once.

        Raises:
            OSError: the journal can't be written.
        """
        if self._problem is not None:
            raise self._problem
        if write:
            self._journal.append(entries.values())
            return
        with self._lock:
            for owner, entry in entries.items():
                self._new.setdefault(owner, []).append(entry)

    def write(self, owners: Iterable[Hashable]) -> None:
        """Writes what is held of these, at once: they will not be recorded soon.

        Raises:
            OSError: the journal can't be written.
        """
        with self._lock:
            held = [part.pop(owner, ()) for owner in owners for part in (self._waiting, self._new)]
        self._journal.append(chain.from_iterable(held))

    def release(self, owners: Iterable[Hashable]) -> None:
        """Lets go of what is recorded."""
        with self._lock:
            for owner in owners:
                self._new.pop(owner, None)
                self._waiting.pop(owner, None)

    def close(self) -> None:
        """Writes all that is held, and ends.

        Raises:
            OSError: the journal can't be written.
        """
        self._over.set()
        self._thread.join()
        for _ in range(2):
            self._look()

    def _watch(self) -> None:
        while not self._over.wait(self._interval):
            try:
                self._look()
            except OSError as error:
                self._problem = error
                return

    def _look(self) -> None:
        with self._lock:
            due, self._waiting, self._new = self._waiting, self._new, {}
        if not due:
            return
        try:
            self._journal.append(chain.from_iterable(due.values()))
        except OSError:
            with self._lock:  # there may be room later
                for owner, entries in due.items():
                    self._waiting[owner] = entries + self._waiting.get(owner, [])
            raise
