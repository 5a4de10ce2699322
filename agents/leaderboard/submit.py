"""The command ``infinite-rl submit``: results are checked, and packed for a leaderboard."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..evaluation.given import declare_given, given_by
from .scripts import in_a_line

if TYPE_CHECKING:
    from ..evaluation.results import Results


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``submit``."""
    parser.add_argument(
        "results", type=Path, metavar="RESULTS", help="the folder of an evaluation, or a packed submission"
    )
    parser.add_argument("--check", action="store_true", help="check only")
    told = "where the archive goes (default: here); entries there must not hold the same replies"
    parser.add_argument("--out", type=Path, default=Path("."), metavar="DIR", help=told)
    parser.add_argument("--card", type=Path, metavar="FILE", help="a text about the model, for the model card")
    declare_given(parser)
    told = "a file with a mark of a private split on each line, which must not be in a public submission"
    parser.add_argument("--canaries", type=Path, metavar="FILE", help=told)
    parser.add_argument("--json", action="store_true", help="print the findings as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Checks and packs; the exit code is 1 if there is a reason to refuse the results."""
    # All commands are declared at every start, and none of them should wait for numpy.
    from .archive import opened, pack
    from .card import model_card
    from .check import check
    from .facts import identity
    from .scripts import slug
    from .settings import withheld

    if not arguments.check:  # before anything is graded
        _refuse_file(arguments.out)
    marks = arguments.canaries.read_text("utf-8").split() if arguments.canaries else []
    words = arguments.card.read_text("utf-8") if arguments.card else ""
    with opened(arguments.results) as folder:
        report = check(folder, given=given_by(arguments), canaries=marks, words=words)
        reasons, packed = report.reasons, None
        if not reasons and not arguments.check:
            assert report.results is not None, "only what was read is accepted"
            reasons, notes = _copies(report.results, arguments.out)
            report.notes += notes
            if not reasons:
                asked, result = report.files()
                place = slug(asked["env"]["id"].removeprefix("InfiniteRL/"))
                mark = identity(asked, result, private=withheld(asked))[:8]
                name = f"{slug(asked['model']['name'], 40)}-{place}-{mark}"
                arguments.out.mkdir(parents=True, exist_ok=True)
                packed = arguments.out / f"{name}.zip"
                pack(report.results, model_card(asked, result, words), packed)
    if arguments.json:
        found = {"problems": reasons, "notes": report.notes, "regraded": report.regraded}
        print(json.dumps(found | {"accepted": not reasons, "submission": packed and str(packed)}))
        return 1 if reasons else 0
    for line in reasons:
        print(f"refused: {in_a_line(line)}", file=sys.stderr)
    for line in report.notes:
        print(in_a_line(line))
    if not reasons:
        print(f"accepted: {report.regraded} samples were graded again, and all files agree")
    if packed is not None:
        print(packed)
    return 1 if reasons else 0


def _refuse_file(out: Path) -> None:
    """Refuses a place for the archive that can't become a folder."""
    there = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not there.is_dir():
        raise ValueError(f"--out {out}: {there} is no folder")


def _copies(results: Results, out: Path) -> tuple[list[str], list[str]]:
    """What is said of entries in a folder that hold the same replies under another model's name, a line for each.

    Returns:
        Reasons to refuse the results: nearly all of an entry that came first is a good part of them. And notes: they
        share replies otherwise. A larger entry may be built around what somebody else published, or a smaller one be
        taken from it, to keep them out; both are marked.
    """
    from ..evaluation.results import SAMPLES, read_results, sha256_of
    from .archive import opened
    from .board import submissions
    from .copies import A_GOOD_PART, NEARLY_ALL, copied, replies_of, shared
    from .recount import disagreements, figures_of
    from .schema import malformed

    mine, refused, notes = replies_of(results.samples), [], []
    whole = sha256_of(results.folder / SAMPLES)
    for path in submissions(out) if out.is_dir() else ():
        try:
            with opened(path) as place:
                other = read_results(place)
                if other.run["model"]["name"] == results.run["model"]["name"]:
                    continue
                equal = (place / SAMPLES).exists() and sha256_of(place / SAMPLES) == whole
                own, theirs = (1.0, 1.0) if equal else shared(mine, replies_of(other.samples))
                # To recount it takes long. What is on no board keeps nobody from it.
                if not own or any(malformed(other)) or any(disagreements(other, figures_of(other))):
                    continue
        except (ValueError, OSError, RecursionError):  # nor is this one
            continue
        name = f"{other.run['model']['name']} in {path.name}"
        if theirs > NEARLY_ALL and own >= A_GOOD_PART:
            refused.append(f"{SAMPLES}: holds {theirs:.1%} of the longer replies of {name}, word for word")
        else:
            notes.append(f"note: {copied(own, name)}; the pages will say so of both")
    return refused, notes
