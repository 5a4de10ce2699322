"""An asyncio event loop without sockets: it knows tasks and timers, on the virtual clock."""

import asyncio
import asyncio.base_events
import asyncio.unix_events
from typing import NoReturn

import clock
import denied


class VirtualSelector:
    """Waits for events of the outside, of which there are none: waiting is only time that passes."""

    def select(self, timeout: float | None = None) -> list[object]:
        """Let the time until the next timer pass."""
        if timeout is None:
            raise RuntimeError("nothing is left that could wake this event loop: the program would wait forever")
        clock.advance(timeout)
        return []

    def close(self) -> None:
        """Nothing is open."""


class VirtualEventLoop(asyncio.base_events.BaseEventLoop):
    """The event loop of the sandbox."""

    def __init__(self, selector: object = None) -> None:
        super().__init__()
        self._selector = VirtualSelector()

    def _process_events(self, event_list: list[object]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def run_in_executor(self, executor: object, func: object, *args: object) -> NoReturn:
        """Refuse: an executor needs threads."""
        raise RuntimeError(denied.NO_THREADS)

    def add_signal_handler(self, sig: int, callback: object, *args: object) -> None:
        """Accepted and forgotten: no signal ever comes."""

    def remove_signal_handler(self, sig: int) -> bool:
        """No handler is ever there."""
        return False


def install() -> None:
    """Make it the event loop of `asyncio.run`, `asyncio.new_event_loop` and friends."""
    VirtualEventLoop.__name__ = VirtualEventLoop.__qualname__ = "_UnixSelectorEventLoop"
    VirtualEventLoop.__module__ = "asyncio.unix_events"
    asyncio.unix_events._UnixDefaultEventLoopPolicy._loop_factory = VirtualEventLoop
    asyncio.SelectorEventLoop = asyncio.EventLoop = VirtualEventLoop
    asyncio.unix_events.SelectorEventLoop = asyncio.unix_events.EventLoop = VirtualEventLoop
