"""Processes of our own that answer requests, one line of JSON each, and can be killed when they take too long.

They are started as programs, not forked: no thread's lock is copied, and no caller's main module is run again.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from queue import Empty, SimpleQueue
from typing import Any

PROGRAM = "infinite_rl.rewards.equivalence.worker"
START_SECONDS = 60.0
"""How long a process may take to start, which is not part of any limit."""


class WorkerProcess:
    """One process, which answers one request after the other.

    Args:
        modules: what it loads before it is ready.
    """

    def __init__(self, *modules: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", PROGRAM, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._answers: SimpleQueue[bytes] = SimpleQueue()
        threading.Thread(target=self._read, name="infinite_rl-verdicts", daemon=True).start()
        self.ready = False

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put(b"")

    def ask(self, request: Any, seconds: float) -> Any:
        """The answer to a request.

        Raises:
            TimeoutError: it took too long; the process is no more.
            ChildProcessError: the process has ended.
        """
        if not self.ready:
            self._receive(START_SECONDS)  # It says that it is there.
            self.ready = True
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            self.kill()
            raise ChildProcessError("a process of ours has ended") from error
        return self._receive(seconds)

    def _receive(self, seconds: float) -> Any:
        try:
            line = self._answers.get(timeout=seconds)
        except Empty:
            self.kill()
            raise TimeoutError(f"no answer in {seconds} s") from None
        if not line:
            self.kill()
            raise ChildProcessError("a process of ours has ended")
        return json.loads(line)

    def kill(self) -> None:
        """Ends the process at once."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


class ProcessPool:
    """Processes that wait for requests; started when needed, and kept.

    Args:
        modules: what they load before they are ready.
    """

    def __init__(self, *modules: str) -> None:
        self._modules = modules
        self._idle: list[WorkerProcess] = []
        self._lock = threading.Lock()
        self._owner = os.getpid()
        atexit.register(self.close)

    def ask(self, request: Any, seconds: float) -> Any:
        """The answer of one of the processes.

        Raises:
            TimeoutError: it took too long.
            ChildProcessError: the process has ended.
        """
        worker = self._take()
        if worker is not None:
            try:
                return self._ask(worker, request, seconds)
            except ChildProcessError:
                pass  # It has ended while it was idle, or somebody has killed it: a new one is asked.
        return self._ask(WorkerProcess(*self._modules), request, seconds)

    def _take(self) -> WorkerProcess | None:
        with self._lock:
            if self._owner != os.getpid():  # After a fork these are the parent's.
                self._idle, self._owner = [], os.getpid()
            return self._idle.pop() if self._idle else None

    def _ask(self, worker: WorkerProcess, request: Any, seconds: float) -> Any:
        answer = worker.ask(request, seconds)
        with self._lock:
            self._idle.append(worker)
        return answer

    def close(self) -> None:
        """Ends all processes of this one."""
        with self._lock:
            idle, self._idle = self._idle, []
        if self._owner == os.getpid():
            for worker in idle:
                worker.kill()
