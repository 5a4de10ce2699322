"""The environments that a server offers."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium

from ..adapters.rows import make_text_env
from ..registration import full_id, known_id
from ..text_env import TextEnv
from .errors import ServingError, invalid

ALLOWED = ("level", "split", "seed", "max_turns", "tool_format")
"""What clients may choose by default. No argument that names a file is among them."""


@dataclass(slots=True)
class Shared:
    """An environment and how many sessions use it."""

    env: TextEnv
    users: int = 0


class Catalogue:
    """Makes environments, one for all sessions with the same id and arguments: all state is in their episodes.

    Args:
        ids: of the environments, ours with or without the namespace; the first is the default.
        arguments: what all are made with.
        allowed: names of the arguments that clients may add.

    Raises:
        ValueError: there is no id, or no such environment.
    """

    def __init__(
        self, ids: Sequence[str], arguments: Mapping[str, Any] | None = None, allowed: Sequence[str] = ALLOWED
    ) -> None:
        if not ids:
            raise ValueError("a server needs at least one environment")
        # The first is made now, so that a mistake is seen at the start, and kept; the others are only looked up.
        self.ids = tuple(known_id(id) for id in ids)
        self.arguments, self.allowed = dict(arguments or {}), tuple(allowed)
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str], Shared] = {}
        self.default = make_text_env(self.ids[0], **self.arguments)
        self._made[self._key(self.ids[0], {})] = Shared(self.default, users=1)

    def find(self, name: str) -> str:
        """The id of an environment that is offered; ours may leave the namespace out.

        Raises:
            ServingError: it is not offered.
        """
        id = full_id(name)
        if id not in self.ids:
            raise ServingError(404, "NOT_FOUND", f"{name[:80]!r} is not offered; there are {', '.join(self.ids)}")
        return id

    def borrow(self, id: str, arguments: Mapping[str, Any]) -> TextEnv:
        """The environment of an id that `find` gave; `give_back` it.

        Raises:
            ServingError: it can't be made with these arguments.
        """
        if unknown := [name for name in arguments if name not in self.allowed]:
            raise invalid(f"the argument {unknown[0][:80]!r} is not for clients; these are: {', '.join(self.allowed)}")
        key = self._key(id, arguments)
        with self._lock:
            if key not in self._made:
                self._made[key] = Shared(self._make(id, arguments))
            self._made[key].users += 1
            return self._made[key].env

    def give_back(self, id: str, arguments: Mapping[str, Any]) -> None:
        """Closes the environment if no other session uses it."""
        key = self._key(id, arguments)
        with self._lock:
            self._made[key].users -= 1
            if not self._made[key].users:
                self._made.pop(key).env.close()

    def close(self) -> None:
        """Closes all environments."""
        with self._lock:
            for shared in self._made.values():
                shared.env.close()
            self._made.clear()

    def _key(self, id: str, arguments: Mapping[str, Any]) -> tuple[str, str]:
        return id, json.dumps(arguments, sort_keys=True)

    def _make(self, id: str, arguments: Mapping[str, Any]) -> TextEnv:
        try:
            return make_text_env(id, **{**self.arguments, **arguments})
        except (TypeError, ValueError, gymnasium.error.Error) as error:
            raise invalid(str(error)) from None
