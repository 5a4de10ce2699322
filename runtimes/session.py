"""Sessions: a program stays loaded, and its functions are called from outside."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from .engine import Limits
from .instance import Budget, Ending, Instance
from .program import Program, Settings, instances_for
from .result import CallResult, ExecutionResult, ExecutionStatus
from .values import CannotCrossError, Reply, Request, decode_reply, encode_request
from .workers import Lane, Task

_WORDS = {
    ExecutionStatus.TIMEOUT: ("TimeoutError", "the call met its time limit"),
    ExecutionStatus.MEMORY: ("MemoryError", "the call met its memory limit"),
    ExecutionStatus.OUTPUT_LIMIT: ("RuntimeError", "the program met its output limit"),
    ExecutionStatus.CRASHED: ("RuntimeError", "the sandbox crashed"),
    ExecutionStatus.OK: ("SystemExit", "the program ended its process"),
    ExecutionStatus.ERROR: ("SystemExit", "the program ended its process"),
}


_FOREIGN = "the session belongs to the process that this one was forked from"


class Session:
    """A program that has run and whose functions can be called; made by ``RewardExecutor.open``.

    Any thread may call it; calls happen one after another. After a timeout, crash or exit the session is over: its
    memory is given back, and further calls answer with the same status. Use it as a context manager, or close it.

    Attributes:
        loaded: the result of the program's own run.
    """

    loaded: ExecutionResult

    def __init__(self, program: Program, settings: Settings, lane: Lane) -> None:
        self._program = program
        self._settings = settings
        self._lane = lane
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._instance: Instance | None = None
        self._over = (ExecutionStatus.OK, "")
        self._cleanup: weakref.finalize[Any, Any] | None = None
        self.loaded = lane.submit(Task(self._load)).result()

    def call(self, name: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> CallResult:
        """Calls a function of the program, with a time limit of its own.

        Args:
            name: ``f``, ``Class.method``, or ``Class().method`` to make an instance first.
            args: positional arguments, plain data.
            kwargs: named arguments, plain data.

        Raises:
            CannotCrossError: an argument is no plain data, or is too large.
        """
        request = encode_request(Request(name, args, kwargs))
        return self._lane.submit(Task(lambda: self._call(request))).result()

    def close(self) -> None:
        """Gives the session's memory back, after a call that is under way has ended; a second call does nothing."""
        if os.getpid() != self._process:
            return
        with self._lock:
            self._end(ExecutionStatus.ERROR, "the session is closed", returned=True)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def counts_fuel(self) -> bool:
        """Whether its limit is fuel."""
        return self._settings.limits is Limits.FUEL

    @property
    def ended_by(self) -> ExecutionStatus | None:
        """What ended the session, or None while it can be called."""
        return self._over[0] if self._instance is None else None

    def answer(self, request: Request, budget: Budget) -> tuple[Ending | None, Reply]:
        """Calls a function on this thread, a worker's, within what is left of a trusted program's budget.

        Returns:
            How the guest was left, or None where the session was over already; and the reply.
        """
        if os.getpid() != self._process:  # Before the lock: another thread may have held it at the fork.
            return None, Reply(None, "RuntimeError", _FOREIGN)
        with self._lock:
            return self._enter(encode_request(request), budget)

    def _load(self) -> ExecutionResult:
        with self._lock:
            self._instances = instances_for(self._program, self._settings)
            self._instance = self._instances.take(self._settings.memory_bytes)
            # A session that nobody closes must not keep its memory.
            self._cleanup = weakref.finalize(self, _close_in, self._process, self._instance)
            self._cleanup.atexit = False
            budget = self._settings.budget(self._program.language)
            limit = self._settings.output_limit
            ending = self._instance.run(self._program.code, self._program.stdin, limit, budget)
            result = self._instance.result(ending, limit)
            if ending.value is None:
                self._end(ending.status, _WORDS[ending.status][1].replace("the call", "the program"), returned=False)
            return result

    def _call(self, request: bytes) -> CallResult:
        if os.getpid() != self._process:
            return CallResult(None, "RuntimeError", _FOREIGN, ExecutionStatus.ERROR, 0.0)
        with self._lock:
            ending, reply = self._enter(request, self._settings.budget(self._program.language))
            status = ending.status if ending else self._over[0]
        if reply.error_type is not None and status is ExecutionStatus.OK:
            # A program that ended its process well has still not answered the call.
            status = ExecutionStatus.ERROR
        if ending is None:
            return CallResult(None, reply.error_type, reply.error_message, status, 0.0)
        return CallResult(reply.value, reply.error_type, reply.error_message, status, ending.cpu_seconds, ending.fuel)

    def _enter(self, request: bytes, budget: Budget) -> tuple[Ending | None, Reply]:
        """One call; the lock is held."""
        if self._instance is None:
            return None, Reply(None, "RuntimeError", f"the session is over: {self._over[1]}")
        ending, data = self._instance.call(request, budget)
        if ending.value is None:
            kind, message = _WORDS[ending.status]
            self._end(ending.status, message, returned=False)
            return ending, Reply(None, kind, message)
        try:
            return ending, decode_reply(data)
        except CannotCrossError as error:
            return ending, Reply(None, "ValueError", f"the program's answer cannot cross the sandbox: {error}")

    def _end(self, status: ExecutionStatus, message: str, returned: bool) -> None:
        """Ends the session; the lock is held. ``returned``: every entry into the instance has."""
        instance, self._instance = self._instance, None
        if instance is not None:
            self._over = (status, message)
            if self._cleanup is not None:
                self._cleanup.detach()  # The instance may be another program's from now on.
            self._instances.give_back(instance, returned)


def _close_in(process: int, instance: Instance) -> None:
    """Frees an instance, in the process that made it only."""
    if os.getpid() == process:
        instance.close()
