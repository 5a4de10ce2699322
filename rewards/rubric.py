"""Rubrics: weighted criteria with levels from 1 to 4, the rule by which a response passes, and deficits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from .composition import Combination, Criterion, Part
from .score import RewardFunctionScore

MIN_LEVEL, PASS_LEVEL, MAX_LEVEL = 1, 3, 4
# A mean of levels that are all 3 may be a rounding below it.
_ROUNDING = 1e-9


def level_of(value: float) -> float:
    """The level of a score in [0, 1]: 1 + 3 score, so that a binary reward maps to levels 1 and 4."""
    return MIN_LEVEL + (MAX_LEVEL - MIN_LEVEL) * value


def score_of(level: float) -> float:
    """The score of a level: (level - 1) / 3."""
    return (level - MIN_LEVEL) / (MAX_LEVEL - MIN_LEVEL)


class Rubric(Combination):
    """Criteria with levels from 1 to 4; a score in [0, 1] is the level 1 + 3 score.

    The correctness is the rubric score: sum w (level - 1) / 3 over sum w. A response passes if the weighted mean level
    is at least 3 and so is the level of each gate criterion. Components beside the criteria: ``mean_level`` and
    ``pass`` (1.0 or 0.0).

    Args:
        criteria: under different names, not ``mean_level`` or ``pass``.
        binary: whether the correctness is 1.0 for a pass and 0.0 for the rest, instead of the rubric score.

    Raises:
        TypeError: ``binary`` isn't True or False.
    """

    reserved: ClassVar[frozenset[str]] = frozenset({"mean_level", "pass"})

    def __init__(self, criteria: Sequence[Criterion], binary: bool = False) -> None:
        super().__init__(criteria)
        if not isinstance(binary, bool):
            raise TypeError(f"binary is {binary!r}. Give True or False.")
        self.binary = binary

    def combine(self, values: Sequence[float]) -> float:
        """The rubric score, or whether the response passes."""
        return float(self._passes(values)) if self.binary else self.weighted_mean(values)

    def more_components(self, values: Sequence[float]) -> Mapping[str, float]:
        """The weighted mean level, and whether it passes."""
        return {"mean_level": level_of(self.weighted_mean(values)), "pass": float(self._passes(values))}

    def score_levels(self, levels: Mapping[str, float]) -> RewardFunctionScore:
        """The score of a response whose levels are known.

        Raises:
            ValueError: the levels are not those of the criteria, or one is not within 1 and 4.
        """
        if levels.keys() != {criterion.name for criterion in self.criteria}:
            raise ValueError(f"The levels {sorted(levels)} are not those of the criteria.")
        if not all(MIN_LEVEL <= level <= MAX_LEVEL for level in levels.values()):
            raise ValueError(f"The levels {dict(levels)} are not within {MIN_LEVEL} and {MAX_LEVEL}.")
        return self.score([Part(score_of(levels[criterion.name])) for criterion in self.criteria])

    def levels(self, score: RewardFunctionScore) -> dict[str, float]:
        """The criteria's levels in a score that this rubric gave."""
        return {criterion.name: level_of(score.components[criterion.name]) for criterion in self.criteria}

    def passed(self, score: RewardFunctionScore) -> bool:
        """Whether a response passed, by the score that this rubric gave it."""
        return not score.failed and score.components["pass"] == 1.0

    def _passes(self, values: Sequence[float]) -> bool:
        gates = [value for criterion, value in zip(self.criteria, values, strict=True) if criterion.gate]
        least = PASS_LEVEL - _ROUNDING
        return all(level_of(value) >= least for value in [self.weighted_mean(values), *gates])


class Deficits:
    """What is still missing per criterion: 1 - EMA((level - 1) / 3), over the responses of one domain.

    Args:
        rubric: whose criteria are followed.
        beta: step of the moving averages.
        start: the averages before anything was seen.
    """

    def __init__(self, rubric: Rubric, beta: float = 0.05, start: float = 0.5) -> None:
        if not 0 < beta <= 1:
            raise ValueError(f"beta is {beta}. Give a step above 0 and at most 1.")
        self.rubric = rubric
        self.beta = beta
        self._averages = {criterion.name: start for criterion in rubric.criteria}

    def update(self, score: RewardFunctionScore) -> None:
        """Takes in the score of one response; one that says nothing about the response changes nothing."""
        if score.failed:
            return
        for name, average in self._averages.items():
            self._averages[name] = average + self.beta * (score.components[name] - average)

    def by_criterion(self) -> dict[str, float]:
        """The deficits, in [0, 1]."""
        return {name: 1 - average for name, average in self._averages.items()}

    @property
    def total(self) -> float:
        """The deficits' mean by the criteria's weights."""
        return self.rubric.weighted_mean(list(self.by_criterion().values()))

    def state_dict(self) -> dict[str, Any]:
        """All that `load_state_dict` needs."""
        return {"averages": dict(self._averages)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores the averages.

        Raises:
            ValueError: the state is of another rubric.
        """
        if state["averages"].keys() != self._averages.keys():
            raise ValueError(f"The state is of the criteria {sorted(state['averages'])}, not {sorted(self._averages)}.")
        self._averages = dict(state["averages"])
