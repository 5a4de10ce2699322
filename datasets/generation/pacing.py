"""How calls give way to a server that is asked too much."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from .gemini import CallError

_FIRST_PAUSE = 4.0


async def sleep_unless(over: asyncio.Event, seconds: float) -> None:
    """Sleeps, but not beyond the event."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await over.wait()


class Pace:
    """Lets calls through, fewer of them after a refusal for their number, and none while the server wants a pause.

    All calls share it: a limit is met by all of them together, so that the pauses are counted and not the refusals.
    After a pause half as many may be under way; each success lets a little more, one more for all of them together.
    Pauses are as long as the server wants; where it says nothing or 0, they last 4 s at first and double, since limits
    are often of minutes.

    Args:
        most: calls under way, at most.
        max_pause: seconds of a pause that the server does not ask for, at most.

    Attributes:
        pauses: how many there have been without a success since.
    """

    def __init__(self, most: int, max_pause: float) -> None:
        self.pauses = 0
        self._most, self._max_pause = most, max_pause
        self._allowed = float(most)
        self._under_way = 0
        self._open_at = 0.0
        self._freed, self._over = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[float]:
        """Waits until a call may be made; the value is the time of its beginning."""
        loop = asyncio.get_running_loop()
        while True:
            if (wait := self._open_at - loop.time()) > 0:
                await sleep_unless(self._over, wait)
            elif self._under_way >= max(1.0, self._allowed // 1):
                self._freed.clear()
                await self._freed.wait()
            else:
                break
        self._under_way += 1
        try:
            yield loop.time()
        finally:
            self._under_way -= 1
            self._freed.set()

    def succeeded(self) -> None:
        """Hears of a call that brought something."""
        self.pauses = 0
        self._allowed = min(self._most, self._allowed + 1 / self._allowed)
        self._freed.set()

    def limited(self, error: CallError, began: float) -> float:
        """Hears of a call that was refused for the number of calls; one that began before the pause changes nothing.

        Returns:
            The seconds of the pause that begins now; 0 if none does.
        """
        if began < self._open_at:
            return 0.0
        pause = error.retry_after or min(_FIRST_PAUSE * 2.0**self.pauses, self._max_pause)
        self.pauses += 1
        self._allowed = max(1.0, self._allowed / 2)
        self._open_at = asyncio.get_running_loop().time() + pause
        return pause

    def end(self) -> None:
        """Lets those who wait through at once: there is nothing to wait for any more."""
        self._open_at, self._allowed = 0.0, math.inf
        self._freed.set()
        self._over.set()
