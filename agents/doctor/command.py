"""``infinite-rl doctor``: what is installed here, what works, and what to do about the rest."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator

from .check import Check, State

MARKS: dict[State, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "optional": ("–", "dim"),
    "warning": ("!", "yellow"),
    "problem": ("✗", "red"),
}


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("--json", action="store_true", help="print everything as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Looks at everything and shows it; the exit code is 1 if something that a first run needs does not work."""
    found: list[Check] = []
    if arguments.json:
        found = [*all_checks()]
        print(json.dumps({"works": _works(found), "checks": [one._asdict() for one in found]}))
    else:
        found = _show(arguments.shown)
    return 0 if _works(found) else 1


def all_checks() -> Iterator[Check]:
    """Everything that is looked at, the quick things first. Nothing of it asks a network."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from .machine import check_cache, check_keys, check_machine, check_sandboxes
    from .packages import check_packages
    from .training import check_torch, check_vllm

    for checks in (check_packages, check_machine, check_keys, check_cache, check_sandboxes, check_torch, check_vllm):
        yield from checks()


def _works(found: list[Check]) -> bool:
    return all(one.state != "problem" for one in found)


def _show(shown: Callable[[str], str]) -> list[Check]:
    """Prints each check as soon as it is made; some take seconds."""
    from rich.console import Console
    from rich.text import Text

    console, found, group = Console(highlight=False), [], ""
    for one in all_checks():
        if one.group != group:
            group = one.group
            console.print(Text(group, style="bold"))
        mark, style = MARKS[one.state]
        line = Text.assemble("  ", (mark, style), f" {one.name:<15} ", (shown(one.detail), style * (one.state != "ok")))
        console.print(line, soft_wrap=True)
        if one.advice:
            console.print(Text(f"    → {shown(one.advice)}", style="dim" * (one.state == "optional")), soft_wrap=True)
        found.append(one)
    counts = {state: sum(one.state == state for one in found) for state in ("problem", "warning")}
    told = ", ".join(f"{count} {state}{'s' * (count > 1)}" for state, count in counts.items() if count)
    console.print(Text(f"\n{told or 'Everything works.'}", style="bold"))
    return found
