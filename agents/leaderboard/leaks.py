"""What is in the files of a submission, and must not be published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...rewards.schemas.text import unique_members
from ...runtimes.finite_json import loads
from ..evaluation.results import RESULT, RUN, SAMPLES, Results
from .archive import CARD
from .secrets import find_canary, find_secrets

# Of a sample, what the model wrote; the rest is written by machines that have addresses and folders.
_SAID = ("messages", "answer")


def leaks(results: Results, canaries: Sequence[str] = (), words: str = "", *, private: bool = False) -> Iterator[str]:
    """Secrets anywhere, and marks of private tasks in a submission that is not private: one line for each kind.

    All that the files hold is looked at, not what a reader makes of them: they are packed as they are.

    Args:
        results: finished.
        canaries: marks of private splits, beside those of the usual form.
        words: what the submitter adds to the card.
        private: whether its tasks are kept back.
    """
    card = results.folder / CARD
    text = card.read_text("utf-8", errors="replace") if card.exists() else ""
    parts = {RUN: results.run, RESULT: results.result, CARD: [text, words]}
    for name in (RUN, RESULT):
        # Of two members with one name a reader keeps the last, and the first goes along unseen.
        if problem := _doubled((results.folder / name).read_bytes()):
            yield f"{name}: {problem}"
    for name, value in parts.items():
        for kind in find_secrets(value, transcript=False):
            yield f"{name}: holds {kind}; take it out, and make it invalid where it was given"
    found: dict[str, list[str]] = {}
    for number, line in enumerate(_lines(results.folder / SAMPLES), 1):
        sample: Any = None
        try:
            sample = _whole(line)
            where = f"task {sample['task_index']}, sample {sample['sample']}"
        except (ValueError, TypeError, LookupError, RecursionError):
            where = f"line {number}"
            found.setdefault("is no whole line of JSON, in which each member is there once", []).append(where)
            # Whatever it is, it would be packed with the rest.
            sample = line.decode("utf-8", errors="replace")
        for kind in _secrets_of(sample):
            found.setdefault(f"holds {kind}", []).append(where)
        if not private and (mark := find_canary(sample, canaries)) is not None:
            found.setdefault(f"holds the canary {mark} of a private split", []).append(where)
    for what, places in found.items():
        yield f"{SAMPLES}: {places[0]} {what}" + (f" ({len(places)} samples do)" if len(places) > 1 else "")
    # The mark that a run declares is no leak of it.
    told = [{**one, "canary": None} if isinstance(one, dict) else one for one in parts.values()]
    if not private and (mark := find_canary(told, canaries)) is not None:
        yield f"{RUN}, {RESULT} or {CARD}: holds the canary {mark} of a private split, but the tasks are public"


def _secrets_of(sample: Any) -> list[str]:
    """Kinds of secrets in a sample, or in a line that is none. What a grader quotes of the transcript is no news."""
    if not isinstance(sample, dict):
        return find_secrets(sample, transcript=True)
    said = [sample.get(name) for name in _SAID]
    facts = {name: one for name, one in sample.items() if name not in _SAID}
    found = {*find_secrets(said, transcript=True), *find_secrets(facts, transcript=False, said=said)}
    return sorted(found)


def _lines(path: Path) -> Iterator[bytes]:
    """All lines of the samples, those too that were asked again later and that a reader leaves out."""
    if path.exists():
        with path.open("rb") as file:
            yield from file


def _whole(line: bytes) -> Any:
    """The value of a line in which nothing is hidden.

    Raises:
        ValueError: it was broken off, or a member is there twice.
    """
    if not line.endswith(b"\n"):
        raise ValueError("it has no end")
    return loads(line.decode(), unique_members)


def _doubled(data: bytes) -> str:
    """Why a file that was read is not taken after all; empty if it is."""
    try:
        loads(data.decode(), unique_members)
    except (ValueError, RecursionError) as error:
        return str(error)
    return ""
