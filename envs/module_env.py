"""An environment from a file with two functions, as the original trainer has them."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import math
import threading
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..datasets.task import Message, TaskSource
from ..rewards.score import RewardFunctionScore
from .episode import Episode
from .text_env import TextEnv
from .tools.reply import assistant_message


class ModuleEnv(TextEnv):
    """Plays by the functions ``interact`` and ``reward_fn`` of a Python file.

    ``interact(messages)`` gets the transcript and returns the messages that answer it; none of them end the episode.
    ``reward_fn(messages, answer)`` gets it up to the assistant's last message, also after a turn limit, and returns the
    reward, a number. Both may be ``async``: then those of all episodes of a step are under way at once, in one event
    loop that lives as long as the environment.

    The file is run as it is, with all rights of this process: load only what you trust.

    Observation, action, reward, termination and truncation: as in `TextEnv`; the reward is what ``reward_fn`` returns.

    Args:
        path: the file.
        tasks: as in `TextEnv`; a module has none of its own.
        max_turns: the most actions of an episode.
        render_mode: as in `TextEnv`.

    Raises:
        FileNotFoundError: there is no such file.
        ImportError: the file could not be run.
        TypeError: it lacks one of the functions, or there are no tasks.
    """

    domain = "module"

    def __init__(
        self,
        path: str | Path,
        tasks: TaskSource | str | Path | None = None,
        *,
        max_turns: int | None = 8,
        render_mode: str | None = None,
    ) -> None:
        super().__init__(tasks, max_turns=max_turns, render_mode=render_mode)
        self.path = path
        interact, reward_fn = load_functions(path, "interact", "reward_fn")
        self._loop = EventLoop()
        self.interact = Caller(interact, f"{path}: interact", self._loop)
        self.reward_fn = Caller(reward_fn, f"{path}: reward_fn", self._loop)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy in another process runs the file there."""
        return partial(type(self), self.path, self.tasks, max_turns=self.max_turns, render_mode=self.render_mode), ()

    def respond(self, episode: Episode, action: str) -> None:
        """Asks ``interact``; no new message ends the episode."""
        self.respond_all([episode], [action])

    def respond_all(self, episodes: Sequence[Episode], actions: Sequence[str]) -> None:
        """Asks ``interact`` in every episode."""
        for episode, action in zip(episodes, actions, strict=True):
            episode.messages.append(assistant_message(action))
        replies = self.interact([(episode.copy_messages(),) for episode in episodes])
        for episode, reply in zip(episodes, replies, strict=True):
            try:
                new = self.interact.checked(reply, _messages)
            except RuntimeError as error:
                episode.score, episode.truncated = RewardFunctionScore.error(str(error)), True
            else:
                episode.messages += new
                episode.finished = not new

    def finish(self, episodes: Sequence[Episode]) -> list[RewardFunctionScore]:
        """Asks ``reward_fn`` about every episode."""
        replies = self.reward_fn([(_spoken(episode), episode.task.answer) for episode in episodes])
        return [self._score(reply) for reply in replies]

    def _score(self, reply: Any) -> RewardFunctionScore:
        try:
            return RewardFunctionScore.scored(self.reward_fn.checked(reply, _number))
        except RuntimeError as error:
            return RewardFunctionScore.error(str(error))

    def close(self) -> None:
        """Ends the event loop; safe to call again."""
        self._loop.close()


class EventLoop:
    """A loop in a thread of its own, from its first use on, so that asynchronous functions can keep connections."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """What the coroutine returns."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, daemon=True, name="module").start()
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def close(self) -> None:
        """Ends the thread; safe to call again."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None


class Caller:
    """Calls a function, plain or asynchronous, on many arguments.

    Args:
        function: the function.
        name: what errors call it.
        loop: where it runs if it is asynchronous.
    """

    def __init__(self, function: Callable[..., Any], name: str, loop: EventLoop) -> None:
        self.function = function
        self.name = name
        self.loop = loop

    def __call__(self, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """What the function returns for each call, or the exception that it raises."""
        if inspect.iscoroutinefunction(self.function):
            results: list[Any] = self.loop.run(self._gather(calls))
            return results
        return [self._call(arguments) for arguments in calls]

    def checked(self, reply: Any, check: Callable[[Any], Any]) -> Any:
        """The reply in its proper form.

        Raises:
            RuntimeError: the function raised, or ``check`` refuses what it returned.
        """
        if isinstance(reply, Exception):
            raise RuntimeError(f"{self.name} raised {type(reply).__name__}: {reply}") from reply
        try:
            return check(reply)
        except TypeError as error:
            raise RuntimeError(f"{self.name} returned {reply!r:.200}, but {error}") from None

    def _call(self, arguments: tuple[Any, ...]) -> Any:
        try:
            return self.function(*arguments)
        except Exception as error:
            return error

    async def _gather(self, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        return await asyncio.gather(*(self.function(*arguments) for arguments in calls), return_exceptions=True)


def load_functions(path: str | Path, *names: str) -> list[Callable[..., Any]]:
    """Runs a Python file and returns functions of it.

    Raises:
        FileNotFoundError: there is no such file.
        ImportError: running it raised.
        TypeError: it lacks one of the functions.
    """
    file = Path(path).resolve()
    if not file.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path}: this is no Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ImportError(f"{path}: running it raised {type(error).__name__}: {error}") from error
    for name in names:
        if not callable(getattr(module, name, None)):
            raise TypeError(f"{path}: there must be a function {name}; see docs/plugs.md")
    return [getattr(module, name) for name in names]


def _spoken(episode: Episode) -> list[Message]:
    messages = episode.copy_messages()
    while messages and messages[-1]["role"] != "assistant":
        messages.pop()
    return messages


def _messages(reply: Any) -> list[Message]:
    good = isinstance(reply, list | tuple) and all(
        isinstance(message, dict)
        and isinstance(message.get("content"), str)
        and message.get("role") in ("user", "tool", "system")
        for message in reply
    )
    if not good:
        raise TypeError("it must be a list of messages: a role (user, tool or system) and content (a text)")
    return [message.copy() for message in reply]


def _number(reply: Any) -> float:
    try:
        number = float(reply)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(reply, str) or not math.isfinite(number):
        raise TypeError("a reward must be a finite number")
    return number
