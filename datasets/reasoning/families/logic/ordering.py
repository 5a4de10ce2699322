"""Orders that follow from clues."""

from __future__ import annotations

from itertools import permutations
from math import factorial
from typing import Any

from ....drawing import Rng, integer, pick, sample, shuffled
from ...family import Family, Problem

NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gia", "Hugo", "Ida", "Jon", "Kim", "Leo")


class SeatingOrder(Family):
    """Who sits where in a row of 4, 5, 6 or 7 people? Clues are drawn until one order is left.

    Several spellings are right, so the family judges answers itself: names in order, between commas or blanks.
    """

    name = "seating_order"
    grader = "family"
    chance = tuple(1 / factorial(count) for count in (4, 5, 6, 7))  # type: ignore[assignment]

    def problem(self, rng: Rng, level: int) -> Problem:
        people = sample(rng, NAMES, 3 + level)
        left = list(permutations(sorted(people)))
        clues: list[str] = []
        while len(left) > 1:
            text, (who, other), places = _clue(rng, people)
            rest = [order for order in left if order.index(other) - order.index(who) in places]
            if len(rest) < len(left):
                clues, left = [*clues, text], rest
        question = (
            f"{', '.join(sorted(people))} sit in a row. {' '.join(shuffled(rng, clues))}\n"
            "Who sits where? Write the names from left to right, with commas between them."
        )
        swapped = [*people[1::-1], *people[2:]]
        wrong = [", ".join(order) for order in (people[::-1], swapped, sorted(people)) if order != people]
        return Problem(question, {"order": people}, wrong, " ".join(sorted(clues)), ", ".join(people))

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        """Names in the right order, whatever stands between them but words."""
        return given.casefold().replace(",", " ").split() == [name.casefold() for name in answer["order"]]


def _clue(rng: Rng, people: list[str]) -> tuple[str, tuple[str, str], set[int]]:
    """A true statement about two people, and the distances from the first to the second that it allows."""
    first = integer(rng, 0, len(people) - 2)
    second = integer(rng, first + 1, len(people) - 1)
    who, other = people[first], people[second]
    if pick(rng, (True, False)):
        return f"{who} sits somewhere to the left of {other}.", (who, other), set(range(1, len(people)))
    between = second - first - 1
    seated = {0: "nobody sits", 1: "one person sits"}.get(between, f"{between} people sit")
    return f"Between {who} and {other} {seated}.", (who, other), {between + 1, -between - 1}
