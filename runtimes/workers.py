"""The threads that run guests: daemon threads with large stacks, shared by all executors of the process."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from .engine import THREAD_STACK

T = TypeVar("T")


class WorkersClosedError(RuntimeError):
    """The interpreter is shutting down and no thread can be started."""


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

    @classmethod
    def done(cls, value: T) -> Task[T]:
        """A task whose outcome is known."""
        task = cls(lambda: value)
        task.run()
        return task

    def run(self) -> None:
        """Calls the function; called by a worker."""
        function, self._function = self._function, None
        assert function is not None
        try:
            self._value = function()
        except BaseException as error:
            self._error = error
        self._done.release()

    def wait(self, seconds: float) -> bool:
        """Waits for the outcome for that long; whether it is there."""
        if not self._done.acquire(timeout=seconds):
            return False
        self._done.release()
        return True

    def result(self) -> T:
        """Waits for the outcome; Ctrl-C ends the wait, not the call. What the function raised is raised here."""
        self._done.acquire()
        self._done.release()
        if self._error is not None:
            raise self._error
        return self._value


class _Worker:
    """A thread that waits for its next task on a lock of its own, the cheapest way to hand one over."""

    __slots__ = ("task", "wake")

    def __init__(self, task: Task[object]) -> None:
        self.task: Task[object] | None = task
        self.wake = threading.Lock()
        self.wake.acquire()


class Workers:
    """Up to ``size`` threads, started when needed. The last one to become idle is the first to be used again.

    Args:
        size: most threads that run at once; ``grow`` raises it.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._backlog: deque[Task[object]] = deque()
        self._count = 0

    def grow(self, size: int) -> None:
        """Allows at least ``size`` threads."""
        with self._lock:
            self.size = max(self.size, size)

    def submit(self, task: Task[T]) -> Task[T]:
        """Gives a task to an idle or new worker, else to the first one that becomes free.

        Raises:
            WorkersClosedError: no thread can be started any more.
        """
        if sys.is_finalizing():
            raise WorkersClosedError("the interpreter is shutting down; nothing can run in the sandbox any more")
        with self._lock:
            if self._idle:
                worker = self._idle.pop()
                worker.task = task  # type: ignore[assignment]
                worker.wake.release()
            elif self._count < self.size:
                self._start(task)  # type: ignore[arg-type]
            else:
                self._backlog.append(task)  # type: ignore[arg-type]
        return task

    @property
    def busy(self) -> bool:
        """Whether tasks wait for a thread."""
        return bool(self._backlog)

    def _start(self, task: Task[object]) -> None:
        worker = _Worker(task)
        thread = threading.Thread(
            target=self._work, args=(worker,), name=f"infinite_rl-worker-{self._count}", daemon=True
        )
        try:
            _start_with_stack(thread)
        except RuntimeError as error:
            raise WorkersClosedError(f"no thread can be started for the sandbox ({error})") from error
        self._count += 1

    def _work(self, worker: _Worker) -> None:
        _large_stacks.add(threading.get_ident())
        while True:
            task = worker.task
            worker.task = None
            while task is not None:
                task.run()
                task = self._next(worker)
            worker.wake.acquire()

    def _next(self, worker: _Worker) -> Task[object] | None:
        with self._lock:
            if self._backlog:
                return self._backlog.popleft()
            self._idle.append(worker)
            return None


_large_stacks: set[int] = set()


def require_large_stack() -> None:
    """Checks that this thread is a worker; elsewhere a deeply recursive guest would take the process down.

    Raises:
        RuntimeError: it is not.
    """
    if threading.get_ident() not in _large_stacks:
        raise RuntimeError("guests run on the workers' threads only")


_stack_lock = threading.Lock()


def _start_with_stack(thread: threading.Thread) -> None:
    """Starts a thread with THREAD_STACK bytes of stack; the size is the whole process's setting, so it is put back."""
    with _stack_lock:
        before = threading.stack_size(THREAD_STACK)
        try:
            thread.start()
        finally:
            threading.stack_size(before)


def available_cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_workers = Workers(available_cores())


def workers() -> Workers:
    """The process's workers."""
    return _workers


class Lane:
    """One executor's way to the workers: at most ``width`` of its tasks run at once, the others wait here.

    Args:
        width: how many.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._workers: Workers | None = None
        self._reset(workers())

    def submit(self, task: Task[T]) -> Task[T]:
        """Runs a task when its turn comes.

        Raises:
            WorkersClosedError: no thread can be started any more.
        """
        if self._workers is not _workers:
            with _lanes_lock:
                if self._workers is not _workers:
                    self._reset(_workers)
        with self._lock:
            self._waiting.append(task)  # type: ignore[arg-type]
            if self._running == self._width:
                return task
            self._running += 1
        try:
            self._start()
        except BaseException:
            with self._lock:
                self._running -= 1
            raise
        return task

    def _start(self) -> None:
        assert self._workers is not None
        self._workers.submit(Task(self._drain))

    def _drain(self) -> None:
        """Runs waiting tasks on this thread, letting other lanes' tasks pass between."""
        assert self._workers is not None
        while True:
            with self._lock:
                if not self._waiting:
                    self._running -= 1
                    return
                task = self._waiting.popleft()
            task.run()
            if self._workers.busy:
                self._start()
                return

    def _reset(self, current: Workers) -> None:
        """Begins with nothing: at first, and in a forked process, where the parent's tasks never end."""
        current.grow(self._width)
        self._lock = threading.Lock()
        self._waiting: deque[Task[object]] = deque()
        self._running = 0
        self._workers = current


_lanes_lock = threading.Lock()


def _after_fork() -> None:
    """The parent's threads are not in this process."""
    global _workers, _stack_lock, _lanes_lock
    _workers = Workers(_workers.size)
    _large_stacks.clear()
    _stack_lock = threading.Lock()
    _lanes_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
