"""Sessions: a program stays loaded, and its functions are called from outside."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from .engine import Limits
from .instance import Budget, Ending, Exchange, Instance
from .program import Program, Settings, instances_for
from .result import CallResult, ExecutionResult, ExecutionStatus
from .values import CannotCrossError, Failure, Reply, Request
from .wire import decode_reply, encode_request
from .workers import Lane, Task, WorkersClosedError

_WORDS = {
    ExecutionStatus.TIMEOUT: ("TimeoutError", "the call met its time limit"),
    ExecutionStatus.MEMORY: ("MemoryError", "the call met its memory limit"),
    ExecutionStatus.OUTPUT_LIMIT: ("RuntimeError", "the program met its output limit"),
    ExecutionStatus.CRASHED: ("RuntimeError", "the sandbox crashed"),
    ExecutionStatus.OK: ("SystemExit", "the program ended its process"),
    ExecutionStatus.ERROR: ("SystemExit", "the program ended its process"),
}


class EndedError(Exception):
    """A limit or a trap has ended a program, or the test that it called, in the midst of calls into each other.

    Attributes:
        status: how it ended.
        reason: why, where the status alone does not say it.
    """

    def __init__(self, status: ExecutionStatus, reason: str = "") -> None:
        super().__init__(status)
        self.status = status
        self.reason = reason


_BUSY = "TimeoutError: the program was busy with another test's calls until the time limit"
_FOREIGN = "the session belongs to the process that this one was forked from"


class Session:
    """A program that has run and whose functions can be called; made by ``RewardExecutor.open``.

    It runs as a module that is imported: not as ``__main__``, and in JavaScript not as ``require.main``.

    Any thread may call it; calls happen one after another. After a timeout, crash or exit the session is over: its
    memory is given back, and further calls answer with the same status. Use it as a context manager, or close it; the
    memory of one that is forgotten is given back with the next run.

    Attributes:
        loaded: the result of the program's own run.
    """

    loaded: ExecutionResult

    def __init__(self, program: Program, settings: Settings, lane: Lane) -> None:
        self._program = program
        self._settings = settings
        self._lane = lane
        # A function that a test passes may call the program again, on the same thread. `_call` waits without a limit:
        # it holds no other session, and who holds this one keeps to limits.
        self._lock = threading.RLock()
        self._exchange: Exchange | None = None
        self._depth = 0
        self.tests = 0
        self._process = os.getpid()
        self._instance: Instance | None = None
        self._over: tuple[ExecutionStatus, str] | None = None
        self.loaded = lane.run(self._load)

    def call(self, name: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> CallResult:
        """Calls a function of the program, with a time limit of its own.

        Args:
            name: ``f``, ``Class.method``, or ``Class().method`` to make an instance first.
            args: positional arguments, plain data.
            kwargs: named arguments, plain data.

        Raises:
            CannotCrossError: an argument is no plain data, or is too large.
        """
        return self.send(encode_request(Request(name, args, kwargs)))

    def send(self, request: bytes) -> CallResult:
        """Makes a call that `wire.encode_request` has written down, with a time limit of its own."""
        if os.getpid() != self._process:
            return CallResult(None, "RuntimeError", _FOREIGN, ExecutionStatus.ERROR, 0.0)
        return self._lane.run(lambda: self._call(request))

    def close(self) -> None:
        """Ends the session; a second call does nothing.

        It waits for nothing: a worker gives the memory back, after a call that is under way has ended.
        """
        if self._over is None and os.getpid() == self._process:
            self._over = (ExecutionStatus.ERROR, "the session is closed")
            with contextlib.suppress(WorkersClosedError):  # The process ends, and its memory with it.
                self._lane.submit(Task(self._free))

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def counts_fuel(self) -> bool:
        """Whether its limit is fuel."""
        return self._settings.limits is Limits.FUEL

    def new_test(self) -> int:
        """A number for a trusted program that is about to use the session."""
        self.tests += 1
        return self.tests

    @property
    def ended_by(self) -> ExecutionStatus | None:
        """What ended the session, or None while it can be called."""
        return self._over and self._over[0]

    def answer(self, request: Request, budget: Budget, ask: Exchange | None = None) -> tuple[Ending | None, Reply]:
        """Serves a trusted program's request on this thread, a worker's, within what is left of its budget.

        Args:
            request: what to do.
            budget: what is left.
            ask: answers the program's own requests, while it serves this one; None where it may make none.

        Returns:
            How the guest was left, or None where the session was over already; and the reply.

        Raises:
            EndedError: others have used the session until the budget's time was up.
        """
        if os.getpid() != self._process:  # Before the lock: another thread may have held it at the fork.
            return None, Reply(error=Failure("RuntimeError", _FOREIGN))
        # Not for ever: who holds the lock may wait for a session that the caller of this one holds.
        start = time.monotonic()
        if not self._lock.acquire(timeout=budget.seconds):
            raise EndedError(ExecutionStatus.TIMEOUT, _BUSY)
        try:
            left = budget.seconds - (time.monotonic() - start)
            return self._answer(request, budget._replace(seconds=max(0.0, left)), ask)
        finally:
            self._lock.release()

    @property
    def context(self) -> int:
        """The store of its instance; only while it serves a request."""
        assert self._instance is not None
        return self._instance.context

    def _answer(self, request: Request, budget: Budget, ask: Exchange | None) -> tuple[Ending | None, Reply]:
        """Serves a request; the lock is held."""
        before, self._exchange = self._exchange, ask
        self._depth += 1
        try:
            if ask is not None and self._instance is not None and not self._instance.exchange_open:
                self._instance.open_exchange(self._forward)
            return self._enter(encode_request(request), budget, request.live)
        finally:
            self._depth -= 1
            self._exchange = before

    def _forward(self, data: bytes) -> bytes | None:
        return None if self._exchange is None else self._exchange(data)

    def _load(self) -> ExecutionResult:
        with self._lock:
            self._instances = instances_for(self._program, self._settings)
            self._instance = self._instances.take(self._settings.memory_bytes)
            self._loan = self._instances.lend(self._instance, self)
            budget = self._settings.budget(self._program.language)
            limit = self._settings.output_limit
            ending = self._instance.run(self._program.code, self._program.stdin, limit, budget, as_module=True)
            result = self._instance.result(ending, limit)
            if ending.value is None:
                self._end(ending.status, _WORDS[ending.status][1].replace("the call", "the program"))
            return result

    def _call(self, request: bytes) -> CallResult:
        with self._lock:
            ending, reply = self._enter(request, self._settings.budget(self._program.language))
            status = ending.status if ending else self.ended_by or ExecutionStatus.ERROR
        error = reply.error
        if error is not None and status is ExecutionStatus.OK:
            # A program that ended its process well has still not answered the call.
            status = ExecutionStatus.ERROR
        if ending is None:
            ending = Ending(status, None, 0.0, None, None)
        kind, message = (error.type_name, error.message) if error else (None, "")
        return CallResult(reply.value, kind, message, status, ending.cpu_seconds, ending.fuel)

    def _enter(self, request: bytes, budget: Budget, live: bool = False) -> tuple[Ending | None, Reply]:
        """One call; the lock is held."""
        if self._over is not None:
            return None, Reply(error=Failure("RuntimeError", f"the session is over: {self._over[1]}"))
        assert self._instance is not None
        ending, data = self._instance.call(request, budget)
        if ending.value is None:
            return ending, self._failed(ending.status)
        # Reading what a hostile program has written takes time too, which is the call's.
        start = time.thread_time()
        reply = _read_reply(data, live)
        ending = ending._replace(cpu_seconds=ending.cpu_seconds + time.thread_time() - start)
        if budget.fuel is None and ending.cpu_seconds > budget.seconds:
            ending = ending._replace(status=ExecutionStatus.TIMEOUT)
            return ending, self._failed(ending.status)
        return ending, reply

    def _failed(self, status: ExecutionStatus) -> Reply:
        """Ends the session after an entry that met a limit or a trap, and says so to the caller; the lock is held."""
        assert self._instance is not None
        failure = self._instance.exchange_error
        if self._depth > 1:  # Frames of the instance still wait below: they are unwound before it is closed.
            raise failure or EndedError(status)
        kind, message = _WORDS[status]
        self._end(failure.status if isinstance(failure, EndedError) else status, message)
        if failure is not None:
            raise failure
        return Reply(error=Failure(kind, message))

    def _end(self, status: ExecutionStatus, message: str) -> None:
        """Ends the session after an entry that has not returned; the lock is held."""
        self._over = (status, message)
        self._give_back(returned=False)

    def _free(self) -> None:
        with self._lock:
            self._give_back(returned=True)

    def _give_back(self, returned: bool) -> None:
        """Parts with the instance; the lock is held. ``returned``: every entry into it has."""
        instance, self._instance = self._instance, None
        if instance is not None:
            self._instances.settle(self._loan)
            self._instances.give_back(instance, returned)


def _read_reply(data: bytes, live: bool) -> Reply:
    try:
        return decode_reply(data, live)
    except CannotCrossError as error:
        return Reply(error=Failure("ValueError", f"the program's answer cannot cross the sandbox: {error}"))
