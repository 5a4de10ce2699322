"""Units, clocks and calendars."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from ....drawing import Rng, integer, pick, sample
from ...family import Family, Problem
from .notation import slips

_LENGTHS = {"millimetres": 1, "centimetres": 10, "decimetres": 100, "metres": 1000, "kilometres": 1_000_000}
_MASSES = {"milligrams": 1, "grams": 1000, "kilograms": 1_000_000, "tonnes": 10**9}
_TIMES = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_VOLUMES = {"millilitres": 1, "centilitres": 10, "decilitres": 100, "litres": 1000}


class UnitConversion(Family):
    """Times and lengths (1), areas and volumes (2), speeds (3), flows of mass or volume through an area (4)."""

    name = "unit_conversion"
    chance = (0.01, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        amount = integer(rng, 3, 999)
        time, other_time = sample(rng, list(_TIMES), 2)
        length, other_length = sample(rng, list(_LENGTHS), 2)
        if level == 1:
            extra = integer(rng, 2, 59)
            unit, smaller, target, factor = pick(
                rng,
                (("hours", "minutes", "seconds", Fraction(3600)), ("minutes", "seconds", "hours", Fraction(1, 60))),
            )
            value = (amount + Fraction(extra, 60)) * factor
            given = f"{amount} {unit} and {extra} {smaller}"
        elif level == 2:
            power = pick(rng, (2, 3))
            word = {2: "square", 3: "cubic"}[power]
            factor = Fraction(_LENGTHS[length], _LENGTHS[other_length]) ** power
            given, target = f"{amount} {word} {length}", f"{word} {other_length}"
            value = amount * factor
        elif level == 3:
            factor = Fraction(_LENGTHS[length], _LENGTHS[other_length]) * Fraction(_TIMES[other_time], _TIMES[time])
            given, target = f"{amount} {length} per {time[:-1]}", f"{other_length} per {other_time[:-1]}"
            value = amount * factor
        else:
            units = pick(rng, (_MASSES, _VOLUMES))
            unit, other = sample(rng, list(units), 2)
            factor = Fraction(units[unit], units[other]) * Fraction(_TIMES[other_time], _TIMES[time])
            factor *= Fraction(_LENGTHS[other_length], _LENGTHS[length]) ** 2
            given = f"{amount} {unit} per {time[:-1]} and square {_singular(length)}"
            target = f"{other} per {other_time[:-1]} and square {_singular(other_length)}"
            value = amount * factor
        question = pick(
            rng,
            (f"Convert {given} to {target}.", f"How many {target} are {given}?", f"Express {given} in {target}."),
        )
        wrong = slips(value, amount / factor, value * 10, value / 60, value + 1, amount)
        question += " Give the exact number, as an integer, a decimal or a fraction, without the unit."
        return Problem(question, str(value), wrong, f"{given} {target}")


def _singular(unit: str) -> str:
    return unit.removesuffix("s")


class ClockTime(Family):
    """The time after a while (1), before (2), in another time zone (3), of a clock that runs wrong (4)."""

    name = "clock_time"
    grader = "eq"
    chance = (0.01, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        start, minutes = integer(rng, 0, 1439), integer(rng, 61, 1300)
        hours, rest = divmod(minutes, 60)
        lasts = f"{hours} hour{'s' if hours > 1 else ''} and {rest} minute{'s' if rest != 1 else ''}"
        now = _clock(start)
        if level <= 2:
            end = start + minutes if level == 1 else start - minutes
            question = pick(
                rng,
                (
                    f"It is {now}. What time will it be in {lasts}?",
                    f"A journey of {lasts} begins at {now}. When does it end?",
                )
                if level == 1
                else (
                    f"It is {now}. What time was it {lasts} ago?",
                    f"A journey of {lasts} ended at {now}. When did it begin?",
                ),
            )
            key, slip = f"{level} {start} {minutes}", start - minutes if level == 1 else start + minutes
        elif level == 3:
            ahead, stop = pick(rng, [n for n in range(-11, 13) if n]), integer(rng, 15, 300)
            end = start + minutes + stop + 60 * ahead
            zone = f"{abs(ahead)} hour{'s' if abs(ahead) > 1 else ''} {'ahead of' if ahead > 0 else 'behind'}"
            question = (
                f"An aeroplane takes off at {now} local time and is in the air for {lasts} in all, with a stop of "
                f"{stop} "
                f"minutes besides. Clocks at its destination are {zone} those at its origin. "
                "What is the local time there when it lands for good?"
            )
            key, slip = f"3 {start} {minutes} {stop} {ahead}", end - 120 * ahead
        else:
            wrong_by, shown = pick(rng, (-8, -6, -5, -4, -3, -2, 2, 3, 4, 5, 6, 8)), integer(rng, 1, 20)
            # While an hour passes the clock counts 60 + wrong_by minutes; it shows whole multiples of that.
            passed = 60 * shown
            displayed = start + shown * (60 + wrong_by)
            end = start + passed
            how = "gains" if wrong_by > 0 else "loses"
            question = (
                f"A clock {how} {abs(wrong_by)} minutes in every hour. It was right at {now}. "
                f"What time is it really when it next shows {_clock(displayed)}?"
            )
            key, slip = f"4 {start} {wrong_by} {shown}", displayed + shown * -2 * wrong_by
        answer = _clock(end)
        wrong = slips(answer, _clock(slip), _clock(end + 60), _clock(end + 40), _clock(end + 1))
        return Problem(f"{question} Answer with 24 hours, as HH:MM.", answer, wrong, key)


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"


class CalendarDate(Family):
    """The date so many days later (1), over years (2), so many working days (3), the n-th weekday of a month (4)."""

    name = "calendar_date"
    grader = "eq"
    chance = (0.01, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        start = date(integer(rng, 1990, 2080), 1, 1) + timedelta(integer(rng, 0, 364))
        weekday = _DAYS[start.weekday()]
        if level <= 2:
            days = integer(rng, 20, 300) if level == 1 else integer(rng, 400, 3000)
            back = pick(rng, (True, False))
            end = start - timedelta(days) if back else start + timedelta(days)
            question = pick(
                rng,
                (
                    f"What is the date {days} days {'before' if back else 'after'} {start}?",
                    f"Which date is {days} days {'earlier' if back else 'later'} than {start}?",
                ),
            )
            key = f"{start} {days} {back}"
        elif level == 3:
            days = integer(rng, 11, 120)
            start += timedelta(max(7 - start.isoweekday(), 0) + 1) if start.isoweekday() > 5 else timedelta(0)
            weekday = _DAYS[start.weekday()]
            weeks, rest = divmod(days, 5)
            end = start + timedelta(7 * weeks + rest + (2 if start.isoweekday() + rest > 5 else 0))
            question = (
                f"{start} is a {weekday}. Working days are Monday to Friday, without any holidays. "
                f"What is the date {days} working days after {start}?"
            )
            key = f"{start} {days}"
        else:
            which, name = integer(rng, 1, 4), integer(rng, 0, 6)
            month = date(start.year + integer(rng, 1, 8), integer(rng, 1, 12), 1)
            end = month + timedelta((name - month.weekday()) % 7 + 7 * (which - 1))
            nth = ("first", "second", "third", "fourth")[which - 1]
            question = f"{start} is a {weekday}. What is the date of the {nth} {_DAYS[name]} of "
            question += f"{_MONTHS[month.month - 1]} {month.year}?"
            key = f"{start} {nth} {name} {month}"
        wrong = slips(end, *(end + timedelta(shift) for shift in (-1, 1, 2, 7)))
        return Problem(f"{question} Write it as YYYY-MM-DD.", str(end), wrong, key)
