"""Sets: counting and combining."""

from __future__ import annotations

from typing import Any

from ....drawing import Rng, integer, pick, sample
from ...family import Family, Problem
from ...lists import integers_in

_TOPICS = (
    ("students of a school", "take", ("Latin", "music", "physics")),
    ("guests of a hotel", "order", ("coffee", "juice", "tea")),
    ("members of a club", "play", ("chess", "golf", "tennis")),
    ("visitors of a fair", "like", ("apples", "grapes", "plums")),
)


class VennCounting(Family):
    """Inclusion and exclusion: two sets (1), three sets (2, 3), and three whose overlap is asked for (4)."""

    name = "venn_counting"
    chance = (0.06, 0.05, 0.05, 0.05)

    def problem(self, rng: Rng, level: int) -> Problem:
        who, verb, options = pick(rng, _TOPICS)
        count = 2 if level == 1 else 3
        a, b, c = sample(rng, options, 3)
        # The regions of the diagram, by the set of options as bits: 1 for a, 2 for b, 4 for c.
        region = [integer(rng, 3, 15 * (1 + level)) for _ in range(2**count)]
        total = sum(region)

        def size(bits: int) -> int:
            return sum(number for index, number in enumerate(region) if index & bits == bits)

        facts = [f"Of {total} {who}, {size(1)} {verb} {a}, {size(2)} {verb} {b}"]
        if count == 2:
            facts[0] += f", and {size(3)} {verb} both."
            asked: tuple[tuple[str, int], ...] = (
                (f"{verb} neither {a} nor {b}", region[0]),
                (f"{verb} exactly one of both", region[1] + region[2]),
                (f"{verb} {a}, but not {b}", region[1]),
                (f"{verb} {a} or {b} or both", total - region[0]),
            )
        else:
            facts[0] += f", and {size(4)} {verb} {c}."
            facts.append(f"{size(3)} {verb} {a} and {b}, {size(5)} {a} and {c}, and {size(6)} {b} and {c}.")
            facts.append(f"{region[0]} {verb} none of the three." if level == 4 else f"{size(7)} {verb} all three.")
            exactly_two = region[3] + region[5] + region[6]
            asked = {
                2: (
                    (f"{verb} none of the three", region[0]),
                    (f"{verb} at least one of the three", total - region[0]),
                    (f"{verb} exactly two of the three", exactly_two),
                ),
                3: (
                    (f"{verb} exactly one of the three", region[1] + region[2] + region[4]),
                    (f"{verb} {a}, but neither {b} nor {c}", region[1]),
                    (f"{verb} {b} or {c}, but not {a}", region[2] + region[4] + region[6]),
                ),
                4: (
                    (f"{verb} all three", region[7]),
                    (f"{verb} exactly two of the three", exactly_two),
                    (f"{verb} {a} and {b}, but not {c}", region[3]),
                ),
            }[level]
        text, answer = pick(rng, asked)
        question = f"{' '.join(facts)} {pick(rng, ('How many', 'What number of them', 'How many of them'))} {text}?"
        slips = {answer + 1, answer - 1, total - answer, answer + region[-1], answer - region[-1]} - {answer}
        return Problem(question, str(answer), [str(slip) for slip in sorted(slips)], f"{' '.join(facts)} {text}")


_OPERATIONS = ("∪", "∩", "\\", "△")


class SetOperations(Family):
    """The elements of an expression of 2, 3, 4 or 5 operations on sets of 5 to 8 numbers."""

    name = "set_operations"
    grader = "family"
    chance = (0.02, 0.02, 0.02, 0.02)

    def problem(self, rng: Rng, level: int) -> Problem:
        names = "ABCD"[: 2 + (level > 1) + (level > 3)]
        found: set[int] = set()
        while len(found) < 3:
            sets = {name: set(sample(rng, range(1, 16), integer(rng, 5, 8))) for name in names}
            text, found = _expression(rng, sets, 1 + level)
        given = ", ".join(f"{name} = {{{', '.join(map(str, sorted(held)))}}}" for name, held in sets.items())
        ask = pick(rng, ("Which elements has", "List the elements of", "What is in"))
        question = (
            f"Let {given}.\n{ask} {text}{'' if ask.startswith('List') else '?'}\nX ∪ Y is the union, X ∩ Y the "
            "intersection, X \\ Y what is in X but not in Y, and X △ Y what is in exactly one of them. Write the "
            "numbers with commas between them."
        )
        right = sorted(found)
        slips = [right[1:], [*right, 16], *(sorted(held) for held in sets.values() if held != found)]
        wrong = [", ".join(map(str, slip)) for slip in slips]
        return Problem(question, {"elements": right}, wrong, f"{given} {text}", ", ".join(map(str, right)))

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        numbers = integers_in(given)
        return numbers is not None and sorted(numbers) == answer["elements"]


def _expression(rng: Rng, sets: dict[str, set[int]], operations: int) -> tuple[str, set[int]]:
    """An expression with so many operations and its value, whose operands differ as text."""
    if not operations:
        name = pick(rng, tuple(sets))
        return name, sets[name]
    before = integer(rng, 0, operations - 1)
    left, x = _expression(rng, sets, before)
    right, y = left, x
    for _ in range(20):
        right, y = _expression(rng, sets, operations - 1 - before)
        if right != left:
            break
    sign = pick(rng, _OPERATIONS)
    value = {"∪": x | y, "∩": x & y, "\\": x - y, "△": x ^ y}[sign]
    sides = [side if len(side) == 1 else f"({side})" for side in (left, right)]
    return f"{sides[0]} {sign} {sides[1]}", value
