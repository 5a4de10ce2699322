"""Plays environments that ask the policy themselves: many episodes at once, their questions answered in batches.

Every episode is a program in a thread. All that wait for the policy are answered together: when no program is busy any
more, or when the busy ones keep the others waiting for longer than ``PATIENCE_S``. Tokens are drawn from streams keyed
by task, attempt, sample and call, so who is answered together changes nothing but the rounding of the arithmetic.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from ..environments.base import BaseEnvironment
from ..environments.text_env import run_episode
from ..inference.calls import EpisodeThread
from ..inference.endpoint import EndpointBackend
from ..inference.generation import Generation, GenerationResult
from ..inference.module import InferenceModule
from ..inference.record import EpisodeRecord
from ..inference.sampling import stream_key
from .failures import RolloutError
from .program_play import ContextFull, PlaySettings, ProgramPlay, Start, episode_random

# A program that is busy for so long keeps the others waiting no longer.
PATIENCE_S = 0.5


def play(
    env: BaseEnvironment[Any], inference: InferenceModule, starts: Iterable[Start], settings: PlaySettings
) -> list[ProgramPlay]:
    """Plays episodes, each to its end.

    Returns:
        One play for each start, in their order.

    Raises:
        RolloutError: if every episode failed by an exception; the first is its cause.
    """
    table = _Table(env, inference, settings)
    inference.playing += 1
    try:
        plays = table.run(deque(starts))
    finally:
        inference.playing -= 1
        table.stop()
    failed = [one for one in plays if one.status == "error"]
    if failed and len(failed) == len(plays):  # no bad luck, but a bug: waiting for more of them would hide it
        raise RolloutError(f"every episode failed, the first by {failed[0].error_msg}") from _cause(failed[0])
    return plays


class _Table:
    """The episodes that are played at once."""

    def __init__(self, env: BaseEnvironment[Any], inference: InferenceModule, settings: PlaySettings) -> None:
        self.env, self.inference, self.settings = env, inference, settings
        self.stopped: SimpleQueue[EpisodeThread] = SimpleQueue()
        self.busy: dict[EpisodeThread, ProgramPlay] = {}
        self.asking: dict[EpisodeThread, ProgramPlay] = {}
        self.end_texts = {end: str(inference.tokenizer.decode([end])) for end in inference.backend.end_ids}

    def run(self, waiting: deque[Start]) -> list[ProgramPlay]:
        """Plays all of them; see :func:`play`."""
        plays: list[ProgramPlay] = []
        while waiting or self.busy or self.asking:
            if waiting and (self.settings.refill or not (self.busy or self.asking)):
                for _ in range(min(len(waiting), self.settings.num_parallel - len(self.busy) - len(self.asking))):
                    plays.append(self._begin(waiting.popleft()))
            self._gather()
            if self.asking:
                self._answer()
        return plays

    def stop(self) -> None:
        """Ends the programs that still run: after Ctrl-C, say."""
        for thread in (*self.busy, *self.asking):
            thread.cancel()

    def _begin(self, start: Start) -> ProgramPlay:
        one = ProgramPlay(start, EpisodeRecord(self.inference.encode, self.inference.encode_rest, self.end_texts))
        if isinstance(start.state, Exception):
            self._fail(one, start.state)
            return one
        one.state = start.state
        one.thread = EpisodeThread(
            lambda: run_episode(self.env, start.state, self.settings.max_steps, one.move),
            self.inference,
            self.stopped,
            random=episode_random(start.key, "steps"),
            task_index=start.task_index,
        )
        self.busy[one.thread] = one
        one.since = time.monotonic()
        one.thread.start()
        return one

    def _gather(self) -> None:
        """Waits until no program is busy, or until those that ask have waited long enough."""
        patience = time.monotonic() + PATIENCE_S
        while self.busy:
            until = min([patience] * bool(self.asking) + [self._deadline(one) for one in self.busy.values()])
            try:
                thread = self.stopped.get(timeout=min(max(until - time.monotonic(), 0.0), 3600.0))
            except Empty:
                self._expire()
                if self.asking and time.monotonic() >= patience:
                    return
                continue
            one = self.busy.pop(thread, None)
            if one is None:  # it had been given up
                continue
            if thread.ended:
                self._end(one, thread)
            else:
                self.asking[thread] = one

    def _answer(self) -> None:
        """Answers all that ask, and sets them going again."""
        asking = dict(sorted(self.asking.items(), key=lambda item: item[1].start.key))
        answers: dict[EpisodeThread, Any] = {thread: GenerationResult() for thread in asking}
        questions: list[_Question] = []
        for thread, one in asking.items():
            request = thread.request
            assert request is not None
            if request.temperature not in (None, self.settings.temperature):
                answers[thread] = _wrong_temperature(request.temperature, self.settings.temperature)
                continue
            limit = self.settings.max_new_tokens if request.max_new_tokens is None else request.max_new_tokens
            prompts = [self._encode(one.record, prompt) for prompt in request.prompts]
            room = self._room(prompts)
            if room < 1:
                answers[thread] = ContextFull(f"a prompt of {max(map(len, prompts))} tokens fills the context")
                continue
            for row, (prompt, ids) in enumerate(zip(request.prompts, prompts, strict=True)):
                key = stream_key(one.start.key, "call", one.record.calls, row)
                questions.append(_Question(thread, one.record, prompt, ids, key, min(limit, room)))
            one.record.calls += 1
        for question, answer in zip(questions, self._sample(questions), strict=True):
            answers[question.thread].append(answer)
        for thread, answer in answers.items():
            one = self.busy[thread] = self.asking.pop(thread)
            one.since = time.monotonic()
            thread.resume(answer)

    def _sample(self, questions: list[_Question]) -> list[Generation]:
        """One batch; what is sampled enters the records."""
        if not questions:
            return []
        inference, settings = self.inference, self.settings
        limits = [question.limit for question in questions]
        if isinstance(inference.backend, EndpointBackend):  # texts, of which there is nothing to record
            prompts = [question.prompt for question in questions]
            texts = inference.backend.continue_texts(
                prompts, max_new_tokens=max(limits), temperature=settings.temperature
            )
            return [Generation.of_text(text, inference.version) for text in texts]
        ids = [question.ids for question in questions]
        sampling = {"temperature": settings.temperature, **settings.sampling}
        keys = [question.key for question in questions]
        samples = inference.backend.sample(ids, keys, max_new_tokens=limits, **sampling)
        texts = inference.decode([sample.token_ids for sample in samples])
        found = []
        for question, prompt_ids, sample, text in zip(questions, ids, samples, texts, strict=True):
            question.record.add(question.prompt, prompt_ids, sample, text, inference.version)
            found.append(Generation(text, prompt_ids, sample, inference.version))
        return found

    def _encode(self, record: EpisodeRecord, prompt: str) -> list[int]:
        return [] if isinstance(self.inference.backend, EndpointBackend) else record.prompt_ids(prompt)

    def _room(self, prompts: list[list[int]]) -> int:
        """How many tokens the responses to these prompts may have, as far as the context is concerned."""
        longest = self.settings.max_length
        return sys.maxsize if longest is None else longest - max(map(len, prompts))

    def _end(self, one: ProgramPlay, thread: EpisodeThread) -> None:
        if isinstance(thread.error, ContextFull) and one.record.calls:
            one.truncated = one.context_full = True
            self.settings.on_end()
            return
        if thread.error is not None:
            self._fail(one, ValueError(str(thread.error)) if isinstance(thread.error, ContextFull) else thread.error)
            return
        one.state, one.truncated = thread.result
        if not one.record.calls:
            one.status, one.error_msg = "error", "an episode that never called self.inference.generate"
        self.settings.on_end()

    def _fail(self, one: ProgramPlay, error: BaseException) -> None:
        if not isinstance(error, Exception):  # Ctrl-C and the like concern everybody
            raise error
        one.status, one.error_msg = "error", f"{type(error).__name__}: {error}{_place(error)}"
        self.settings.on_end()

    def _deadline(self, one: ProgramPlay) -> float:
        deadline = self.settings.deadline
        return float("inf") if deadline is None else one.since + deadline

    def _expire(self) -> None:
        """Gives up the episodes whose own code takes too long. Their threads end at their next call, if ever."""
        now = time.monotonic()
        for thread, one in list(self.busy.items()):
            if now >= self._deadline(one):
                del self.busy[thread]
                thread.cancel()
                one.status = "timeout"
                one.error_msg = f"the environment's own code took more than {self.settings.deadline:g} s"
                self.settings.on_end()


@dataclass(frozen=True, slots=True)
class _Question:
    """One prompt of a request."""

    thread: EpisodeThread
    record: EpisodeRecord
    prompt: str
    ids: list[int]
    key: int
    limit: int


def _cause(one: ProgramPlay) -> BaseException | None:
    if isinstance(one.start.state, Exception):
        return one.start.state
    return one.thread.error if one.thread is not None else None


def _place(error: BaseException) -> str:
    """Where an author's code raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""


def _wrong_temperature(asked: float | None, trained: float) -> ValueError:
    return ValueError(
        f"generate was asked for temperature {asked}, but responses are trained as sampled at {trained}: "
        "set RolloutConfig(temperature=…) and BackpropConfig(temperature=…), or leave it out"
    )
