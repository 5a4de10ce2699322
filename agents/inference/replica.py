"""One of several vLLM servers, and how it is looked after."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ...runtimes.endpoint import EndpointError, UnreachableError
from .side_by_side import Shared, in_thread
from .vllm_server import VLLMServer

# A server that fails so many health checks in a row hangs.
FAILED_CHECKS = 3

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
        coming: it answers again, and is being given its weights.
        returning: it answers again, and gets its weights with the next load.
    """

    server: VLLMServer
    problem: str | None = None
    held: bool = False
    busy: int = 0
    version: int = 0
    label: str = ""
    failed_checks: int = 0
    coming: bool = False
    returning: bool = False

    def __post_init__(self) -> None:
        self._read_label = Shared(self.server.weight_label)

    @property
    def ready(self) -> bool:
        """Whether requests may be sent."""
        return self.problem is None and not self.held

    def same(self, ask: Callable[[], Answer]) -> Answer:
        """What the server answers, if it still has the weights that it was given.

        Its label is read after the answer: no weights are sent to it while it holds a request, so one that was started
        anew before the answer still has another label.

        Raises:
            UnreachableError: it was started anew, or broke.
        """
        label = self.label
        try:
            answer = ask()
        except UnreachableError:
            raise
        except EndpointError:  # it may no longer have the adapters that it was asked for
            self._check_label(label)
            raise
        self._check_label(label)
        return answer

    def _check_label(self, label: str) -> None:
        if label and self._read_label() not in (None, label):
            raise UnreachableError(self.started_anew)

    @property
    def started_anew(self) -> str:
        """Says that it was."""
        return f"{self.server.url} was started anew: it has other weights."


class Owner(Protocol):
    """Decides which servers are in use."""

    def bring_back(self, replica: Replica) -> None:
        """Takes a server that answers again into use, once it has its weights."""

    def take_out(self, replica: Replica, problem: str) -> None:
        """Sends no more requests to a server until it is brought back."""


def attempt(call: Callable[[], object]) -> EndpointError | None:
    """What the call failed at."""
    try:
        call()
    except EndpointError as error:
        return error
    return None


def watch(found: weakref.ref[Owner], replica: Replica, closed: threading.Event, every: float) -> None:
    """Looks after one server's health, as long as somebody has use for it."""
    while not closed.wait(every):
        owner = found()
        if owner is None:
            return
        _look(owner, replica)
        del owner


def _look(owner: Owner, replica: Replica) -> None:
    problem = attempt(replica.server.check_health)
    if problem is None:
        replica.failed_checks = 0
        if replica.problem is None:
            _look_at_label(owner, replica)
        elif not replica.coming:
            replica.coming = True
            # In a thread of its own: weights take long, and this one breaks that off where the server hangs meanwhile.
            in_thread(lambda: _bring_back(owner, replica))
        return
    replica.failed_checks += 1
    if replica.failed_checks >= FAILED_CHECKS or replica.problem is not None:
        owner.take_out(replica, str(problem))
        replica.server.cut()  # whoever waits for it asks elsewhere


def _bring_back(owner: Owner, replica: Replica) -> None:
    try:
        owner.bring_back(replica)
    except EndpointError as error:
        owner.take_out(replica, str(error))
    except Exception as error:  # whatever it was, the server is not in use, and will be looked at again
        owner.take_out(replica, f"{type(error).__name__}: {error}")
    finally:
        replica.coming = False


def _look_at_label(owner: Owner, replica: Replica) -> None:
    if replica.ready and (label := replica.label):
        with suppress(UnreachableError):
            found = replica.server.weight_label(replica.server.health_timeout)
            # Asked again: a load may have come in between.
            if found not in (None, label) and replica.ready and replica.label == label:
                owner.take_out(replica, replica.started_anew)
