"""An invented world: its entities, the facts about them, and the documents that state the facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from ..documents import Document
from ..drawing import Rng, integer, integers, pick, sample, shuffled
from ..procedural import stream
from ..task import Split
from .names import NameMaker
from .wording import DEFINITIONS, FACTS, FILLERS

COUNTRIES, CITIES, COMPANIES, PEOPLE, WORKS = 60, 240, 240, 960, 500


@dataclass(slots=True, eq=False)
class Entity:
    """Something that has a name and a document.

    Attributes:
        name: unique in its world.
        kind: ``country``, ``city``, ``company``, ``person`` or ``work``.
        facts: by relation: another entity, or a number.
    """

    name: str
    kind: str
    facts: dict[str, Entity | int] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Entity({self.name!r})"


@dataclass(frozen=True, eq=False)
class World:
    """All entities, and their documents.

    Attributes:
        entities: by kind.
        documents: one of each entity, in random order; its title is the entity's name.
        texts: the documents' texts by title.
    """

    entities: Mapping[str, list[Entity]]
    documents: list[Document]
    texts: Mapping[str, str]


@cache
def world_of(split: Split) -> World:
    """The world of a split; always the same one, made when first asked for. Two splits share no word of any name."""
    rng = stream("world of search", split)
    entities = _entities(rng, NameMaker(rng, split))
    everything = [entity for kind in entities.values() for entity in kind]
    documents = [
        Document(f"{split}-{number}", entity.name, _text(rng, entity))
        for number, entity in enumerate(shuffled(rng, everything))
    ]
    return World(entities, documents, {document.title: document.text for document in documents})


def written(value: Entity | int, relation: str) -> str:
    """A fact's value as documents write it."""
    if isinstance(value, Entity):
        return value.name
    return str(value) if relation in ("born", "founded", "started", "published") else f"{value:,}"


def _entities(rng: Rng, names: NameMaker) -> dict[str, list[Entity]]:
    countries = [Entity(name, "country") for name in names.countries(COUNTRIES)]
    cities = [Entity(name, "city") for name in sample(rng, names.cities(CITIES), CITIES)]
    companies = [Entity(name, "company") for name in names.companies(COMPANIES)]
    people = [Entity(name, "person") for name in names.people(PEOPLE)]
    works = [Entity(name, "work") for name in names.works(WORKS)]
    # People in the order of their births, so that teachers are older than their pupils.
    for number, (person, born) in enumerate(zip(people, sorted(integers(rng, PEOPLE, 1600, 1959)), strict=True)):
        person.facts = {"birthplace": pick(rng, cities), "born": born, "employer": pick(rng, companies)}
        if number >= 10:
            person.facts["teacher"] = people[integer(rng, max(0, number - 100), number - 10)]
    for number, city in enumerate(cities):
        city.facts = {
            "country": countries[number % COUNTRIES],
            "mayor": pick(rng, people),
            "founded": integer(rng, 900, 1590),
            "population": integer(rng, 2_000, 900_000),
        }
    for number, country in enumerate(countries):
        own = cities[number::COUNTRIES]
        country.facts = {"capital": pick(rng, own), "leader": pick(rng, people), "area": integer(rng, 5_000, 800_000)}
    for company in companies:
        founder = pick(rng, people)
        company.facts = {
            "founder": founder,
            "headquarters": pick(rng, cities),
            "started": _year_after(rng, founder),
            "employees": integer(rng, 40, 30_000),
        }
    for work in works:
        author, dedicatee = sample(rng, people, 2)
        work.facts = {
            "author": author,
            "published": _year_after(rng, author),
            "setting": pick(rng, cities),
            "dedicatee": dedicatee,
        }
    return {"country": countries, "city": cities, "company": companies, "person": people, "work": works}


def _year_after(rng: Rng, person: Entity) -> int:
    born = person.facts["born"]
    assert isinstance(born, int)
    return born + integer(rng, 20, 60)


def _text(rng: Rng, entity: Entity) -> str:
    """The document: what the entity is, its facts in any order, and a sentence that states none."""
    sentences = [
        pick(rng, FACTS[relation]).format(name=entity.name, value=written(value, relation))
        for relation, value in entity.facts.items()
    ]
    sentences = sample(rng, [*sentences, pick(rng, FILLERS[entity.kind])], len(sentences) + 1)
    return " ".join([pick(rng, DEFINITIONS[entity.kind]).format(name=entity.name), *sentences])
