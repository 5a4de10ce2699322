"""Boolean expressions and rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....drawing import Rng, integer, pick, sample
from ...family import Family, Problem
from ...lists import same_items, words_in
from .ordering import NAMES
from .truth_tables import holds_in, variables

_OPERATORS: dict[str, Callable[[bool, bool], bool]] = {
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "xor": lambda a, b: a != b,
    "implies": lambda a, b: not a or b,
}
_EXPRESSIONS = 6


class BooleanExpressions(Family):
    """Which of 6 expressions over 3, 4, 5 or 6 variables are true? Of two operators each (1), then 3, 4 and 6."""

    name = "boolean_expressions"
    grader = "family"
    chance = (0.05, 0.05, 0.05, 0.05)

    def problem(self, rng: Rng, level: int) -> Problem:
        names = sorted(sample(rng, "abcdefghkmnpqrstuvwxyz", 2 + level))
        values = {name: pick(rng, (True, False)) for name in names}
        operators = 6 if level == 4 else 1 + level
        drawn: dict[str, bool] = {}
        while len(drawn) < _EXPRESSIONS:
            text, value = _expression(rng, values, operators)
            drawn[text] = value
        true = [str(number) for number, value in enumerate(drawn.values(), 1) if value]
        given = ", ".join(f"{name} = {str(value).lower()}" for name, value in values.items())
        ask = pick(rng, ("which of these expressions are true?", "find the expressions that are true."))
        question = (
            f"With {given}, {ask}\n"
            + "\n".join(f"{number}. {text}" for number, text in enumerate(drawn, 1))
            + "\n“a xor b” means that exactly one of both is true, “a implies b” that b is true or a false. "
            "Write the numbers of the true expressions with commas between them, or none."
        )
        slips = ([str(n) for n in range(1, _EXPRESSIONS + 1) if str(n) not in true], true[1:], [*true, "7"])
        wrong = [", ".join(slip) or "none" for slip in slips if slip != true]
        key = f"{given} {', '.join(sorted(drawn))}"
        return Problem(question, {"true": true}, wrong, key, ", ".join(true) or "none")

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        return same_items(given, answer["true"])


def _expression(rng: Rng, values: dict[str, bool], operators: int) -> tuple[str, bool]:
    """An expression with so many operators and its value; outermost without brackets."""
    if not operators:
        name = pick(rng, tuple(values))
        return (name, values[name]) if pick(rng, (True, False)) else (f"not {name}", not values[name])
    before = integer(rng, 0, operators - 1)
    left, a = _expression(rng, values, before)
    right, b = _expression(rng, values, operators - 1 - before)
    name = pick(rng, tuple(_OPERATORS))
    # Implications are true more often than not, so half of them are denied.
    denied = name == "implies" and pick(rng, (True, False))
    # Only a variable or its negation goes without brackets.
    sides = [side if len(side) == 1 or len(side) == len("not a") else f"({side})" for side in (left, right)]
    text, value = f"{sides[0]} {name} {sides[1]}", _OPERATORS[name](a, b)
    return (f"not ({text})", not value) if denied else (text, value)


# A rule: its text for people a, b and c, and clauses that say the same: 1 to 3 for who comes, negative for who doesn't.
_RULES = (
    ("At least one of {a} and {b} comes.", ((1, 2),)),
    ("{a} and {b} do not both come.", ((-1, -2),)),
    ("If {a} comes, {b} comes too.", ((-1, 2),)),
    ("Exactly one of {a} and {b} comes.", ((1, 2), (-1, -2))),
    ("If {a} and {b} both come, so does {c}.", ((-1, -2, 3),)),
    ("At least one of {a}, {b} and {c} comes.", ((1, 2, 3),)),
    ("If {a} comes, at least one of {b} and {c} comes.", ((-1, 2, 3),)),
    ("{a}, {b} and {c} do not all come.", ((-1, -2, -3),)),
)
Clauses = list[list[int]]


def _rules(rng: Rng, people: list[str], most: int) -> tuple[list[str], Clauses, int]:
    """Rules that at most ``most`` guest lists keep, at least one: their texts, clauses and truth table."""
    comes = variables(len(people))
    world = integer(rng, 1, 2 ** len(people) - 1)
    left = (1 << 2 ** len(people)) - 1
    rules: list[str] = []
    clauses: Clauses = []
    while left.bit_count() > most:
        who = sample(rng, range(len(people)), 3)
        text, shape = pick(rng, _RULES)
        table = -1
        placed = [[(who[abs(place) - 1] + 1) * (1 if place > 0 else -1) for place in clause] for clause in shape]
        for clause in placed:
            table &= _either(comes, clause)
        if holds_in(table, world) and left & table != left:
            left &= table
            rules.append(text.format(**dict(zip("abc", (people[i] for i in who), strict=True))))
            clauses += placed
    return rules, clauses, left


def _either(comes: list[int], clause: list[int]) -> int:
    table = 0
    for literal in clause:
        table |= comes[abs(literal) - 1] if literal > 0 else ~comes[abs(literal) - 1]
    return table


class GuestList(Family):
    """Satisfiability: who of 5, 6, 8 or 10 people comes, if all rules hold? At most 1, 2, 3 or 4 lists do it."""

    name = "guest_list"
    grader = "family"
    chance = (1 / 32, 2 / 64, 3 / 256, 4 / 1024)

    def problem(self, rng: Rng, level: int) -> Problem:
        people = sorted(sample(rng, NAMES, (5, 6, 8, 10)[level - 1]))
        rules, clauses, left = _rules(rng, people, level)
        lists = [[person for i, person in enumerate(people) if world >> i & 1] for world in _worlds(left)]
        ask = pick(rng, ("Who could come?", "Find a list of guests that keeps all rules.", "Who may be there?"))
        question = (
            f"{', '.join(people)} are invited. {' '.join(rules)}\n{ask} "
            "Write the names of all who come with commas between them, or nobody. Any list that fits is right."
        )
        slips = (people, [], *(lists[0][:i] + lists[0][i + 1 :] for i in range(min(3, len(lists[0])))))
        wrong = [", ".join(slip) or "nobody" for slip in slips if slip not in lists]
        answer = {"people": people, "clauses": clauses}
        return Problem(question, answer, wrong, " ".join(sorted(rules)), ", ".join(lists[0]) or "nobody")

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        people = [person.casefold() for person in answer["people"]]
        found = [] if given.strip().casefold() in ("nobody", "none") else words_in(given)
        if len(found) > len(people) or len(set(found)) < len(found) or not set(found) <= set(people):
            return False
        here = {people.index(person) + 1 for person in found} | {-i - 1 for i, p in enumerate(people) if p not in found}
        return bool(found or given.strip()) and all(here & set(clause) for clause in answer["clauses"])


class GuestListCount(Family):
    """Model counting: how many lists of 5, 6, 7 or 8 guests keep all rules? Up to 18, 30, 45 or 60."""

    name = "guest_list_count"
    chance = (0.11, 0.08, 0.06, 0.05)

    def problem(self, rng: Rng, level: int) -> Problem:
        people = sorted(sample(rng, NAMES, 4 + level))
        rules, _, left = _rules(rng, people, integer(rng, 3, (18, 30, 45, 60)[level - 1]))
        count = left.bit_count()
        ask = pick(rng, ("How many lists of guests keep all rules?", "Count the lists of guests that keep all rules."))
        question = (
            f"{', '.join(people)} are invited. {' '.join(rules)}\n{ask} The empty list counts if it keeps them too. "
            "Write one integer."
        )
        # Who is invited matters too: people without a rule may come or not.
        key = f"{' '.join(people)} {' '.join(sorted(rules))}"
        return Problem(question, str(count), [str(count + 1), str(count - 1), str(-count)], key)


def _worlds(table: int) -> list[int]:
    return [world for world in range(table.bit_length()) if table >> world & 1]
