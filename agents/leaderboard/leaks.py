"""What is in the files of a submission, and must not be published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..evaluation.results import RESULT, RUN, SAMPLES, Results
from .archive import CARD
from .secrets import find_canary, find_secrets


def leaks(results: Results, canaries: Sequence[str] = (), words: str = "") -> Iterator[str]:
    """Secrets anywhere, and marks of private tasks in a submission that is not private: one line for each kind.

    Args:
        results: finished.
        canaries: marks of private splits, beside those of the usual form.
        words: what the submitter adds to the card.
    """
    card = results.folder / CARD
    told = card.read_text("utf-8", errors="replace") if card.exists() else ""
    parts = {RUN: results.run, RESULT: results.result, CARD: [told, words]}
    for name, value in parts.items():
        for kind in find_secrets(value, transcript=False):
            yield f"{name}: holds {kind}; take it out, and make it invalid where it was given"
    public = results.run["canary"] is None
    found: dict[str, list[str]] = {}
    for sample in results.samples:
        where = f"task {sample['task_index']}, sample {sample['sample']}"
        for kind in find_secrets(sample, transcript=True):
            found.setdefault(f"holds {kind}", []).append(where)
        if public and (mark := find_canary(sample, canaries)) is not None:
            found.setdefault(f"holds the canary {mark} of a private split", []).append(where)
    for what, places in found.items():
        yield f"{SAMPLES}: {places[0]} {what}" + (f" ({len(places)} samples do)" if len(places) > 1 else "")
    if public and (mark := find_canary([*parts.values()], canaries)) is not None:
        yield f'{RUN}, {RESULT} or {CARD}: holds the canary {mark} of a private split, but "canary" is null'
