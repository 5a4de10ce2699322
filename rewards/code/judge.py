"""Running one program against its tests."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...runtimes import ExecutionStatus
from ...runtimes.values import CannotCrossError, Request
from ...runtimes.wire import encode, encode_request
from ..score import Status
from .cases import CallCase, CodeTests, StdinCase, keys_as_text
from .comparison import Comparison, same_output
from .tests import classes_of

if TYPE_CHECKING:
    from ...runtimes import CallResult, ExecutionResult, RewardExecutor
    from ...runtimes.session import Session

# What the sandbox's ending says about the response.
_STATUS = {
    ExecutionStatus.TIMEOUT: Status.TIMEOUT,
    ExecutionStatus.MEMORY: Status.RESOURCE_LIMIT,
    ExecutionStatus.OUTPUT_LIMIT: Status.RESOURCE_LIMIT,
}
_WORDS = {
    ExecutionStatus.TIMEOUT: "The program met its time limit.",
    ExecutionStatus.MEMORY: "The program met its memory limit.",
    ExecutionStatus.OUTPUT_LIMIT: "The program printed too much.",
    ExecutionStatus.CRASHED: "The program crashed its sandbox.",
}
_MAX_SHOWN = 2_000


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a program.

    Attributes:
        correctness: 1.0 if everything is right, else 0.0; what is between only from a function that judges the output.
        message: what went wrong; empty where nothing did.
        status: what became of the response.
        tests_passed: share of the tests that passed.
        similarity: of the output to the expected one; None where no single output is expected.
        cpu_seconds: of all runs and calls of the program.
    """

    correctness: float = 0.0
    message: str = ""
    status: Status = Status.SCORED
    tests_passed: float = 0.0
    similarity: float | None = None
    cpu_seconds: float = 0.0

    def credit(self, partial: str | None) -> float:
        """The correctness score."""
        if partial == "similarity" and self.similarity is not None:
            return self.similarity
        return max(self.correctness, self.tests_passed) if partial == "tests" else self.correctness

    def components(self) -> dict[str, float]:
        """The parts of the score by name."""
        parts = {"tests_passed": self.tests_passed, "cpu_seconds": self.cpu_seconds}
        return parts if self.similarity is None else parts | {"similarity": self.similarity}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one test.

    Attributes:
        message: what went wrong; empty if it passed.
        status: ``scored``, or the limit that the program met.
        cpu_seconds: what it took.
    """

    message: str
    status: Status
    cpu_seconds: float


class BadCaseError(ValueError):
    """A case cannot be tried, whatever the program; the message says which."""


class Judge:
    """Runs one program.

    Args:
        executor: where it runs.
        code: its text.
        language: ``python`` or ``javascript``.
    """

    def __init__(self, executor: RewardExecutor, code: str, language: str) -> None:
        self._executor = executor
        self._code = code
        self._language = language

    def run(self) -> tuple[ExecutionResult, Judgement | None]:
        """Runs the program without input; the judgement is there if that failed already."""
        result = self._executor.run(self._code, self._language)
        if result.ok and not result.stdout_truncated:
            return result, None
        status = _STATUS.get(result.status, Status.SCORED)
        return result, Judgement(message=_failure(result), status=status, cpu_seconds=result.cpu_seconds)

    def run_tests(self, tests: CodeTests, *, to_the_end: bool) -> Judgement:
        """Runs the program's tests.

        Args:
            tests: what it must do.
            to_the_end: go on after a failed test, for partial credit. A test that meets a limit is always the last, so
                that a program costs its time limit only once.

        Raises:
            BadCaseError: a case cannot be tried; all are looked at before the first is.
        """
        passed, seconds, first = 0, 0.0, Outcome("", Status.SCORED, 0.0)
        for number, outcome in enumerate(self._outcomes(tests, one_by_one=to_the_end), 1):
            seconds += outcome.cpu_seconds
            if not outcome.message:
                passed += 1
                continue
            if not first.message:
                first = Outcome(f"Test {number} of {tests.count} failed.\n{outcome.message}", outcome.status, 0.0)
            if not to_the_end or outcome.status is not Status.SCORED:
                break
        right = not first.message
        share = 1.0 if right else passed / tests.count
        return Judgement(float(right), first.message, first.status, share, cpu_seconds=seconds)

    def _outcomes(self, tests: CodeTests, *, one_by_one: bool) -> Iterator[Outcome]:
        requests = self._requests(tests)
        if tests.stdin_cases:
            yield from (self._run_case(case, tests.tolerance) for case in tests.stdin_cases)
        else:
            yield from self._call_cases(tests, requests, one_by_one=one_by_one)

    def _requests(self, tests: CodeTests) -> list[bytes]:
        """The calls of all cases, as they cross: what cannot is found even if an earlier case would fail."""
        requests = []
        for number, stdin_case in enumerate(tests.stdin_cases, 1):
            with _bad_case(number, "input"):
                stdin_case.stdin.encode()
        for number, case in enumerate(tests.call_cases, 1):
            args, kwargs = case.args, case.kwargs
            if self._language == "javascript":
                args, kwargs = keys_as_text(args), keys_as_text(kwargs)
            with _bad_case(number, "arguments"):
                requests.append(encode_request(Request(tests.function or "", args, kwargs)))
            with _bad_case(number, "result"):
                encode(case.result)
        return requests

    def _run_case(self, case: StdinCase, tolerance: float) -> Outcome:
        """One input, in an instance of its own."""
        result = self._executor.run(self._code, self._language, case.stdin)
        if not result.ok or result.stdout_truncated:
            return Outcome(_failure(result), _STATUS.get(result.status, Status.SCORED), result.cpu_seconds)
        if same_output(case.stdout, result.stdout, tolerance):
            return Outcome("", Status.SCORED, result.cpu_seconds)
        shown = f"Expected Output: {cut(case.stdout)}\nActual Output: {cut(result.stdout)}"
        return Outcome(shown, Status.SCORED, result.cpu_seconds)

    def _call_cases(self, tests: CodeTests, requests: list[bytes], *, one_by_one: bool) -> Iterator[Outcome]:
        """All calls go to one instance, as in a program that imports the function.

        A function may keep a cache; one that breaks by what it keeps is wrong. What stands beside the function may
        fail, for want of input, say: what was defined before it can be called.
        """
        assert tests.function is not None
        try:
            session = self._executor.open(self._code, self._language)
        except ValueError as error:  # the text is no program at all
            yield Outcome(f"Execution failed:\n{cut(str(error))}", Status.SCORED, 0.0)
            return
        with session:
            loaded = session.loaded
            if session.ended_by is not None:
                yield Outcome(_failure(loaded), _STATUS.get(loaded.status, Status.SCORED), loaded.cpu_seconds)
                return
            for case, request in zip(tests.call_cases, requests, strict=True):
                yield _explained(self._call_case(session, case, request), loaded)
            programs = tests.tests if one_by_one else ("\n".join(tests.tests),) if tests.tests else ()
            for program in programs:
                yield _explained(self._run_test(session, tests, program), loaded)

    def _call_case(self, session: Session, case: CallCase, request: bytes) -> Outcome:
        result = session.send(request)
        if not result.ok:
            return Outcome(_call_failure(result), _STATUS.get(result.status, Status.SCORED), result.cpu_seconds)
        comparison = Comparison(lenient=case.from_json or self._language == "javascript")
        if comparison.equal(case.result, result.value):
            return Outcome("", Status.SCORED, result.cpu_seconds)
        shown = f"Expected: {_show(case.result)}\nActual: {_show(result.value)}"
        return Outcome(shown, Status.SCORED, result.cpu_seconds)

    def _run_test(self, session: Session, tests: CodeTests, program: str) -> Outcome:
        """A trusted program in an instance of its own; the candidate stays in its session."""
        # Only a test that was run to its end prints this: a candidate that ends the process well has not passed.
        seal = secrets.token_hex(16)
        assert tests.function is not None
        candidates = {name: (session, name) for name in classes_of(program)} | {"candidate": (session, tests.function)}
        before = session.tests
        result = self._executor.run_trusted(
            f"{program}\nprint('\\n{seal}')\n", candidates=candidates, in_place=tests.in_place
        )
        if result.ok and result.stdout.endswith(f"\n{seal}\n"):
            if session.tests == before:  # It would reward every program.
                raise BadCaseError(f"the tests never call {tests.function}: only asserts and check(candidate) are run")
            return Outcome("", Status.SCORED, result.cpu_seconds)
        status = _STATUS.get(result.status, Status.SCORED)
        if status is Status.SCORED:
            return Outcome(f"Expected: the test runs to its end. {_how_it_ended(result)}", status, result.cpu_seconds)
        return Outcome(_WORDS[result.status], status, result.cpu_seconds)


@contextlib.contextmanager
def _bad_case(number: int, part: str) -> Iterator[None]:
    """Says which case cannot be tried, and why."""
    try:
        yield
    except (CannotCrossError, UnicodeEncodeError) as error:
        raise BadCaseError(f"case {number}: its {part} cannot be passed: {error}") from None


def _failure(result: ExecutionResult) -> str:
    """Why a run failed: what the program said, and how the sandbox ended it."""
    said = _cut_front(result.stderr)
    if result.status is ExecutionStatus.ERROR and not said:
        said = f"The program ended with exit code {result.exit_code}."
    return "Execution failed:\n" + "\n".join(filter(None, (said, _WORDS.get(result.status))))


def _explained(outcome: Outcome, loaded: ExecutionResult) -> Outcome:
    """An outcome with why the program was not loaded to its end, which may be why a function is missing."""
    if not outcome.message or loaded.ok:
        return outcome
    return replace(outcome, message=f"{outcome.message}\nWhile the program was loaded: {_cut_front(loaded.stderr)}")


def _how_it_ended(result: ExecutionResult) -> str:
    """What ended a test: its exception, and what was noted about it; else how its process ended."""
    if result.status is ExecutionStatus.CRASHED:
        return "The test or the program crashed its sandbox, for example by recursion without end."
    if result.ok or not result.stderr.strip():
        return f"It ended its process before that, with exit code {result.exit_code}."
    lines = result.stderr.strip().split("\n")
    indented = [number for number, line in enumerate(lines) if line.startswith(" ")]
    return cut("\n".join(lines[indented[-1] + 1 if indented else -1 :]))


def _call_failure(result: CallResult) -> str:
    said = f"{result.error_type}: {cut(result.error_message)}" if result.error_type else ""
    return "Execution failed:\n" + (said or _WORDS.get(result.status, "The call returned nothing."))


def _show(value: Any) -> str:
    # repr of a huge integer is refused by Python.
    try:
        return cut(repr(value))
    except (ValueError, RecursionError):
        return f"a value of type {type(value).__name__}"


def cut(text: str) -> str:
    """The beginning of a text, as much as a message shows."""
    text = text.strip()
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"


def _cut_front(text: str) -> str:
    """The end of an error's text, where it says what happened."""
    text = text.strip()
    return text if len(text) <= _MAX_SHOWN else "…" + text[-_MAX_SHOWN:]
