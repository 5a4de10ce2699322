"""Word problems."""

from __future__ import annotations

from fractions import Fraction

from ....drawing import Rng, integer, integers, pick, sample
from ...family import Family, Problem
from .notation import decimal, listed, slips

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
    chance = (0.04, 0.02, 0.02, 0.03)

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


class Travel(Family):
    """The whole way (1), when two meet (2), one catches up (3), a boat in a current (4)."""

    name = "travel"
    answer_form = "simplified"
    chance = (0.01, 0.03, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        one, two = sample(rng, NAMES, 2)
        slow, more = integer(rng, 8, 60), integer(rng, 2, 40)
        if level == 2:
            # Speeds of which 5 minutes are whole kilometres.
            slow, more = 12 * integer(rng, 1, 5), 12 * integer(rng, 1, 3)
        fast, minutes = slow + more, integer(rng, 4, 60) * 5
        if level == 1:
            quarters, others_ = integers(rng, 2, 2, 20)
            distance = Fraction(slow * quarters + fast * others_, 4)
            story = (
                f"{one} drives {quarters * 15} minutes at {slow} km/h and then {others_ * 15} minutes at {fast} km/h. "
                "How many kilometres is that in all?"
            )
            answer, key = distance, f"{sorted(((slow, quarters), (fast, others_)))}"
            others = [Fraction((slow + fast) * (quarters + others_), 4), distance * 60, distance / 2]
        elif level == 2:
            distance = Fraction((slow + fast) * minutes, 60)
            head = integer(rng, 1, 9) * 5
            whole = distance + Fraction(slow * head, 60)
            story = (
                f"{one} and {two} are {whole} km apart and ride towards each other, {one} at {slow} km/h and {two} "
                f"at {fast} "
                f"km/h. {one} starts {head} minutes before {two}. How many minutes after the start of {two} do they "
                "meet?"
            )
            answer, key = Fraction(minutes), f"2 {slow} {fast} {whole} {head}"
            others = [answer + head, whole * 60 / (slow + fast), whole * 60 / fast]
        elif level == 3:
            head = integer(rng, 2, 40)
            answer = Fraction(slow * head, more)
            story = (
                f"{one} rides at {slow} km/h. {two} sets off {head} minutes later from the same place, in the same "
                "direction, "
                f"at {fast} km/h. After how many minutes of riding does {two} catch up with {one}? Give an integer "
                "or a fraction."
            )
            key, others = f"3 {slow} {fast} {head}", [answer + head, Fraction(slow * head, fast), Fraction(head)]
        else:
            # The way up and down takes a known time; the current is known, the way is asked for.
            still, current = slow + more, integer(rng, 1, 7)
            up, down = still - current, still + current
            hours = integer(rng, 2, 12)
            answer = Fraction(hours * up * down, up + down)
            story = (
                f"A boat makes {still} km/h in still water. It goes up a river with a current of {current} km/h, "
                "turns, and is "
                f"back after {hours} hours. How many kilometres up the river did it turn? Give an integer or a "
                "fraction."
            )
            key, others = (
                f"4 {still} {current} {hours}",
                [Fraction(hours * still, 2), Fraction(hours * up, 2), 2 * answer],
            )
        return Problem(story, str(answer), slips(answer, *others, answer + 1), key)


class Work(Family):
    """Two work together (1), three (2), one comes later (3), a tank that also leaks for a while (4)."""

    name = "work"
    answer_form = "simplified"
    chance = (0.01, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        names = sample(rng, NAMES, 3)
        times = sample(rng, range(4, 61), 3)
        a, b, _ = times
        closing = "Give an integer or a fraction."
        alone = [f"{name} needs {time} minutes" for name, time in zip(names, times, strict=True)]
        job = pick(rng, ("paint a fence", "sort a pile of letters", "weed a garden"))
        if level <= 2:
            count = level + 1
            answer = 1 / sum((Fraction(1, time) for time in times[:count]), Fraction(0))
            story = f"To {job} alone, {listed(alone[:count])}. How many minutes do they need together? {closing}"
            key = f"{level} {sorted(times[:count])}"
            others = [Fraction(sum(times[:count]), count), Fraction(sum(times[:count])), 2 * answer]
        elif level == 3:
            head = integer(rng, 1, a - 1)
            answer = head + Fraction(a - head, a) / (Fraction(1, a) + Fraction(1, b))
            story = (
                f"To {job} alone, {listed(alone[:2])}. {names[0]} begins alone, and {names[1]} joins after {head} "
                f"minutes. How many minutes after the beginning is all done? {closing}"
            )
            key, others = f"3 {a} {b} {head}", [answer - head, Fraction(a * b, a + b), answer + head]
        else:
            a, b, drain = *sorted((a, b)), integer(rng, 61, 200)
            early = integer(rng, 1, a // 2)
            filled = early * (Fraction(1, a) + Fraction(1, b) - Fraction(1, drain))
            answer = early + (1 - filled) / (Fraction(1, a) + Fraction(1, b))
            story = (
                f"One pipe alone fills a tank in {a} minutes, another in {b} minutes, and an open drain empties the "
                "full tank "
                f"in {drain} minutes. Both pipes and the drain are opened on the empty tank; after {early} minutes "
                "the drain is "
                f"closed. How many minutes after the beginning is the tank full? {closing}"
            )
            both = Fraction(a * b, a + b)
            key, others = f"4 {a} {b} {drain} {early}", [both, answer - early, both + early]
        return Problem(story, str(answer), slips(answer, *others, answer + 1), key)


class Mixtures(Family):
    """Two solutions mixed (1), how much to add (2), to pour away and replace (3), done several times (4)."""

    name = "mixtures"
    answer_form = "simplified"
    chance = (0.01, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        weak, middle, strong = sorted(sample(rng, range(2, 96), 3))
        one, two = integers(rng, 2, 2, 40)
        closing = "Give an integer or a fraction."
        substance = pick(rng, ("salt", "sugar", "acid"))
        if level == 1:
            answer = Fraction(weak * one + strong * two, one + two)
            story = (
                f"{one} litres of a solution with {weak}% of {substance} are mixed with {two} litres of one with "
                f"{strong}%. "
                f"How many per cent of {substance} has the mixture?"
            )
            key, others = f"1 {weak} {one} {strong} {two}", [Fraction(weak + strong, 2), Fraction(weak + strong)]
        elif level == 2:
            answer = Fraction(one * (middle - weak), strong - middle)
            story = (
                f"How many litres of a solution with {strong}% of {substance} must one add to {one} litres of one with "
                f"{weak}% to get a solution with {middle}%?"
            )
            key, others = (
                f"2 {weak} {middle} {strong} {one}",
                [one + answer, 1 / answer, Fraction(one * middle, strong)],
            )
        elif level == 3:
            answer = Fraction(one * (middle - weak), strong - weak)
            story = (
                f"A barrel holds {one} litres of a solution with {weak}% of {substance}. How many litres of it must "
                "one "
                f"replace by a solution with {strong}% so that the barrel has {middle}%?"
            )
            key = f"3 {weak} {middle} {strong} {one}"
            others = [Fraction(one * (middle - weak), strong - middle), one - answer, Fraction(one * middle, strong)]
        else:
            full, times = integer(rng, 10, 60), integer(rng, 2, 3)
            out = integer(rng, 1, full // 2)
            answer = strong * Fraction(full - out, full) ** times
            story = (
                f"A barrel holds {full} litres of a solution with {strong}% of {substance}. {out} litres are poured "
                "away and "
                f"replaced by water, and the contents are stirred; this is done {times} times in all. How many per "
                "cent "
                f"of {substance} are left in the solution?"
            )
            key = f"4 {strong} {full} {out} {times}"
            others = [strong * (1 - Fraction(out * times, full)), strong * Fraction(full - out, full), strong - answer]
        wrong = slips(answer, *others, answer + 1)
        return Problem(f"{story} {closing}", str(answer), wrong, key)
