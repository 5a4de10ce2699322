"""Programs that ask the policy: each runs in a thread, and its calls of ``generate`` wait for whoever plays it.

So many programs, written as if each had the policy for itself, can be answered in batches. An author writes
``self.inference.generate([prompt])[0]`` and gets a text; the player sees requests, and knows whose they are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Request:
    """A call of ``generate``; None where the author left the choice to the player."""

    prompts: list[str]
    max_new_tokens: int | None = None
    temperature: float | None = None


class EpisodeStopped(BaseException):
    """Raised inside a program that nobody plays any more. No ``Exception``, so that authors don't catch it unseen."""


@dataclass(slots=True)
class EpisodeContext:
    """What the code of an environment can learn about the episode it runs in.

    Attributes:
        random: the episode's own random numbers.
        task_index: which prompt to take; None if any.
        thread: answers the calls of ``generate``; None where they are not the episode's, as in ``reset``.
    """

    random: np.random.Generator
    task_index: int | None = None
    thread: EpisodeThread | None = None


_EPISODE: ContextVar[EpisodeContext | None] = ContextVar("episode", default=None)


def current_episode() -> EpisodeContext | None:
    """The episode that the calling code belongs to, if any."""
    return _EPISODE.get()


def inside(context: EpisodeContext, run: Callable[[], Any]) -> Any:
    """Calls ``run`` as code of an episode."""
    token = _EPISODE.set(context)
    try:
        return run()
    finally:
        _EPISODE.reset(token)


class EpisodeThread:
    """One program, which stops at each of its calls of ``generate`` until it is resumed with the answer.

    Args:
        run: the program; what it returns is the result.
        inference: the policy whose calls stop the program; those of other modules are none of the episode's.
        stopped: told, by the program's thread, that it has stopped: it asks, or it has ended.
        random: the episode's own random numbers.
        task_index: which prompt it is about.

    Attributes:
        request: what the program asks; None while it runs and after its end.
        ended: whether it has ended.
        result: what it returned.
        error: what it raised.
    """

    def __init__(
        self,
        run: Callable[[], Any],
        inference: Any,
        stopped: SimpleQueue[EpisodeThread],
        *,
        random: np.random.Generator,
        task_index: int | None = None,
    ) -> None:
        self.inference = inference
        self.request: Request | None = None
        self.ended = False
        self.result: Any = None
        self.error: BaseException | None = None
        self._run = run
        self.stopped = stopped
        self._context = EpisodeContext(random, task_index, self)
        self._answers: SimpleQueue[Any] = SimpleQueue()
        # A daemon: a program that hangs in the author's own code cannot be ended, and must not keep the process alive.
        self._thread = threading.Thread(target=self._live, name="episode", daemon=True)

    def start(self) -> None:
        """Lets the program run up to its first call."""
        self._thread.start()

    def resume(self, answer: Any) -> None:
        """Answers the call that the program waits for, and lets it run on; an exception is raised there."""
        self.request = None
        self._answers.put(answer)

    def cancel(self) -> None:
        """Ends the program at its next call of ``generate``, or at the one that it waits in."""
        self._answers.put(EpisodeStopped())

    def ask(self, request: Request) -> Any:
        """Called by the program's own thread: hands the request over and waits for the answer."""
        if threading.current_thread() is not self._thread:
            raise RuntimeError("generate was called from another thread than the episode's own")
        self.request = request
        self.stopped.put(self)
        answer = self._answers.get()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _live(self) -> None:
        try:
            self.result = inside(self._context, self._run)
        except BaseException as error:  # the player decides what becomes of it
            self.error = error
        self.ended = True
        self.stopped.put(self)


def ask_episode(inference: Any, prompts: Sequence[str], max_new_tokens: int | None, temperature: float | None) -> Any:
    """The answer to a call of ``generate``, if it is one of an episode that plays with ``inference``; else None."""
    context = current_episode()
    if context is None or context.thread is None or context.thread.inference is not inference:
        return None
    return context.thread.ask(Request(list(prompts), max_new_tokens, temperature))
