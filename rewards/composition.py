"""Scores made of scores: named criteria under combinators, which are reward functions themselves and so form one tree.

What each criterion scored stands under its name in the components of the result, and the parts of its own score under
``criterion/part``, however deep the tree is.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from .callables import call_scorer
from .reward_function import BatchedRewardFunction, RewardFunction, clip, never_raises
from .score import RewardFunctionScore, Status

Scorer: TypeAlias = RewardFunction | Callable[[str], float]
"""A reward function, or a function of the whole response that returns a score in [0, 1]."""

# Parts that every score has.
_RESERVED = frozenset({"format", "correctness"})


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that a response is judged by.

    Attributes:
        name: what it is called in components and logs.
        weight: how much it counts beside others, in a rubric, a weighted sum or a sequence.
        scorer: what scores it; None where a judge model does (see `JudgeRewardFunction`).
        gate: whether a rubric passes only if this criterion does.
        description: what the criterion means, for people and for judges.
        expects: which member of what is expected its reward function gets; all of it, if empty.

    Raises:
        ValueError: the name or the weight is impossible.
        TypeError: ``gate`` isn't True or False.
    """

    name: str
    weight: float = 1.0
    scorer: Scorer | None = None
    gate: bool = False
    description: str = ""
    expects: str = ""

    def __post_init__(self) -> None:
        """Checks name and weight."""
        if not self.name or "/" in self.name or self.name in _RESERVED:
            raise ValueError(
                f"{self.name!r} can't be a criterion's name. It must not be empty, hold '/', or be 'format' or "
                "'correctness', which every score has."
            )
        if not (isinstance(self.weight, int | float) and math.isfinite(self.weight) and self.weight >= 0):
            raise ValueError(f"The weight of {self.name} is {self.weight!r}. Give a finite number of at least 0.")
        # A quoted "false" is true.
        if not isinstance(self.gate, bool):
            raise TypeError(f"gate of {self.name} is {self.gate!r}. Give True or False.")


@dataclass(frozen=True, slots=True)
class Part:
    """What one criterion came to."""

    value: float
    format_score: float = 1.0
    status: Status = Status.SCORED
    message: str = ""
    components: Mapping[str, float] = field(default_factory=dict)


class Combination(BatchedRewardFunction):
    """Base of the combinators: scores the criteria in order and makes one score of their values.

    The format score is the lowest of the criteria's, ``aux_score`` the mean of those that are plain functions of the
    text. The status is the first that is not ``scored``; if grading a criterion failed, all of it failed.

    Args:
        criteria: what is combined, under different names.

    Raises:
        ValueError: there is no criterion, two have one name, or no weight is positive.
    """

    reserved: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, criteria: Sequence[Criterion]) -> None:
        self.criteria = tuple(criteria)
        names = [criterion.name for criterion in self.criteria]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"Give at least one criterion, and each its own name; these are {names}.")
        if taken := self.reserved & set(names):
            raise ValueError(f"{', '.join(sorted(taken))} can't be a criterion's name here.")
        if not any(criterion.weight for criterion in self.criteria):
            raise ValueError("At least one criterion needs a positive weight.")
        self.concurrency = max(getattr(criterion.scorer, "concurrency", 1) for criterion in self.criteria)

    @abstractmethod
    def combine(self, values: Sequence[float]) -> float:
        """The value of the whole, in [0, 1], from the criteria's values."""

    def stops_after(self, value: float) -> bool:
        """Whether the criteria behind one of this value are left out, and count as 0.0."""
        return False

    def more_components(self, values: Sequence[float]) -> Mapping[str, float]:
        """Parts of the score beside the criteria."""
        return {}

    def initialize(self) -> None:
        """Prepares the reward functions among the criteria."""
        for criterion in self.criteria:
            if isinstance(criterion.scorer, RewardFunction):
                criterion.scorer.initialize()

    @never_raises
    def compute_reward(
        self, model_output: str, expected_output: Any, answer_tag: str = "answer"
    ) -> RewardFunctionScore:
        """Scores one response.

        Args:
            model_output: the whole response, which functions of the text get.
            expected_output: what is expected, which reward functions among the criteria get; a mapping, where they
                expect different things (see `Criterion.expects`).
            answer_tag: name of the tag around the answer.

        Returns:
            The status is ``error`` where one of the parts has that, a criterion has no scorer, or what is expected
            lacks its member.
        """
        parts: list[Part] = []
        for criterion in self.criteria:
            parts.append(_part(criterion, model_output, expected_output, answer_tag))
            if self.stops_after(parts[-1].value):
                break
        return self.score(parts)

    def score(self, parts: Sequence[Part]) -> RewardFunctionScore:
        """The score of the whole from what the first criteria came to; the others were left out."""
        done = list(zip(self.criteria, parts, strict=False))
        values = [part.value for part in parts] + [0.0] * (len(self.criteria) - len(parts))
        components: dict[str, float] = {}
        for criterion, value in zip(self.criteria, values, strict=True):
            components[criterion.name] = value
        for criterion, part in done:
            components |= {f"{criterion.name}/{name}": value for name, value in part.components.items()}
        messages = [f"{criterion.name}: {clip(part.message)}" for criterion, part in done if part.message]
        statuses = [part.status for part in parts if part.status is not Status.SCORED]
        if Status.ERROR in statuses:
            return RewardFunctionScore(0.0, 0.0, "; ".join(messages), status=Status.ERROR, components=components)
        plain = [part.value for criterion, part in done if not isinstance(criterion.scorer, RewardFunction | None)]
        return RewardFunctionScore(
            min((part.format_score for part in parts), default=1.0),
            min(max(self.combine(values), 0.0), 1.0),
            "; ".join(messages),
            aux_score=math.fsum(plain) / len(plain) if plain else 0.0,
            status=statuses[0] if statuses else Status.SCORED,
            components={**components, **self.more_components(values)},
        )

    def weighted_mean(self, values: Sequence[float]) -> float:
        """The mean of the values by the criteria's weights."""
        weights = [criterion.weight for criterion in self.criteria]
        return math.fsum(map(float.__mul__, map(float, weights), map(float, values))) / math.fsum(weights)


class WeightedSum(Combination):
    """The sum of the values by weights that are scaled to add up to 1."""

    def combine(self, values: Sequence[float]) -> float:
        """The weighted mean."""
        return self.weighted_mean(values)


class Minimum(Combination):
    """The lowest of the values: a response is as good as its weakest side."""

    def combine(self, values: Sequence[float]) -> float:
        """The lowest."""
        return min(values)


class Product(Combination):
    """The product of the values: one that is 0.0 makes the whole 0.0."""

    def combine(self, values: Sequence[float]) -> float:
        """The product."""
        return math.prod(values)


class Sequential(Combination):
    """Steps, each of which counts only if all before it reached ``at_least``; the value is the weighted mean.

    What comes after the first that fell short is not even scored, which spares costly scorers.

    Raises:
        ValueError: ``at_least`` is not in [0, 1].
    """

    def __init__(self, criteria: Sequence[Criterion], at_least: float = 1.0) -> None:
        super().__init__(criteria)
        if not (isinstance(at_least, int | float) and 0 <= at_least <= 1):
            raise ValueError(f"at_least is {at_least!r}. Give a number in [0, 1].")
        self.at_least = at_least

    def stops_after(self, value: float) -> bool:
        """Whether a step fell short."""
        return value < self.at_least

    def combine(self, values: Sequence[float]) -> float:
        """The weighted mean, in which steps that were left out are 0.0."""
        return self.weighted_mean(values)


class Gate(Sequential):
    """The value of the last criterion if all before it reached ``at_least``, else 0.0."""

    def combine(self, values: Sequence[float]) -> float:
        """The last value, which is 0.0 if it was left out."""
        return values[-1]


def _part(criterion: Criterion, model_output: str, expected_output: Any, answer_tag: str) -> Part:
    scorer = criterion.scorer
    if scorer is None:
        raise TypeError(f"{criterion.name} has no scorer. Give one, or give the rubric to a JudgeRewardFunction.")
    if not isinstance(scorer, RewardFunction):
        value, problem = call_scorer(scorer, model_output)
        return Part(value, message=problem)
    if criterion.expects:
        if not isinstance(expected_output, Mapping) or criterion.expects not in expected_output:
            raise TypeError(f"{criterion.name} needs the member {criterion.expects!r} of what is expected.")
        expected_output = expected_output[criterion.expects]
    score = scorer.compute_reward(model_output, expected_output, answer_tag)
    if not (math.isfinite(score.correctness_score) and math.isfinite(score.format_score)):
        raise ValueError(f"{criterion.name} scored {score.correctness_score}, which is no number in [0, 1].")
    parts = {name: value for name, value in score.components.items() if name != "correctness"}
    return Part(score.correctness_score, score.format_score, score.status, score.error_msg, parts)
