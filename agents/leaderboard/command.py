"""The command ``infinite-rl leaderboard``: a folder of submissions becomes a site."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..evaluation.given import NOTHING, declare_given, given_by
from .scripts import in_a_line

if TYPE_CHECKING:
    from .board import Board


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``leaderboard``."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="holds submissions, archives or folders of results")
    parser.add_argument("--check", action="store_true", help="grade everything again, and leave out what is refused")
    parser.add_argument("--out", type=Path, metavar="SITE", help="where the pages go (default: DIR/site)")
    parser.add_argument("--json", action="store_true", help="print what is on it, and what is not, as one JSON object")
    declare_given(parser)


def run(arguments: argparse.Namespace) -> int:
    """Builds the site; the exit code is 1 if a submission is not on it, or a check asked for more than was there.

    Where there is no submission at all nothing is written, and the exit code is 1, too.
    """
    # All commands are declared at every start, and none of them should wait for numpy.
    from ..evaluation.results import RUN
    from .board import submissions
    from .copies import copied
    from .site import write_site

    given = given_by(arguments)
    if given != NOTHING and not arguments.check:
        raise ValueError("--file, --arguments and --env are for --check, which grades again")
    out = arguments.out or arguments.folder / "site"
    if arguments.folder.is_dir() and not any(submissions(arguments.folder)):  # a slip, which must cost no good site
        where = f"in {in_a_line(str(arguments.folder))} there is no submission, which is a .zip or a folder with {RUN}"
        print(f"infinite-rl: {where}; nothing was written", file=sys.stderr)
        return 1
    there = out.exists()
    board = write_site(arguments.folder, out, checked=arguments.check, given=given)
    for one in board.left_out:
        why = in_a_line(one.why).removeprefix(f"{in_a_line(one.source)}: ")
        print(f"not shown: {in_a_line(one.source)}: {why}", file=sys.stderr)
    for entry in board.entries:
        if entry.ungraded:
            print(f"not regraded: {in_a_line(entry.source)}: {in_a_line(entry.ungraded)}", file=sys.stderr)
        for other, share in entry.copies:
            told = f"{entry.source} ({entry.model}): {copied(share, f'{other.source} ({other.model})')}"
            print(f"warning: {in_a_line(told)}", file=sys.stderr)
    for row in board.unmatched:
        told = json.dumps({name: row[name] for name in ("env", "split", "arguments") if name in row})
        print(f"warning: board.json: no submission is of the private split {in_a_line(told)}", file=sys.stderr)
    doubts = board.unmatched or any(entry.ungraded or entry.copies for entry in board.entries)
    code = 1 if board.left_out or (arguments.check and doubts) else 0
    if arguments.json:
        print(json.dumps(_told(board, out / "index.html")))
        return code
    if there and not board.entries:
        print(f"infinite-rl: no submission can be shown; {in_a_line(str(out))} stays as it was", file=sys.stderr)
        return code
    entries = "1 entry" if len(board.entries) == 1 else f"{len(board.entries):,} entries"
    print(f"{entries}: {out / 'index.html'}")
    return code


def _told(board: Board, page: Path) -> dict[str, Any]:
    """What a program wants to know of a board."""
    entries = [
        {
            "source": entry.source,
            "model": entry.model,
            "env": entry.run["env"]["id"],
            "not_regraded": entry.ungraded,
            "copies": [{"source": other.source, "share": share} for other, share in entry.copies],
        }
        for entry in board.entries
    ]
    left_out = [{"source": one.source, "why": one.why} for one in board.left_out]
    return {"page": str(page), "entries": entries, "not_shown": left_out, "unmatched": list(board.unmatched)}
