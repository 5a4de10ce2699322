"""What follows from statements."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from ....drawing import Rng, integer, pick, sample, shuffled
from ...family import Family, Problem
from ...lists import same_items
from .ordering import NAMES
from .truth_tables import holds_in, variables


class KnightsAndKnaves(Family):
    """Which of 4, 5, 6 or 7 people tell the truth? Statements are made until one answer is left."""

    name = "knights_and_knaves"
    grader = "family"
    chance = (1 / 15, 1 / 31, 1 / 63, 1 / 127)

    def problem(self, rng: Rng, level: int) -> Problem:
        people = sorted(sample(rng, NAMES, 3 + level))
        # A world is a number whose bit i says that person i is a knight; a set of worlds is a truth table.
        world = integer(rng, 1, 2 ** len(people) - 1)
        knight = variables(len(people))
        left = (1 << 2 ** len(people)) - 1
        said: list[str] = []
        while left & (left - 1):
            speaker = integer(rng, 0, len(people) - 1)
            true, false, table = _about_two(rng, people, knight, speaker)
            honest = world >> speaker & 1
            if holds_in(table, world) != honest:
                true, table = false, ~table
            rest = left & ~(knight[speaker] ^ table)
            if rest != left:
                said, left = [*said, f"{people[speaker]} says: “{true}.”"], rest
        knights = [person for i, person in enumerate(people) if world >> i & 1]
        knaves = [person for person in people if person not in knights]
        ask = pick(rng, ("Who are the knights?", "Name all knights.", "Which of them are knights?"))
        question = (
            f"{', '.join(people)} live on an island where everyone is either a knight, who always tells the truth, "
            f"or a knave, who always lies.\n{chr(10).join(shuffled(rng, said))}\n"
            f"{ask} Write their names with commas between them."
        )
        slips = (knaves, knights[1:], [*knights, *knaves[:1]])
        wrong = [", ".join(names) for names in slips if names and names != knights]
        return Problem(question, {"knights": knights}, wrong, " ".join(sorted(said)), ", ".join(knights))

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        return same_items(given, answer["knights"])


def _about_two(rng: Rng, people: list[str], knight: list[int], speaker: int) -> tuple[str, str, int]:
    """A statement about two others, its opposite, and where the statement is true."""
    x, y = sorted(sample(rng, [i for i in range(len(people)) if i != speaker], 2))
    a, b = people[x], people[y]
    statements = (
        (f"{a} is a knight", f"{a} is a knave", knight[x]),
        (f"{a} and {b} are of the same kind", f"{a} and {b} are of different kinds", ~(knight[x] ^ knight[y])),
        (f"{a} and {b} are both knights", f"At least one of {a} and {b} is a knave", knight[x] & knight[y]),
        (f"At least one of {a} and {b} is a knight", f"{a} and {b} are both knaves", knight[x] | knight[y]),
        (f"If {a} is a knight, so is {b}", f"{a} is a knight, but {b} is a knave", ~knight[x] | knight[y]),
    )
    return pick(rng, statements)


_KINDS = ("blips", "daxes", "fendles", "gimbles", "lurps", "morts", "raths", "tovs", "wugs", "zorps")
_CONCLUSIONS = 6


class Syllogisms(Family):
    """Which of 6 conclusions follow from 3, 4, 5 or 6 premises about as many kinds and one more?

    Words are made up, so that nothing is known about them. Conclusions repeat no premise.
    """

    name = "syllogisms"
    grader = "family"
    chance = (0.12, 0.1, 0.1, 0.1)

    def problem(self, rng: Rng, level: int) -> Problem:
        kinds = sample(rng, _KINDS, 3 + level)
        premises: list[tuple[str, int, int]] = []
        follow: list[str] = []
        while len(follow) < 2:
            forms = [pick(rng, ("all", "all", "no", "some", "some not")) for _ in kinds[1:]]
            # A chain, so that each premise has a part in some conclusion; half its links are turned round.
            links = [pick(rng, ((i, i + 1), (i + 1, i))) for i in range(len(forms))]
            premises = [(form, *link) for form, link in zip(forms, links, strict=True)]
            follow, others = _conclusions(premises, kinds)
        shown: list[str] = []
        right: list[str] = []
        count = integer(rng, 1, min(4, len(follow)))
        valid = sample(rng, follow, count)
        for text in sample(rng, [*valid, *sample(rng, others, _CONCLUSIONS - count)], _CONCLUSIONS):
            shown.append(f"{len(shown) + 1}. {text}")
            if text in valid:
                right.append(str(len(shown)))
        given = sorted(_sentence(premise, kinds) for premise in premises)
        ask = pick(
            rng, ("Which of these conclusions follow?", "Which of these must be true?", "What follows of these?")
        )
        question = (
            f"{' '.join(shuffled(rng, given))}\n{ask}\n{chr(10).join(shown)}\n"
            "“Some” means at least one, and “all” and “no” hold also where there are none of a kind. "
            "Write the numbers of the conclusions that follow with commas between them."
        )
        wrong = [*(str(n) for n in range(1, 4) if [str(n)] != right), ", ".join([*right, "7"])]
        key = f"{' '.join(given)} {' '.join(sorted(text.partition(' ')[2] for text in shown))}"
        return Problem(question, {"follow": right}, wrong, key, ", ".join(right))

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        return same_items(given, answer["follow"])


def _sentence(statement: tuple[str, int, int], kinds: list[str]) -> str:
    form, x, y = statement
    quantity, _, negation = form.partition(" ")
    return f"{quantity.capitalize()} {kinds[x]} are {negation + ' ' if negation else ''}{kinds[y]}."


def _conclusions(premises: list[tuple[str, int, int]], kinds: list[str]) -> tuple[list[str], list[str]]:
    """The statements about two of the kinds that follow and those that don't; none of both if nothing can be so.

    A thing belongs to some of the kinds: that is a world, and a truth table says which sorts of things may exist. A
    general statement forbids sorts. A particular one claims a thing, of which is known only of what sorts it may be.
    """
    kind = variables(len(kinds))
    may_exist = (1 << 2 ** len(kinds)) - 1
    claimed = []
    for form, x, y in premises:
        if form in ("all", "no"):
            may_exist &= ~(kind[x] & (~kind[y] if form == "all" else kind[y]))
        else:
            claimed.append(kind[x] & (~kind[y] if form == "some not" else kind[y]))
    things = [claim & may_exist for claim in claimed]
    if not all(things):
        return [], []
    follow: list[str] = []
    others: list[str] = []
    for x, y in permutations(range(len(kinds)), 2):
        for form in ("all", "no", "some", "some not"):
            if (form, x, y) in premises:
                continue
            meant = kind[x] & (~kind[y] if form in ("all", "some not") else kind[y])
            valid = not meant & may_exist if form in ("all", "no") else any(not thing & ~meant for thing in things)
            (follow if valid else others).append(_sentence((form, x, y), kinds))
    return follow, others
