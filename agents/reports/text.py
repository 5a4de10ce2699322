"""Numbers and texts as the report shows them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

LONGEST_TEXT = 4_000


_PAGE = b"<!doctype html"


def check_page(out: Path) -> None:
    """Refuses to put a page where something else lies, such as the results that it is made of.

    Raises:
        ValueError: names the file.
    """
    if not out.exists():
        return
    if not out.is_file():
        raise ValueError(f"{out} is no file: give --out the name of a page, such as page.html")
    with out.open("rb") as file:
        start = file.read(200)
    if start and not start.lstrip().lower().startswith(_PAGE):
        raise ValueError(f"{out} is no page, and would be lost: give --out another name, such as page.html")


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
