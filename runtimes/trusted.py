"""Trusted programs: tests that call a candidate's functions through the host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from . import native
from .instance import Instance
from .program import Program, Remaining, Settings, instances_for
from .result import ExecutionResult, ExecutionStatus
from .session import Session
from .values import CannotCrossError, Reply, Request, decode_request, encode_reply

Candidates = Mapping[str, tuple[Session, str]]
"""For each name the trusted program uses: the session, and the name of the function there."""


class _CandidateTimeoutError(Exception):
    """A candidate used up the time or fuel of the whole."""


def execute_trusted(program: Program, settings: Settings, candidates: Candidates) -> ExecutionResult:
    """Runs a trusted program in an instance of its own, on this thread, which must be a worker's.

    The program and all calls it makes share one limit of time or fuel.
    """
    instance = instances_for(program, settings).take(settings.memory_bytes)
    try:
        budget = settings.budget(program.language)
        instance.open_exchange(_Exchange(instance, candidates, Remaining(budget)).answer)
        code = _with_proxies(program, candidates)
        ending = instance.run(code, program.stdin, settings.output_limit, budget)
        failure = instance.exchange_error
        if isinstance(failure, _CandidateTimeoutError):
            ending = ending._replace(status=ExecutionStatus.TIMEOUT, exit_code=None)
        elif failure is not None:
            raise failure
        return instance.result(ending, settings.output_limit)
    finally:
        instance.close()


@dataclass(frozen=True, slots=True)
class _Exchange:
    """Serves the calls of one trusted program."""

    instance: Instance
    candidates: Candidates
    remaining: Remaining

    def answer(self, data: bytes) -> bytes | None:
        """Answers a request. What crosses is decoded and encoded anew here, so that only plain data does."""
        try:
            request = decode_request(data)
            session, function = self.candidates[request.function]
        except (CannotCrossError, KeyError):
            return None
        reply = self._call(session, replace(request, function=function))
        try:
            return encode_reply(reply)
        except CannotCrossError as error:
            return encode_reply(Reply(error_type="ValueError", error_message=str(error)))

    def _call(self, session: Session, request: Request) -> Reply:
        fuel = native.get_fuel(self.instance.context) if session.counts_fuel else None
        ending, reply = session.answer(request, self.remaining.budget(fuel))
        if ending is not None and fuel is not None:
            native.set_fuel(self.instance.context, max(0, fuel - (ending.fuel or 0)))
        if session.ended_by is ExecutionStatus.TIMEOUT:
            raise _CandidateTimeoutError
        return reply


def _with_proxies(program: Program, candidates: Candidates) -> bytes:
    """The program with its candidates' names defined, its line numbers as they were."""
    names = list(candidates)
    if program.language == "javascript":
        lines = [f"var {name} = require('infinite_rl:exchange').proxy('{name}');" for name in names]
        return "".join(lines).encode() + program.code
    # Executed as a text of its own: a docstring, a __future__ import or a compound statement may come first.
    text = program.code.decode()
    prologue = "import linecache as _l; from _exchange import proxy as _proxy; "
    prologue += "".join(f"{name} = _proxy({name!r}); " for name in names)
    # Tracebacks show the lines of that text, and none for this one.
    source = f"_s = {text!r}; _l.cache['tests.py'] = (len(_s), None, _s.splitlines(True), 'tests.py'); "
    source += "_l.cache['solution.py'] = (0, None, [], 'solution.py'); "
    return f"{prologue}{source}exec(compile(_s, 'tests.py', 'exec', dont_inherit=True))".encode()
