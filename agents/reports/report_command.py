"""``infinite-rl report``: what a training run did, as one page."""

from __future__ import annotations

import argparse
from pathlib import Path

# Any of them makes a report, which names the others as missing.
RUN_FILES = ("config.yaml", "metrics.jsonl", "timing.jsonl", "transcripts.jsonl", "summary.json")


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("run", type=Path, metavar="RUN", help="the folder of a run, finished or not")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the page (default: report.html in the folder)")


def run(arguments: argparse.Namespace) -> int:
    """Writes the page and prints where it is; the exit code is 0."""
    try:
        from .report import write_report
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"reports need {error.name}: pip install 'infinite-rl[train]'") from None
    from ...envs.transcript import make_folder
    from .text import check_page

    place: Path = arguments.run
    if place.is_dir() and not any((place / name).is_file() for name in RUN_FILES):
        raise ValueError(f"{place} holds no training run; infinite-rl view shows evaluations and files of transcripts")
    check_page(arguments.out or place / "report.html")
    if arguments.out is not None:
        make_folder(arguments.out)
    print(arguments.shown(str(write_report(arguments.run, arguments.out))))
    return 0
