"""An evaluation from its first sample to its scores; it goes on where a process was stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ...datasets.folder import alone_in
from ...envs.agent_loop import ENDPOINT_ERROR
from .about import DECLARED, declared_later, differing, now
from .asking import Job, Player
from .bounds import published
from .journal import Journal
from .results import (
    FAILURES,
    REPLIES,
    RESULT,
    RUN,
    SAMPLES,
    Sample,
    SampleLog,
    read_object,
    read_run,
    read_samples,
    sha256_of,
    write_json,
)
from .summary import cost, summarize, used

# Characters of the reason why a sample failed.
_REASON = 300
# A price or a time that is told may be anything; sums stay finite up to here.
_GREATEST = 1e9


@contextmanager
def evaluation_in(folder: Path, run: Mapping[str, Any], indices: Sequence[int], **options: Any) -> Iterator[Evaluation]:
    """An `Evaluation` in a folder where, while it lasts, no other process may work; made where it is not there.

    Raises:
        FolderInUseError: another process works there.
        ValueError: another evaluation lies there.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with alone_in(folder, "evaluates"):
            yield Evaluation(folder, run, indices, **options)
    finally:
        with suppress(OSError):  # what holds something stays
            for path in made:
                path.rmdir()


class Evaluation:
    """The folder of an evaluation that is begun or goes on.

    What was not declared at first may be later. A run of which no sample was answered gives way to another.

    Args:
        folder: where it lies.
        run: what is asked for (see `describe`).
        indices: of the tasks.
        retry: whether samples that failed, ours or the endpoint's fault, are asked for again though all are there.
        price: of a million tokens read, and of a million written.

    Raises:
        ValueError: another evaluation lies there.

    Attributes:
        samples: those there are, without their transcripts.
        corrected: members of a ``result.json`` that did not say what the samples do.
    """

    def __init__(
        self,
        folder: Path,
        run: Mapping[str, Any],
        indices: Sequence[int],
        *,
        retry: bool = False,
        price: Sequence[float] | None = None,
    ) -> None:
        self.folder, self.run, self.price = folder, dict(run), price
        self._replaces, self.corrected = False, list[str]()
        if (folder / RUN).exists():
            known = declared_later(read_run(folder), run)
            problem = differing(known, run)
            self._replaces = bool(problem) and not _anything_answered(folder)
            if problem and not self._replaces:
                raise ValueError(f"{folder} holds another evaluation: {problem}; choose another folder with --out")
            self.run = self.run if self._replaces else known
        elif any(not path.name.startswith(".") for path in folder.iterdir()):  # a draft may have been left behind
            raise ValueError(f"{folder} is no evaluation, and not empty; choose another folder with --out")
        self.samples = [] if self._replaces else [_light(sample) for sample in read_samples(folder / SAMPLES)]
        self._finished = None if self._replaces else self._read_result()
        again = FAILURES if retry or self._finished is None else ()
        there = {(one["task_index"], one["sample"]) for one in self.samples if one["status"] not in again}
        self.samples = [one for one in self.samples if (one["task_index"], one["sample"]) in there]
        missing = {task: [one for one in range(run["sampling"]["n"]) if (task, one) not in there] for task in indices}
        self.jobs = [Job(task, samples) for task, samples in missing.items() if samples]

    @property
    def missing(self) -> int:
        """How many samples are to be asked for."""
        return sum(len(job.samples) for job in self.jobs)

    def finish(self, player: Callable[[], Player], heard: Callable[[Sequence[Sample]], None]) -> dict[str, Any]:
        """Asks for what is missing, and writes the scores.

        Args:
            player: makes who answers; not called where nothing is missing.
            heard: is shown each batch of new samples, when it has been written.

        Returns:
            The content of ``result.json``.

        Raises:
            EndpointError: the model failed; what has been answered is recorded.
        """
        playing = player() if self.jobs else None
        if self._replaces:
            for name in (RESULT, SAMPLES, REPLIES, RUN):
                (self.folder / name).unlink(missing_ok=True)
        if not (self.folder / RUN).exists() or read_run(self.folder) != self.run:
            write_json(self.folder / RUN, self.run)
        if not self.jobs and self._finished is not None:
            (self.folder / REPLIES).unlink(missing_ok=True)
            return self._completed(self._finished)
        (self.folder / RESULT).unlink(missing_ok=True)
        asked, seconds = self._ask(playing, heard) if playing else (0, 0.0)
        result = self._result(asked, seconds)
        write_json(self.folder / RESULT, result)
        (self.folder / REPLIES).unlink(missing_ok=True)
        return result

    def _ask(self, playing: Player, heard: Callable[[Sequence[Sample]], None]) -> tuple[int, float]:
        """How many samples were asked for, and how long it took."""
        started, asked = time.monotonic(), 0
        log = SampleLog(self.folder / SAMPLES)
        recorded = {(sample["task_index"], sample["sample"]) for sample in self.samples}
        journal = Journal(self.folder / REPLIES, recorded)
        batches = playing.play(self.jobs, journal)
        try:
            for batch in batches:
                log.append(batch)
                asked += len(batch)
                self.samples += map(_light, batch)
                heard(batch)
        finally:
            batches.close()  # type: ignore[attr-defined]
            journal.close()
            log.close()
        return asked, time.monotonic() - started

    def _result(self, asked: int, seconds: float) -> dict[str, Any]:
        usage = used(self.samples, asked, seconds)
        found = scored(self.folder, self.run, self.samples)
        return {**self.run, **found, "usage": usage, "cost": cost(usage, self.price), "finished": now()}

    def _completed(self, result: dict[str, Any]) -> dict[str, Any]:
        """A finished result, with what was declared later, and its cost at another price if one is given.

        The file may have been edited, or written by another version: it gets the scores that the samples give.
        """
        usage = used(self.samples, 0, 0.0) | _speed(result.get("usage"))
        known = {**self.run, **scored(self.folder, self.run, self.samples), "usage": usage}
        self.corrected = [name for name in known if name not in DECLARED and known[name] != result.get(name)]
        new = {**known, "cost": cost(usage, self.price or _price(result.get("cost"))), "finished": now()}
        if isinstance(result.get("finished"), str):
            new["finished"] = result["finished"]
        if new["cost"] != result.get("cost") and self.price is None:
            self.corrected.append("cost")
        if new != result:
            write_json(self.folder / RESULT, new)
        return new

    def _read_result(self) -> dict[str, Any] | None:
        """The scores, if they are those of the samples that are there."""
        path = self.folder / RESULT
        if not path.exists():
            return None
        result = read_object(path)
        if result.get("samples_sha256") == sha256_of(self.folder / SAMPLES):
            return result
        self.corrected = ["samples_sha256"]
        return None


def scored(folder: Path, run: Mapping[str, Any], samples: Sequence[Sample]) -> dict[str, Any]:
    """What ``result.json`` says of the samples that a folder holds, but for what they took."""
    return {
        **summarize(run, samples),
        "samples_sha256": sha256_of(folder / SAMPLES),
        **published(run["env"]),
    }


def _speed(usage: object) -> dict[str, float | None]:
    """What no sample tells: how long the last process asked, and how fast."""
    found = usage if isinstance(usage, Mapping) else {}
    kept = {name: found.get(name) for name in ("seconds", "samples_per_second")}
    return {name: value for name, value in kept.items() if _positive(value) or (value is None and name in found)}


def _price(told: object) -> list[float] | None:
    """The prices of a result's cost."""
    if not isinstance(told, Mapping):
        return None
    found: list[Any] = [told.get(f"{kind}_per_million") for kind in ("input", "output")]
    return found if all(map(_positive, found)) else None


def _positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _GREATEST


def _anything_answered(folder: Path) -> bool:
    """Whether a model answered anything that is there, in an episode that is over or in one under way."""
    replies = folder / REPLIES
    return (replies.exists() and replies.stat().st_size > 0) or any(map(_answered, read_samples(folder / SAMPLES)))


def _answered(sample: Sample) -> bool:
    """Whether a model said anything in it, or its environment broke, which another command would not mend."""
    return bool(sample["status"] != ENDPOINT_ERROR or sample["turns"])


def _light(sample: Sample) -> Sample:
    """A sample without its transcript, which may be long, and which no score needs; of its failure the beginning."""
    kept = {name: value for name, value in sample.items() if name not in ("messages", "error_msg")}
    return kept | ({"error_msg": sample["error_msg"][:_REASON]} if sample["status"] in FAILURES else {})
