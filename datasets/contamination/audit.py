"""Looks for evaluation prompts in training prompts, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ..files import Place, read_tasks
from ..task import Task
from .evaluation import EvaluationPrompts, Match
from .report import Pair, Report, Side, abbreviated

_BATCH = 512
# Rows that only share a template are many where tasks are made by templates: so many are listed, all are counted.
_TEMPLATES_LISTED = 1000


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt and where it comes from."""

    text: str
    id: str
    place: Place


def contamination(
    train: Iterable[Task | Prompt | str],
    evaluation: Iterable[Task | Prompt | str],
    *,
    threshold: float = 0.6,
    progress: Callable[[int], object] = lambda rows: None,
) -> Report:
    """Finds training prompts that are evaluation prompts, exactly or edited, or contain one.

    Both are compared in normal form (`normal`). ``exact`` prompts are equal in it. ``near`` ones hold at least the
    threshold of an evaluation prompt's grams, weighted by how rare they are (`index`), with its numbers, expressions
    and names. Where these differ, it is another problem of the same ``template``, which is no contamination.

    Args:
        train: the training prompts; read once, a batch at a time.
        evaluation: the evaluation prompts; they stay in memory.
        threshold: the least containment of an edited prompt, above 0 and at most 1.
        progress: is told how many training rows have been read, batch by batch.

    Raises:
        ValueError: the threshold is out of its range.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must be above 0 and at most 1, not {threshold}")
    held_out = list(_prompts(evaluation))
    index = EvaluationPrompts([prompt.text for prompt in held_out], threshold)
    rows = 0
    counts = {"exact": 0, "near": 0, "template": 0}
    pairs: list[Pair] = []
    found: set[int] = set()
    for batch in _batches(_prompts(train)):
        for prompt, matches in zip(batch, index.matches([prompt.text for prompt in batch]), strict=True):
            if not matches:
                continue
            counts[matches[0].kind] += 1
            if matches[0].kind != "template":
                found.update(number for match in matches for number in index.members[match.group])
            elif counts["template"] > _TEMPLATES_LISTED:
                continue
            pairs += (_pair(match, prompt, held_out[index.members[match.group][0]]) for match in matches)
        rows += len(batch)
        progress(len(batch))
    return Report(threshold, rows, len(held_out), **counts, evaluation_found=len(found), pairs=tuple(pairs))


def prompts_of(paths: Sequence[str | Path]) -> Iterator[Prompt]:
    """The prompts of task files, one by one; see `load_tasks` for what a path may be."""
    for path in paths:
        for place, task in read_tasks(path):
            yield Prompt(task.prompt, task.id, place)


def _prompts(rows: Iterable[Task | Prompt | str]) -> Iterator[Prompt]:
    for number, row in enumerate(rows, 1):
        if isinstance(row, Prompt):
            yield row
        elif isinstance(row, Task):
            yield Prompt(row.prompt, row.id, Place(f"row {number}", None, number))
        else:
            yield Prompt(row, str(number), Place(f"row {number}", None, number))


def _batches(rows: Iterator[Prompt]) -> Iterator[list[Prompt]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _pair(match: Match, train: Prompt, evaluation: Prompt) -> Pair:
    return Pair(
        match.kind, match.score, *(Side(one.place, one.id, abbreviated(one.text)) for one in (train, evaluation))
    )
