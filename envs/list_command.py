"""``infinite-rl envs``: which environments there are."""

from __future__ import annotations

import argparse
import json

from .registration import ENVIRONMENTS


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("--json", action="store_true", help="print the table as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Prints the table of environments; the exit code is 0."""
    if arguments.json:
        print(json.dumps([{"id": row.id, "asks": row.asks} for row in ENVIRONMENTS]))
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table()
    table.add_column("environment", no_wrap=True)
    table.add_column("what it asks")
    for row in ENVIRONMENTS:
        table.add_row(row.id, row.asks)
    Console().print(table)
    return 0
