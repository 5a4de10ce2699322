"""Zebra puzzles."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....drawing import Rng, integer, pick, sample, shuffled
from ...family import Family, Problem
from .ordering import NAMES

# What is drawn of each attribute, and how a person who has it is called.
_ATTRIBUTES = (
    (NAMES, "{}"),
    (("cat", "dog", "fish", "horse", "parrot", "rabbit"), "the owner of the {}"),
    (("cocoa", "coffee", "juice", "milk", "tea", "water"), "the {} drinker"),
    (("baker", "doctor", "farmer", "painter", "pilot", "teacher"), "the {}"),
)
_LABELS = ("person", "pet", "drink", "trade")
_SIZES = ((3, 2), (3, 3), (4, 3), (4, 4))
Places = NDArray[np.int8]


@cache
def _places(houses: int, attributes: int) -> Places:
    """The house of each value of each attribute [attributes, houses, worlds], in all worlds."""
    orders = np.array(list(permutations(range(houses))), dtype=np.int8)
    grid = np.indices((len(orders),) * attributes, dtype=np.int8).reshape(attributes, -1)
    return orders[grid].transpose(0, 2, 1).copy()


class HousePuzzle(Family):
    """Who lives where with what? 3 houses with 2 or 3 attributes (1, 2), 4 houses with 3 or 4 (3, 4).

    Clues are drawn until one arrangement is left, and the whole arrangement is the answer.
    """

    name = "house_puzzle"
    grader = "family"
    chance = (1 / 36, 1 / 216, 0.0, 0.0)

    def problem(self, rng: Rng, level: int) -> Problem:
        houses, attributes = _SIZES[level - 1]
        values = [sample(rng, options, houses) for options, _ in _ATTRIBUTES[:attributes]]
        places = _places(houses, attributes)
        # In the true arrangement value k of each attribute belongs to house k: the values themselves were shuffled.
        worlds = np.arange(places.shape[2])
        clues: list[str] = []
        if houses == 4:
            # Of the many worlds most go at once.
            x, y = integer(rng, 0, 3), integer(rng, 0, 3)
            worlds = np.flatnonzero((places[0, x] == x) & (places[1, y] == y))
            clues = [
                f"{_called(values, 0, x)} lives in house {x + 1}.",
                f"{_called(values, 1, y)} lives in house {y + 1}.",
            ]
        while len(worlds) > 1:
            text, first, second, distances = _clue(rng, values, attributes)
            distance = (places[second][worlds] if second else houses) - places[first][worlds]
            allowed = np.zeros(2 * houses + 1, dtype=bool)
            allowed[[houses + d for d in distances]] = True
            rest = worlds[allowed[houses + distance]]
            if len(rest) < len(worlds):
                clues, worlds = [*clues, text], rest
        rows = [", ".join(row) for row in zip(*values, strict=True)]
        known = "; ".join(f"{', '.join(sorted(drawn))}" for drawn in values)
        asked = ", ".join(_LABELS[:attributes])
        ask = pick(rng, ("Who lives where?", "Find out who lives in which house.", "What belongs to which house?"))
        question = (
            f"In each of {houses} houses in a row, numbered from left to right, lives one person with one of each of "
            f"these: {known}.\n{' '.join(_capital(clue) for clue in shuffled(rng, clues))}\n{ask} "
            f"Write one line for each house from left to right: {asked}."
        )
        swapped = [
            ", ".join(row) for row in zip([values[0][1], values[0][0], *values[0][2:]], *values[1:], strict=True)
        ]
        wrong = ["\n".join(rows[::-1]), "\n".join(swapped), "\n".join(rows[:-1])]
        answer = {"table": [value for row in zip(*values, strict=True) for value in row]}
        return Problem(question, answer, wrong, f"{known} {' '.join(sorted(clues))}", "\n".join(rows))

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        """The words of the table in order, with or without the houses' numbers."""
        return [word for word in re.findall("[a-z]+", given.casefold()) if word != "house"] == [
            value.casefold() for value in answer["table"]
        ]


def _called(values: list[list[str]], attribute: int, place: int) -> str:
    return _ATTRIBUTES[attribute][1].format(values[attribute][place])


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _clue(
    rng: Rng, values: list[list[str]], attributes: int
) -> tuple[str, tuple[int, int], tuple[int, int] | None, Sequence[int]]:
    """A true statement about one or two values, those, and the distances from the first to the second that it allows.

    Without a second value it is the distance to the end of the row.
    """
    houses = len(values[0])
    first, second = sorted(
        ((integer(rng, 0, attributes - 1), integer(rng, 0, houses - 1)) for _ in range(2)), key=lambda value: value[1]
    )
    a, b = _called(values, *first), _called(values, *second)
    distance = second[1] - first[1]
    if first == second or pick(rng, range(10)) == 0:
        return f"{a} lives in house {first[1] + 1}.", first, None, (houses - first[1],)
    if distance == 0:
        return f"{a} is {b}.", first, second, (0,)
    kind = pick(rng, ("left", "directly", "next")) if distance == 1 else "left"
    if kind == "left":
        return f"{a} lives somewhere to the left of {b}.", first, second, range(1, houses)
    if kind == "directly":
        return f"{a} lives directly to the left of {b}.", first, second, (1,)
    return f"{a} lives next to {b}.", first, second, (-1, 1)
