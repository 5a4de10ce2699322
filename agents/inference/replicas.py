"""Several vLLM servers behind one engine: requests go to the least loaded, and what a dead one held goes to others.

A server that fails is taken out, asked after its health every few seconds, and comes back when it answers and has the
weights of the others: one that was started anew has those of its folder, which the label of its weights tells. That is
read after each answer, so whatever is taken from a server was sampled with the weights that it is stamped with. A
request carries its own seed; who answers it changes nothing.
"""

from __future__ import annotations

import logging
import math
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import TypeVar
from uuid import uuid4

from torch import Tensor

from ...runtimes.endpoint import EndpointError, UnreachableError
from .backend import BackendError
from .completion import Completion, CompletionRequest
from .replica import Replica, attempt, watch
from .side_by_side import at_once
from .vllm_local import WEIGHTS
from .vllm_server import VLLMServer
from .weight_sync import Transfer

logger = logging.getLogger(__name__)

IN_FLIGHT = ("abort", "wait")
# So many failures (over longer than patience), or interruptions without a token, are the request's own fault.
MOST_TRIES = 10
# For the same prompt a server may hold so many requests more than the least loaded one: it has the prompt in its cache.
AFFINITY = 4
# So many prompts are remembered for that.
MOST_HOMES = 1 << 16
# While requests are being aborted, they are looked at so often.
DRAIN_STEP_S = 0.2

Answer = TypeVar("Answer")


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
        # What the latest weights are labelled with: no other load's, be it of the same version (a warm start has many),
        # and no server that starts anew has it. Empty before any load; none while their place is taken by new ones.
        self._label: str | None = ""
        self._change = threading.Condition()
        self._loading = threading.Lock()
        self._homes: dict[tuple[int, ...], Replica] = {}
        self._closed = threading.Event()
        weakref.finalize(self, self._closed.set)
        for replica in self.replicas:
            arguments = (weakref.ref(self), replica, self._closed, check_every)
            threading.Thread(target=watch, args=arguments, name="vllm health", daemon=True).start()

    def complete(self, requests: Sequence[CompletionRequest]) -> list[Completion]:
        """Continues the prompt of each request.

        Raises:
            EndpointError: a server refused, or all were out for too long.
        """
        calls = [partial(self._complete, request) for request in requests]
        return at_once(calls, self.concurrency * len(self.replicas))

    def prompt_logprobs(self, token_ids: Sequence[int]) -> list[float]:
        """The log-prob of each token but the first."""
        return self._ask(tuple(token_ids), lambda replica: replica.server.prompt_logprobs(token_ids))

    def prompt_distributions(self, token_ids: Sequence[int]) -> list[list[float]]:
        """The log-probs of the whole vocabulary, by id, at each token but the first."""
        return self._ask(tuple(token_ids), lambda replica: replica.server.prompt_distributions(token_ids))

    def scorers(self) -> Mapping[str, Callable[[Sequence[int]], list[float]]]:
        """The ``prompt_logprobs`` of every server that is in use, by its address."""

        def scorer(replica: Replica) -> Callable[[Sequence[int]], list[float]]:
            return lambda token_ids: replica.same(lambda: replica.server.prompt_logprobs(token_ids))

        return {one.server.url: scorer(one) for one in self.replicas if one.ready}

    def load(self, weights: Mapping[str, Tensor], *, version: int) -> None:
        """Takes the weights to all servers: none samples again before all have them; one that fails is taken out.

        Raises:
            EndpointError: a server refused, or all were out for too long.
        """
        with self._loading:
            label = self._publish(weights)
            with self._change:
                self._version, self._label = version, label
                self._homes.clear()  # caches are emptied
                members = [replica for replica in self.replicas if replica.problem is None or replica.returning]
                for replica in members:
                    replica.problem, replica.returning, replica.held = None, False, True
            try:
                self._update(members, label)
            finally:
                with self._change:
                    for replica in members:
                        replica.held = False
                    self._change.notify_all()
        self._wait_for(lambda: any(replica.problem is None for replica in self.replicas))

    def rest(self) -> None:
        """Lets servers sleep that share their GPUs with the trainer; others have machines of their own."""
        for replica in self.replicas:
            if replica.ready and not replica.busy and (problem := attempt(replica.server.rest)):
                if not isinstance(problem, UnreachableError):  # started in a wrong way
                    raise problem
                self.take_out(replica, str(problem))

    def close(self) -> None:
        """Breaks off what is under way, and removes the weights that were written for servers that come back."""
        self._closed.set()
        for replica in self.replicas:
            replica.server.cut()
        with self._change:
            self._change.notify_all()
        self._transfer.close()

    def bring_back(self, replica: Replica) -> None:
        """Takes a server that answers again into use, with the weights of the others. Loads go on meanwhile.

        Raises:
            EndpointError: it did not take them.
        """
        with self._change:
            label, version = self._label, self._version
            alone = not any(one.problem is None for one in self.replicas)
            if label is None or replica.problem is None or (replica.returning and not alone):
                return
            replica.returning = False
        if replica.busy:  # no request may see two versions
            replica.server.cut()
            return
        if label and replica.server.weight_label() != label:
            # Where weights go to all servers at once, those in use are not disturbed; but without any nothing goes on.
            if not self._transfer.one_by_one and not alone:
                replica.returning = True
                return
            replica.server.wake(WEIGHTS)
            problem = self._transfer.send([replica.server]).get(replica.server)
            if problem is not None:
                raise problem
        _settle(replica.server, label)
        with self._change:
            if self._label != label:  # a load came in between
                replica.returning = True
                return
            replica.problem, replica.failed_checks, replica.version, replica.label = None, 0, version, label
            self._change.notify_all()
        logger.warning("%s is in use again.", replica.server.url)

    def take_out(self, replica: Replica, problem: str) -> None:
        """Sends no more requests to a server until it is brought back."""
        with self._change:
            news, replica.problem, replica.returning = replica.problem is None, problem, False
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
                return replica.same(partial(ask, replica))
            except UnreachableError as error:
                if self._closed.is_set():
                    raise
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
            while self._closed.is_set() or not holds():
                if self._closed.is_set():
                    raise BackendError("vLLM servers are asked for nothing any more: the backend was closed")
                if any(replica.problem is None for replica in self.replicas):
                    since = time.monotonic()  # busy, or taking weights: there is something to wait for
                elif time.monotonic() - since >= self.patience:
                    told = "; ".join(str(replica.problem) for replica in self.replicas)
                    raise UnreachableError(f"no vLLM server answered for {self.patience:g} s: {told}")
                self._change.wait(min(1.0, self.patience))

    def _publish(self, weights: Mapping[str, Tensor]) -> str:
        """Makes new weights ready to be sent; their label."""
        if not self._transfer.one_by_one:
            for replica in self.replicas:
                if replica.coming:  # it might hang, and all are sent the weights together
                    replica.server.cut()
        before, self._label = self._label, None  # who is given weights now may get either
        try:
            self._transfer.publish(weights)
        except BaseException:
            self._label = before
            raise
        return uuid4().hex

    def _update(self, members: Sequence[Replica], label: str) -> None:
        """Takes weights to those servers, and lets them begin; what one refused is raised when that is done.

        Raises:
            EndpointError: a server was started in a wrong way.
            BackendError: none takes them, though all are well.
        """
        problems = self._drain(members)
        for replica in members:
            if problem := attempt(partial(replica.server.wake, WEIGHTS)):
                problems.setdefault(replica, problem)
        sent = [replica for replica in members if replica.problem is None and replica not in problems]
        told = self._transfer.send([replica.server for replica in sent])
        problems |= {replica: told[replica.server] for replica in sent if replica.server in told}
        for replica in sent:
            problem = problems.get(replica) or attempt(partial(_settle, replica.server, label))
            if problem is None:
                replica.version, replica.label = self._version, label
            else:
                problems[replica] = problem
        for replica, problem in problems.items():
            self.take_out(replica, str(problem))
        for problem in problems.values():
            if not isinstance(problem, UnreachableError):  # what is broken is left out
                raise problem
        # They answered, and no connection broke.
        refused = all(problem.status == HTTPStatus.INTERNAL_SERVER_ERROR for problem in problems.values())
        well = problems.keys() == set(members) and all(attempt(one.server.check_health) is None for one in members)
        if refused and well:
            reasons = "; ".join(map(str, problems.values()))
            raise BackendError(
                f"all servers are well, and none takes the weights: do they serve this model? ({reasons})"
            )

    def _drain(self, members: Sequence[Replica]) -> dict[Replica, EndpointError]:
        """Waits until no request is under way, having them aborted where that is wanted; who refuses that, and why."""
        problems: dict[Replica, EndpointError] = {}

        def busy() -> list[Replica]:
            return [one for one in members if one.busy and one.problem is None and one not in problems]

        while left := busy():
            # Again and again: a request may arrive after the pause, and would wait there for its end.
            for replica in left if self.in_flight == "abort" else ():
                if problem := attempt(partial(replica.server.call, "/pause?mode=abort", {})):
                    problems[replica] = problem
            with self._change:
                self._change.wait(DRAIN_STEP_S)
        return problems


def _complete_on(replica: Replica, request: CompletionRequest) -> tuple[int, Completion]:
    """A continuation, and the version it was sampled with, which stays as long as a request is there."""
    version = replica.version
    return version, replica.server.complete(request)


def _settle(server: VLLMServer, label: str) -> None:
    """Notes that a server has the latest weights, and lets it begin."""
    if label:
        server.label_weights(label)
    # Always: who had it paused may be a trainer that was killed then.
    server.resume()
