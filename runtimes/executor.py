"""RewardExecutor: runs outside code in sandboxes, one program or thousands."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .engine import Limits
from .program import Job, NotAProgramError, Settings, execute, job_of, language_of, prepare
from .result import ExecutionResult, ExecutionStatus
from .session import Session
from .trusted import Candidates, execute_trusted
from .workers import Lane, Task, available_cores

_AHEAD = 4
"""How many jobs a thread are taken from ``jobs`` before the first result is fetched."""

_POLL = 0.05

Progress = Callable[[int], None]
"""Is told the number of results so far."""


class RewardExecutor:
    """Runs Python and JavaScript programs in WebAssembly sandboxes, in this process, on threads of its own.

    Every program gets a fresh instance: no files, network, environment, real clock or randomness, and nothing left from
    the program before. Any thread may use an executor. It can be pickled, survives ``os.fork`` and needs no closing.
    The threads are shared by all executors of the process and never hold up its end; running programs leave the GIL
    free.

    Args:
        timeout: limit of one run or call, in seconds (at most a day) of wall-clock time from the start of its
            execution; queueing and the one-time compilation do not count. A host that is busy with other work slows
            programs down: use ``limits="fuel"`` for verdicts that do not depend on it.
        memory_mb: how much memory a program may use, in MiB, beyond what its language takes before it starts.
        output_limit: limit of stdout and of stderr, in bytes each; a program that writes more is ended.
        limits: ``"time"``, or ``"fuel"``: WebAssembly instructions are counted, ``timeout`` times FUEL_PER_SECOND of
            them are allowed, and a program uses the same fuel everywhere. Programs run up to twice as long.
        threads: how many programs of this executor run at once; by default the cores that this process may use.

    Raises:
        TypeError: a limit is no number.
        ValueError: a limit is out of range.
    """

    def __init__(
        self,
        timeout: float = 5.0,
        memory_mb: int = 128,
        output_limit: int = 256 * 1024,
        limits: str = "time",
        threads: int | None = None,
    ) -> None:
        threads = available_cores() if threads is None else threads
        self._settings = Settings.checked(timeout, memory_mb, output_limit, limits, threads)
        self._own_lane = Lane(self._settings.threads)
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()
        self._closed = False

    @property
    def settings(self) -> Settings:
        """The executor's limits."""
        return self._settings

    def run_single(self, code: str, language: str) -> tuple[str, str]:
        """Runs a program without input.

        Returns:
            Its stdout and stderr, both stripped. Where the host ended it, the last line of stderr says why.
        """
        return _as_pair(self.run(code, language), self._settings)

    def run(self, code: str, language: str, stdin: str = "") -> ExecutionResult:
        """Runs a program.

        Args:
            code: its text.
            language: ``python`` (``py``) or ``javascript`` (``js``).
            stdin: its standard input.

        Raises:
            TypeError: an argument is not a string.
            ValueError: the language is unknown.
            MissingArtefactError: the language's sandbox has not been built.
        """
        return self._lane.run(self._call(code, language, stdin))

    def batch_run(self, codes: Iterable[str], language: str) -> list[tuple[str, str]]:
        """Runs programs of one language on all threads; the results of ``run_single``, in order."""
        language_of(language)
        jobs = (Job(code, language) for code in codes)
        return [_as_pair(result, self._settings) for result in self.run_many(jobs)]

    def run_many(
        self,
        jobs: Iterable[Job | tuple[str, str] | tuple[str, str, str]],
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> Iterator[ExecutionResult]:
        """Runs programs on all threads and yields their results in order.

        Jobs are taken a little ahead of the results, so both may be endless. Closing the iterator, an exception (Ctrl-C
        too) or ``cancel`` stops it: what has not begun never begins, and what runs ends by its own limit, unheard.

        Args:
            jobs: programs, as ``(code, language)`` or ``(code, language, stdin)``.
            progress: called with the number of results before each is yielded.
            cancel: ends the iteration when set.

        Raises:
            TypeError: a job is no such tuple, or a part of it is not a string.
            ValueError: a job's language is unknown.
        """
        pending: deque[Task[ExecutionResult]] = deque()
        count = 0
        try:
            for job in jobs:
                pending.append(Task(self._call(*job_of(job))))
                self._lane.submit(pending[-1])
                if len(pending) < self._settings.threads * _AHEAD:
                    continue
                if not _finished(pending[0], cancel):
                    return
                count += 1
                yield _reported(pending.popleft(), progress, count)
            while pending and _finished(pending[0], cancel):
                count += 1
                yield _reported(pending.popleft(), progress, count)
        finally:
            for task in pending:
                task.drop()

    def open(self, code: str, language: str, stdin: str = "") -> Session:
        """Runs a program and keeps it, so that its functions can be called.

        Raises:
            TypeError: an argument is not a string.
            ValueError: the language is unknown, or the text is no program at all.
            MissingArtefactError: the language's sandbox has not been built.
        """
        self._check_open()
        session = Session(prepare(code, language, stdin), self._settings, self._lane)
        self._sessions.add(session)
        return session

    def run_trusted(
        self,
        program: str,
        language: str = "python",
        candidates: Candidates | None = None,
        stdin: str = "",
        *,
        in_place: bool = False,
    ) -> ExecutionResult:
        """Runs a trusted program, such as a test, that calls candidates' functions without ever sharing an instance.

        Each name in ``candidates`` is a function or class in the program. Its calls go through this process to the
        candidate's session; data crosses by value, exceptions by name, and objects stay where they are. Program and
        calls share one limit; a candidate that uses it up ends the program with TIMEOUT.

        Args:
            program: its text.
            language: ``python`` or ``javascript``; the candidates' may differ.
            candidates: for each name, the session and the function's name there.
            stdin: the program's standard input.
            in_place: arguments that a function changes in place change in the program too wherever it is called;
                else only where the program does not use what it returns.

        Raises:
            TypeError: an argument is not a string.
            ValueError: a name is no identifier, or a session counts another kind of limit.
        """
        named = dict(candidates or {})
        for name, (session, _) in named.items():
            if not name.isidentifier():
                raise ValueError(f"{name!r} is no name for a candidate")
            if session.counts_fuel is not (self._settings.limits is Limits.FUEL):
                raise ValueError("a candidate's session must count the same kind of limit as the executor")
        self._check_open()
        trusted = prepare(program, language, stdin)
        return self._lane.run(lambda: execute_trusted(trusted, self._settings, named, in_place))

    def close(self) -> None:
        """Closes the executor and its sessions; programs that run end by their own limits."""
        self._closed = True
        for session in list(self._sessions):
            session.close()

    def __enter__(self) -> RewardExecutor:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        settings = self._settings
        return RewardExecutor, (
            settings.timeout,
            settings.memory_mb,
            settings.output_limit,
            str(settings.limits),
            settings.threads,
        )

    @property
    def _lane(self) -> Lane:
        if not self._own_lane.here:  # This process was forked, and the threads are in its parent.
            self._own_lane = Lane(self._settings.threads)
        return self._own_lane

    def _call(self, code: str, language: str, stdin: str) -> Callable[[], ExecutionResult]:
        """What a worker does to run a program."""
        self._check_open()
        try:
            program = prepare(code, language, stdin)
        except NotAProgramError as error:
            refused = ExecutionResult.refused(str(error))
            return lambda: refused
        return lambda: execute(program, self._settings)

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("the executor is closed")


def _finished(task: Task[ExecutionResult], cancel: threading.Event | None) -> bool:
    """Waits until a task has ended; False if ``cancel`` comes first."""
    if cancel is None:
        return True  # The caller's result() waits, without polling.
    while not cancel.is_set():
        if task.wait(_POLL):
            return True
    return False


def _reported(task: Task[ExecutionResult], progress: Progress | None, count: int) -> ExecutionResult:
    result = task.result()
    if progress is not None:
        progress(count)
    return result


def _as_pair(result: ExecutionResult, settings: Settings) -> tuple[str, str]:
    words = {
        ExecutionStatus.TIMEOUT: f"TimeoutError: the program ran longer than {settings.timeout:g} s",
        ExecutionStatus.MEMORY: f"MemoryError: the program needed more than {settings.memory_mb} MB of memory",
        ExecutionStatus.OUTPUT_LIMIT: f"OutputLimitError: the program wrote more than {settings.output_limit:,} bytes",
        ExecutionStatus.CRASHED: "SandboxError: the program crashed its sandbox",
    }
    ended = words.get(result.status, "")
    if result.exit_code is not None:  # It ended by itself and has said why.
        ended = ""
    return result.stdout.strip(), f"{result.stderr.strip()}\n{ended}".strip()
