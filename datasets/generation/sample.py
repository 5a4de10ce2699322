"""A row of a generated dataset, and what is kept of one that failed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, TypeAlias

from .settings import Language, TaskType

Cells: TypeAlias = list[str]

# Of a reply that failed so much is kept.
_MOST_RAW = 100_000


@dataclass(frozen=True, slots=True)
class Sample:
    """A row of ``dataset.csv``.

    Attributes:
        type: ``coding`` or ``math``.
        prompt: what the task asks.
        answer: what graders need, as the model wrote it.
        response: a right response, with its reasoning.
        quality_score: the mean of the two scores below.
        format_score: of the response.
        correctness_score: of the response.
        language: of programs; empty for mathematics.
        pass_rate: share of a solver's tries that were right; None if it was not measured.
        rectified: whether the model corrected a first version.
        model: that wrote it.
        seed: of the call.
        time: when it was accepted, in UTC.
        prompt_hash: as `prompt_hash` gives it. Last, so that a row that was cut off in writing is known.
    """

    type: TaskType
    prompt: str
    answer: str
    response: str
    quality_score: float
    format_score: float
    correctness_score: float
    language: Language | None
    pass_rate: float | None
    rectified: bool
    model: str
    seed: int
    time: str
    prompt_hash: str

    def cells(self) -> Cells:
        """The row as text, column by column."""
        return [_text(getattr(self, name)) for name in COLUMNS]


@dataclass(frozen=True, slots=True)
class Failure:
    """A row of ``failed_dataset.csv``: a call that failed, or a reply that was refused.

    Attributes:
        type: ``coding`` or ``math``.
        prompt: what the task asks; empty where there is no reply, and so are the next two.
        answer: as the model wrote it.
        response: as the model wrote it.
        format_score: of the response.
        correctness_score: of the response.
        error_msg: what is wrong, and where there is something to do, what.
        raw_text: the reply as it came.
        rectified: whether the reply was to correct an earlier one.
        reason: the kind of failure in a word, such as ``rate_limit``, ``format`` or ``duplicate``.
        time: when, in UTC.
    """

    type: str
    error_msg: str
    reason: str
    time: str
    prompt: str = ""
    answer: str = ""
    response: str = ""
    format_score: float = 0.0
    correctness_score: float = 0.0
    raw_text: str = ""
    rectified: bool = False

    def cells(self) -> Cells:
        """The row as text, column by column."""
        return [_text(getattr(self, name))[:_MOST_RAW] for name in FAILED_COLUMNS]


COLUMNS = tuple(field.name for field in fields(Sample))
FAILED_COLUMNS = (
    "type",
    "prompt",
    "answer",
    "response",
    "format_score",
    "correctness_score",
    "error_msg",
    "raw_text",
    "rectified",
    "reason",
    "time",
)


def prompt_hash(prompt: str) -> str:
    """Names a prompt, whatever its spacing and case: 16 hexadecimal digits of SHA-256."""
    plain = " ".join(prompt.casefold().split())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def utc_now() -> str:
    """The time as rows carry it, such as ``2026-01-31T12:00:00Z``."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(value: Any) -> str:
    """A cell. Half a character, which JSON has escapes for, and a NUL, which many readers refuse, are replaced."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
    return f"{value:g}" if isinstance(value, float) else str(value)
