"""Noticing that another process of the run no longer answers, though its connections stay open.

A process that ends closes its connections, and all who wait for it hear of it. One whose machine hangs, or loses its
power, closes nothing. So each process tells a store that all of them see that it lives, and looks after the next one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from torch.distributed.distributed_c10d import Store

BEAT_S = 5.0
# A process that is stopped together with the others misses beats, but they do, too: beats are counted, not seconds.
SILENT_BEATS = 9
# In place of a count: this process is through, and will not beat any more.
_OVER = "over"


@contextmanager
def heartbeats(store: Store, rank: int, size: int, lost: Callable[[int], None]) -> Iterator[None]:
    """While it lasts, others hear that this process lives, and this one looks after the next.

    Args:
        store: which all see.
        rank: of this process.
        size: how many there are.
        lost: is called once, from another thread, with the rank of a process that has been silent for too long, as it
            also is where the store is out of reach.
    """
    ended = threading.Event()
    own: Any = store.clone()  # type: ignore[attr-defined]  # what the others do with theirs may take long
    own.set_timeout(timedelta(seconds=BEAT_S))
    arguments = own, rank, (rank + 1) % size, lost, ended
    thread = threading.Thread(target=_beat, args=arguments, name="heartbeats", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        with suppress(RuntimeError):
            own.set(_key(rank), _OVER)


def _beat(store: Store, rank: int, other: int, lost: Callable[[int], None], ended: threading.Event) -> None:
    last, beats, silent = b"", 0, 0
    while not ended.wait(BEAT_S):
        beats += 1
        found = last
        try:
            store.set(_key(rank), str(beats))
            if store.check([_key(other)]):
                found = store.get(_key(other))
        except RuntimeError:
            pass  # out of reach: no news
        if found == _OVER.encode():  # whether well or not, the others hear of that
            return
        silent = silent + 1 if found == last else 0
        last = found
        if silent >= SILENT_BEATS and not ended.is_set():
            lost(other)
            return


def _key(rank: int) -> str:
    return f"beat-{rank}"
