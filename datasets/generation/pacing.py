"""How calls give way to a server that is asked too much."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .gemini import CallError


class Pace:
    """Lets calls through, fewer of them after a refusal for their number, and none while the server wants a pause.

    All calls share it: a limit is met by all of them together, so that the pauses are counted and not the refusals.
    After a pause half as many may be under way; each success lets a little more, one more for all of them together.

    Args:
        most: calls under way, at most.
        max_pause: seconds of one pause, at most.

    Attributes:
        pauses: how many there have been without a success since.
    """

    def __init__(self, most: int, max_pause: float) -> None:
        self.pauses = 0
        self._most, self._max_pause = most, max_pause
        self._allowed = float(most)
        self._under_way = 0
        self._open_at = 0.0
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[float]:
        """Waits until a call may be made; the value is the time of its beginning."""
        loop = asyncio.get_running_loop()
        while True:
            if (wait := self._open_at - loop.time()) > 0:
                await asyncio.sleep(wait)
            elif self._under_way >= max(1, int(self._allowed)):
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

    def limited(self, error: CallError, began: float) -> None:
        """Hears of a call that was refused for the number of calls; one that began before the pause changes nothing."""
        now = asyncio.get_running_loop().time()
        pause = 2.0**self.pauses if error.retry_after is None else error.retry_after
        if began >= self._open_at:
            self.pauses += 1
            self._allowed = max(1.0, self._allowed / 2)
            self._open_at = now + min(pause, self._max_pause)
