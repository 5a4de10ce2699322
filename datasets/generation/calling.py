"""Calls that give way to each other, are counted, and are logged where they fail."""

from __future__ import annotations

from .gemini import CallError, Gemini, Reply
from .ledger import Ledger
from .pacing import Pace
from .sample import Failure, utc_now

# Seconds; who is told to wait for longer goes on another time.
_LONGEST_PAUSE = 900.0
_WORTH_TELLING = 2.0


class Caller:
    """Asks one model on behalf of all rows that are being made.

    Args:
        gemini: the model.
        pace: of its calls.
        ledger: where they are counted.
        most_pauses: after so many pauses that the server wanted, without a success in between, nothing is asked more.

    Attributes:
        ended: why nothing is asked any more; None while calls may succeed.
    """

    def __init__(self, gemini: Gemini, pace: Pace, ledger: Ledger, most_pauses: int) -> None:
        self.model = gemini.model
        self.ended: CallError | None = None
        self._gemini, self._pace, self._ledger, self._most_pauses = gemini, pace, ledger, most_pauses

    async def ask(self, kind: str, request: str, *, system: str | None, seed: int, rectified: bool = False) -> Reply:
        """Asks until there is a text, or a failure that is not about the number of calls.

        Args:
            kind: the type of the row, for the log.
            request: what is asked.
            system: the system instruction.
            seed: of the sampling.
            rectified: whether an earlier reply is to be corrected, for the log.

        Raises:
            CallError: the call failed.
            OSError: the failure can't be logged.
        """
        while True:
            async with self._pace.turn() as began:
                if self.ended is not None:
                    raise self.ended
                try:
                    reply = await self._gemini.ask(request, system=system, seed=seed)
                except CallError as error:
                    self._ledger.spend(self.model, error.tokens)
                    told = Failure(kind, str(error), error.reason, utc_now(), raw_text=error.text, rectified=rectified)
                    self._ledger.fail(told)
                    self._hear(error, began)
                else:
                    self._ledger.spend(self.model, reply.tokens)
                    self._pace.succeeded()
                    return reply

    def _hear(self, error: CallError, began: float) -> None:
        """Raises the error, unless it is one that waiting helps against."""
        if error.reason == "rate_limit":
            pause = self._pace.limited(error, began)
            if self._pace.pauses < self._most_pauses and pause <= _LONGEST_PAUSE:
                if pause >= _WORTH_TELLING:
                    self._ledger.note(f"{self.model}: rate limit, pausing for {pause:.0f} s")
                return
            error = CallError("quota", f"{error} (refused {self._pace.pauses} times in a row; go on later)")
        if error.final:
            error = CallError(error.reason, f"{self.model}: {error}")
            self.ended = error
            self._pace.end()
        raise error
