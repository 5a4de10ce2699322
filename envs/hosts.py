"""Environments in other processes: actions are taken and graded there, on all cores or on other machines.

An episode is all the state that an environment has of it, so a host is sent episodes and actions, and sends the
episodes back as they are afterwards. What a host had when it died is sent to another one: nothing here has changed by
then. An episode over which hosts die again and again, also by itself, ends with a failure of ours.
"""

from __future__ import annotations

import logging
import multiprocessing
import pickle
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import fields
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

from ..rewards.score import RewardFunctionScore
from .episode import Episode
from .text_env import TextEnv

logger = logging.getLogger(__name__)

H = TypeVar("H")
# Hosts that die over the same episodes, one after the other, are no accident.
TRIES = 3


class HostDied(RuntimeError):
    """A host is gone, and what it was asked is not answered."""


class HostLate(RuntimeError):
    """A host has not answered in time."""


class Hosts(ABC, Generic[H]):
    """Copies of an environment elsewhere, which share the work of each call. Threads may call it at once.

    Args:
        env: the environment; it must be picklable.
        count: so many copies.

    Raises:
        ValueError: if the environment cannot be pickled.
    """

    def __init__(self, env: TextEnv, count: int) -> None:
        try:
            self._pickled = pickle.dumps(env)
        except Exception as error:
            raise ValueError(f"{env} cannot work in other processes, as it cannot be pickled: {error}") from error
        self.env, self.count = env, count
        # A thread for each host, which it keeps.
        self._mine = threading.local()
        self._all: list[H] = []
        self._closed = False
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="hosts")

    @abstractmethod
    def start(self, pickled: bytes) -> H:
        """A new host of the environment, once it is ready.

        Raises:
            HostDied: if it could not be started.
        """

    @abstractmethod
    def ask(self, host: H, method: str, arguments: tuple[Any, ...], seconds: float | None) -> Any:
        """Calls a method of the environment there, and returns its episodes as they are afterwards.

        Raises:
            HostDied: if it will never answer.
            HostLate: if it has not answered after so many seconds.
        """

    @abstractmethod
    def stop(self, host: H) -> None:
        """Ends a host, dead or alive."""

    def advance(self, episodes: Sequence[Episode], actions: Sequence[str]) -> None:
        """Takes one action in each episode, as ``TextEnv.advance`` does."""
        self._share("advance", episodes, actions)

    def advance_each(self, episodes: Sequence[Episode], actions: Sequence[str], seconds: float) -> list[bool]:
        """Takes one action in each episode by itself, and ends hosts that are late: what they do then helps nobody.

        Args:
            episodes: episodes under way.
            actions: the assistant's next message in each.
            seconds: from the moment in which a host begins with an episode.

        Returns:
            Which were late: those are as they were.
        """
        answers = [
            self._threads.submit(self._ask, "advance", ([episode], [action]), seconds)
            for episode, action in zip(episodes, actions, strict=True)
        ]
        late = []
        for episode, answer in zip(episodes, answers, strict=True):
            try:
                _take_over(episode, answer.result()[0])
                late.append(False)
            except HostLate:
                late.append(True)
        return late

    def judge(self, episodes: Sequence[Episode]) -> None:
        """Scores episodes that have ended, as ``TextEnv.judge`` does."""
        self._share("judge", episodes)

    def close(self) -> None:
        """Ends all hosts; safe to call again."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for host in self._all:
            self.stop(host)
        self._all = []

    def _share(self, method: str, *columns: Sequence[Any]) -> None:
        """Divides the rows among the hosts, and takes over what became of the episodes."""
        size = len(columns[0])
        count = min(self.count, size)
        parts = [tuple(column[k * size // count : (k + 1) * size // count] for column in columns) for k in range(count)]
        answers = [self._threads.submit(self._ask, method, part) for part in parts]
        for part, answer in zip(parts, answers, strict=True):
            for episode, after in zip(part[0], answer.result(), strict=True):
                _take_over(episode, after)

    def _ask(self, method: str, arguments: tuple[Any, ...], seconds: float | None = None) -> Sequence[Episode]:
        """Asks this thread's host, or those that take its place; in the end for each episode by itself."""
        count = len(arguments[0])
        for _ in range(TRIES):
            try:
                return self._ask_once(method, arguments, seconds)
            except HostDied:
                if self._closed:
                    raise
                logger.warning("a host of the environment died; its episodes (%d) go to another one", count)
        if count > 1:
            alone = [tuple(column[k : k + 1] for column in arguments) for k in range(count)]
            return [after for one in alone for after in self._ask(method, one, seconds)]
        failed = copy(arguments[0][0])
        failed.score = RewardFunctionScore.error("processes of the environment died over this episode again and again")
        failed.truncated = True
        return [failed]

    def _ask_once(self, method: str, arguments: tuple[Any, ...], seconds: float | None) -> Sequence[Episode]:
        host: H | None = getattr(self._mine, "host", None)
        if host is None:
            host = self._mine.host = self.start(self._pickled)
            self._all.append(host)
        try:
            found: Sequence[Episode] = self.ask(host, method, arguments, seconds)
        except (HostDied, HostLate):
            self._mine.host = None
            if host in self._all:
                self._all.remove(host)
                self.stop(host)
            raise
        return found


class Processes(Hosts[tuple[BaseProcess, Connection]]):
    """Hosts in processes of this machine."""

    def start(self, pickled: bytes) -> tuple[BaseProcess, Connection]:
        """Spawns a process: a fork of one that has threads may hang."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, pickled), daemon=True, name="environment")
        process.start()
        theirs.close()
        try:
            ours.recv()
        except (EOFError, OSError) as error:
            raise HostDied("a process of the environment could not be started") from error
        return process, ours

    def ask(
        self, host: tuple[BaseProcess, Connection], method: str, arguments: tuple[Any, ...], seconds: float | None
    ) -> Any:
        """Sends the call, and waits."""
        connection = host[1]
        try:
            connection.send((method, arguments))
            if not connection.poll(seconds):
                raise HostLate
            answer = connection.recv()
        except (EOFError, OSError) as error:
            raise HostDied("a process of the environment died") from error
        if isinstance(answer, Exception):
            raise answer
        return answer

    def stop(self, host: tuple[BaseProcess, Connection]) -> None:
        """Kills it: it holds nothing."""
        process, connection = host
        connection.close()
        process.kill()
        process.join()


def _take_over(episode: Episode, after: Episode) -> None:
    """Makes an episode what became of it elsewhere; its task stays the object that it is."""
    for field in fields(episode):
        if field.name != "task":
            setattr(episode, field.name, getattr(after, field.name))


def called(env: TextEnv, method: str, arguments: tuple[Any, ...]) -> Any:
    """Calls a method of an environment; returns its episodes as they are afterwards."""
    getattr(env, method)(*arguments)
    return arguments[0]


def _serve(connection: Connection, pickled: bytes) -> None:
    """What a process does until nobody asks any more."""
    env = pickle.loads(pickled)
    connection.send("ready")
    while True:
        try:
            method, arguments = connection.recv()
        except (EOFError, OSError):
            return
        try:
            answer = called(env, method, arguments)
        except Exception as error:  # whoever asked shall see it
            answer = RuntimeError(f"{type(error).__name__}: {error}")
        connection.send(answer)
