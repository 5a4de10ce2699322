"""Drawing questions: chains of facts, and two chains whose ends are compared or added up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from ..drawing import Rng, pick, sample
from .wording import COMPARISONS, DIFFERENCES, ENTITIES, MEASURES, PHRASES, QUESTIONS, SUMS
from .world import Entity, World, written

Ending: TypeAlias = Literal["more", "less", "sum", "difference"]
ENDINGS: tuple[Ending, ...] = ("more", "less", "difference", "sum")
_MAX_TRIES = 1_000


@dataclass(frozen=True, slots=True)
class Plan:
    """How a question is answered.

    Attributes:
        starts: the entities that the question names.
        path: the relations to follow from each of them.
        measure: the relation with the number that two chains are compared by; empty for one chain.
        ending: what is done with the two numbers: the one with ``more`` or ``less`` is asked about, or the answer is
            their ``sum`` or ``difference``.
        asked: the relation that is asked of the chain's end; empty for sums and differences.
    """

    starts: tuple[Entity, ...]
    path: tuple[str, ...]
    asked: str = ""
    measure: str = ""
    ending: Ending | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its answer, and the plan that leads from one to the other."""

    text: str
    answer: str
    plan: Plan


def draw_question(rng: Rng, world: World, level: int) -> Question:
    """Draws a question.

    Level 1 asks for a fact of the entity that it names. Levels 2 and 3 need 2 and 3 facts in a chain; level 4 needs 4
    in a chain, or two chains of one fact each and a number of both ends.
    """
    for _ in range(_MAX_TRIES):
        question = _pair(rng, world) if level == 4 and pick(rng, (True, False)) else _chain(rng, world, level)
        if question is not None and _hidden(question, world):
            return question
    raise LookupError(f"no question of level {level} in {_MAX_TRIES} draws")


def _chain(rng: Rng, world: World, hops: int) -> Question | None:
    start = pick(rng, world.entities[pick(rng, [*world.entities])])
    path: list[str] = []
    seen, at = {start}, start
    while len(path) < hops - 1:
        onward = [relation for relation, value in at.facts.items() if isinstance(value, Entity) and value not in seen]
        if not onward:
            return None
        path.append(pick(rng, onward))
        at = _follow(at, path[-1])
        seen.add(at)
    asked = pick(rng, [relation for relation, value in at.facts.items() if value not in seen])
    text = pick(rng, QUESTIONS[asked]).format(x=_phrase(rng, start, path))
    return Question(text, written(at.facts[asked], asked), Plan((start,), tuple(path), asked))


def _pair(rng: Rng, world: World) -> Question | None:
    starts = sample(rng, world.entities[pick(rng, ("city", "company", "person", "work"))], 2)
    relation = pick(rng, [name for name in PHRASES if all(name in start.facts for start in starts)])
    first, second = (_follow(start, relation) for start in starts)
    measure = pick(rng, [name for name in first.facts if name in MEASURES])
    one, other = _number(first, measure), _number(second, measure)
    if one == other:
        return None
    p, q = (_phrase(rng, start, [relation]) for start in starts)
    ending: Ending = pick(rng, ENDINGS if measure in SUMS else ENDINGS[:-1])
    plan = Plan(tuple(starts), (relation,), measure=measure, ending=ending)
    if ending == "sum":
        return Question(pick(rng, SUMS[measure]).format(p=p, q=q), str(one + other), plan)
    if ending == "difference":
        return Question(pick(rng, DIFFERENCES[measure]).format(p=p, q=q), str(abs(one - other)), plan)
    chosen, left = (first, second) if (one > other) == (ending == "more") else (second, first)
    asked = pick(rng, [name for name in chosen.facts if name != measure])
    if left.facts.get(asked) == chosen.facts[asked]:
        return None
    words = f"the one that {MEASURES[measure][ending == 'less']}"
    text = pick(rng, COMPARISONS).format(p=p, q=q, question=pick(rng, QUESTIONS[asked]).format(x=words))
    return Question(text, written(chosen.facts[asked], asked), replace(plan, asked=asked))


def _hidden(question: Question, world: World) -> bool:
    """Whether the way can't be cut short.

    Neither the question nor a document before the last one holds the answer, and no last one names where a chain
    starts (a capital's country would: one search finds it).
    """
    plan = question.plan
    before, last = [question.text], []
    for start in plan.starts:
        at = start
        for relation in plan.path:
            before.append(world.texts[at.name])
            at = _follow(at, relation)
        last.append(world.texts[at.name])
    cut_short = plan.path and any(start.name in text for start in plan.starts for text in last)
    return not cut_short and not any(question.answer in text for text in before)


def _phrase(rng: Rng, start: Entity, path: list[str]) -> str:
    phrase = pick(rng, ENTITIES[start.kind]).format(name=start.name)
    for relation in path:
        phrase = pick(rng, PHRASES[relation]).format(x=phrase)
    return phrase


def _follow(entity: Entity, relation: str) -> Entity:
    value = entity.facts[relation]
    assert isinstance(value, Entity)
    return value


def _number(entity: Entity, relation: str) -> int:
    value = entity.facts[relation]
    assert isinstance(value, int)
    return value
