"""Dates, times and relatives."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from ....drawing import Rng, integer, pick, sample
from ...family import Family, Problem
from ...lists import same_items
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


_RELATIONS = {
    "grandchildren": ("children", "children"),
    "siblings": ("parents", "children"),
    "nephews and nieces": ("parents", "children", "children"),
    "great-grandchildren": ("children", "children", "children"),
    "aunts and uncles": ("parents", "parents", "children"),
    "first cousins": ("parents", "parents", "children", "children"),
    "second cousins": ("parents", "parents", "parents", "children", "children", "children"),
    "first cousins' children": ("parents", "parents", "children", "children", "children"),
}
_MORE_NAMES = """Amy Bob Carl Dora Emil Fred Greta Hans Ines Jill Karl Lena Mia Nora Otto Paul Quinn Rosa Sam Tess Uma
Vera Will Xena Yara Zoe Alma Bert Clara Doris Elsa Frank"""
_FIRST_NAMES = (*NAMES, *_MORE_NAMES.split())
_ASKED = (
    ("grandchildren", "siblings", "nephews and nieces"),
    ("first cousins", "aunts and uncles", "grandchildren"),
    ("first cousins", "nephews and nieces", "great-grandchildren"),
    ("second cousins", "first cousins' children", "first cousins"),
)


class FamilyTree(Family):
    """Who are someone's grandchildren (1), nieces (2), cousins (3) or second cousins (4)? Of families by blood."""

    name = "family_tree"
    grader = "family"
    chance = (0.02, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        relation = pick(rng, _ASKED[level - 1])
        names: list[str] = []
        found: set[str] = set()
        children: dict[str, list[str]] = {}
        person = ""
        while len(found) < 2:
            names = sample(rng, _FIRST_NAMES, len(_FIRST_NAMES))
            children = _descendants(rng, names, generations=3 + (level > 1) + (level > 3), most=30)
            members = sorted({name for parent, born in children.items() for name in (parent, *born)})
            # Not the first with two: it would stand near the root of the tree.
            for person in sample(rng, members, len(members)):
                found = _related(children, person, _RELATIONS[relation])
                if len(found) >= 2:
                    break
        facts = [_birth(rng, parent, sample(rng, born, len(born))) for parent, born in children.items() if born]
        ask = pick(rng, ("Who are {}'s {}?", "Name all of {}'s {}.", "Find {}'s {}."))
        question = (
            f"{' '.join(sample(rng, facts, len(facts)))}\n{ask.format(person, relation)} Only the relations named here "
            "count. Write all names with commas between them."
        )
        right = sorted(found)
        slips = [right[1:], [*right, person], [name for name in children if name not in found and name != person]]
        key = f"{relation} {person} {sorted((parent, sorted(born)) for parent, born in children.items() if born)}"
        return Problem(question, {"names": right}, [", ".join(slip) for slip in slips if slip], key, ", ".join(right))

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        return same_items(given, answer["names"])


def _descendants(rng: Rng, names: list[str], *, generations: int, most: int) -> dict[str, list[str]]:
    """The children of each person of a family that descends from one, named in turn from ``names``."""
    children: dict[str, list[str]] = {}
    generation, used = [names[0]], 1
    for _ in range(generations):
        born: list[str] = []
        for parent in generation:
            count = min(integer(rng, 1, 3), most - used)
            children[parent] = names[used : used + count]
            born += children[parent]
            used += count
        generation = born
    return children


def _related(children: dict[str, list[str]], person: str, path: tuple[str, ...]) -> set[str]:
    """Who is reached from a person on a path up and down the tree without turning back the way one came."""
    parent = {child: above for above, born in children.items() for child in born}
    ups = path.count("parents")
    line = [person]
    for _ in range(ups):
        if line[-1] not in parent:
            return set()
        line.append(parent[line[-1]])
    reached = [line[-1]]
    for step in range(path.count("children")):
        below = [child for name in reached for child in children.get(name, [])]
        reached = [name for name in below if step or not ups or name != line[-2]]
    return set(reached)


def _birth(rng: Rng, parent: str, born: list[str]) -> str:
    listed = f"{', '.join(born[:-1])} and {born[-1]}" if len(born) > 1 else born[0]
    if pick(rng, (True, False)):
        return f"{parent} is the only known parent of {listed}."
    kind = "child" if len(born) == 1 else "children"
    return f"The {kind} of {parent} {'is' if len(born) == 1 else 'are'} {listed}."
