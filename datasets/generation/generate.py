"""Generates a dataset from beginning to end: the folder, the models, the rows, the statistics."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, closing, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..contamination.audit import prompts_of
from ..contamination.evaluation import EvaluationPrompts
from ..folder import alone_in
from .calling import Caller
from .checking import Checker
from .display import Display
from .gemini import Gemini, checked_key
from .generator import Generator, missing
from .ledger import Ledger
from .pacing import Pace
from .prices import Prices
from .settings import DEFAULT_MODEL, TYPES, GenerationSettings, TaskType
from .store import DATASET, DEBUG, Store
from .summary import NUMBERS, Summary

# As in the contamination gate.
_CONTAINED = 0.6
_NO_PICTURE = "there is no picture of the statistics without matplotlib: pip install 'infinite-rl[generate]'"


@dataclass(frozen=True, slots=True)
class Server:
    """Where the models are.

    Attributes:
        api_key: the key; that of ``GEMINI_API_KEY`` if None.
        base_url: a server that speaks the Gemini API's protocol; Google's if None.
    """

    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a generation came to.

    Attributes:
        rows: that the dataset has, by type.
        missing: that it should have besides, by type.
        accepted: rows that were made now.
        rejected: failures by reason.
        rectified: rows that the model had to correct before.
        calls: that were sent.
        tokens: of prompts, and of replies.
        cost: in US dollars; None if a price is not known.
        problem: why rows are missing; empty if none are.
    """

    rows: Mapping[TaskType, int]
    missing: Mapping[TaskType, int]
    accepted: int
    rejected: Mapping[str, int]
    rectified: int
    calls: int
    tokens: tuple[int, int]
    cost: float | None
    problem: str

    @property
    def complete(self) -> bool:
        """Whether the dataset has all rows that it should."""
        return not any(self.missing.values())


def generate_dataset(
    model_name: str = DEFAULT_MODEL,
    num_samples: int = 10,
    out_dir: str | Path = "data",
    save_every: int = 1,
    max_retries: int = 5,
    timeout: float = 5,
    task_dist: Sequence[float | str | Fraction] = (0.5, 0.5),
    debug: bool = False,
    num_threads: int = 1,
    *,
    server: Server | None = None,
    prices: Mapping[str, Prices] | None = None,
    progress: bool = True,
    request_timeout: float = 120.0,
    max_backoff: float = 60.0,
    seed: int = 0,
    max_similarity: float = 0.9,
    evaluation: Sequence[str] = (),
    solver_model: str | None = None,
    solver_samples: int = 4,
) -> Outcome:
    """Fills ``out_dir/dataset.csv`` up to ``num_samples`` tasks that a Gemini model writes and our graders accept.

    What is there already stays and counts. Each row is in the file as soon as it is accepted, so that the process may
    end at any instant; the same call goes on.

    Args:
        model_name: the model that writes the tasks.
        num_samples: rows that the dataset is to have in the end.
        out_dir: its folder.
        save_every: after so many rows the file is forced onto the disk.
        max_retries: failed tries in a row, without a row of the type in between, after which it is given up.
        timeout: seconds that all tests of a program may take together.
        task_dist: weights of coding and math.
        debug: keep each call's prompt and reply in ``out_dir/debug_prompts``, and show each row and failure.
        num_threads: rows that are made at the same time.
        server: where the models are.
        prices: of models, for the cost; list prices are used for others.
        progress: show a bar and notes on standard error.
        request_timeout: seconds that a call may take.
        max_backoff: seconds between two tries, at most.
        seed: of what is asked for.
        max_similarity: the share of an earlier prompt that makes a prompt its duplicate.
        evaluation: task files whose prompts may not be in the dataset.
        solver_model: a model whose pass rate on each task is measured.
        solver_samples: its tries for each task.

    Raises:
        FolderInUseError: another process generates there.
        ModuleNotFoundError: google-genai is missing; the message says what to install.
        OSError: a file can't be read or written. Rows that were written are safe.
        ValueError: an argument can't be used, or the folder holds a dataset of another kind.
    """
    settings = GenerationSettings(
        num_samples=num_samples,
        out_dir=Path(out_dir),
        model_name=model_name,
        task_dist=task_dist,
        threads=num_threads,
        max_retries=max_retries,
        timeout=timeout,
        save_every=save_every,
        debug=debug,
        request_timeout=request_timeout,
        max_backoff=max_backoff,
        seed=seed,
        max_similarity=max_similarity,
        evaluation=evaluation,
        solver_model=solver_model,
        solver_samples=solver_samples,
    )
    return generate(settings, server or Server(), Display(prices or {}, verbose=debug, shown=progress))


def generate(settings: GenerationSettings, server: Server, display: Display) -> Outcome:
    """Generates as `generate_dataset` does, from settings that are made already."""
    if settings.out_dir.exists() and not settings.out_dir.is_dir():
        raise ValueError(f"{settings.out_dir} is a file; give a folder")
    if not (settings.out_dir / DATASET).exists():  # a dataset that is there may be whole, and need no model
        checked_key(server.api_key, server.base_url)
    settings.out_dir.mkdir(parents=True, exist_ok=True)
    with alone_in(settings.out_dir, "generates"):
        store = Store(settings.out_dir, sync_every=settings.save_every)
        for note in store.notes:
            display.note(note)
        _tell_surplus(settings, store, display)
        ledger = Ledger(store, display.hear, display.note)
        try:
            problem = _run(_make_rows(settings, server, ledger, display))
        finally:
            store.close()
        # Not after an interruption: whoever waits for the end of it does not wait for a picture.
        stale = ledger.calls or (any(store.prompts.values()) and not (settings.out_dir / NUMBERS).exists())
        if stale and not Summary.of(store).write(settings.out_dir):
            display.note(_NO_PICTURE)
    had = {kind: len(store.prompts[kind]) for kind in TYPES}
    return Outcome(
        had,
        missing(settings, had),
        ledger.accepted.total(),
        ledger.rejected,
        ledger.rectified,
        ledger.calls,
        (ledger.used.prompt, ledger.used.reply),
        ledger.cost(display.prices),
        problem,
    )


async def _make_rows(settings: GenerationSettings, server: Server, ledger: Ledger, display: Display) -> str:
    """Makes the rows that are missing; the value says why some still are, if so."""
    wanted = missing(settings, {kind: len(ledger.store.prompts[kind]) for kind in TYPES})
    if not any(wanted.values()):
        return ""
    checker = Checker(settings.timeout)
    checker.prepare(kind for kind in TYPES if wanted[kind])
    evaluation = None
    if settings.evaluation:
        evaluation = EvaluationPrompts([prompt.text for prompt in prompts_of(settings.evaluation)], _CONTAINED)
    if settings.debug:
        (settings.out_dir / DEBUG).mkdir(exist_ok=True)
    async with AsyncExitStack() as stack:

        async def caller(model: str) -> Caller:
            gemini = Gemini(model, api_key=server.api_key, base_url=server.base_url, timeout=settings.request_timeout)
            await stack.enter_async_context(gemini)
            return Caller(gemini, Pace(settings.threads, settings.max_backoff), ledger, settings.max_retries)

        writer = await caller(settings.model_name)
        solver = await caller(settings.solver_model) if settings.solver_model else None
        generator = Generator(settings, ledger, writer, checker, solver=solver, evaluation=evaluation)
        with display.over(ledger, sum(wanted.values())):
            await generator.run()
        return generator.problem


def _tell_surplus(settings: GenerationSettings, store: Store, display: Display) -> None:
    """Says so where the dataset will have more rows than asked for, because one type has more than its share."""
    had = {kind: len(store.prompts[kind]) for kind in TYPES}
    wanted = missing(settings, had)
    total = sum(had.values()) + sum(wanted.values())
    if any(wanted.values()) and total > settings.num_samples:
        there = " and ".join(f"{count:,} of {kind}" for kind, count in had.items())
        display.note(f"there are {there}, and --task_dist asks for other shares: there will be {total:,} rows")


def _run(work: Coroutine[Any, Any, str]) -> str:
    """Runs it to its end; in a thread of its own where a loop runs in this one already, as in notebooks."""
    if not _in_a_loop():
        return asyncio.run(work)
    loop = asyncio.new_event_loop()
    task = loop.create_task(work)
    with ThreadPoolExecutor(1) as pool, closing(loop):
        found = pool.submit(loop.run_until_complete, task)
        try:
            return found.result()
        except KeyboardInterrupt:
            loop.call_soon_threadsafe(task.cancel)
            with suppress(BaseException):
                found.result()
            raise


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
