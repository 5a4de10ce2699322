"""Relatives."""

from __future__ import annotations

from typing import Any

from ....drawing import Rng, integer, pick, sample, shuffled
from ...family import Family, Problem
from ...lists import same_items
from .ordering import NAMES

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
            for person in shuffled(rng, members):
                found = _related(children, person, _RELATIONS[relation])
                if len(found) >= 2:
                    break
        facts = [_birth(rng, parent, shuffled(rng, born)) for parent, born in children.items() if born]
        ask = pick(rng, ("Who are {}'s {}?", "Name all of {}'s {}.", "Find {}'s {}."))
        question = (
            f"{' '.join(shuffled(rng, facts))}\n{ask.format(person, relation)} Only the relations named here "
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
