"""The command ``infinite-rl leaderboard``: a folder of submissions becomes a site."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ...spaces.visible import visible


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``leaderboard``."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="holds submissions, archives or folders of results")
    parser.add_argument("--check", action="store_true", help="grade everything again, and leave out what is refused")
    parser.add_argument("--out", type=Path, metavar="SITE", help="where the pages go (default: DIR/site)")


def run(arguments: argparse.Namespace) -> int:
    """Builds the site; the exit code is 1 if a submission is not on it, or a private split is nobody's."""
    # All commands are declared at every start, and none of them should wait for numpy.
    from .site import write_site

    out = arguments.out or arguments.folder / "site"
    board = write_site(arguments.folder, out, checked=arguments.check)
    for one in board.left_out:
        why = " ".join(visible(one.why).split()).removeprefix(f"{visible(one.source)}: ")
        print(f"not shown: {visible(one.source)}: {why}", file=sys.stderr)
    for row in board.unmatched:
        told = json.dumps({name: row[name] for name in ("env", "split", "arguments") if name in row})
        print(f"warning: board.json: no submission is of the private split {visible(told)}", file=sys.stderr)
    entries = "1 entry" if len(board.entries) == 1 else f"{len(board.entries):,} entries"
    print(f"{entries}: {out / 'index.html'}")
    return 1 if board.left_out or (arguments.check and board.unmatched) else 0
