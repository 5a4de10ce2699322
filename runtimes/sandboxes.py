"""The sandboxes of this process: engines and guests, made when first needed and shared by all executors."""

from __future__ import annotations

import atexit
import ctypes
import os
import threading

from .artefact import load_artefact
from .engine import Limits, SandboxEngine
from .reuse import Instances
from .workers import available_cores


class Sandboxes:
    """Engines and guests by kind of limit and language.

    Args:
        forked: whether this process was forked; the compiler's threads, if any, are then in its parent.
    """

    def __init__(self, forked: bool = False) -> None:
        self._forked = forked
        self._lock = threading.Lock()
        self._engines: dict[Limits, SandboxEngine] = {}
        self._found: dict[tuple[Limits, str], Instances] = {}

    def instances(self, limits: Limits, language: str) -> Instances:
        """Where instances of a language's guest come from; the first call compiles it (once for this machine).

        Raises:
            MissingArtefactError: there is no artefact of this language.
            BadArtefactError: the artefact does not keep to the interface.
        """
        found = self._found.get((limits, language))
        if found is None:
            with self._lock:
                found = self._found.get((limits, language))
                if found is None:
                    guest = self.engine(limits).load(load_artefact(language))
                    found = self._found[limits, language] = Instances(guest, available_cores())
        return found

    def engine(self, limits: Limits) -> SandboxEngine:
        """The engine of a kind of limit."""
        if limits not in self._engines:
            self._engines[limits] = SandboxEngine(limits, parallel=not self._forked)
        return self._engines[limits]

    def add(self, instances: Instances, limits: Limits, language: str) -> None:
        """Uses these instances for a language from now on; for tests of the host with guests of their own."""
        self._found[limits, language] = instances

    def expire_all(self) -> None:
        """Ends whatever runs, at the end of the process."""
        for engine in list(self._engines.values()):
            engine.deadlines.expire_all()


_sandboxes = Sandboxes()


def sandboxes() -> Sandboxes:
    """The process's sandboxes."""
    return _sandboxes


def _after_fork() -> None:
    """Leaves the parent's engines behind: their threads and the holders of their locks are not in this process."""
    global _sandboxes
    # Never freed: freeing might wait for ever for one of those locks.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(_sandboxes))
    _sandboxes = Sandboxes(forked=True)


def _at_exit() -> None:
    """Stops what still runs, so that no thread comes back from a guest into an interpreter that is gone."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(_sandboxes))  # Never freed under a thread that is still inside.
    _sandboxes.expire_all()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
