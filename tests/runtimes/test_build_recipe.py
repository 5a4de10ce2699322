"""The recipe's hash follows all that shapes an artefact, and nothing else."""

import re
import shutil
from pathlib import Path

import pytest

from infinite_rl.runtimes.build import recipe

RUNTIMES = Path(recipe.__file__).parents[1]


@pytest.fixture
def copy(tmp_path):
    """The folders that the hash covers."""
    for name in ("build", "guests"):
        shutil.copytree(RUNTIMES / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(RUNTIMES / "standard_types.py", tmp_path)
    return tmp_path


def sources(folder):
    suffixes = (".c", ".h", ".js", ".py", ".wit")
    found = [path for path in sorted((folder / "guests").rglob("*")) if path.suffix in suffixes]
    return [*found, folder / "standard_types.py"]


def test_every_source_of_a_guest_counts(copy):
    before = recipe.recipe_hash(copy)
    assert sources(copy)
    for path in sources(copy):
        text = path.read_bytes()
        path.write_bytes(text + b" ")
        assert recipe.recipe_hash(copy) != before, path
        path.write_bytes(text)
    assert recipe.recipe_hash(copy) == before


def test_a_new_a_renamed_and_a_removed_source_count(copy):
    hashes = {recipe.recipe_hash(copy)}
    first = sources(copy)[0]
    (first.parent / "new.py").write_text("")
    hashes.add(recipe.recipe_hash(copy))
    (first.parent / "new.py").rename(first.parent / "newer.py")
    hashes.add(recipe.recipe_hash(copy))
    first.unlink()
    hashes.add(recipe.recipe_hash(copy))
    assert len(hashes) == 4


def test_modules_that_build_count_and_modules_that_carry_do_not(copy):
    before = recipe.recipe_hash(copy)
    for name in ("fetch.py", "__main__.py", "release.py"):
        (copy / "build" / name).write_text("# changed\n")
    assert recipe.recipe_hash(copy) == before
    (copy / "build" / "wasm.py").write_text("# changed\n")
    assert recipe.recipe_hash(copy) != before


def test_caches_and_ends_of_lines_do_not_count(copy):
    before = recipe.recipe_hash(copy)
    for path in sources(copy):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    (copy / "guests" / "__pycache__").mkdir()
    (copy / "guests" / "__pycache__" / "app.py").write_text("")
    (copy / "guests" / "notes.txt").write_text("")
    assert recipe.recipe_hash(copy) == before


def test_pins_count(copy, monkeypatch):
    before = recipe.recipe_hash(copy)
    assert re.fullmatch("[0-9a-f]{64}", before)
    monkeypatch.setattr(recipe, "BINARYEN", recipe.NpmPackage("binaryen", "1", "sha512-x"))
    assert recipe.recipe_hash(copy) != before


def test_every_file_of_every_tool_is_pinned_by_hash():
    for tool in recipe.DISTRIBUTIONS:
        stem = f"{tool.name.replace('-', '_')}-{tool.version}"
        assert all(name.startswith(stem) for name in tool.sha256)
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in tool.sha256.values())
        assert len(set(tool.sha256.values())) == len(tool.sha256)


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_every_tool_of_a_language_is_pinned(platform):
    for language in recipe.LANGUAGES:
        assert set(map(id, recipe.tools_of(language, platform))) <= set(map(id, recipe.DISTRIBUTIONS))
