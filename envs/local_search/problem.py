"""What an optimisation problem is: instances, solutions that are lists of whole numbers, and their exact values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from ...datasets.drawing import Rng

Instance: TypeAlias = dict[str, Any]
"""The data of an instance, JSON values only."""

Solution: TypeAlias = list[int]
"""Whole numbers as the agent writes them; cities, items, bins, colours and vertices are counted from 1."""


class InfeasibleError(ValueError):
    """Why a solution breaks the rules, in words for the agent."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn instance.

    Attributes:
        instance: its data.
        solve: gives an optimal solution. It may take a while, so it is asked only about instances that are kept.
    """

    instance: Instance
    solve: Callable[[], Solution]


class Problem(ABC):
    """A kind of optimisation problem; all values are integers, so they are exact.

    Attributes:
        name: in lower case with underscores.
        measure: what the value of a solution is called.
        minimise: whether small values are good.
        form: how a solution is written.
    """

    name: ClassVar[str]
    measure: ClassVar[str]
    minimise: ClassVar[bool] = True
    form: ClassVar[str]

    @abstractmethod
    def draw(self, rng: Rng, level: int) -> Drawn:
        """Draws an instance of a level from 1 to 4."""

    @abstractmethod
    def describe(self, instance: Instance) -> str:
        """The problem and the instance, for the agent."""

    @abstractmethod
    def baseline(self, instance: Instance) -> Solution:
        """The solution of a usual greedy rule, which the agent starts from."""

    @abstractmethod
    def value(self, instance: Instance, solution: Solution) -> int:
        """The value of a solution.

        Raises:
            InfeasibleError: it breaks a rule.
        """

    def improvement(self, value: int, baseline: int, best: int) -> float:
        """How far ``value`` lies on the way from the baseline to the best value, from 0.0 to 1.0."""
        return min(max((baseline - value) / (baseline - best), 0.0), 1.0)

    def better(self, one: int, other: int) -> bool:
        """Whether the value ``one`` is better than ``other``."""
        return one < other if self.minimise else one > other


def check_one_each(solution: Sequence[int], count: int, most: int, what: str, of: str) -> None:
    """Checks that a solution gives each of ``count`` things (``of``) a number from 1 to ``most`` (``what``)."""
    if len(solution) != count:
        raise InfeasibleError(f"it has {len(solution)} numbers; there are {count} {of}")
    check_range(solution, most, what)


def check_different(solution: Sequence[int], most: int, what: str) -> None:
    """Checks that the numbers of a solution are from 1 to ``most`` and that none stands twice."""
    check_range(solution, most, what)
    seen: set[int] = set()
    for number in solution:
        if number in seen:
            raise InfeasibleError(f"{what} {number} stands twice")
        seen.add(number)


def check_range(solution: Sequence[int], most: int, what: str) -> None:
    """Checks that the numbers of a solution are from 1 to ``most``."""
    for number in solution:
        if not 1 <= number <= most:
            raise InfeasibleError(f"there is no {what} {number}; they are numbered from 1 to {most}")
