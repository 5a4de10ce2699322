"""Word problems about rates: speeds, work and mixtures."""

from __future__ import annotations

from fractions import Fraction

from ....drawing import Rng, integer, integers, pick, sample
from ...family import Family, Problem
from .notation import listed, slips
from .stories import NAMES


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
