"""Shows what the build is doing: live on a terminal, else one line for each step."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator

from .fetch import Report


@contextlib.contextmanager
def display(languages: list[str], plain: bool) -> Iterator[Callable[[str], Report]]:
    """Shows the steps of several builds at once, on stderr.

    Args:
        languages: what is built.
        plain: one line for each step, also on a terminal.

    Yields:
        What makes the report of a language's build; reports may be used from any thread.
    """
    # rich is a requirement of the package, but not of its build.
    live = not plain and sys.stderr.isatty() and importlib.util.find_spec("rich") is not None
    with _live(languages) if live else _lines() as reporter:
        yield reporter


@contextlib.contextmanager
def _lines() -> Iterator[Callable[[str], Report]]:
    start = time.monotonic()

    def reporter(language: str) -> Report:
        def report(line: str) -> None:
            # One write, so that lines of two threads do not mix.
            sys.stderr.write(f"{time.monotonic() - start:6.1f} s  {language}: {line}\n")
            sys.stderr.flush()

        return report

    yield reporter


@contextlib.contextmanager
def _live(languages: list[str]) -> Iterator[Callable[[str], Report]]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.fields[language]}", style="bold"), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.description}"), console=Console(stderr=True)) as progress:
        tasks = {language: progress.add_task("", total=None, language=language) for language in languages}

        def reporter(language: str) -> Report:
            return lambda line: progress.update(tasks[language], description=escape(line))

        yield reporter
