"""Pages that docs/build.py makes are what it would make now; those of environments have tests of their own."""

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def build():
    spec = importlib.util.spec_from_file_location("docs_build", DOCS / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_algorithm_has_a_page_that_says_what_its_recipe_says(build):
    pages = build.algorithm_pages.pages()
    assert set(pages) == set((DOCS / "algorithms").glob("*.md"))
    for path, text in pages.items():
        assert path.read_text("utf-8") == text, "run python docs/build.py"


def test_the_page_of_speeds_says_what_was_measured(build):
    page = build.performance_page
    assert page.PAGE.read_text("utf-8") == page.page(), "run python docs/build.py"
