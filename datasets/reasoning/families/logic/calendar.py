"""Dates and times."""

from __future__ import annotations

from datetime import date, timedelta

from ....drawing import Rng, integer, pick, sample
from ...family import Family, Problem
from .ordering import NAMES

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class DateArithmetic(Family):
    """The date some days later (1), many days earlier or later (2), of the nth weekday (3), after working days (4)."""

    name = "date_arithmetic"
    grader = "eq"
    chance = (0.01, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        start = date(1900, 1, 1) + timedelta(days=integer(rng, 0, 73_000))
        weekday = _WEEKDAYS[start.weekday()]
        today = f"Today is {weekday}, {start.isoformat()}."
        if level <= 2:
            days = integer(rng, 8, 60) if level == 1 else integer(rng, 90, 900)
            later = level == 1 or pick(rng, (True, False))
            found = start + timedelta(days=days if later else -days)
            forms = (
                ("What date is it in {} days?", "Which date is {} days from today?", "{} days later, what is the date?")
                if later
                else ("What date was it {} days ago?", "Which date was {} days before today?")
            )
            text, key = pick(rng, forms).format(days), f"{days} {later}"
        elif level == 3:
            count, wanted = integer(rng, 5, 40), integer(rng, 0, 6)
            # The first such day is one to seven days ahead.
            found = start + timedelta(days=(wanted - start.weekday() - 1) % 7 + 1 + 7 * (count - 1))
            days, key = count, f"{count} {wanted}"
            forms = ("What is the date of {} number {} after today?", "Of {}s after today, which date has number {}?")
            text = pick(rng, forms).format(_WEEKDAYS[wanted], count)
        else:
            days = count = integer(rng, 11, 120)
            found = start
            while count:
                found += timedelta(days=1)
                count -= found.weekday() < 5
            text = pick(
                rng, ("Which date is working day number {} after today?", "What date is {} working days later?")
            )
            text, key = f"{text.format(days)} All days but Saturdays and Sundays are working days.", str(days)
        slips = {found + timedelta(days=shift) for shift in (-7, -1, 1, 7)}
        wrong = [slip.isoformat() for slip in sorted(slips)]
        question = f"{today} {text} Dates are in the Gregorian calendar. Write the date as YYYY-MM-DD."
        return Problem(question, found.isoformat(), wrong, f"{start.isoformat()} {key}")


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


class CommonFreeTime(Family):
    """When can 2, 3, 4 or 5 people, each busy at 2 to 5 times of a day, first meet?"""

    name = "common_free_time"
    grader = "eq"
    chance = (0.06, 0.04, 0.04, 0.04)

    def problem(self, rng: Rng, level: int) -> Problem:
        people = sorted(sample(rng, NAMES, 1 + level))
        length = 5 * integer(rng, 4, 12)
        busy: dict[str, list[tuple[int, int]]] = {}
        opening = 60 * integer(rng, 7, 9)
        begin = -1
        while begin <= opening:
            busy = {person: _appointments(rng, 2 + level, opening) for person in people}
            begin = _first_gap([slot for slots in busy.values() for slot in slots], opening, length)
        slots = ". ".join(
            f"{person}: {', '.join(f'{_clock(a)}-{_clock(b)}' for a, b in busy[person])}" for person in people
        )
        ask = pick(rng, ("When is the earliest that all can meet", "Find the earliest time at which all can meet"))
        question = (
            f"These people are busy at these times of a day. {slots}.\n{ask} for {length} minutes without a break, not "
            f"before {_clock(opening)}{'?' if ask.startswith('When') else '.'} Write the beginning as HH:MM."
        )
        wrong = [_clock(begin + shift) for shift in (-5, 5, -length)]
        return Problem(question, _clock(begin), wrong, f"{slots} {length} {opening}")


def _appointments(rng: Rng, count: int, opening: int) -> list[tuple[int, int]]:
    """So many times in the hours after ``opening``, one after the other."""
    slots = []
    now = opening + 5 * integer(rng, 0, 6)
    for _ in range(count):
        end = now + 5 * integer(rng, 4, 14)
        slots.append((now, end))
        now = end + 5 * integer(rng, 2, 18)
    return slots


def _first_gap(slots: list[tuple[int, int]], opening: int, length: int) -> int:
    now = opening
    for begin, end in sorted(slots):
        if begin - now >= length:
            break
        now = max(now, end)
    return now
