"""Ctrl-C that loses nothing: the first asks to stop, the second stops."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def first_interrupt(asks: Callable[[], None]) -> Iterator[None]:
    """While it lasts, the first Ctrl-C calls ``asks`` at once; a second one raises ``KeyboardInterrupt`` as ever.

    It changes nothing outside of the main thread, and where Ctrl-C is ignored or another's business.

    Args:
        asks: may do no more than a signal handler may, such as to put something on a ``SimpleQueue``.
    """
    known = signal.default_int_handler
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is not known:
        yield
        return

    def hear(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, known)
        asks()

    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, known)
