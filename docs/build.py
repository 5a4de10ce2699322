"""Writes the pages of the environments and of the families of tasks.

They come from the classes' docstrings, the registration table, and the floors that ``benchmarks/floors.py`` has
measured. Run ``python docs/build.py`` after changing any of them; a test compares the pages with what this makes.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from infinite_rl.datasets.coding.families import FAMILIES as CODING
from infinite_rl.datasets.reasoning.families import DOMAINS, FAMILIES
from infinite_rl.envs.registration import ENVIRONMENTS, Row

PAGES = Path(__file__).parent / "environments"
FAMILIES_PAGE = Path(__file__).parent / "families.md"
FLOORS: dict[str, dict[str, dict[str, Any]]] = json.loads(
    (Path(__file__).parents[1] / "benchmarks" / "results" / "floors.json").read_text("utf-8")
)
POLICIES = ("empty", "copy", "constant", "majority", "random")

TEMPLATE = """\
<!-- Made by docs/build.py from the docstring of {environment}; change it there. -->
# {id}

{text}

| | |
|---|---|
| make | `gymnasium.make("{id}")` after `import infinite_rl` |
| many at once | `gymnasium.make_vec("{id}", num_envs=16)` |
| observation, action | text, as in every text environment (see `docs/envs.md`) |
| render modes | {render_modes} |
| reward threshold | {reward_threshold} |
| deterministic | yes: the same seed and actions give the same episode |

What policies earn on the test split that understand nothing, as measured by `benchmarks/floors.py`: *empty* says
nothing, *copy* repeats the prompt or a part of it, *constant* always gives the answer that earns most in training,
*majority* the most common solution of training, *random* that of some training task (see [families](../families.md)).

| level | tasks | empty | copy | constant | majority | random |
|---|---|---|---|---|---|---|
{floors}
"""

FAMILIES_TEMPLATE = """\
<!-- Made by docs/build.py from the families' docstrings and benchmarks/results/floors.json; change it there. -->
# Families of tasks

{count} families: {counts}. `ReasoningSource` and `CodingSource` draw from them (see [datasets](datasets.md)).

Each is judged by value (`math`), as text (`eq`), as a choice (`multiple_choice`), by the family itself where there are
many right answers (`family`), or by hidden tests (`coding`). *Chance* is what a family declares: the most that luck
earns at each level. The other columns are mean rewards, measured by `python benchmarks/floors.py` on tasks of the test
split: of empty answers; of copies of the prompt, its first line or its end; of the constant that earns most in
training; of the most common solution; and of another task's solution. Four numbers are those of levels 1 to 4; one
number holds at all levels. They are means of {least} to {most} tasks, so that luck may move them by a few hundredths.

{tables}
"""


def page(row: Row) -> str:
    """The page of one environment, Markdown."""
    environment = row.load()
    return TEMPLATE.format(
        id=row.id,
        environment=environment.__name__,
        text=markdown(inspect.getdoc(environment) or ""),
        render_modes=", ".join(f"`{mode}`" for mode in environment.metadata["render_modes"]),
        reward_threshold="none" if row.reward_threshold is None else row.reward_threshold,
        floors="\n".join(
            line(level, of["count"], *(f"{of[policy]:.3f}" for policy in POLICIES))
            for level, of in sorted(FLOORS.get(row.id, {}).items())
        ),
    )


def families() -> str:
    """The page of all families, Markdown."""
    domains = {domain: [*names] for domain, names in DOMAINS.items()} | {"coding": [*CODING]}
    tables = [f"## {domain.capitalize()}\n\n{table(domain, names)}" for domain, names in domains.items()]
    tasks = [of["count"] for levels in FLOORS.values() for of in levels.values()]
    return FAMILIES_TEMPLATE.format(
        least=min(tasks),
        most=max(tasks),
        count=sum(map(len, domains.values())),
        counts=", ".join(f"{len(names)} of {domain}" for domain, names in domains.items()),
        tables="\n\n".join(tables),
    )


def table(domain: str, names: Iterable[str]) -> str:
    """What the families of one domain ask, how they are judged, and what their floors are."""
    coding = domain == "coding"
    rows = [line("family", "asks", "level" if coding else "judged by", "chance", *POLICIES), line(*["---"] * 9)]
    for name in names:
        family = CODING[name] if coding else FAMILIES[name]
        asks = (inspect.getdoc(type(family)) or "").split("\n\n")[0].replace("\n", " ")
        floors = FLOORS.get(f"{domain}/{name}", {})
        measured = [numbers([of[policy] for _, of in sorted(floors.items())]) for policy in POLICIES]
        kind, chance = (CODING[name].level, (0.0,)) if coding else (f"`{FAMILIES[name].grader}`", FAMILIES[name].chance)
        rows.append(line(f"`{name}`", asks.replace("|", "\\|").replace("``", "`"), kind, numbers(chance), *measured))
    return "\n".join(rows)


def numbers(values: Iterable[float]) -> str:
    """Numbers by level, or the one that all are."""
    texts = [f"{value:.2f}" for value in values]
    return " ".join(texts if len(set(texts)) > 1 else texts[:1]) or "not measured"


def line(*cells: object) -> str:
    """A line of a table."""
    return f"| {' | '.join(map(str, cells))} |"


def markdown(docstring: str) -> str:
    """A docstring's ``Name: text`` entries as a list, its double backquotes as single ones."""
    entries = re.sub(r"\n(?=[A-Z]\w*: )", "\n- ", docstring.replace("``", "`"))
    return re.sub(r"^- (\w+): ", r"- **\1**: ", entries, flags=re.MULTILINE)


def path_of(row: Row) -> Path:
    """Where the page lies: ``Math-v0`` is ``math.md``."""
    return PAGES / f"{row.name.rsplit('-v', 1)[0].lower()}.md"


def main() -> None:
    """Writes every page."""
    PAGES.mkdir(exist_ok=True)
    for row in ENVIRONMENTS:
        path_of(row).write_text(page(row), encoding="utf-8")
    FAMILIES_PAGE.write_text(families(), encoding="utf-8")


if __name__ == "__main__":
    main()
