"""Threads for work of which some may never come back: a deadline counts from the start of each piece."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ..runtimes.workers import available_cores

T = TypeVar("T")

# If nothing was finished for so long, more threads are started: those there are may all be blocked.
_STALL = 0.05
# Unless the process computed for such a share of the time: then further threads would slow those there are, until all
# of them are late.
_BUSY = 0.1
# A thread without work ends after so long.
_IDLE = 1.0


@dataclass(eq=False, slots=True)
class Job(Generic[T]):
    """One piece of work.

    Attributes:
        key: names it to whoever submitted it.
        work: what is to be done.
        result: what it returned.
        error: what it raised.
        late: whether it did not return within the deadline. Its thread is left behind, and its result is dropped.
    """

    key: int
    work: Callable[[], T]
    result: T | None = None
    error: BaseException | None = None
    late: bool = field(default=False)


class Workers(Generic[T]):
    """Runs jobs in threads and hands them back as they are done, or when their deadline has passed.

    Work that waits in the queue has not started, and no deadline runs for it. The threads never hold up the end of the
    process. What is late can't be stopped: it goes on until it returns, beside the others.

    Args:
        deadline: seconds that a job may take from its start; None for any time.
    """

    def __init__(self, deadline: float | None = None) -> None:
        if deadline is not None and not deadline > 0:
            raise ValueError(f"deadline must be a positive number of seconds, not {deadline}")
        self.deadline = deadline
        self._lock = threading.Lock()
        self._new_work = threading.Condition(self._lock)
        self._new_result = threading.Condition(self._lock)
        self._queue: deque[Job[T]] = deque()
        self._started: dict[Job[T], float] = {}  # in the order of the times
        self._done: deque[Job[T]] = deque()
        self._finished = 0
        self._threads = 0

    def __reduce__(self) -> tuple[type[Workers[T]], tuple[float | None]]:
        """A copy has threads of its own, and none of the work that is under way."""
        return type(self), (self.deadline,)

    def submit(self, jobs: Iterable[Job[T]]) -> None:
        """Queues jobs."""
        with self._lock:
            self._queue.extend(jobs)
            self._start_threads(available_cores())
            self._new_work.notify_all()

    def collect(self, count: int) -> list[Job[T]]:
        """Waits until ``count`` jobs are done or late, and returns them, in that order.

        Raises:
            ValueError: there are not as many under way.
        """
        with self._lock:
            under_way = len(self._queue) + len(self._started) + len(self._done)
            if count > under_way:
                raise ValueError(f"{count} results are wanted, but only {under_way} are under way")
            while len(self._done) < count:
                finished, began, computed = self._finished, time.monotonic(), time.process_time()
                self._new_result.wait(self._patience())
                self._drop_late()
                busy = time.process_time() - computed > _BUSY * (time.monotonic() - began)
                if finished == self._finished and self._queue and not busy:
                    self._start_threads(2 * self._threads)
            return [self._done.popleft() for _ in range(count)]

    def drop(self) -> None:
        """Forgets all jobs: those that wait never start, and the results of the others are not collected."""
        with self._lock:
            self._queue.clear()
            self._done.clear()
            self._threads -= len(self._started)
            self._started.clear()

    def _patience(self) -> float | None:
        """How long nothing needs to be looked at."""
        until = None
        if self.deadline is not None and self._started:
            first = next(iter(self._started.values()))
            until = max(0.0, first + self.deadline - time.monotonic())
        if self._queue:
            return _STALL if until is None else min(until, _STALL)
        return until

    def _drop_late(self) -> None:
        if self.deadline is None:
            return
        oldest = time.monotonic() - self.deadline
        while self._started and next(iter(self._started.values())) <= oldest:
            job = next(iter(self._started))
            del self._started[job]
            job.late = True
            self._finish(job)
            # Its thread is lost.
            self._threads -= 1
            self._start_threads(self._threads + 1)

    def _finish(self, job: Job[T]) -> None:
        self._done.append(job)
        self._finished += 1
        self._new_result.notify()

    def _start_threads(self, wanted: int) -> None:
        """Sees to it that there are ``wanted`` threads, but no more than there is work."""
        for _ in range(min(wanted, len(self._queue) + len(self._started)) - self._threads):
            self._threads += 1
            threading.Thread(target=self._work, name="text-env-worker", daemon=True).start()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                job.result = job.work()
            except BaseException as error:
                job.error = error
            with self._lock:
                if self._started.pop(job, None) is None:
                    return  # late: another thread has taken its place
                self._finish(job)

    def _next(self) -> Job[T] | None:
        with self._lock:
            if not self._queue and not self._new_work.wait_for(lambda: bool(self._queue), _IDLE):
                self._threads -= 1
                return None
            job = self._queue.popleft()
            self._started[job] = time.monotonic()
            return job
