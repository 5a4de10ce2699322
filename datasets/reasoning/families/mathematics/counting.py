"""Counting."""

from __future__ import annotations

from math import comb, gcd, lcm, perm

from ....drawing import Rng, integer, pick, sample
from ...family import Family, Problem
from .notation import listed, slips


class LatticePaths(Family):
    """Shortest ways on a grid: over a corner (1), around one (2), two (3) or four closed corners (4)."""

    name = "lattice_paths"
    chance = (0.03, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        wide, high = (
            (integer(rng, 3, 12), integer(rng, 3, 12)) if level == 1 else (integer(rng, 5, 11), integer(rng, 5, 11))
        )
        inner = [(x, y) for x in range(1, wide) for y in range(1, high)]
        special = sorted(sample(rng, inner, (1, 1, 2, 4)[level - 1]))
        everything = comb(wide + high, wide)
        open_ways = _ways(wide, high, set(special))
        answer = everything - open_ways if level == 1 else open_ways
        where = listed([f"({x}, {y})" for x, y in special])
        rule = "go through the point" if level == 1 else "avoid the point" if level == 2 else "avoid the points"
        question = pick(
            rng,
            (
                f"A path goes from (0, 0) to ({wide}, {high}) in steps of 1 to the right or 1 up. "
                f"How many such paths {rule} {where}?",
                f"A robot at (0, 0) wants to reach ({wide}, {high}). Each move adds 1 to one of its two coordinates. "
                f"On how many routes does it {rule} {where}?",
            ),
        )
        wrong = slips(answer, everything, everything - answer, answer + 1, answer - 1)
        return Problem(question, str(answer), wrong, f"{wide} {high} {special}")


def _ways(wide: int, high: int, closed: set[tuple[int, int]]) -> int:
    """The paths to the upper right corner that avoid some points."""
    row = [0] * (wide + 1)
    for y in range(high + 1):
        for x in range(wide + 1):
            before = row[x - 1] if x else int(y == 0)
            row[x] = 0 if (x, y) in closed else row[x] + before
    return row[wide]


class Committees(Family):
    """Committees with so many of two groups (1), at least so many (2), two who refuse each other (3), offices (4)."""

    name = "committees"
    chance = (0.01, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        one, other = integer(rng, 5, 25), integer(rng, 5, 25)
        first, second = pick(rng, (("teachers", "students"), ("doctors", "nurses"), ("poets", "painters")))
        people = f"There are {one} {first} and {other} {second}."
        if level == 1:
            a, b = integer(rng, 2, 4), integer(rng, 2, 4)
            answer = comb(one, a) * comb(other, b)
            task = f"In how many ways can one choose a committee of {a} {first} and {b} {second}?"
            wrong = slips(
                answer, comb(one, a) + comb(other, b), perm(one, a) * perm(other, b), comb(one + other, a + b)
            )
            return Problem(f"{people} {task}", str(answer), wrong, f"1 {sorted(((one, a), (other, b)))}")
        size = integer(rng, 4, 6)
        least = integer(rng, 1, size - 2)
        ways = sum(comb(one, k) * comb(other, size - k) for k in range(least, size + 1))
        condition = f"at least {least} of the {first}"
        everything = comb(one + other, size)
        if level == 2:
            answer, task = ways, f"a committee of {size} people with {condition}"
        elif level == 3:
            # One of each group: committees with both of them are taken away.
            both = sum(comb(one - 1, k - 1) * comb(other - 1, size - k - 1) for k in range(max(least, 1), size))
            answer = ways - both
            task = f"a committee of {size} people with {condition}"
            people += f" One of the {first} and one of the {second} refuse to serve together."
        else:
            answer = sum(k * (size - k) * comb(one, k) * comb(other, size - k) for k in range(least, size))
            task = (
                f"a committee of {size} people with {condition}, together with a chair among its {first} "
                f"and a secretary among its {second}"
            )
        question = pick(
            rng,
            (
                f"{people} In how many ways can one choose {task}?",
                f"{people} How many ways are there to choose {task}?",
            ),
        )
        wrong = slips(answer, everything, everything - answer, ways + answer, answer + 1)
        return Problem(question, str(answer), wrong, f"{level} {one} {other} {size} {least}")


class DivisibleCount(Family):
    """Numbers in a range divisible by one number (1), by two (2), by two but not a third (3), by one of three (4)."""

    name = "divisible_count"
    chance = (0.02, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        low = integer(rng, 10, 400)
        high = low + integer(rng, 200, 900) * level
        a, b, c = sample(rng, (4, 6, 7, 9, 10, 11, 12, 13, 14, 15), 3) if level > 1 else (integer(rng, 3, 19), 2, 2)

        def count(*divisors: int) -> int:
            common = lcm(*divisors)
            return high // common - (low - 1) // common

        either = count(a) + count(b) - count(a, b)
        with_third = count(a, c) + count(b, c) - count(a, b, c)
        exactly = count(a) + count(b) + count(c) - 2 * (count(a, b) + count(a, c) + count(b, c)) + 3 * count(a, b, c)
        condition, answer = (
            (f"are divisible by {a}", count(a)),
            (f"are divisible by {a} or by {b} (or by both)", either),
            (f"are divisible by {a} or by {b} (or by both), but not by {c}", either - with_third),
            (f"are divisible by exactly one of {a}, {b} and {c}", exactly),
        )[level - 1]
        question = pick(
            rng,
            (
                f"How many integers from {low} to {high}, both included, {condition}?",
                f"Among the integers n with {low} <= n <= {high}, how many {condition}?",
            ),
        )
        wrong = slips(answer, answer + 1, answer - 1, count(a) + count(b), (high - low) // (a * b // gcd(a, b)))
        used = (
            [a]
            if level == 1
            else sorted((a, b))
            if level == 2
            else [*sorted((a, b)), c]
            if level == 3
            else sorted((a, b, c))
        )
        return Problem(question, str(answer), wrong, f"{level} {low} {high} {used}")
