"""Numbers and texts as the report shows them."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

LONGEST_TEXT = 4_000


class Shown(NamedTuple):
    """Text as far as it is shown.

    Attributes:
        head: its start; the whole of a short text.
        left_out: how many characters are left out.
        tail: its end, empty if nothing is left out.
    """

    head: str
    left_out: int
    tail: str


def cut(text: str, limit: int = LONGEST_TEXT) -> Shown:
    """Text of at most ``limit`` characters; of longer text three quarters are its start, one its end."""
    if len(text) <= limit:
        return Shown(text, 0, "")
    head, tail = limit * 3 // 4, limit // 4
    return Shown(text[:head], len(text) - head - tail, text[-tail:])


def short(value: float) -> str:
    """A number in few characters: 0.0123, 4.5, 1,234, 12.3k, 1.2M."""
    size = abs(value)
    if size < 100:
        return f"{value:.3g}".replace("-", "−")
    unit, letter = (1e6, "M") if size >= 1e6 else (1e3, "k") if size >= 1e4 else (1, "")
    return (f"{value / unit:.3g}{letter}" if letter else f"{value:,.0f}").replace("-", "−")


def duration(seconds: float) -> str:
    """Seconds for people: 4.2 s, 3:05 min, 2:03:05 h."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    clock = str(timedelta(seconds=int(seconds)))
    return f"{clock} h" if seconds >= 3600 else f"{clock.removeprefix('0:').removeprefix('0')} min"
