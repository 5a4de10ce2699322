"""What a check of this installation found."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

State: TypeAlias = Literal["ok", "optional", "warning", "problem"]


class Check(NamedTuple):
    """One thing that was looked at.

    Attributes:
        group: what it belongs to.
        name: of the thing.
        state: ``ok``; ``optional``, where it is not there and nobody may miss it; ``warning``, where something is
            worse than it could be; ``problem``, where something that a first run needs does not work.
        detail: what was found.
        advice: what to do about it; empty if nothing is to be done.
    """

    group: str
    name: str
    state: State
    detail: str = ""
    advice: str = ""
