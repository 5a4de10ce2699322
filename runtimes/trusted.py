"""Trusted programs: tests that call a candidate's functions through the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from . import native
from .instance import Budget, Ending, Instance
from .program import Program, Remaining, Settings, instances_for
from .result import ExecutionResult, ExecutionStatus
from .session import EndedError, Session
from .values import CannotCrossError, Failure, Reply, Request
from .wire import decode_reply, decode_request, encode_reply, encode_request

_T = TypeVar("_T")
_Work = Callable[[Budget], tuple[Ending | None, _T]]

Candidates = Mapping[str, tuple[Session, str]]
"""For each name the trusted program uses: the session, and the name of the function there."""

_MAX_NESTING = 20
"""How deep calls may go back and forth between a test and a program, which takes native stack."""

_MESSAGE_FUEL = 1_000_000
_BYTE_FUEL = 100
"""What a message and each of its bytes cost who has asked, with ``limits="fuel"``: about the host's work for them."""


def execute_trusted(
    program: Program, settings: Settings, candidates: Candidates, in_place: bool = False
) -> ExecutionResult:
    """Runs a trusted program in an instance of its own, on this thread, which must be a worker's.

    The program and all calls it makes share one limit of time or fuel.
    """
    instance = instances_for(program, settings).take(settings.memory_bytes)
    try:
        budget = settings.budget(program.language)
        instance.open_exchange(_Exchange(instance, candidates, Remaining(budget)).answer)
        code = _with_proxies(program, candidates, in_place)
        ending = instance.run(code, program.stdin, settings.output_limit, budget)
        failure = instance.exchange_error
        if failure is None:
            return instance.result(ending, settings.output_limit)
        if not isinstance(failure, EndedError):
            raise failure
        result = instance.result(ending._replace(status=failure.status, exit_code=None), settings.output_limit)
        return replace(result, stderr=f"{result.stderr}{failure.reason}\n") if failure.reason else result
    finally:
        instance.close()


@dataclass(slots=True)
class _Exchange:
    """Serves the calls of one trusted program, and those that its candidates make of what it has lent to them."""

    instance: Instance
    candidates: Candidates
    remaining: Remaining
    nesting: int = 0
    lends: bool = False
    tests: dict[Session, int] = field(default_factory=dict)

    def answer(self, data: bytes) -> bytes | None:
        """Answers a trusted program. What crosses is decoded and encoded anew here, so that only plain data does."""
        # An instance that can call out is not used again, so it is only opened for a test that lends something.
        self.lends = self.lends or b'"callback"' in data
        try:
            request = decode_request(data)
            session, function = self.candidates[request.function]
        except (CannotCrossError, KeyError):
            return None
        context = self.instance.context if session.counts_fuel else None
        _charge(context, data)
        reply = _encode(self._call(session, replace(request, function=function), request.function))
        _charge(context, reply)
        return reply

    def _call(self, session: Session, request: Request, owner: str) -> Reply:
        if session not in self.tests:
            self.tests[session] = session.new_test()
        request = replace(request, test=self.tests[session])
        context = self.instance.context if session.counts_fuel else None
        ask = (lambda data: self._call_back(session, data, owner)) if self.lends else None
        self.nesting += 1
        try:
            _, reply = self._spend(context, lambda budget: session.answer(request, budget, ask))
        except CannotCrossError as error:  # written anew, it is longer than it was
            reply = _refusal(error)
        finally:
            self.nesting -= 1
        if session.ended_by is ExecutionStatus.TIMEOUT:
            raise EndedError(ExecutionStatus.TIMEOUT)  # It has used up the time or fuel of the whole.
        return reply

    def _spend(self, context: int | None, work: _Work[_T]) -> tuple[Ending | None, _T]:
        """Has one side work while the other one, whose store this is, waits: they live on the same fuel."""
        fuel = None if context is None else native.get_fuel(context)
        ending, answer = work(self.remaining.budget(fuel))
        if context is not None and fuel is not None and ending is not None:
            native.set_fuel(context, max(0, fuel - (ending.fuel or 0)))
        return ending, answer

    def _call_back(self, session: Session, data: bytes, owner: str) -> bytes | None:
        """A candidate uses what the trusted program has lent to it and waits meanwhile."""
        try:
            request = decode_request(data)
        except CannotCrossError:
            return None
        if not request.live or request.records:
            return None
        if self.nesting > _MAX_NESTING:
            return _encode(Reply(error=Failure("RecursionError", "calls nest too deeply across sandboxes")))
        context = session.context if session.counts_fuel else None
        _charge(context, data)
        try:
            message = encode_request(replace(request, function=owner))
        except CannotCrossError as error:
            return _encode(_refusal(error))
        ending, answer = self._spend(context, lambda budget: self.instance.call(message, budget))
        _charge(context, answer)
        assert ending is not None
        if ending.value is None:
            raise self.instance.exchange_error or EndedError(ending.status)
        try:
            return _encode(decode_reply(answer, live=True))
        except CannotCrossError as error:
            return _encode(_refusal(error))


def _charge(context: int | None, message: bytes) -> None:
    """Takes what a message costs from a store's fuel; does nothing without a store."""
    if context is not None:
        cost = _MESSAGE_FUEL + _BYTE_FUEL * len(message)
        native.set_fuel(context, max(0, native.get_fuel(context) - cost))


def _encode(reply: Reply) -> bytes:
    try:
        return encode_reply(reply)
    except CannotCrossError as error:
        return encode_reply(_refusal(error))


def _refusal(error: CannotCrossError) -> Reply:
    return Reply(error=Failure("ValueError", str(error)))


def _with_proxies(program: Program, candidates: Candidates, in_place: bool = False) -> bytes:
    """The program with its candidates' names defined, its line numbers as they were."""
    names = {name: function for name, (_, function) in candidates.items()}
    if program.language == "javascript":
        lines = [f"var {name} = require('infinite_rl:exchange').proxy('{name}');" for name in names]
        return "".join(lines).encode() + program.code
    # Run as a text of its own: a docstring, a __future__ import or a compound statement may come first.
    return f"from _exchange import run; run({program.code.decode()!r}, {names!r}, {in_place!r})".encode()
