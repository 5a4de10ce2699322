"""Word problems about prices and ages."""

from __future__ import annotations

from fractions import Fraction

from ....drawing import Rng, integer, integers, pick, sample
from ...family import Family, Problem
from .notation import decimal, slips

NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gia", "Hugo", "Ida", "Jon", "Kim", "Leo")
_GOODS = ("pencils", "notebooks", "cups", "apples", "stickers", "candles", "brushes", "ribbons")
_TIMES = {2: "twice", 3: "three times", 4: "four times", 5: "five times"}


class Shopping(Family):
    """Two goods (1), the change (2), a discount and a coupon besides (3), a price from two bills (4)."""

    name = "shopping"
    answer_form = "simplified"
    chance = (0.01, 0.01, 0.01, 0.02)

    def problem(self, rng: Rng, level: int) -> Problem:
        who = pick(rng, NAMES)
        one, other = sample(rng, _GOODS, 2)
        # So that some tenths of a price are whole cents.
        step = 10 if level == 3 else 5
        (a, b), (p, q) = integers(rng, 2, 3, 15), (step * integer(rng, 5, 90) for _ in range(2))
        cost = a * p + b * q
        buys = f"{who} buys {a} {one} at {_money(p)} dollars each and {b} {other} at {_money(q)} dollars each."
        if level == 1:
            question, answer = (
                pick(rng, (f"{buys} How many dollars does {who} pay?", f"{buys} What is the bill, in dollars?")),
                cost,
            )
            others = [p + q, a * p, (a + b) * (p + q)]
        elif level == 2:
            note = (cost // 5000 + 1) * 5000
            question, answer = (
                f"{buys} {who} pays with {note // 100} dollars. How many dollars are given back?",
                note - cost,
            )
            others = [cost, note - a * p, note - cost + 100]
        elif level == 3:
            percent, coupon = pick(rng, (10, 20, 30, 40)), 100 * integer(rng, 1, 3)
            note = (cost // 5000 + 1) * 5000
            answer = note - (a * p + b * q * (100 - percent) // 100 - coupon)
            question = (
                f"{buys} The {other} are {percent}% off today, and at the end a coupon takes {_money(coupon)} "
                "dollars off "
                f"the bill. {who} pays with {note // 100} dollars. How many dollars are given back?"
            )
            others = [note - cost, note - cost * (100 - percent) // 100 + coupon, answer - coupon, answer - 2 * coupon]
        else:
            c, d = a + integer(rng, 1, 6), b + integer(rng, 0, 6)
            d += a * d == b * c
            fee = 50 * integer(rng, 1, 12)
            answer = p
            question = (
                f"{who} orders {a} {one} and {b} {other} for {_money(cost + fee)} dollars in all. "
                f"{pick(rng, [n for n in NAMES if n != who])} "
                f"orders {c} {one} and {d} {other} in the same shop for {_money(c * p + d * q + fee)} dollars. Both "
                "sums contain "
                f"{_money(fee)} dollars for delivery. How many dollars does one of the {one} cost?"
            )
            others = [q, p + 5, cost // a]
            key = f"4 {a} {b} {c} {d} {p} {q} {fee}"
        key = key if level == 4 else f"{level} {sorted(((a, p), (b, q)))} {answer}"
        wrong = slips(_money(answer), *map(_money, (*others, answer + 10)))
        return Problem(question, _money(answer), wrong, key)


def _money(cents: int) -> str:
    return decimal(Fraction(cents, 100))


class Ages(Family):
    """Ages from sums and differences (1), multiples (2), years ago and to come (3), of three people (4)."""

    name = "ages"
    answer_form = "simplified"
    chance = (0.04, 0.03, 0.03, 0.03)

    def problem(self, rng: Rng, level: int) -> Problem:
        one, two, three = sample(rng, NAMES, 3)
        young, later = integer(rng, 5, 40 if level == 1 else 16), integer(rng, 2, 40 if level == 2 else 20)
        gap, factor = integer(rng, 2, 30), integer(rng, 2, 5)
        if level == 1:
            answer = young + gap + later
            story = (
                f"{one} is {gap} years older than {two}. Together they are {2 * young + gap} years old. "
                f"How old will {one} be in {later} years?"
            )
            others = [young + gap, young + later, 2 * young + gap]
        elif level == 2:
            old = factor * young
            answer = old + later
            story = (
                f"{one} is {_TIMES[factor]} as old as {two}. In {later} years they will be "
                f"{old + young + 2 * later} years old "
                f"together. How old will {one} be then?"
            )
            others = [old, young + later, old + 2 * later]
        elif level == 3:
            # ``ago`` years ago one was ``factor`` times as old as two.
            ago = later
            old = factor * young + ago
            now = young + ago
            answer = old + gap
            story = (
                f"{ago} years ago {one} was {_TIMES[factor]} as old as {two} was then. Today {one} is {old - now} "
                "years older "
                f"than {two}. How old will {one} be in {gap} years?"
            )
            others = [old, now + gap, old - ago + gap]
        else:
            ago = later
            old, now = factor * young + ago, young + ago
            third = integer(rng, 3, 50)
            answer = third + gap
            story = (
                f"{ago} years ago {one} was {_TIMES[factor]} as old as {two} was then. In {gap} years {one}, {two} "
                f"and {three} "
                f"will be {old + now + third + 3 * gap} years old together. {one} is {old - now} years older than "
                f"{two}. "
                f"How old will {three} be in {gap} years?"
            )
            others = [third, old + gap, now + gap, third + 2 * gap]
        key = f"{level} {young} {later} {gap} {factor} {answer}"
        if level == 1:
            key = f"1 {young} {gap} {later}"
        elif level == 2:
            key = f"2 {young} {factor} {later}"
        return Problem(story, str(answer), slips(answer, *others, answer + 1, answer - 1), key)
