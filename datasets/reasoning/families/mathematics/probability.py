"""Probabilities and expected values, as exact fractions."""

from __future__ import annotations

from fractions import Fraction
from math import comb, prod

from ....drawing import Rng, integer, integers, pick, sample
from ...family import Family, Problem
from .notation import listed, slips

_COLOURS = ("red", "blue", "green", "white", "black", "yellow")


class DiceSum(Family):
    """The chance of a sum of two dice (1) or three (2), of a largest number (3), of a sum with a condition (4)."""

    name = "dice_sum"
    answer_form = "simplified"
    chance = (0.03, 0.02, 0.01, 0.02)

    def problem(self, rng: Rng, level: int) -> Problem:
        dice = sorted(integers(rng, 2 if level == 1 else 3, 4, 12 if level == 1 else 20))
        if level == 1:
            dice = sorted((integer(rng, 4, 20), integer(rng, 4, 20)))
        thrown = f"Fair dice with {listed(dice)} faces, numbered from 1 on, are thrown once."
        how = pick(rng, ("exactly", "at least", "at most"))
        least = integer(rng, 2, dice[0] - 1) if level == 4 else 1
        total = integer(rng, len(dice) * least + 1, sum(dice) - 1)
        everything = prod(dice)
        if level == 3:
            top = integer(rng, 2, dice[1])
            event, good = f"the largest number thrown is {how} {top}", _largest(dice, top, how)
        else:
            event = f"the sum is {how} {total}"
            good = _sums(dice, total, how)
        if level == 4:
            fewer = [faces - least + 1 for faces in dice]
            # Thrown numbers of at least ``least`` are those of smaller dice, moved up.
            good, everything = _sums(fewer, total - (least - 1) * len(dice), how), prod(fewer)
            event += f", given that each number thrown is at least {least}"
        answer = Fraction(good, everything)
        question = pick(
            rng,
            (f"{thrown} What is the probability that {event}?", f"{thrown} Find the probability that {event}."),
        )
        wrong = slips(answer, 1 - answer, Fraction(good + 1, everything), Fraction(good, everything + 1), 1 + answer)
        key = f"{level} {dice} {event}"
        return Problem(f"{question} Give a fraction in lowest terms.", str(answer), wrong, key)


def _distribution(dice: list[int]) -> list[int]:
    """How many outcomes have each sum."""
    counts = [1]
    for faces in dice:
        before = counts
        counts = [0] * (len(before) + faces)
        for total, ways in enumerate(before):
            for face in range(1, faces + 1):
                counts[total + face] += ways
    return counts


def _sums(dice: list[int], total: int, how: str) -> int:
    counts = _distribution(dice)
    total = max(total, 0)
    if how == "exactly":
        return counts[total] if total < len(counts) else 0
    return sum(counts[total:]) if how == "at least" else sum(counts[: total + 1])


def _largest(dice: list[int], top: int, how: str) -> int:
    at_most, below = (prod(min(faces, limit) for faces in dice) for limit in (top, top - 1))
    return {"exactly": at_most - below, "at least": prod(dice) - below, "at most": at_most}[how]


class UrnDraws(Family):
    """Balls drawn without putting back: two (1), so many of a colour (2), of three colours (3), from two urns (4)."""

    name = "urn_draws"
    answer_form = "simplified"
    chance = (0.01, 0.01, 0.01, 0.02)

    def problem(self, rng: Rng, level: int) -> Problem:
        names = sample(rng, _COLOURS, 3 if level == 3 else 2)
        closing = "Give a fraction in lowest terms."
        if level == 4:
            return self._two_urns(rng, names, closing)
        counts = integers(rng, len(names), 4, (40, 20, 15)[level - 1])
        wanted = [2, 0] if level == 1 else integers(rng, len(names), 1, 3)
        drawn = sum(wanted)
        held = listed([f"{count} {name}" for count, name in zip(counts, names, strict=True)])
        event = listed([f"{count} {name}" for count, name in zip(wanted, names, strict=True) if count])
        good = prod(comb(count, want) for count, want in zip(counts, wanted, strict=True))
        answer = Fraction(good, comb(sum(counts), drawn))
        question = pick(
            rng,
            (
                f"An urn holds {held} balls. {drawn} balls are drawn at once. What is the probability to get {event}?",
                f"From a bag with {held} balls one takes {drawn} balls without putting any back. "
                f"How probable is it that they are {event}?",
            ),
        )
        replaced = prod(Fraction(c, sum(counts)) ** w for c, w in zip(counts, wanted, strict=True))
        wrong = slips(answer, 1 - answer, replaced, Fraction(counts[0], sum(counts)), answer + 1)
        key = f"{level} {sorted(zip(counts, wanted, strict=True)) if level == 3 else (counts, wanted)}"
        return Problem(f"{question} {closing}", str(answer), wrong, key)

    def _two_urns(self, rng: Rng, names: list[str], closing: str) -> Problem:
        (a, b), (c, d), drawn = integers(rng, 2, 3, 10), integers(rng, 2, 3, 10), integer(rng, 2, 3)
        one = Fraction(comb(a, drawn), comb(a + b, drawn))
        other = Fraction(comb(c, drawn), comb(c + d, drawn))
        answer = one / (one + other)
        first, second = names
        question = (
            f"The first urn holds {a} {first} and {b} {second} balls, the second one {c} {first} and {d} {second} "
            f"balls. One of the two urns is chosen by a fair coin, and {drawn} balls are drawn from it without "
            f"putting any back. All of them are {first}. What is the probability that the first urn was chosen?"
        )
        wrong = slips(answer, 1 - answer, one, (one + other) / 2, Fraction(a, a + c), answer + 1)
        return Problem(f"{question} {closing}", str(answer), wrong, f"4 {a} {b} {c} {d} {drawn}")


class ExpectedValue(Family):
    """The mean gain of three prizes (1), of a die (2), with one paid second throw (3), with two (4), played best."""

    name = "expected_value"
    answer_form = "simplified"
    chance = (0.01, 0.02, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        faces, prize, cost = integer(rng, 6, 30), integer(rng, 2, 20), integer(rng, 1, 25)
        if level == 1:
            tickets = integers(rng, 3, 1, 12)
            prizes = sample(rng, range(5, 60), 3)
            total = sum(tickets)
            answer = Fraction(sum(a * b for a, b in zip(tickets, prizes, strict=True)), total)
            shown = listed([f"{a} win {b} dollars" for a, b in zip(tickets, prizes, strict=True)])
            question = f"Of the {total} tickets of a lottery, {shown} each. What is the expected prize of one ticket?"
            naive = Fraction(sum(prizes), 3)
            key = f"1 {sorted(zip(tickets, prizes, strict=True))}"
        elif level == 2:
            limit, loss = integer(rng, 2, faces - 1), integer(rng, 1, 20)
            answer = Fraction(prize * (faces - limit) - loss * limit, faces)
            question = (
                f"A fair die has {faces} faces, numbered from 1 on. A number above {limit} wins {prize} dollars, "
                f"any other loses {loss} dollars. What is the expected gain of one throw?"
            )
            naive, key = Fraction(prize - loss, 2), f"2 {faces} {limit} {prize} {loss}"
        else:
            mean = answer = naive = Fraction(faces + 1, 2) * prize
            for _ in range(level - 2):
                # One throws again where the number is worth less than going on, at its cost.
                gains = [max(Fraction(prize * n), answer - cost) for n in range(1, faces + 1)]
                answer = sum(gains, Fraction(0)) / faces
            again = "once" if level == 3 else "up to two times"
            question = (
                f"You throw a fair die with {faces} faces, numbered from 1 on. You may then throw it again, {again}, "
                f"and pay {cost} dollars for each further throw. At the end you get {prize} dollars for each pip of "
                "the last throw. What is your expected gain if you play as well as possible?"
            )
            naive, key = mean - cost, f"{level} {faces} {prize} {cost}"
        wrong = slips(answer, naive, answer + 1, -answer, answer - 1)
        return Problem(f"{question} Give an integer or a fraction in lowest terms.", str(answer), wrong, key)
