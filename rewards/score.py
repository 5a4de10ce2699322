"""The score of one response."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class Status(StrEnum):
    """What became of a response. Only ``ERROR`` is a failure of ours; all others are facts about the response."""

    SCORED = "scored"
    NO_ANSWER = "no_answer"
    TIMEOUT = "timeout"
    RESOURCE_LIMIT = "resource_limit"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class RewardFunctionScore:
    """The score of one response; immutable.

    Attributes:
        format_score: how well the response kept the answer format, in [0, 1].
        correctness_score: 1.0 for a right answer, 0.0 for a wrong one; partial credit only where a grader documents it.
        error_msg: why the score is not full, for people; empty where nothing is wrong.
        aux_score: auxiliary signals such as repetition or length, in [0, 1].
        status: what became of the response.
        components: the parts of the score by name, for logs and rubrics.
    """

    format_score: float
    correctness_score: float
    error_msg: str = ""
    aux_score: float = 0.0
    status: Status = Status.SCORED
    components: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Completes the components, so that logs always find format and correctness among them."""
        parts = {"format": self.format_score, "correctness": self.correctness_score, **self.components}
        object.__setattr__(self, "components", MappingProxyType(parts))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles by value: a mapping proxy cannot be pickled."""
        return (
            type(self),
            (
                self.format_score,
                self.correctness_score,
                self.error_msg,
                self.aux_score,
                self.status,
                dict(self.components),
            ),
        )

    @property
    def failed(self) -> bool:
        """Whether grading itself failed, so that the score says nothing about the response."""
        return self.status is Status.ERROR

    @classmethod
    def scored(cls, correctness: float, *, format_score: float = 1.0, error_msg: str = "") -> RewardFunctionScore:
        """A judged answer."""
        return cls(format_score, correctness, error_msg)

    @classmethod
    def no_answer(cls, error_msg: str, *, format_score: float = 0.0) -> RewardFunctionScore:
        """A response without an answer that could be judged."""
        return cls(format_score, 0.0, error_msg, status=Status.NO_ANSWER)

    @classmethod
    def error(cls, error_msg: str) -> RewardFunctionScore:
        """A failure of ours, never to be mistaken for a wrong answer."""
        return cls(0.0, 0.0, error_msg, status=Status.ERROR)
