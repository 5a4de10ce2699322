"""The command ``infinite-rl submit``: results are checked, and packed for a leaderboard."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ...envs.arguments import json_object
from ...spaces.visible import visible


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``submit``."""
    parser.add_argument(
        "results", type=Path, metavar="RESULTS", help="the folder of an evaluation, or a packed submission"
    )
    parser.add_argument("--check", action="store_true", help="check only")
    parser.add_argument(
        "--out", type=Path, default=Path("."), metavar="DIR", help="where the archive goes (default: here)"
    )
    parser.add_argument("--card", type=Path, metavar="FILE", help="a text about the model, for the model card")
    parser.add_argument("--file", metavar="TASKS", help="the tasks of a benchmark, where they are not those of the hub")
    told = "further arguments of the environment, as a JSON object"
    parser.add_argument("--arguments", type=json_object, default={}, metavar="JSON", help=told)
    told = "a file with a mark of a private split on each line, which must not be in a public submission"
    parser.add_argument("--canaries", type=Path, metavar="FILE", help=told)
    parser.add_argument("--json", action="store_true", help="print the findings as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Checks and packs; the exit code is 1 if there is a reason to refuse the results."""
    # All commands are declared at every start, and none of them should wait for numpy.
    from .archive import opened, pack
    from .card import model_card
    from .check import check
    from .scripts import slug

    marks = arguments.canaries.read_text("utf-8").split() if arguments.canaries else []
    words = arguments.card.read_text("utf-8") if arguments.card else ""
    with opened(arguments.results) as folder:
        report = check(folder, file=arguments.file, arguments=arguments.arguments, canaries=marks, words=words)
        packed = None
        if not report.problems and not arguments.check:
            asked, result = report.files()
            assert report.results is not None, "only what was read is accepted"
            place = slug(asked["env"]["id"].removeprefix("InfiniteRL/"))
            name = f"{slug(asked['model']['name'], 40)}-{place}-{result['samples_sha256'][:8]}"
            arguments.out.mkdir(exist_ok=True)
            packed = arguments.out / f"{name}.zip"
            pack(report.results, model_card(asked, result, words), packed)
    if arguments.json:
        found = {"problems": report.problems, "notes": report.notes, "regraded": report.regraded}
        print(json.dumps(found | {"accepted": not report.problems, "submission": packed and str(packed)}))
        return 1 if report.problems else 0
    for line in report.problems:
        print(f"refused: {_line(line)}", file=sys.stderr)
    for line in report.notes:
        print(_line(line))
    if not report.problems:
        print(f"accepted: {report.regraded} samples were graded again, and all files agree")
    if packed is not None:
        print(packed)
    return 1 if report.problems else 0


def _line(text: str) -> str:
    return " ".join(visible(text).split())
