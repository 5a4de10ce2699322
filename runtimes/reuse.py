"""Instances that are used again, after their state has been put back to what a fresh instance has.

Page faults are a third of a short run. After a program has ended by itself, the kernel tells which pages it wrote, and
they are copied back from an instance that never ran, so the next program meets no faults. That is only done where
memory and exported globals are the whole state of the guest (its builder has checked that: ``restorable``), where
memory has not grown, and where no trap has cut the guest short. Everything else gets a fresh instance.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections import deque

from .engine import Guest
from .instance import Instance
from .pagemap import PageMap, Region, avoid_huge_pages

_MAX_BYTES = 1 << 20
"""Most memory that is copied back, in bytes; above it a fresh instance is cheaper.

A page costs 1 to 3 µs, a fresh instance 600; a short Python program writes 80 pages. Pages once written stay in the
count, so an instance is replaced when its programs have spread over it."""

_GAP = 16384
"""Regions closer than this, in bytes, are copied as one: a copy costs less than a call."""

_memmove = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)(
    ctypes.cast(ctypes.memmove, ctypes.c_void_p).value or 0
)


class Instances:
    """Where a guest's instances come from, all in the state of a fresh one.

    Args:
        guest: the guest.
        most: how many are kept.
    """

    def __init__(self, guest: Guest, most: int) -> None:
        self.guest = guest
        self._most = most
        self._lock = threading.Lock()
        self._ready: list[Instance] = []
        self._pristine: Instance | None = None
        self._lent: dict[weakref.ref[object], Instance] = {}
        self._forgotten: deque[weakref.ref[object]] = deque()
        self._pages: PageMap | None = None
        self.enabled = guest.artefact.restorable
        if self.enabled:
            try:
                self._pages = PageMap()
            except OSError:
                self.enabled = False

    def take(self, memory_bytes: int) -> Instance:
        """An instance to run one program in, which may use so much memory beyond what the guest itself has."""
        self._free_forgotten()
        with self._lock:
            instance = self._ready.pop() if self._ready else None
        if instance is None:
            instance = Instance(self.guest, memory_bytes)
            if self.enabled:
                avoid_huge_pages(instance.base(), instance.memory_size())
            return instance
        instance.limit_memory(memory_bytes)
        return instance

    def give_back(self, instance: Instance, ended_by_itself: bool) -> None:
        """Restores an instance for the next program if that is safe, else frees it.

        Args:
            instance: nobody may use it any more.
            ended_by_itself: whether every entry into it has returned.
        """
        if not (self.enabled and ended_by_itself and len(self._ready) < self._most and self._restore(instance)):
            instance.close()
            return
        with self._lock:
            self._ready.append(instance)

    def lend(self, instance: Instance, borrower: object) -> weakref.ref[object]:
        """Sees to it that an instance is freed, by a later ``take``, should its borrower be forgotten.

        Returns:
            What ``settle`` wants, when the borrower gives the instance back.
        """
        # All that happens where the last reference is dropped, in whatever thread that is, is one append.
        loan = weakref.ref(borrower, self._forgotten.append)
        with self._lock:
            self._lent[loan] = instance
        return loan

    def settle(self, loan: weakref.ref[object]) -> None:
        """Ends a loan."""
        with self._lock:
            del self._lent[loan]

    def _free_forgotten(self) -> None:
        if self._forgotten:
            with self._lock:
                loans = [self._forgotten.popleft() for _ in range(len(self._forgotten))]
                instances = [self._lent.pop(loan, None) for loan in loans]  # Settled ones are not there.
            for instance in instances:
                if instance is not None:
                    instance.close()

    def close(self) -> None:
        """Frees the instances that nobody uses."""
        with self._lock:
            kept = [*self._ready, *([self._pristine] if self._pristine else [])]
            self._ready, self._pristine = [], None
        for instance in kept:
            instance.close()

    def _restore(self, instance: Instance) -> bool:
        """Puts memory and globals back; whether the instance is as fresh."""
        pristine = self._source()
        size = instance.memory_size()
        if size != pristine.memory_size() or instance.exchange_open:
            return False
        assert self._pages is not None
        base, source = instance.base(), pristine.base()
        try:
            regions = self._pages.written(base, size)
        except OSError:
            self.enabled = False
            return False
        if regions is None or sum(end - start for start, end in regions) > _MAX_BYTES:
            return False
        for start, end in _joined(regions):
            _memmove(start, source + (start - base), end - start)
        instance.set_globals(pristine.globals())
        return True

    def _source(self) -> Instance:
        """The instance that never runs. Its pages are those of the compiled file, shared by all processes."""
        with self._lock:
            if self._pristine is None:
                self._pristine = Instance(self.guest, 0)
            return self._pristine


def _joined(regions: list[Region]) -> list[Region]:
    """Regions in order, those close to each other as one."""
    joined: list[Region] = []
    for start, end in regions:
        if joined and start - joined[-1][1] <= _GAP:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
