"""The threads that run guests: daemon threads with large stacks, shared by all executors of the process.

An exception may be raised in a caller's thread between any two steps of it: by Ctrl-C, by a signal's handler, by
another thread. So callers take single steps only, each done by one call into C, and wherever they are cut off, the
workers' state is sound and the next caller makes up for what was left out. All counting happens on the workers.
"""

from __future__ import annotations

import _thread
import os
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from .stacks import prepare_stack, release_stack, start_thread

T = TypeVar("T")

_LISTEN = 0.5
"""How often who waits listens to signals, in seconds: one that comes just as Python begins to wait ends no wait."""


class WorkersClosedError(RuntimeError):
    """No thread can be started: the interpreter is shutting down, or the system has no more of them."""


class Task(Generic[T]):
    """A function's call on a worker, and its outcome.

    Args:
        function: what to call.
    """

    __slots__ = ("_done", "_error", "_function", "_value")

    def __init__(self, function: Callable[[], T]) -> None:
        self._function: Callable[[], T] | None = function
        self._done = threading.Lock()
        self._done.acquire()
        self._value: T
        self._error: BaseException | None = None

    def run(self) -> None:
        """Calls the function, unless nobody wants that any more; for a worker, which calls ``publish`` then."""
        function, self._function = self._function, None
        try:
            if function is not None:
                self._value = function()
        except BaseException as error:
            self._error = error

    def publish(self) -> None:
        """Lets who waits have the outcome."""
        self._done.release()

    def drop(self) -> None:
        """Nobody waits for the outcome: a call that has not begun never begins."""
        self._function = None

    def fail(self, error: BaseException) -> None:
        """Ends a task that nobody can run."""
        self._error = error
        self.publish()

    def wait(self, seconds: float) -> bool:
        """Waits for the outcome for that long; whether it is there."""
        if not self._done.acquire(timeout=seconds):
            return False
        self._done.release()
        return True

    def result(self) -> T:
        """Waits for the outcome; Ctrl-C ends the wait, not the call. What the function raised is raised here."""
        while not self.wait(_LISTEN):
            pass
        if self._error is not None:
            raise self._error
        return self._value


class Workers:
    """Up to ``size`` threads, started when needed, which serve the lanes that stand in line.

    The last one to become idle is the first to be used again: its processor still knows what it works on.

    Args:
        size: most threads that run at once, unless a lane is wider.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._line: OrderedDict[Lane, None] = OrderedDict()
        self._lock = threading.Lock()
        self._idle: list[SimpleQueue[None]] = []  # What wakes those that rest.
        self._count = 0

    def serve(self, lane: Lane) -> None:
        """Puts a lane in line, where it is not yet, and sees to it that somebody looks there.

        Raises:
            WorkersClosedError: there is no thread, and none can be started.
        """
        if self.size < lane.width:
            self.size = lane.width
        self._line[lane] = None
        self._summon()

    def _summon(self) -> None:
        # Who goes to rest puts itself among the idle before it looks at the line for the last time, so one of the two
        # sees the other. A ring or a start too many does no harm: who finds more than it takes summons the next.
        idle = self._idle[-1:]
        if idle:
            idle[0].put(None)
        elif self._count < self.size:
            try:
                # By a thread that no exception can reach; not even the start of a thread can be cut in half.
                _thread.start_new_thread(self._start_worker, ())
            except RuntimeError as error:
                if not self._count:
                    raise WorkersClosedError(f"no thread can be started for the sandbox ({error})") from error

    def _start_worker(self) -> None:
        with self._lock:
            if self._idle or self._count >= self.size:
                return
            self._count += 1
        try:
            start_thread(threading.Thread(target=self._work, name="infinite_rl-worker", daemon=True))
        except RuntimeError as error:
            with self._lock:
                self._count -= 1
            if not self._count:
                self._refuse(WorkersClosedError(f"no thread can be started for the sandbox ({error})"))

    def _refuse(self, error: WorkersClosedError) -> None:
        """Fails everything that waits."""
        while self._line:
            self._line.popitem(last=False)[0].fail(error)

    def _work(self) -> None:
        prepare_stack()
        bell: SimpleQueue[None] = SimpleQueue()
        try:
            while True:
                self._rest(bell)
                while self._line:
                    self._run_next()
        finally:  # Somebody has raised an exception in this very thread: another one takes its place.
            with self._lock:
                self._count -= 1
            if self._line:
                self._summon()

    def _rest(self, bell: SimpleQueue[None]) -> None:
        self._idle.append(bell)
        try:
            if not self._line:
                bell.get()
        finally:
            self._idle.remove(bell)

    def _run_next(self) -> None:
        """Runs the first lane's first task, if that lane may run one more; others see to the rest meanwhile."""
        try:
            lane, _ = self._line.popitem(last=False)
        except KeyError:  # Another worker was faster.
            return
        task = lane.take()
        if task is None:
            return
        try:
            if lane.ready:
                self._line[lane] = None
            if self._line:
                self._summon()
            task.run()
            release_stack()
        finally:
            lane.give_back()
            if lane.ready:
                self._line[lane] = None  # At its end: other lanes' tasks pass between.
            task.publish()  # Last: the caller wants Python's lock next, and this thread is about to let go of it.


class Lane:
    """One executor's way to this process's workers: at most ``width`` of its tasks run at once, the others wait here.

    Args:
        width: how many.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self._workers = _workers
        self._waiting: deque[Task[Any]] = deque()
        self._lock = threading.Lock()
        self._running = 0

    def submit(self, task: Task[T]) -> Task[T]:
        """Runs a task when its turn comes.

        Raises:
            WorkersClosedError: there is no thread, and none can be started.
        """
        if sys.is_finalizing():
            raise WorkersClosedError("the interpreter is shutting down; nothing can run in the sandbox any more")
        self._waiting.append(task)
        # Else the next worker to end one of this lane's tasks, which looks here then, takes it.
        if self.ready:
            self._workers.serve(self)
        return task

    def run(self, function: Callable[[], T]) -> T:
        """The outcome of a function's call on a worker; if the wait is cut off, it is not begun any more."""
        task = Task(function)
        try:
            return self.submit(task).result()
        finally:
            task.drop()

    @property
    def here(self) -> bool:
        """Whether it leads to this process's workers, not to those of the process that this one was forked from."""
        return self._workers is _workers

    @property
    def ready(self) -> bool:
        """Whether a task waits that may run now."""
        return bool(self._waiting) and self._running < self.width

    def take(self) -> Task[Any] | None:
        """The next task that may run now, for a worker, which calls ``give_back`` after it."""
        with self._lock:
            if not self.ready:
                return None
            self._running += 1
            return self._waiting.popleft()

    def give_back(self) -> None:
        """A task that was taken has ended."""
        with self._lock:
            self._running -= 1

    def fail(self, error: BaseException) -> None:
        """Ends what waits."""
        while self._waiting:
            self._waiting.popleft().fail(error)


def available_cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_workers = Workers(available_cores())


def _after_fork() -> None:
    """The parent's threads are not in this process."""
    global _workers
    _workers = Workers(_workers.size)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
