"""Models behind an OpenAI-compatible endpoint play environments, many episodes at a time."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

import gymnasium
from gymnasium.utils import seeding

from ..datasets.task import Message
from ..rewards.score import Status
from ..runtimes.endpoint import BudgetError, ChatEndpoint, ChatReply, EndpointError
from .scoring import CUT_OFF
from .text_env import TextEnv
from .tools.formats import MAX_CALLS
from .tools.reply import Reply

logger = logging.getLogger(__name__)

ENDPOINT_ERROR = "endpoint_error"
"""The status of an episode that the endpoint broke off; like ``error`` it says nothing about the model."""

_NO_FAULT_OF_THE_MODEL = (Status.ERROR, ENDPOINT_ERROR)


@dataclass(frozen=True, slots=True)
class PlayedEpisode:
    """How a model fared in one episode.

    Attributes:
        number: which episode of the run it is, from 0; they end in any order.
        task_id: the task.
        task_index: its index in the environment's source.
        domain: its domain.
        reward: what it earned; 0.0 where it does not count.
        status: of its score, or ``endpoint_error``.
        error_msg: why the score is not full, or what went wrong.
        components: the parts of the score by name.
        terminated: whether it came to its own end.
        turns: how many actions were taken.
        prompt_tokens: of all its requests together, as the server counted them.
        completion_tokens: likewise.
        finish_reason: of the last reply; ``length`` if it was cut.
        seconds: how long it took.
        messages: the transcript.
    """

    number: int
    task_id: str
    task_index: int
    domain: str
    reward: float
    status: str
    error_msg: str
    components: Mapping[str, float]
    terminated: bool
    turns: int
    prompt_tokens: int
    completion_tokens: int
    finish_reason: str
    seconds: float
    messages: Sequence[Message] = field(repr=False)

    @property
    def counts(self) -> bool:
        """Whether it says something about the model: neither we nor the endpoint failed."""
        return self.status not in _NO_FAULT_OF_THE_MODEL


class AgentLoop:
    """Plays episodes of an environment with the model behind an endpoint.

    Each turn sends ``info["messages"]`` and takes the reply as the action, with its native ``tool_calls``. Every thread
    plays a copy of the environment with its wrappers, so that prompts and rewards are those of the wrappers, and what
    a wrapper learns over episodes (`CurriculumDifficulty`) each copy learns for itself.

    Args:
        env: a text environment, with or without wrappers.
        endpoint: the model.
        concurrency: how many episodes are played at the same time.
        send_tools: whether requests carry the tools' schemas; by default if the tool format is ``native``.
        max_turns: a turn limit instead of the environment's own.
        patience: after so many episodes in a row that the endpoint broke off, no more are begun.
        **parameters: further members of the requests, such as ``temperature`` and ``max_tokens``.

    Raises:
        TypeError: the environment is no text environment; or, by ``play``, a wrapper of it can't be copied.
        ValueError: an argument is not positive.
    """

    def __init__(
        self,
        env: gymnasium.Env[str, str],
        endpoint: ChatEndpoint,
        *,
        concurrency: int = 16,
        send_tools: bool | None = None,
        max_turns: int | None = None,
        patience: int = 10,
        **parameters: Any,
    ) -> None:
        for name, value in (("concurrency", concurrency), ("patience", patience), ("max_turns", max_turns)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        _text_env(env)
        parameters |= tools_member(env, send_tools)
        self.env, self.endpoint = env, endpoint
        self.concurrency, self.max_turns, self.patience = concurrency, max_turns, patience
        self.parameters = parameters

    def play(
        self, episodes: int, *, seed: int | None = None, task_indices: Iterable[int] | None = None
    ) -> Iterator[PlayedEpisode]:
        """Plays ``episodes`` episodes and yields each as it ends; whoever stops to iterate ends the others.

        Args:
            episodes: how many, at most.
            seed: draws the tasks, the same whatever the concurrency; the first is that of ``env.reset(seed=seed)``.
            task_indices: the tasks instead.

        Raises:
            EndpointError: the endpoint failed too often in a row, or its budget is used up. What has ended was yielded.
        """
        if task_indices is None:
            rng, _ = seeding.np_random(seed)
            task_indices = (_text_env(self.env).draw_index(rng) for _ in range(episodes))
        work = _Work(zip(range(episodes), task_indices, strict=False))
        results: SimpleQueue[PlayedEpisode | BaseException | None] = SimpleQueue()
        copies = _copies(self.env, min(self.concurrency, episodes))
        for env in copies:
            if self.max_turns is not None:
                _text_env(env).max_turns = self.max_turns
            threading.Thread(target=self._work, args=(env, work, results), name="agent-loop", daemon=True).start()
        threads = len(copies)
        broken_off = 0
        try:
            while threads:
                result = results.get()
                if result is None:
                    threads -= 1
                elif isinstance(result, BaseException):
                    raise result
                else:
                    yield result
                    broken_off = broken_off + 1 if result.status == ENDPOINT_ERROR else 0
                    if broken_off == self.patience:
                        raise EndpointError(f"{broken_off} episodes in a row were broken off: {result.error_msg}")
        finally:
            work.stop()

    def _work(
        self, env: gymnasium.Env[str, str], work: _Work, results: SimpleQueue[PlayedEpisode | BaseException | None]
    ) -> None:
        try:
            while (job := work.next()) is not None:
                played = self._play(env, *job, work)
                if played is not None:
                    results.put(played)
        except BaseException as error:
            results.put(error)
        results.put(None)

    def _play(self, env: gymnasium.Env[str, str], number: int, index: int, work: _Work) -> PlayedEpisode | None:
        """One episode; None if nobody waits for it any more."""
        started = time.monotonic()
        _, info = env.reset(options={"task_index": index})
        reward, turns, terminated, truncated = 0.0, 0, False, False
        prompt_tokens = completion_tokens = 0
        finish_reason = problem = ""
        while not (terminated or truncated or problem):
            if work.stopped:
                return None
            try:
                reply = self.endpoint.chat(info["messages"], **self.parameters)
            except BudgetError:
                raise  # no other episode could go on either
            except EndpointError as error:
                problem = str(error)
            else:
                prompt_tokens += reply.prompt_tokens
                completion_tokens += reply.completion_tokens
                finish_reason = reply.finish_reason
                _, earned, terminated, truncated, info = env.step(as_action(reply))
                reward, turns = reward + float(earned), turns + 1
        status, why = _outcome(info, problem)
        return PlayedEpisode(
            number,
            info["task_id"],
            index,
            info["domain"],
            0.0 if status in _NO_FAULT_OF_THE_MODEL else reward,
            status,
            why,
            dict(info.get("components", {})),
            terminated,
            turns,
            prompt_tokens,
            completion_tokens,
            finish_reason,
            time.monotonic() - started,
            info["messages"],
        )


def tools_member(env: gymnasium.Env[str, str], send_tools: bool | None) -> dict[str, Any]:
    """What requests say of an environment's tools: their schemas as ``tools``, or nothing.

    Args:
        env: the environment, with or without wrappers.
        send_tools: whether they are sent; by default if the tool format is ``native``.
    """
    if send_tools is None:
        send_tools = env.has_wrapper_attr("toolbox") and env.get_wrapper_attr("toolbox").format.name == "native"
    # By way of the wrappers: one of them may be what offers tools.
    schemas = env.get_wrapper_attr("tool_schemas") if send_tools else ()
    return {"tools": list(schemas)} if schemas else {}


def as_action(reply: ChatReply) -> Reply:
    """What a model answered, as the action it is."""
    # Servers want a result for every call, and those behind the limit get none.
    return Reply.from_message({"content": reply.text, "tool_calls": reply.tool_calls[:MAX_CALLS]})


class _Work:
    """What is still to be played, shared by the threads."""

    def __init__(self, jobs: Iterable[tuple[int, int]]) -> None:
        self._jobs = iter(jobs)
        self._lock = threading.Lock()
        self.stopped = False

    def next(self) -> tuple[int, int] | None:
        with self._lock:
            return None if self.stopped else next(self._jobs, None)

    def stop(self) -> None:
        self.stopped = True


def _outcome(info: Mapping[str, Any], problem: str) -> tuple[str, str]:
    """Status and message of an episode that is over."""
    if problem:
        return ENDPOINT_ERROR, problem
    return str(info.get("status", CUT_OFF.status)), str(info.get("error_msg", CUT_OFF.error_msg))


def _text_env(env: gymnasium.Env[str, str]) -> TextEnv:
    """What the wrappers are around."""
    inner = env.unwrapped
    if not isinstance(inner, TextEnv):
        raise TypeError(f"an agent plays text environments, not {type(inner).__name__}")
    return inner


def _copies(env: gymnasium.Env[str, str], count: int) -> list[gymnasium.Env[str, str]]:
    """Copies that keep an episode each. What the text environment itself holds is shared: no episode changes it.

    Raises:
        TypeError: a wrapper can't be copied.
    """
    shared = {id(value): value for value in vars(env.unwrapped).values()}
    try:
        return [deepcopy(env, dict(shared)) for _ in range(count)]
    except Exception as error:
        raise TypeError(
            f"{env} can't be played by several threads, since a wrapper can't be copied: {error}"
        ) from error


def summarize(results: Sequence[PlayedEpisode], seconds: float) -> dict[str, Any]:
    """What a run comes to, as JSON: the mean reward over the episodes that count, and how they ended.

    Args:
        results: the episodes.
        seconds: how long all took together.
    """
    rewards = [result.reward for result in results if result.counts]
    mean = sum(rewards) / len(rewards) if rewards else None
    error = None
    if mean is not None and len(rewards) > 1:
        error = math.sqrt(sum((reward - mean) ** 2 for reward in rewards) / (len(rewards) - 1) / len(rewards))
    return {
        "episodes": len(results),
        "counted": len(rewards),
        "mean_reward": mean,
        "standard_error": error,
        "by_status": dict(Counter(result.status for result in results).most_common()),
        "cut_replies": sum(result.finish_reason == "length" for result in results),
        "turns": sum(result.turns for result in results),
        "prompt_tokens": sum(result.prompt_tokens for result in results),
        "completion_tokens": sum(result.completion_tokens for result in results),
        "seconds": seconds,
    }
