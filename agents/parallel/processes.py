"""The processes of a run: which one this is, and what they tell each other. One process alone tells nothing."""

from __future__ import annotations

import logging
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from .heartbeats import BEAT_S, SILENT_BEATS, heartbeats

T = TypeVar("T")

# Between two messages all episodes of a step are played, so a process that says nothing for long may be at work.
LONGEST_WAIT = timedelta(hours=2)
JOINING = timedelta(minutes=10)
# What gloo, NCCL and the store say when the other end of a connection is gone.
LOSSES = (
    "Connection closed by peer",
    "Connection reset by peer",
    "Broken pipe",
    "remote process exited",
    "Socket closed",
    "failed to recv",
)


class LostProcessError(RuntimeError):
    """Another process of the run has ended, so that this one cannot go on."""


class Processes:
    """All processes of the run, of which this is one. They call the methods in the same order.

    Args:
        store: what they share without a connection to each other; it outlives each of them.

    Attributes:
        rank: the number of this one, from 0.
        size: how many there are.
        last_words: what people are to do if the run ends without a word of its own.
    """

    def __init__(self, store: Store | None = None) -> None:
        self._store = store
        self.last_words = ""
        together = dist.is_available() and dist.is_initialized()
        self.rank, self.size = (dist.get_rank(), dist.get_world_size()) if together else (0, 1)

    @property
    def first(self) -> bool:
        """Whether this one writes, and talks to people."""
        return self.rank == 0

    def tells_the_end(self) -> bool:
        """Whether this one tells people why the run failed: whichever asks first, for any of them may be gone."""
        if self._store is None:
            return self.first
        with suppress(RuntimeError):  # where it was the first process's, it has gone with it
            return bool(self._store.add("ended", 1) == 1)
        return True

    def end_without(self, lost: int) -> None:
        """Ends this process, which may be waiting for one that no longer answers; the others then hear of it."""
        if self.tells_the_end():
            problem = f"process {lost} of the run has not answered for {SILENT_BEATS * BEAT_S:.0f} s"
            print(f"error: {problem}: its machine hangs or is gone{self.last_words}", file=sys.stderr, flush=True)
        os._exit(1)

    def share(self, count: int) -> range:
        """Which of ``count`` things are this process's: as many as others have, side by side."""
        return range(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    def exchange(self, make: Callable[[], T]) -> list[T]:
        """What ``make`` gives on each process, in their order, on all of them.

        Raises:
            BaseException: what ``make`` raised, on whichever process, so that none waits for another.
            LostProcessError: another process has ended.
        """
        if self.size == 1:
            return [make()]
        own: tuple[T | None, BaseException | None]
        try:
            own = make(), None
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            own = None, error
        found: list[Any] = [None] * self.size
        with told_of_losses():
            dist.all_gather_object(found, (own[0], own[1] and _sendable(own[1])))
        if own[1] is not None:  # with the trace of where it happened
            raise own[1]
        for _, raised in found:
            if raised is not None:
                raise raised
        return [value for value, _ in found]

    def from_first(self, make: Callable[[], T]) -> T:
        """What ``make`` gives on the first process, on all of them; the others do not call it.

        Raises:
            BaseException: what it raised, on all of them.
            LostProcessError: another process has ended.
        """
        found: T = self.exchange(make if self.first else lambda: None)[0]  # type: ignore[assignment]
        return found

    def agree(self, wanted: bool) -> bool:
        """Whether any process wants something."""
        return bool(self.total(torch.tensor(float(wanted)))) if self.size > 1 else wanted

    def total(self, values: Tensor) -> Tensor:
        """The sums of values over all processes, on the CPU."""
        values = values.detach().cpu().clone()
        if self.size > 1:
            with told_of_losses():
                dist.all_reduce(values)
        return values

    def most(self, values: Tensor) -> Tensor:
        """The largest values of all processes, on the CPU."""
        values = values.detach().cpu().clone()
        if self.size > 1:
            with told_of_losses():
                dist.all_reduce(values, op=dist.ReduceOp.MAX)
        return values


@contextmanager
def told_of_losses() -> Iterator[None]:
    """Turns what a broken connection raises, which every transport calls otherwise, into one error.

    Raises:
        LostProcessError: another process has ended.
    """
    try:
        yield
    except LostProcessError:
        raise
    except RuntimeError as error:
        if not any(sign in str(error) for sign in LOSSES):
            raise
        raise LostProcessError(f"another process of the run has ended ({_first_line(error)})") from error


@contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """The processes that torchrun started, as its variables say; this one alone without them."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Processes()
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    # That whole weights are gathered in two turns, which is told each time, is as it must be.
    logging.getLogger("torch.distributed.tensor._redistribute").setLevel(logging.ERROR)
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    store, rank, size = next(rendezvous("env://", timeout=JOINING))
    if os.environ.get("GROUP_WORLD_SIZE", "1") == "1":
        # Processes that torchrun started again would find the addresses of those that died. On several machines it
        # counts restarts differently on each, and has to make a new store: see docs/scaling.md.
        store = PrefixStore(f"restart-{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=LONGEST_WAIT)
    processes = Processes(store)
    with heartbeats(store, rank, size, processes.end_without):
        yield processes
    # Not after an error: it would wait for what the others never send.
    dist.destroy_process_group()


def _sendable(error: BaseException) -> BaseException:
    """The error if it survives being sent, else its words."""
    try:
        pickle.loads(pickle.dumps(error))  # our own, made here
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
