"""Several vLLM servers behind one engine: requests go to the least loaded, and what a dead one held goes to others.

A server that fails is taken out, asked after its health every few seconds, and comes back when it answers and has the
weights of the others: one that was started anew has those of its folder, which the label of its weights tells. That is
read after each answer, so whatever comes of a server has been sampled with the weights it is stamped with. A request carries its own seed; who answers it changes nothing.
"""

from __future__ import annotations

import logging
import math
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar
from uuid import uuid4

from torch import Tensor

from ...runtimes.endpoint import EndpointError, UnreachableError
from .backend import BackendError
from .completion import Completion, CompletionRequest
from .vllm_server import VLLMServer
from .weight_sync import Transfer

logger = logging.getLogger(__name__)

IN_FLIGHT = ("abort", "wait")
# A server that fails so many health checks in a row hangs.
FAILED_CHECKS = 3
# So many failures (over longer than patience), or interruptions without a token, are the request's own fault.
MOST_TRIES = 10
# For the same prompt a server may hold so many requests more than the least loaded one: it has the prompt in its cache.
AFFINITY = 4
# So many prompts are remembered for that.
MOST_HOMES = 1 << 16
# While requests are being aborted, they are looked at so often.
DRAIN_STEP_S = 0.2

Answer = TypeVar("Answer")


@dataclass(eq=False)
class Replica:
    """One of the servers.

    Attributes:
        server: speaks with it.
        problem: why it is out; None while it is in use.
        held: new weights are under way, and no request is sent.
        busy: requests that it holds.
        version: of its weights.
        label: of its weights, as it was told to name them; no other load's has the same.
        failed_checks: of its health, in a row.
        returning: it answers again, and gets its weights with the next load.
    """

    server: VLLMServer
    problem: str | None = None
    held: bool = False
    busy: int = 0
    version: int = 0
    label: str = ""
    failed_checks: int = 0
    returning: bool = False

    @property
    def ready(self) -> bool:
        """Whether requests may be sent."""
        return self.problem is None and not self.held


@dataclass(slots=True)
class _Written:
    """What of a continuation is there."""

    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)

    def extend(self, found: Completion, version: int) -> None:
        self.token_ids += found.token_ids
        self.logprobs += found.logprobs
        self.versions += [version] * len(found.token_ids)


class Replicas:
    """One engine made of servers.

    Args:
        servers: they serve the same model.
        transfer: takes weights to them.
        processed_logprobs: whether they were started with ``--logprobs-mode processed_logprobs``.
        concurrency: requests at once on each; it makes batches of them, and the rest waits here.
        patience: seconds to wait with all servers out, or with a request that all of them fail at.
        check_every: seconds between two looks at a server's health.
        in_flight: what becomes of requests when new weights come: ``abort``: what is there is kept, and is continued
            with the new weights; ``wait``: they are finished first.

    Raises:
        ValueError: if an argument makes no sense.
    """

    def __init__(
        self,
        servers: Sequence[VLLMServer],
        transfer: Transfer,
        *,
        processed_logprobs: bool = False,
        concurrency: int = 128,
        patience: float = 300.0,
        check_every: float = 2.0,
        in_flight: str = "abort",
    ) -> None:
        if not servers or concurrency < 1:
            raise ValueError("there must be a server, and concurrency must be at least 1")
        if in_flight not in IN_FLIGHT:
            raise ValueError(f"in_flight must be one of {', '.join(IN_FLIGHT)}, not {in_flight!r}")
        self.processed_logprobs = processed_logprobs
        self.replicas = [Replica(server) for server in servers]
        self.concurrency, self.patience, self.in_flight = concurrency, patience, in_flight
        self._transfer = transfer
        self._version = 0
        # Counts loads: not versions, for different weights are loaded under one (checks of a warm start, say).
        self._loads = 0
        self._run = uuid4().hex[:8]
        self._change = threading.Condition()
        self._loading = threading.Lock()  # one at a time, be it all servers or one that comes back
        self._homes: dict[tuple[int, ...], Replica] = {}
        self._closed = threading.Event()
        weakref.finalize(self, self._closed.set)
        for replica in self.replicas:
            arguments = (weakref.ref(self), replica, self._closed, check_every)
            threading.Thread(target=_watch, args=arguments, name="vllm health", daemon=True).start()

    def complete(self, requests: Sequence[CompletionRequest]) -> list[Completion]:
        """Continues the prompt of each request.

        Raises:
            EndpointError: a server refused, or all were out for too long.
        """
        if not requests:
            return []
        pool = ThreadPoolExecutor(min(self.concurrency * len(self.replicas), len(requests)))
        try:
            found = list(pool.map(self._complete, requests))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # what is under way may take long, and nobody wants it
            raise
        pool.shutdown()
        return found

    def prompt_logprobs(self, token_ids: Sequence[int]) -> list[float]:
        """The log-prob of each token but the first."""
        return self._ask(tuple(token_ids), lambda replica: replica.server.prompt_logprobs(token_ids))

    def prompt_distributions(self, token_ids: Sequence[int]) -> list[list[float]]:
        """The log-probs of the whole vocabulary, by id, at each token but the first."""
        return self._ask(tuple(token_ids), lambda replica: replica.server.prompt_distributions(token_ids))

    def scorers(self) -> Mapping[str, Callable[[Sequence[int]], list[float]]]:
        """The ``prompt_logprobs`` of every server that is in use, by its address."""

        def scorer(replica: Replica) -> Callable[[Sequence[int]], list[float]]:
            return lambda token_ids: _same(replica, lambda: replica.server.prompt_logprobs(token_ids))

        return {one.server.url: scorer(one) for one in self.replicas if one.ready}

    def load(self, weights: Mapping[str, Tensor], *, version: int) -> None:
        """Takes the weights to all servers: none samples again before all have them; one that fails is taken out.

        Raises:
            EndpointError: a server refused, or all were out for too long.
        """
        with self._loading:
            self._transfer.publish(weights)
            with self._change:
                self._version, self._loads = version, self._loads + 1
                self._homes.clear()  # caches are emptied
                members = [replica for replica in self.replicas if replica.problem is None or replica.returning]
                for replica in members:
                    replica.problem, replica.returning, replica.held = None, False, True
            try:
                self._update(members)
            finally:
                with self._change:
                    for replica in members:
                        replica.held = False
                    self._change.notify_all()
        self._wait_for(lambda: any(replica.problem is None for replica in self.replicas))

    def rest(self) -> None:
        """Nothing: servers have machines of their own."""

    def close(self) -> None:
        """Stops looking after the servers' health, and removes the weights that were written for them."""
        self._closed.set()
        self._transfer.close()

    def bring_back(self, replica: Replica) -> None:
        """Takes a server that answers again into use, with the weights of the others."""
        with self._loading:
            label = self._label()
            if label and replica.server.weight_label() != label:
                if not self._transfer.one_by_one:
                    replica.returning = True
                    return
                if replica.busy:  # no request may see two versions
                    replica.server.cut()
                    return
                problem = self._transfer.send([replica.server]).get(replica.server)
                if problem is not None:
                    self.take_out(replica, str(problem))
                    return
            self._settle(replica, label)
            with self._change:
                replica.problem, replica.failed_checks = None, 0
                self._change.notify_all()
        logger.warning("%s is in use again.", replica.server.url)

    def take_out(self, replica: Replica, problem: str) -> None:
        """Sends no more requests to a server until it is brought back."""
        with self._change:
            news, replica.problem = replica.problem is None, problem
            self._change.notify_all()
        if news:
            left = sum(one.problem is None for one in self.replicas)
            logger.warning(
                "%s is out, %d of %d servers left: %s", replica.server.url, left, len(self.replicas), problem
            )

    def _complete(self, request: CompletionRequest) -> Completion:
        written, idle = _Written(), 0
        while True:
            rest = request.after(written.token_ids)
            version, found = self._ask(tuple(request.prompt), partial(_complete_on, request=rest))
            written.extend(found, version)
            reason = found.finish_reason
            if reason == "abort" and len(written.token_ids) >= request.max_tokens:
                reason = "length"
            if reason != "abort":
                return Completion(written.token_ids, written.logprobs, reason, written.versions)
            idle = 0 if found.token_ids else idle + 1
            if idle == MOST_TRIES:
                raise BackendError(f"a request was aborted {MOST_TRIES} times before its next token")

    def _ask(self, prompt: tuple[int, ...], ask: Callable[[Replica], Answer]) -> Answer:
        """Has one of the servers answer; another where it fails."""
        tries, until = 0, math.inf
        while True:
            replica = self._take(prompt)
            try:
                return _same(replica, partial(ask, replica))
            except UnreachableError as error:
                self.take_out(replica, str(error))
                tries, until = tries + 1, min(until, time.monotonic() + self.patience)
                # Soon it may answer again; but there are requests that no server survives.
                if tries >= MOST_TRIES and time.monotonic() >= until:
                    raise
            finally:
                with self._change:
                    replica.busy -= 1
                    self._change.notify_all()

    def _take(self, prompt: tuple[int, ...]) -> Replica:
        """A place on a server: on that which had the prompt before, unless others have much less to do."""

        def free(one: Replica) -> bool:
            return one.ready and one.busy < self.concurrency

        with self._change:
            self._wait_for(lambda: any(map(free, self.replicas)))
            chosen = min(filter(free, self.replicas), key=lambda one: one.busy)
            home = self._homes.get(prompt)
            if home is not None and free(home) and home.busy <= chosen.busy + AFFINITY:
                chosen = home
            if len(self._homes) >= MOST_HOMES:
                self._homes.clear()
            self._homes[prompt] = chosen
            chosen.busy += 1
            return chosen

    def _wait_for(self, holds: Callable[[], bool]) -> None:
        """Waits for a change of the servers; with all of them out, no longer than patience."""
        with self._change:
            since = time.monotonic()
            while not holds():
                if any(replica.problem is None for replica in self.replicas):
                    since = time.monotonic()  # busy, or taking weights: there is something to wait for
                elif time.monotonic() - since >= self.patience:
                    told = "; ".join(str(replica.problem) for replica in self.replicas)
                    raise UnreachableError(f"no vLLM server answered for {self.patience:g} s: {told}")
                self._change.wait(min(1.0, self.patience))

    def _label(self) -> str:
        """What weights are labelled with: no other load's, and no server that starts anew has it. Empty before any."""
        return f"{self._run}:{self._loads}" if self._loads else ""

    def _update(self, members: Sequence[Replica]) -> None:
        """Takes weights to those servers, and lets them begin; what one refused is raised when that is done.

        Raises:
            EndpointError: a server was started in a wrong way.
        """
        problems = self._drain(members)
        sent = [replica for replica in members if replica.problem is None and replica not in problems]
        told = self._transfer.send([replica.server for replica in sent])
        problems |= {replica: told[replica.server] for replica in sent if replica.server in told}
        for replica in sent:
            if replica not in problems and (problem := _attempt(partial(self._settle, replica, self._label()))):
                problems[replica] = problem
        for replica, problem in problems.items():
            self.take_out(replica, str(problem))
        for problem in problems.values():
            if not isinstance(problem, UnreachableError):  # what is broken is left out
                raise problem

    def _settle(self, replica: Replica, label: str) -> None:
        """Notes that a server has the latest weights, and lets it begin."""
        if label:
            replica.server.label_weights(label)
        # Always: who had it paused may be a trainer that was killed then.
        replica.server.resume()
        replica.version, replica.label = self._version, label

    def _drain(self, members: Sequence[Replica]) -> dict[Replica, EndpointError]:
        """Waits until no request is under way, having them aborted where that is wanted; who refuses that, and why."""
        problems: dict[Replica, EndpointError] = {}

        def busy() -> list[Replica]:
            return [one for one in members if one.busy and one.problem is None and one not in problems]

        while left := busy():
            # Again and again: a request may arrive after the pause, and would wait there for its end.
            for replica in left if self.in_flight == "abort" else ():
                if problem := _attempt(partial(replica.server.call, "/pause?mode=abort", {})):
                    problems[replica] = problem
            with self._change:
                self._change.wait(DRAIN_STEP_S)
        return problems


def _complete_on(replica: Replica, request: CompletionRequest) -> tuple[int, Completion]:
    """A continuation, and the version it was sampled with, which stays as long as a request is there."""
    version = replica.version
    return version, replica.server.complete(request)


def _same(replica: Replica, ask: Callable[[], Answer]) -> Answer:
    """What a server answers, if it still has the weights that it was given.

    Its label is read after the answer: no weights are sent to it while it holds a request, so one that was started anew
    before the answer still has another label.

    Raises:
        UnreachableError: it was started anew, or broke.
    """
    label = replica.label
    try:
        answer = ask()
    except UnreachableError:
        raise
    except EndpointError:  # it may no longer have the adapters that it was asked for
        _check_label(replica, label)
        raise
    _check_label(replica, label)
    return answer


def _check_label(replica: Replica, label: str) -> None:
    if label and replica.server.weight_label() not in (None, label):
        raise UnreachableError(f"{replica.server.url} was started anew: it has other weights.")


def _attempt(call: Callable[[], object]) -> EndpointError | None:
    try:
        call()
    except EndpointError as error:
        return error
    return None


def _watch(owner: weakref.ref[Replicas], replica: Replica, closed: threading.Event, every: float) -> None:
    """Looks after one server's health, as long as somebody has use for it."""
    while not closed.wait(every):
        replicas = owner()
        if replicas is None:
            return
        try:
            _look(replicas, replica)
        except Exception as error:  # whatever it was, the server is not in use, and will be looked at again
            replicas.take_out(replica, f"{type(error).__name__}: {error}")
        del replicas


def _look(replicas: Replicas, replica: Replica) -> None:
    problem = _attempt(replica.server.check_health)
    if problem is None:
        replica.failed_checks = 0
        if replica.problem is not None:
            replicas.bring_back(replica)
        elif replica.ready and (label := replica.label):
            with suppress(UnreachableError):
                found = replica.server.weight_label(replica.server.health_timeout)
                # Asked again: a load may have come in between.
                if found not in (None, label) and replica.ready and replica.label == label:
                    replicas.take_out(replica, f"{replica.server.url} was started anew: it has other weights.")
        return
    replica.failed_checks += 1
    if replica.failed_checks >= FAILED_CHECKS or replica.problem is not None:
        replicas.take_out(replica, str(problem))
        replica.server.cut()  # whoever waits for it asks elsewhere
