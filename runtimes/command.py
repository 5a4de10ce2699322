"""``infinite-rl runtimes``: the sandboxes that run code, and their self-tests."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from .status import RuntimeStatus


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Shows the sandboxes and tests them; the exit code is 1 if one is missing or fails."""
    from .build.recipe import LANGUAGES
    from .status import runtime_status

    found = [runtime_status(language) for language in LANGUAGES]
    if arguments.json:
        print(json.dumps([{**dataclasses.asdict(status), "works": status.works} for status in found], default=str))
    else:
        from rich.console import Console
        from rich.text import Text

        console = Console(highlight=False)
        for status in found:
            if status.problem is not None:
                console.print(Text(f"{status.language}: {status.problem}\n"), soft_wrap=True)
            else:
                console.print(_table(status, arguments.shown))
    return 0 if all(status.works for status in found) else 1


def _table(status: RuntimeStatus, shown: Callable[[str], str]) -> Table:
    """One sandbox: what it is, where it lies, and its self-test."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=status.language, title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    recipe = f"{(status.recipe or '')[:16]}, {'current' if status.current else 'not of this version'}"
    compiled = f"{len(status.compiled)} files, {sum(status.compiled) / 1e6:.1f} MB, in {status.compiled_folder}"
    table.add_row("engine", Text(f"{status.engine}, {status.variant}"))
    table.add_row("artefact", Text(f"{status.path} ({(status.bytes or 0) / 1e6:.1f} MB)"))
    table.add_row("sha256", status.sha256)
    table.add_row("recipe", recipe)
    table.add_row("compiled", Text(compiled))
    table.add_row("first run", f"{status.ready_seconds:.2f} s")
    for trial in status.trials:
        verdict = f"ok, {trial.cpu_ms:.1f} ms" if trial.passed else f"failed: {shown(trial.detail)}"
        table.add_row(f"test: {trial.name}", Text(verdict))
    return table
