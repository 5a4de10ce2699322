"""A run while it goes on: bars on a terminal, plain lines in a log."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from rich import progress as bars
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from ..spaces.visible import visible

# A log shows a line for every tenth of a phase, and for a slow phase at least one in so many seconds.
LONGEST_SILENCE_S = 300.0

_NAMES = {"held_out": "held out", "kl": "KL", "tokens_per_second": "tokens/s"}


def number(value: object) -> float | None:
    """A float to count and draw with; None where the value is no number, not finite, or so large that sums overflow."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        finite = float(value)
    except OverflowError:
        return None
    return finite if abs(finite) < 1e100 else None


def some(names: Sequence[str], *, most: int) -> str:
    """The first ``most`` names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def gain_error(before_error: float | None, after_error: float | None) -> float | None:
    """Standard error of a difference as if both sides were independent; prompts in common usually make it smaller."""
    return None if before_error is None or after_error is None else math.hypot(before_error, after_error)


class Bars(bars.Progress):
    """rich's bars with the latest figures on a line below, because 80 columns don't hold both.

    Args:
        console: where they are drawn.
        shown: whether they are.
        transient: whether they vanish at the end.
    """

    figures = Text()

    def __init__(self, console: Console, *, shown: bool, transient: bool = False) -> None:
        super().__init__(
            bars.TextColumn("{task.description}", markup=False),
            bars.BarColumn(bar_width=None),
            bars.MofNCompleteColumn(),
            bars.TimeElapsedColumn(),
            bars.TimeRemainingColumn(),
            console=console,
            # Steps can take minutes, and rich's 30 s would hold no two of them.
            speed_estimate_period=3600.0,
            transient=transient,
            disable=not shown,
            expand=True,
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bars, and the figures below."""
        yield self.make_tasks_table(self.tasks)
        if self.figures:
            yield self.figures


class Progress:
    """Shows how far a run is: a live bar on a terminal, a line for every tenth of a phase elsewhere.

    A context manager; leaving it, also by an exception or Ctrl-C, gives the terminal back as it was.

    Args:
        total_steps: training steps of the run; the length of the bar if ``advance`` comes before any ``phase``.
        enabled: False shows notes alone, without bars and lines for phases.
        console: where to write; standard output if None.
    """

    def __init__(self, *, total_steps: int, enabled: bool = True, console: Console | None = None) -> None:
        self._total_steps = total_steps
        self._enabled = enabled
        self._console = console or Console()
        self._live = enabled and (self._console.is_interactive or self._console.is_jupyter)
        self._bars = Bars(self._console, shown=self._live)
        self._open: dict[str, bars.Task] = {}
        self._task: bars.Task | None = None
        self._logged = (-1.0, 0.0)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._leave()
        finally:
            self._bars.stop()

    def phase(self, title: str, total: int) -> None:
        """Opens a bar of ``total`` steps; a phase left unfinished under the same title goes on where it was."""
        self._leave()
        task = self._open.get(title)
        if task is None or task.total != total:
            self._bars.add_task(visible(title), total=total, figures={})
            task = self._open[title] = self._bars.tasks[-1]
        self._bars.update(task.id, visible=True)
        self._task = task
        self._show(task)

    def advance(self, by: int = 1, **figures: float) -> None:
        """Moves the bar ``by`` steps; a figure stays beside the bar until the phase gives a newer one."""
        if self._task is None:
            self.phase("training", self._total_steps)
        task = self._task
        assert task is not None
        task.fields["figures"].update(figures)
        self._bars.update(task.id, advance=by)
        self._show(task)

    def note(self, text: str) -> None:
        """Writes a line that stays above the bar."""
        self._console.print(Text(visible(text)), soft_wrap=True)

    def _show(self, task: bars.Task) -> None:
        if self._live:
            self._bars.figures = Text(_figures(task), style="dim", no_wrap=True, overflow="ellipsis")
            return
        if task.finished:  # its last line is that of `_leave`: what the last step led to may still be measured
            return
        done, when = self._logged
        length = task.total or 1
        due = done < 0 or task.completed * 10 // length > done * 10 // length
        if due or self._console.get_time() - when >= LONGEST_SILENCE_S:
            self._log(task)

    def _log(self, task: bars.Task) -> None:
        self._logged = (task.completed, self._console.get_time())
        left = "" if task.finished else f", {_clock(task.time_remaining)} left"
        clock = f"{_clock(task.finished_time if task.finished else task.elapsed)} elapsed{left}"
        steps = f"{task.completed:g}/{task.total or 0:g}"
        self._print(Text("  ".join(part for part in (task.description, steps, _figures(task), clock) if part)))

    def _leave(self) -> None:
        """Leaves a line for the phase that ends or waits, and frees its bar."""
        task, self._task = self._task, None
        if task is None:
            return
        if self._live or task.completed != self._logged[0]:
            self._log(task)
        self._logged = (-1.0, 0.0)
        self._bars.figures = Text()
        self._bars.update(task.id, visible=False)
        if task.finished:
            self._bars.remove_task(task.id)
            self._open = {title: other for title, other in self._open.items() if other is not task}

    def _print(self, line: Text) -> None:
        if self._enabled:
            self._console.print(line, soft_wrap=True)


def _clock(seconds: float | None) -> str:
    return "-:--:--" if seconds is None else str(timedelta(seconds=int(seconds)))


def _figures(task: bars.Task) -> str:
    figures: dict[str, float] = task.fields["figures"]
    return "  ".join(f"{visible(_NAMES.get(name, name))} {_short(value)}" for name, value in figures.items())


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def summary_table(summary: Mapping[str, Any]) -> Table:
    """What a run came to, from the values of ``summary.json`` and, if given, ``tokens`` and ``report`` (its path)."""
    table = Table(title="Test split", show_header=False, title_justify="left")
    table.add_column(style="dim")
    table.add_column(justify="right")
    before, after, gain = (number(summary.get(key)) for key in ("test_before", "test_after", "gain"))
    before_error, after_error = (number(summary.get(f"test_{side}_se")) for side in ("before", "after"))
    if gain is None and before is not None and after is not None:
        gain = after - before
    rows = {
        "before": _with_error(before, before_error, ".3f"),
        "after": _with_error(after, after_error, ".3f"),
        "gain": _with_error(gain, gain_error(before_error, after_error), "+.3f"),
    }
    for key, title in (("steps", "steps"), ("tokens", "tokens"), ("cpu_seconds", "CPU seconds")):
        value = number(summary.get(key))
        if value is not None:
            rows[title] = f"{value:,.0f}"
    for key in ("AURC", "ACC", "BWT", "FWT", "worst"):
        value = number(summary.get(key))
        if value is not None:
            rows[f"validation, {key}"] = f"{value:.3f}"
    for key in ("status", "report"):
        if summary.get(key):
            rows[key] = visible(str(summary[key]))
    for title, shown in rows.items():
        table.add_row(title, Text(shown, overflow="fold"))
    return table


def _with_error(value: float | None, error: float | None, form: str) -> str:
    if value is None:
        return "not measured"
    return f"{value:{form}}" + ("" if error is None else f" ± {error:.3f}")
