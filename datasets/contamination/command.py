"""``infinite-rl contamination``: a gate before training."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ..files import files_of
from ..rows import kind_of
from .audit import contamination, prompts_of
from .removal import write_without
from .report import Report, report_files

_PAIRS_SHOWN = 10


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    told = "training tasks: files, split@folder or split@owner/name"
    parser.add_argument("--train", nargs="+", required=True, metavar="FILE", help=told)
    parser.add_argument("--eval", nargs="+", required=True, metavar="FILE", help="evaluation tasks, named alike")
    told = "least weighted share of an evaluation prompt that an edited one holds (default: 0.6)"
    parser.add_argument("--threshold", type=float, default=0.6, help=told)
    told = "share of contaminated training rows that is no failure (default: 0)"
    parser.add_argument("--abort-tolerance", type=float, default=0.0, metavar="SHARE", help=told)
    parser.add_argument("--report", type=Path, metavar="PREFIX", help="write PREFIX.json and PREFIX.csv")
    parser.add_argument("--json", action="store_true", help="print what PREFIX.json holds")
    told = "write the training file without its contaminated rows; a folder, where there are several files"
    parser.add_argument("--remove", type=Path, metavar="OUT", help=told)
    parser.add_argument("--overwrite", action="store_true", help="replace what --report and --remove write")


def run(arguments: argparse.Namespace) -> int:
    """Compares the files, and shows and writes what was found.

    Args:
        arguments: as `declare` has them, and ``shown``, which makes a text harmless for a terminal.

    Returns:
        The exit code: 1 if more training rows are contaminated than is tolerated.
    """
    if not 0 <= arguments.abort_tolerance <= 1:
        raise ValueError(f"--abort-tolerance must be a share from 0 to 1, not {arguments.abort_tolerance}")
    if arguments.report is not None and not arguments.report.parent.is_dir():
        raise ValueError(f"--report: no such folder: {arguments.report.parent}")
    reports = [] if arguments.report is None else report_files(arguments.report)
    read = [file for name in (*arguments.train, *arguments.eval) for file in files_of(name) if file is not None]
    cleaned = {} if arguments.remove is None else _cleaned(arguments.train, arguments.remove)
    _check_apart(read, {"--report": reports, "--remove": cleaned.values()})
    if not arguments.overwrite:
        _refuse_old([*reports, *cleaned.values()])
    with _progress() as progress:
        reading = progress.add_task("evaluation")
        evaluation = []
        for prompt in prompts_of(arguments.eval):
            evaluation.append(prompt)
            progress.advance(reading)
        auditing = progress.add_task("training", total=None)
        report = contamination(
            prompts_of(arguments.train),
            evaluation,
            threshold=arguments.threshold,
            progress=lambda rows: progress.advance(auditing, rows),
        )
    if arguments.json:
        print(json.dumps(report.as_json()))
    else:
        _show(report, arguments.shown)
    written = []
    if arguments.report is not None:
        written.append(f"report in {' and '.join(map(str, report.write(arguments.report)))}")
    for file, out in cleaned.items():
        out.parent.mkdir(exist_ok=True)
        rows = report.rows_of(file)
        write_without(file, rows, out)
        written.append(f"{file} without {len(rows):,} {'row' if len(rows) == 1 else 'rows'} in {out}")
    if not arguments.json:
        for line in written:
            print(arguments.shown(line))
    return 1 if report.share > arguments.abort_tolerance else 0


def _check_apart(read: Iterable[Path], written: Mapping[str, Iterable[Path]]) -> None:
    """Each file is read or written once; what is written is named by its option."""
    inputs = {name for file in read for name in _identities(file)}
    writers: dict[object, str] = {}
    for option, files in written.items():
        for file in files:
            if file.is_dir():
                raise ValueError(f"{option}: {file} is a folder; give another name")
            names = _identities(file)
            if names & inputs:
                raise ValueError(f"{option} would overwrite {file}; give another name")
            if other := next((writers[name] for name in names if name in writers), None):
                who = f"{option} would twice" if other == option else f"{other} and {option} would both"
                raise ValueError(f"{who} write {file}; give another name")
            writers |= dict.fromkeys(names, option)


def _identities(file: Path) -> set[object]:
    """What two names of one file have in common: where links lead, or what hard links share."""
    found: set[object] = {file.resolve()}
    if file.exists():
        status = file.stat()
        found.add((status.st_dev, status.st_ino))
    return found


def _refuse_old(files: Iterable[Path]) -> None:
    for file in files:
        if file.exists():
            raise FileExistsError(f"{file}: it is there already. Give another name, or --overwrite.")


def _progress() -> Progress:
    """Counts of rows, on a terminal only; how many will come, a stream does not say."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)


def _show(report: Report, shown: Callable[[str], str]) -> None:
    console = Console(highlight=False)
    pairs = [pair for pair in report.pairs if pair.kind != "template"]
    if pairs:
        table = Table("kind", "score", "training row", "evaluation row", show_lines=True)
        for pair in pairs[:_PAIRS_SHOWN]:
            sides = (Text(f"{shown(one.place.where)}\n{shown(one.text)}") for one in (pair.train, pair.evaluation))
            table.add_row(pair.kind, f"{pair.score:.2f}", *sides)
        console.print(table)
    if len(pairs) > _PAIRS_SHOWN:
        console.print(f"and {len(pairs) - _PAIRS_SHOWN:,} more pairs; --report writes them all", soft_wrap=True)
    console.print(report.summary, soft_wrap=True)


def _cleaned(train: list[str], out: Path) -> dict[Path, Path]:
    """Where each training file goes without its contaminated rows: into ``out``, or into a folder of this name."""
    found = [file for name in train for file in files_of(name)]
    files = [file for file in found if file is not None]
    if len(files) < len(found):
        raise ValueError("--remove keeps the format of files; a dataset of the hub has none: save it as a file first")
    if len(files) == 1 and not out.is_dir():
        if kind_of(files[0]) != kind_of(out):
            raise ValueError(f"--remove {out}: its name must end as that of {files[0]} does")
        cleaned = {files[0]: out}
    else:
        if out.exists() and not out.is_dir():
            raise ValueError(f"--remove {out}: {len(files):,} training files go into a folder, but {out} is no folder")
        cleaned = {file: out / file.name for file in files}
        if len({file.name for file in files}) < len(files):
            raise ValueError("--remove: several training files have one name; give them one by one")
    if not out.parent.is_dir():
        raise ValueError(f"--remove: no such folder: {out.parent}")
    return cleaned
