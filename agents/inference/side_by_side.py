"""Calls that wait for servers, side by side in threads that keep neither their caller nor the process from ending."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from typing import Generic, TypeVar

Result = TypeVar("Result")


def in_thread(call: Callable[[], Result]) -> Future[Result]:
    """What a call will return."""
    future: Future[Result] = Future()
    _start(iter([(call, future)]), 1)
    return future


def at_once(calls: Sequence[Callable[[], Result]], most: int) -> list[Result]:
    """What the calls return, in their order; at most so many run at a time.

    Raises:
        BaseException: what one raised. What is under way is left alone then, as it may take long; nothing else begins.
    """
    futures: list[Future[Result]] = [Future() for _ in calls]
    _start(iter(list(zip(calls, futures, strict=True))), min(most, len(futures)))
    try:
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
        return [future.result() for future in futures]
    finally:
        for future in futures:
            future.cancel()


def _start(work: Iterator[tuple[Callable[[], Result], Future[Result]]], count: int) -> None:
    """Starts threads that do the work. The pools of ``concurrent.futures`` are waited for when the process ends."""
    lock = threading.Lock()

    def live() -> None:
        while True:
            with lock:
                call, future = next(work, (None, None))
            if call is None or future is None:
                return
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:  # whoever waits raises it
                    future.set_exception(error)

    for _ in range(count):
        threading.Thread(target=live, name="request", daemon=True).start()


class Shared(Generic[Result]):
    """A question whose answer serves all who asked before it was sent.

    Args:
        call: asks it.
    """

    def __init__(self, call: Callable[[], Result]) -> None:
        self._call = call
        self._asking = threading.Lock()
        self._sent = self._answered = 0
        self._answer: Future[Result] = Future()

    def __call__(self) -> Result:
        """What the call returns or raises, having begun after this."""
        wanted = self._sent + 1
        with self._asking:
            if self._answered < wanted:
                self._sent += 1
                self._answer = Future()
                try:
                    self._answer.set_result(self._call())
                except Exception as error:  # everyone raises it
                    self._answer.set_exception(error)
                self._answered = self._sent
            answer = self._answer
        return answer.result()
