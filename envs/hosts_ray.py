"""Environments in Ray actors, on as many machines as a Ray cluster has."""

from __future__ import annotations

import pickle
from typing import Any

from .hosts import HostDied, HostLate, Hosts, called
from .text_env import TextEnv

INSTALL = "pip install ray"


class RayActors(Hosts[Any]):
    """Hosts in Ray actors. Every machine needs this package, and what the environment reads from files.

    Args:
        env: the environment; it must be picklable.
        count: so many actors, of one CPU each.
        address: of a cluster; None for the one that the process has joined, or ``RAY_ADDRESS`` names, else Ray is
            started on this machine.

    Raises:
        ModuleNotFoundError: if Ray is not installed.
        ValueError: if the environment cannot be pickled.
    """

    def __init__(self, env: TextEnv, count: int, *, address: str | None = None) -> None:
        try:
            import ray
        except ModuleNotFoundError:
            raise ModuleNotFoundError(f"environments in Ray actors need Ray: {INSTALL}") from None
        super().__init__(env, count)
        self._ray = ray
        if not ray.is_initialized():
            ray.init(address=address, log_to_driver=False)

    def start(self, pickled: bytes) -> Any:
        """Starts an actor."""
        host = self._ray.remote(_Actor).options(num_cpus=1).remote(pickled)
        try:
            self._ray.get(host.ready.remote())
        except self._ray.exceptions.RayActorError as error:
            raise HostDied("a Ray actor of the environment could not be started") from error
        return host

    def ask(self, host: Any, method: str, arguments: tuple[Any, ...], seconds: float | None) -> Any:
        """Calls the actor, and waits."""
        try:
            return self._ray.get(host.call.remote(method, arguments), timeout=seconds)
        except self._ray.exceptions.GetTimeoutError:
            raise HostLate from None
        except self._ray.exceptions.RayActorError as error:
            raise HostDied("a Ray actor of the environment died") from error
        except self._ray.exceptions.RayTaskError as error:
            raise RuntimeError(f"{type(error.cause).__name__}: {error.cause}") from error

    def stop(self, host: Any) -> None:
        """Kills it: it holds nothing."""
        if self._ray.is_initialized():
            self._ray.kill(host)


class _Actor:
    """What Ray runs."""

    def __init__(self, pickled: bytes) -> None:
        self.env = pickle.loads(pickled)

    def ready(self) -> None:
        pass

    def call(self, method: str, arguments: tuple[Any, ...]) -> Any:
        return called(self.env, method, arguments)
