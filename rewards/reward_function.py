"""What every reward function offers, and what those share that compare a tagged answer."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ClassVar, Generic, ParamSpec, Protocol, TypeVar, runtime_checkable

from .extraction import extract_answer
from .score import RewardFunctionScore, Status

Expected = TypeVar("Expected")
P = ParamSpec("P")

logger = logging.getLogger(__name__)

# One answer in more spellings than this is not worth comparing.
_MAX_SPELLINGS = 3


def never_raises(compute: Callable[P, RewardFunctionScore]) -> Callable[P, RewardFunctionScore]:
    """Makes whatever a scoring method raises a score with the status ``error``.

    One bad row of data, or a failure of ours, may not end a training run.
    """

    @wraps(compute)
    def computed(*arguments: P.args, **options: P.kwargs) -> RewardFunctionScore:
        try:
            return compute(*arguments, **options)
        except Exception as error:
            logger.debug("a score could not be computed", exc_info=True)
            return RewardFunctionScore.error(str(error) or type(error).__name__)

    return computed


@runtime_checkable
class RewardFunction(Protocol):
    """What every reward function offers."""

    def initialize(self) -> None:
        """Prepares the function, once; `compute_reward` does so itself when it is first used."""

    def compute_reward(
        self, model_output: str, expected_output: Any, answer_tag: str = "answer"
    ) -> RewardFunctionScore:
        """Scores one response against what was expected of it."""


class BatchedRewardFunction(ABC):
    """Base of the reward functions here: how many responses are scored in one call.

    Attributes:
        concurrency: how many responses are scored at once, where scoring waits for sandboxes or servers.
    """

    concurrency: int = 1

    def initialize(self) -> None:  # noqa: B027 (most need nothing)
        """Prepares the function, once; `compute_reward` does so itself when it is first used."""

    @abstractmethod
    def compute_reward(
        self, model_output: str, expected_output: Any, answer_tag: str = "answer"
    ) -> RewardFunctionScore:
        """Scores one response against what was expected of it."""

    def compute_rewards(
        self, pairs: Iterable[tuple[str, Any]], answer_tag: str = "answer"
    ) -> list[RewardFunctionScore]:
        """Scores many responses, each with what is expected, ``concurrency`` at once; equal pairs are scored once.

        Returns:
            The scores in the order of the pairs. A failure of ours costs its own response its score, not the others.
        """
        pairs = list(pairs)  # it keeps alive what is known by its identity
        self.initialize()
        # Expected answers need not be hashable; those of a group are one object.
        keys = [(output if isinstance(output, str) else id(output), id(expected)) for output, expected in pairs]
        jobs = dict(zip(keys, pairs, strict=True))
        threads = min(len(jobs), self.concurrency)

        def score(pair: tuple[str, Any]) -> RewardFunctionScore:
            return self.compute_reward(pair[0], pair[1], answer_tag)

        if threads < 2:
            known = {key: score(pair) for key, pair in jobs.items()}
        else:
            with ThreadPoolExecutor(threads) as pool:
                known = dict(zip(jobs, pool.map(score, jobs.values()), strict=True))
        return [known[key] for key in keys]


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one answer.

    Attributes:
        correctness: in [0, 1].
        reading: what the answer says, so that the same answer in two spellings is known to be one.
        message: why the correctness is not full.
        status: what became of the answer.
        components: parts of the score by name.
    """

    correctness: float
    reading: Hashable = None
    message: str = ""
    status: Status = Status.SCORED
    components: Mapping[str, float] = field(default_factory=dict)


class TaggedRewardFunction(BatchedRewardFunction, Generic[Expected]):
    """Base of reward functions that judge the text between the answer tags.

    A subclass says how it reads what is expected and how it judges one text. The base finds the answer (see
    `extract_answer`), bounds its length and sees to answers given more than once, which must all say the same.

    Attributes:
        max_characters: longer answers are not read.
    """

    max_characters: ClassVar[int] = 100_000

    @abstractmethod
    def read_expected(self, expected_output: Any) -> Expected:
        """What is expected, in the form that `judge` uses.

        Raises:
            TypeError: it is of a type that can't be used.
            ValueError: its value can't be used.
        """

    @abstractmethod
    def judge(self, answer: str, expected: Expected) -> Judged:
        """Judges an answer that is not empty."""

    @never_raises
    def compute_reward(
        self, model_output: str, expected_output: Any, answer_tag: str = "answer"
    ) -> RewardFunctionScore:
        """Scores one response.

        Args:
            model_output: the whole response, with its thinking and its tags.
            expected_output: what is expected; see `read_expected`.
            answer_tag: name of the tag around the answer.

        Returns:
            The status is ``no_answer`` without an answer to judge, ``resource_limit`` for one that is too long, and
            ``error`` where what is expected or the tag can't be used, which says nothing about the response. No
            exception ever leaves this method.
        """
        try:
            expected = self.read_expected(expected_output)
        except (TypeError, ValueError) as error:
            return RewardFunctionScore.error(f"The expected answer can't be used: {error}")
        found = extract_answer(model_output, answer_tag)
        if not found.answers:
            return RewardFunctionScore.no_answer(found.error_msg, format_score=found.format_score)
        several = found.format_score == 0.4
        flaw = f"Multiple <{answer_tag}> tags found. There must be exactly one answer." if several else found.error_msg
        if len(found.answers) > _MAX_SPELLINGS:
            return RewardFunctionScore.scored(0.0, format_score=found.format_score, error_msg=flaw)
        judged = [self._judge_bounded(answer, expected) for answer in found.answers]
        if any(other.reading != judged[0].reading for other in judged[1:]):
            return RewardFunctionScore.scored(0.0, format_score=found.format_score, error_msg=flaw)
        first = judged[0]
        return RewardFunctionScore(
            found.format_score,
            first.correctness,
            first.message or flaw,
            status=first.status,
            components=first.components,
        )

    def _judge_bounded(self, answer: str, expected: Expected) -> Judged:
        if not answer.strip():
            return Judged(0.0, "", "The answer is empty.", Status.NO_ANSWER)
        if len(answer) > self.max_characters:
            message = f"The answer is longer than {self.max_characters} characters."
            return Judged(0.0, answer, message, Status.RESOURCE_LIMIT)
        return self.judge(answer, expected)


def clip(text: str, most: int = 200) -> str:
    """The beginning of a text, for messages."""
    return text if len(text) <= most else f"{text[:most]}…"
