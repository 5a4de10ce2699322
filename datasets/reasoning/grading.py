"""Answers that a family judges itself, since there are many right ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...rewards.reward_function import Judged, TaggedRewardFunction
from .families import FAMILIES
from .family import Family


class FamilyRewardFunction(TaggedRewardFunction[tuple[Family, dict[str, Any]]]):
    """Right is an answer that the task's family accepts."""

    def read_expected(self, expected_output: Any) -> tuple[Family, dict[str, Any]]:
        """The family that ``expected_output["family"]`` names, and the problem.

        Raises:
            TypeError: it is no object.
            ValueError: it names no family that judges answers itself.
        """
        if not isinstance(expected_output, Mapping):
            raise TypeError(f"it is of type {type(expected_output).__name__}, not an object with a family")
        family = FAMILIES.get(str(expected_output.get("family")))
        if family is None or family.grader != "family":
            raise ValueError(f"{expected_output.get('family')!r} is no family that judges answers")
        return family, dict(expected_output)

    def judge(self, answer: str, expected: tuple[Family, dict[str, Any]]) -> Judged:
        """Asks the family."""
        family, problem = expected
        right = family.accepts(problem, answer)
        return Judged(float(right), " ".join(answer.split()), "" if right else "The answer is wrong.")
