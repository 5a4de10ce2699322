"""``infinite-rl verify``: whether two mathematical answers are equal."""

from __future__ import annotations

import argparse
import dataclasses
import json

OPTIONS = ("--explain", "--json", "-h", "--help")


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("gold", metavar="GOLD", help="the right answer")
    parser.add_argument("answer", metavar="ANSWER", help="the answer to judge")
    parser.add_argument("--explain", action="store_true", help="show how both were read, and what decided")
    parser.add_argument("--json", action="store_true", help="print the verdict, and what --explain shows, as JSON")


def arrange(given: list[str]) -> list[str]:
    """The arguments as argparse reads them: an answer may begin with a minus sign."""
    flags = [text for text in given if text in OPTIONS]
    return [*flags, "--", *(text for text in given if text not in (*OPTIONS, "--"))]


def run(arguments: argparse.Namespace) -> int:
    """Says whether two mathematical answers are equal; the exit code is 1 if they aren't."""
    from .equivalence.verdict import reading, verify

    verdict = verify(arguments.gold, arguments.answer)
    if arguments.json:
        read = {name: reading(text) for name, text in (("gold", arguments.gold), ("answer", arguments.answer))}
        print(json.dumps({**dataclasses.asdict(verdict), "read_as": read}))
        return 0 if verdict.equal else 1
    print("equal" if verdict.equal else "not equal")
    if arguments.explain:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        shown = arguments.shown
        table = Table(show_header=False)
        for name, text in (("gold", arguments.gold), ("answer", arguments.answer)):
            table.add_row(f"{name}", Text(shown(text)))
            table.add_row(f"{name} is read as", Text(shown(reading(text))))
        table.add_row("decided by", verdict.tier)
        table.add_row("because", Text(shown(verdict.reason)))
        table.add_row("time", f"{1e3 * verdict.seconds:.2f} ms")
        Console(highlight=False).print(table)
    return 0 if verdict.equal else 1
