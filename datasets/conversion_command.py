"""``infinite-rl convert``: a data file in another format."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("source", metavar="IN", help="tasks: a file, split@folder or split@owner/name")
    told = "the new file: .jsonl, .csv (also with .gz behind) or .parquet says its format"
    parser.add_argument("target", type=Path, metavar="OUT", help=told)
    parser.add_argument("--overwrite", action="store_true", help="replace OUT, if it is there")


def run(arguments: argparse.Namespace) -> int:
    """Converts, and says how many tasks there were.

    Args:
        arguments: as `declare` has them, and ``shown``, which makes a text harmless for a terminal.

    Returns:
        The exit code, 0.
    """
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from .conversion import convert

    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty(), transient=True) as progress:
        reading = progress.add_task("tasks", total=None)
        count = convert(
            arguments.source,
            arguments.target,
            overwrite=arguments.overwrite,
            progress=lambda rows: progress.advance(reading, rows),
        )
    print(
        arguments.shown(f"{count:,} {'task' if count == 1 else 'tasks'} from {arguments.source} to {arguments.target}")
    )
    return 0
