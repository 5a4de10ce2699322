"""``infinite-rl generate``, which is also ``scripts/generate.py``."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from random import Random
from types import FrameType

from rich.console import Console
from rich.table import Table

from ..conversion import convert
from .display import Display
from .gemini import KEY_VARIABLE
from .generate import Outcome, Server, generate
from .generator import missing
from .prices import read_prices
from .prompts import SYSTEM, request, subjects
from .settings import DEFAULT_MODEL, LANGUAGES, TYPES, GenerationSettings, read_shares
from .store import DATASET, FAILED, counts_of
from .summary import NUMBERS, PICTURE

_DEFAULT_DIST = ("0.5", "0.5")
_INTERRUPTED, _TERMINATED = 130, 143


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments; each may be written with lines instead of underscores."""

    def add(name: str, **options: object) -> None:
        dashed = name.replace("_", "-")
        parser.add_argument(f"--{name}", *([f"--{dashed}"] if dashed != name else []), **options)  # type: ignore[arg-type]

    add("num_samples", type=int, default=10, help="rows the dataset is to have, those there included (default: 10)")
    add("model_name", default=DEFAULT_MODEL, help=f"model that writes the tasks (default: {DEFAULT_MODEL})")
    add("out_dir", type=Path, default=Path("data"), help="folder of the dataset (default: data)")
    add("save_every", type=int, default=1, help="force the file onto the disk after so many rows (default: 1)")
    add("threads", type=int, default=1, help="rows that are made at the same time (default: 1)")
    add("max_retries", type=int, default=5, help="failures in a row that end a type (default: 5)")
    add("timeout", type=float, default=5.0, help="seconds that a program's tests may take (default: 5)")
    add("task_dist", default=",".join(_DEFAULT_DIST), help="weights of coding and math (default: 0.5,0.5)")
    add("debug", action="store_true", help="show each row and failure; keep prompts and replies in debug_prompts/")
    add("api_key", help=f"the API key (default: the environment variable {KEY_VARIABLE})")
    add("base_url", metavar="URL", help="a server that speaks the Gemini API's protocol, instead of Google's")
    add("request_timeout", type=float, default=120.0, help="seconds that a call may take (default: 120)")
    add("max_backoff", type=float, default=60.0, help="longest pause between two tries, in seconds (default: 60)")
    add("seed", type=int, default=0, help="of what is asked for (default: 0)")
    told = "share of an earlier prompt that makes a prompt its duplicate (default: 0.9)"
    add("max_similarity", type=float, default=0.9, help=told)
    told = "task files whose prompts may not be in the dataset, also split@folder and split@owner/name"
    add("eval", nargs="+", default=[], metavar="FILE", help=told)
    add("solver_model", metavar="NAME", help="a model whose pass rate on each task is measured")
    add("solver_samples", type=int, default=4, help="its tries for each task (default: 4)")
    add("price", metavar="IN,OUT", help="dollars for a million tokens of prompts and of replies of --model_name")
    add("export", nargs="+", type=Path, default=[], metavar="FILE", help="write .jsonl or .parquet files, too")
    add("dry_run", action="store_true", help="show the plan and the prompts, and do nothing")


def run(arguments: argparse.Namespace) -> int:
    """Generates, or shows what would be.

    Returns:
        The exit code: 0 if the dataset has all its rows, 1 if it has not, 130 or 143 after an interruption.
    """
    settings = _settings(arguments)
    _check_exports(arguments.export, settings.out_dir)
    if arguments.dry_run:
        _show_plan(settings)
        return 0
    prices = {settings.model_name: read_prices(arguments.price)} if arguments.price else {}
    display = Display(prices, verbose=settings.debug)
    with _terminable() as came:
        try:
            outcome = generate(settings, Server(arguments.api_key, arguments.base_url), display)
        except (KeyboardInterrupt, asyncio.CancelledError):
            told = f"interrupted; the rows in {settings.out_dir / DATASET} are safe, and the same command goes on"
            display.note(told)
            return _TERMINATED if came else _INTERRUPTED
    _show(settings, outcome)
    if sum(outcome.rows.values()):
        for path in arguments.export:
            rows = convert(settings.out_dir / DATASET, path, overwrite=True)
            print(f"{rows:,} tasks in {path}")
    if not outcome.complete:
        short = ", ".join(f"{count} of {kind}" for kind, count in outcome.missing.items() if count)
        display.note(f"incomplete: {short} missing. {outcome.problem}. See {settings.out_dir / FAILED}.")
    return 0 if outcome.complete else 1


@contextmanager
def _terminable() -> Iterator[list[int]]:
    """While it lasts, SIGTERM ends the work as Ctrl-C does; the value holds the signals that came."""
    came: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        came.append(number)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise KeyboardInterrupt from None
        # Not by way of SIGINT, which is ignored in the background of some shells; and not by raising it in some task.
        for task in asyncio.all_tasks(loop):
            loop.call_soon_threadsafe(task.cancel)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield came
    finally:
        signal.signal(signal.SIGTERM, before)


def _check_exports(paths: Sequence[Path], out_dir: Path) -> None:
    """Refuses, before anything is paid, what could not be written in the end."""
    for path in paths:
        if path.suffix.lower() not in (".jsonl", ".parquet"):
            raise ValueError(f"--export {path}: give a name that ends in .jsonl or .parquet")
        if not path.parent.is_dir() and path.parent.resolve() != out_dir.resolve():
            raise ValueError(f"--export {path}: there is no folder {path.parent}")
        if path.suffix.lower() == ".parquet" and find_spec("pyarrow") is None:
            raise ModuleNotFoundError(f"--export {path} needs pyarrow: pip install 'infinite-rl[generate]'")


def _settings(arguments: argparse.Namespace) -> GenerationSettings:
    dist = [part.strip() for part in arguments.task_dist.split(",")]
    try:
        read_shares(dist)
    except ValueError as error:
        print(f"Error parsing task_dist: {error}. Using default.", file=sys.stderr)
        dist = list(_DEFAULT_DIST)
    names = (
        "num_samples out_dir model_name threads max_retries timeout save_every request_timeout max_backoff seed "
        "max_similarity solver_model solver_samples debug"
    )
    chosen = {name: getattr(arguments, name) for name in names.split()}
    return GenerationSettings(task_dist=dist, evaluation=arguments.eval, **chosen)


def _show_plan(settings: GenerationSettings) -> None:
    had = counts_of(settings.out_dir)
    wanted = missing(settings, had)
    table = Table("type", "share", "there", "to make", title="plan", title_justify="left")
    for kind in TYPES:
        table.add_row(kind, f"{float(settings.shares[kind]):.3g}", f"{had[kind]:,}", f"{wanted[kind]:,}")
    console = Console(highlight=False, markup=False)
    console.print(table)
    calls = sum(wanted.values()) * (1 + (settings.solver_samples if settings.solver_model else 0))
    told = f"at least {calls:,} calls of {settings.model_name}, {settings.threads} at a time"
    key = "is set" if os.environ.get(KEY_VARIABLE) else "is not set"
    console.print(f"{told}; {KEY_VARIABLE} {key}", soft_wrap=True)
    console.print(f"\n=== system\n{SYSTEM}", soft_wrap=True)
    rng = Random(settings.seed)
    for kind in TYPES:
        for language in LANGUAGES if kind == "coding" else (None,):
            if settings.shares[kind]:
                console.print(f"\n=== prompt\n{request(kind, language, *subjects(kind, rng), None)}", soft_wrap=True)


def _show(settings: GenerationSettings, outcome: Outcome) -> None:
    table = Table(show_header=False)
    for kind, count in outcome.rows.items():
        table.add_row(f"{kind} rows", f"{count:,}")
    table.add_row("made now", f"{outcome.accepted:,}, of them rectified {outcome.rectified:,}")
    rejected = ", ".join(f"{reason} {count:,}" for reason, count in sorted(outcome.rejected.items()))
    table.add_row("rejected now", rejected or "none")
    cost = "cost unknown, give --price" if outcome.cost is None else f"${outcome.cost:,.4f}"
    table.add_row("calls", f"{outcome.calls:,}, {sum(outcome.tokens):,} tokens, {cost}")
    files = [settings.out_dir / name for name in (DATASET, FAILED, NUMBERS, PICTURE)]
    table.add_row("files", "\n".join(str(path) for path in files if path.exists()))
    Console(highlight=False).print(table)
