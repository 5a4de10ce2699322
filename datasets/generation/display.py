"""What people see while a dataset is generated."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

from .ledger import Ledger
from .prices import Prices

# Without a terminal a line is printed now and then instead of a bar.
_SECONDS_BETWEEN_LINES = 30.0


class Display:
    """A progress bar on standard error, and lines of notes above it.

    Args:
        prices: of models, besides the list prices.
        verbose: show each row and failure in a line.
        shown: show anything at all.
    """

    def __init__(self, prices: Mapping[str, Prices], *, verbose: bool = False, shown: bool = True) -> None:
        self.prices, self._verbose, self._shown = prices, verbose, shown
        self._console = Console(stderr=True, highlight=False)
        self._bar = Progress(
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            # The last one is cut where the terminal is narrow.
            TextColumn("{task.fields[told]}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
            expand=True,
            console=self._console,
            disable=not shown or not sys.stderr.isatty(),
        )
        self._next_line = 0.0

    @contextmanager
    def over(self, ledger: Ledger, total: int) -> Iterator[None]:
        """Shows a generation of so many rows while it lasts."""
        self._ledger, self._total = ledger, total
        self._next_line = time.monotonic() + _SECONDS_BETWEEN_LINES
        with self._bar:
            self._task = self._bar.add_task("rows", total=total, told="")
            yield
            self._update()

    def hear(self, line: str) -> None:
        """Hears of a row or a failure."""
        if self._verbose:
            self.note(line)
        self._update()

    def note(self, line: str) -> None:
        """Shows a line."""
        if self._shown:
            self._console.print(Text(_printable(line)), soft_wrap=True)

    def _update(self) -> None:
        accepted = self._ledger.accepted.total()
        self._bar.update(self._task, completed=accepted, told=told(self._ledger, self.prices))
        if not sys.stderr.isatty() and time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _SECONDS_BETWEEN_LINES
            self.note(f"{accepted:,} of {self._total:,} rows, {told(self._ledger, self.prices)}")


def told(ledger: Ledger, prices: Mapping[str, Prices]) -> str:
    """The counts in a line."""
    cost = ledger.cost(prices)
    tokens = ledger.used.prompt + ledger.used.reply
    counts = (ledger.rejected.total(), "rejected"), (ledger.rectified, "rectified"), (ledger.calls, "calls")
    parts = [f"{count:,} {name}" for count, name in counts] + [f"{tokens:,} tokens"]
    return ", ".join(parts if cost is None else [*parts, f"${cost:,.4f}"])


def _printable(line: str) -> str:
    """Text of a model or a server, without what acts on a terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)
