import importlib.util
import re
from pathlib import Path

import gymnasium
import pytest

from infinite_rl.agents.runs.load_config import known_keys
from infinite_rl.datasets.coding.families import FAMILIES as CODING
from infinite_rl.datasets.reasoning.families import DOMAINS, FAMILIES
from infinite_rl.envs.registration import ENVIRONMENTS

DOCS = Path(__file__).parents[2] / "docs"


def python_blocks(page):
    return re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


BLOCKS = [(page, number) for page in ("envs.md", "spaces.md") for number in range(len(python_blocks(page)))]


@pytest.fixture
def build():
    spec = importlib.util.spec_from_file_location("docs_build", DOCS / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("page", "number"), BLOCKS)
def test_examples_run_as_they_stand(page, number, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gymnasium.envs.registration, "registry", gymnasium.registry.copy())
    exec(compile(python_blocks(page)[number], f"{page}[{number}]", "exec"), {"__name__": "example"})


def test_an_environment_takes_at_most_sixty_lines():
    (example,) = (block for block in python_blocks("envs.md") if "class ReversalEnv" in block)
    assert len(example.splitlines()) <= 60


@pytest.mark.parametrize("row", ENVIRONMENTS, ids=lambda row: row.id)
def test_pages_are_what_the_docstrings_say(row, build):
    assert build.path_of(row).read_text(encoding="utf-8") == build.page(row), "run python docs/build.py"


def test_every_environment_is_on_the_overview_and_no_page_is_left_over(build):
    overview = (DOCS / "envs.md").read_text(encoding="utf-8")
    assert all(f"`{row.id}`" in overview for row in ENVIRONMENTS)
    assert set(build.PAGES.glob("*.md")) == {build.path_of(row) for row in ENVIRONMENTS}


def test_the_page_of_the_commands_is_what_their_parsers_say(build):
    assert build.COMMANDS_PAGE.read_text(encoding="utf-8") == build.commands(), "run python docs/build.py"


def test_the_page_of_the_configuration_says_what_every_key_is(build):
    page = build.configuration()
    assert build.CONFIGURATION_PAGE.read_text(encoding="utf-8") == page, "run python docs/build.py"
    for key in known_keys():
        assert f"`{key}`" in page or f"## {key}\n" in page, key


def test_the_page_of_metrics_is_what_the_code_says(build):
    assert build.METRICS_PAGE.read_text(encoding="utf-8") == build.metrics(), "run python docs/build.py"


def test_the_page_of_families_is_what_their_docstrings_and_floors_say(build):
    assert build.FAMILIES_PAGE.read_text(encoding="utf-8") == build.families(), "run python docs/build.py"
    assert all(f"| `{name}` |" in build.families() for name in (*FAMILIES, *CODING))


def test_published_floors_stay_at_the_declared_chance(build):
    names = {f"{domain}/{name}" for domain, names in (DOMAINS | {"coding": CODING}).items() for name in names}
    assert set(build.FLOORS) == names | {row.id for row in ENVIRONMENTS}, "run python benchmarks/floors.py"
    for name in names:
        family = FAMILIES.get(name.split("/")[1])
        for level, found in build.FLOORS[name].items():
            chance = 0.02 if family is None else family.chance[int(level) - 1]
            # Of few tasks a lucky share above chance is no leak: three standard deviations and a half.
            slack = 0.02 + 3.5 * (max(chance, 0.005) * (1 - chance) / found["count"]) ** 0.5
            for policy in build.POLICIES:
                assert found[policy] <= chance + slack, (name, level, policy)
