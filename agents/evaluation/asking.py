"""A model behind an endpoint answers tasks: many requests at a time, grading in batches."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from ...datasets.procedural import stream
from ...datasets.task import Task
from ...envs.agent_loop import as_action
from ...envs.episode import Episode
from ...envs.text_env import TextEnv
from ...rewards.score import RewardFunctionScore
from ...runtimes.endpoint import BudgetError, ChatEndpoint, ChatReply, EndpointError, UnreachableError
from .journal import Entry, Journal
from .keeping import Keeper
from .recording import Cost, record
from .results import Place, Sample
from .stopping import first_interrupt
from .subject import Subject

# Samples that are graded and written together, at most.
_BATCH = 512
# Seeds fit into 31 bits: some servers take no larger ones.
_SEED_BITS = 31


@dataclass(frozen=True, slots=True)
class Job:
    """What is missing of a task: its index, and the numbers of the samples."""

    task_index: int
    samples: Sequence[int]


class Player(Protocol):
    """Answers tasks."""

    def play(self, jobs: Iterable[Job], journal: Journal | None = None) -> Iterator[list[Sample]]:
        """Plays all samples of all jobs, and yields them in batches as they are done, in any order.

        Replies that are in the journal need not be asked for, and new ones may be put there.
        """


@dataclass(slots=True, eq=False)
class _Play:
    """One sample on its way."""

    episode: Episode
    sample: int
    cost: Cost = field(default_factory=Cost)

    @property
    def place(self) -> Place:
        return self.episode.task_index, self.sample


@dataclass(slots=True, eq=False)
class _Ask:
    """One request, for samples that are asked the same.

    It is ``again`` if one for several of them was refused before.
    """

    plays: list[_Play]
    again: bool = False
    replies: Sequence[ChatReply] = ()
    seconds: float = 0.0
    error: BaseException | None = None

    def entries(self) -> dict[Hashable, Entry]:
        """What the journal says of the replies, before the episodes go on."""
        return {
            play: Entry(play.place, play.episode.turns, [*play.episode.messages], reply, self.seconds)
            for play, reply in zip(self.plays, self.replies, strict=False)
        }


class EndpointPlayer:
    """Asks a model behind an endpoint.

    The samples of a task open alike, so the first request of a task is for all of them, with ``n``; where a server
    gives fewer choices, or refuses ``n``, the rest is asked for one by one. Threads do nothing but ask; replies are
    acted upon and graded in batches by whoever iterates.

    Args:
        subject: what is evaluated on.
        endpoint: the model.
        concurrency: requests at a time.
        several: whether to ask for several choices in a request at all.
        seed: names the seeds of requests, one for each task, sample and turn; None sends none.
        max_turns: a turn limit instead of the environment's own.
        patience: after so many failed requests in a row nothing more is asked.
        parameters: further members of requests, such as ``temperature`` and ``tools``.
    """

    def __init__(
        self,
        subject: Subject,
        endpoint: ChatEndpoint,
        *,
        concurrency: int = 32,
        several: bool = True,
        seed: int | None = 0,
        max_turns: int | None = None,
        patience: int = 10,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        if concurrency < 1:
            raise ValueError(f"concurrency must be at least 1, not {concurrency}")
        self.env, self.tasks = subject.env, subject.tasks
        self.endpoint, self.concurrency = endpoint, concurrency
        self.several, self.seed, self.max_turns, self.patience = several, seed, max_turns, patience
        self.parameters = dict(parameters or {})
        self._journal: Journal | None = None
        self._keeper: Keeper | None = None
        self._goes_on = False  # whether there are episodes of several turns: their replies are written in any case

    def play(self, jobs: Iterable[Job], journal: Journal | None = None) -> Iterator[list[Sample]]:
        """Plays all samples of all jobs, and yields them in batches as they are done.

        After Ctrl-C what has been answered, and paid, is still graded and yielded; a second one ends it at once.

        Raises:
            KeyboardInterrupt: somebody pressed Ctrl-C.
            EndpointError: the endpoint failed too often in a row, or some samples could not be asked for; these were
                not yielded, and another call may do better. Samples whose requests the server answered with a refusal
                are yielded with the status ``endpoint_error``.
        """
        self._journal, self._keeper = journal, None if journal is None else Keeper(journal)
        asks: SimpleQueue[_Ask | None] = SimpleQueue()
        done: SimpleQueue[_Ask | None] = SimpleQueue()
        for _ in range(self.concurrency):
            threading.Thread(target=self._work, args=(asks, done), name="evaluation", daemon=True).start()

        def stop() -> None:
            _empty(asks)
            done.put(None)

        try:
            with first_interrupt(stop):
                yield from self._play(iter(jobs), asks, done)
        finally:
            _empty(asks)
            for _ in range(self.concurrency):
                asks.put(None)
            self.endpoint.cut()
            if self._keeper:
                self._keeper.close()

    def _play(
        self, jobs: Iterator[Job], asks: SimpleQueue[_Ask | None], done: SimpleQueue[_Ask | None]
    ) -> Iterator[list[Sample]]:
        waiting: deque[_Ask] = deque()
        under_way = failed = missing = 0
        problem = ""
        more = True
        while True:
            lines: list[Sample] = []
            # Twice as many as there are threads, so that none of them waits while a batch is graded.
            while under_way < 2 * self.concurrency and (waiting or more):
                if not waiting:
                    more = self._open(jobs, waiting, lines)
                    continue
                asks.put(waiting.popleft())
                under_way += 1
            batch, stopped = _drain(done) if under_way else ([], False)
            if not batch and not lines and not stopped:
                break
            under_way -= len(batch)
            answered: list[tuple[_Play, ChatReply]] = []
            for ask in batch:
                if ask.error is None:
                    failed = 0
                    answered += zip(ask.plays, self._heard(ask, waiting), strict=False)
                    continue
                if not isinstance(ask.error, EndpointError) or isinstance(ask.error, BudgetError):
                    raise ask.error
                if isinstance(ask.error, UnreachableError):
                    missing += len(ask.plays)
                elif len(ask.plays) > 1:
                    waiting.extendleft(_Ask([play], again=True) for play in reversed(ask.plays))
                    continue
                else:
                    why = self.endpoint.anonymous(str(ask.error))
                    lines += [record(self.env, one.episode, one.sample, one.cost, why) for one in ask.plays]
                failed, problem = failed + 1, str(ask.error)
            lines += self._advance(answered, waiting)
            if lines:
                yield lines
            if self._keeper:
                self._keeper.release(play for play, _ in answered if play.episode.ended)
            if stopped:
                raise KeyboardInterrupt
            if failed >= self.patience:
                raise EndpointError(f"{failed} requests in a row failed: {problem}")
        if missing:
            raise UnreachableError(f"{missing} samples could not be asked for: {problem}")

    def _open(self, jobs: Iterator[Job], waiting: deque[_Ask], lines: list[Sample]) -> bool:
        """Begins the episodes of the next job; whether there was one. Those that can't be opened are over at once."""
        job = next(jobs, None)
        if job is None:
            return False
        task = self.tasks[job.task_index]
        episodes = [begin(self.env, task, job.task_index, self.max_turns) for _ in job.samples]
        plays = [_Play(episode, sample) for episode, sample in zip(episodes, job.samples, strict=True)]
        lines += [record(self.env, play.episode, play.sample, play.cost) for play in plays if play.episode.ended]
        plays = [play for play in plays if not play.episode.ended]
        begun = [play for play in plays if self._journal and self._journal.knows(play.place)]
        new = [play for play in plays if play not in begun]
        # An environment may draw what it opens with.
        alike = all(play.episode.messages == new[0].episode.messages for play in new[1:])
        together = [new] if self.several and alike else [[play] for play in new]
        waiting.extend(_Ask(asked) for asked in (*([play] for play in begun), *together) if asked)
        return True

    def _heard(self, ask: _Ask, waiting: deque[_Ask]) -> Sequence[ChatReply]:
        """The replies; what is missing of them is asked for one by one."""
        lacking = ask.plays[len(ask.replies) :]
        if lacking or ask.again:
            self.several = False
        waiting.extendleft(_Ask([play]) for play in reversed(lacking))
        for play, reply in zip(ask.plays, ask.replies, strict=False):
            cost = play.cost
            cost.prompt_tokens += reply.prompt_tokens
            cost.completion_tokens += reply.completion_tokens
            cost.finish_reason = reply.finish_reason
            cost.seconds += ask.seconds
        return ask.replies

    def _advance(self, answered: Sequence[tuple[_Play, ChatReply]], waiting: deque[_Ask]) -> list[Sample]:
        """Takes the replies as actions, all in one call; the lines of the episodes that are over."""
        if not answered:
            return []
        episodes = [play.episode for play, _ in answered]
        try:
            self.env.advance(episodes, [as_action(reply) for _, reply in answered])
        except Exception as error:
            for episode in episodes:
                if episode.score is None:
                    message = f"the environment raised {type(error).__name__}: {error}"
                    episode.score, episode.truncated = RewardFunctionScore.error(message), True
        over = [play for play, _ in answered if play.episode.ended]
        going = [play for play, _ in answered if not play.episode.ended]
        self._goes_on = self._goes_on or bool(going)
        if self._keeper:
            self._keeper.write(going)
        waiting.extend(_Ask([play]) for play in going)
        return [record(self.env, play.episode, play.sample, play.cost) for play in over]

    def _work(self, asks: SimpleQueue[_Ask | None], done: SimpleQueue[_Ask | None]) -> None:
        """What a thread does: it asks."""
        while (ask := asks.get()) is not None:
            try:
                self._answer(ask)
            except BaseException as error:
                ask.error = error
            done.put(ask)

    def _answer(self, ask: _Ask) -> None:
        """Fills in what was answered to a process that was stopped, else what the model answers now."""
        first, journal = ask.plays[0], self._journal
        episode = first.episode
        if journal and len(ask.plays) == 1 and (told := journal.told(first.place, episode.turns, episode.messages)):
            ask.replies, ask.seconds = [told[0]], told[1]
            return
        started = time.monotonic()
        seed = {} if self.seed is None else {"seed": self._seed(first)}
        ask.replies = self.endpoint.choices(episode.messages, len(ask.plays), **seed, **self.parameters)
        ask.seconds = time.monotonic() - started
        if self._keeper:
            self._keeper.hold(ask.entries(), write=self._goes_on)

    def _seed(self, play: _Play) -> int:
        episode = play.episode
        return stream("evaluation", self.seed, episode.task_index, play.sample, episode.turns).getrandbits(_SEED_BITS)


def begin(env: TextEnv, task: Task, index: int, max_turns: int | None) -> Episode:
    """An episode of a task; one that has failed already, if the environment cannot open it."""
    try:
        return env.begin(task, index, max_turns=max_turns)
    except Exception as error:
        problem = RewardFunctionScore.error(f"the task cannot be opened ({type(error).__name__}: {error})")
        return Episode(task, list(task.messages), index, truncated=True, score=problem)


def _empty(asks: SimpleQueue[_Ask | None]) -> None:
    """Takes back what nobody has begun."""
    with suppress(Empty):
        while True:
            asks.get_nowait()


def _drain(done: SimpleQueue[_Ask | None]) -> tuple[list[_Ask], bool]:
    """What has been answered, and whether to stop: waits for the first, and takes a batch, or all before the end."""
    batch: list[_Ask] = []
    count, stopped = 0, False
    while not (batch or stopped) or (not done.empty() and (stopped or count < _BATCH)):
        ask = done.get()
        if ask is None:
            stopped = True
        else:
            batch.append(ask)
            count += len(ask.plays)
    return batch, stopped
