"""What the tests of packaging share: a clean checkout, and builds that find stand-ins of the artefacts in a cache."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# With one of these set, artefacts would come from elsewhere, or not at all.
REFUSED = ("RUNTIME_GITHUB_REPO", "RUNTIME_RELEASE_TAG", "INFINITE_RL_SKIP_RUNTIMES")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """The files that git knows, so that nothing a developer left behind takes part.

    Nothing is built in it: setuptools leaves a folder ``build`` behind, from which the next wheel would take artefacts.
    """
    place = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place / name)
    return place


@pytest.fixture
def source(checkout, tmp_path):
    """A checkout of its own, to build in."""
    return shutil.copytree(checkout, tmp_path / "source")


def stand_in(language: str, recipe: str) -> bytes:
    """An artefact with nothing but a description."""
    texts = {"language": language, "recipe": recipe, "version": "1", "engine": "Engine 1", "variant": "optimized"}
    numbers = ("control", "stdout", "stderr", "reply", "capacity", "reply_capacity", "exchange_slot")
    content = b"\x0binfinite_rl" + json.dumps({"abi": 1, **texts, **dict.fromkeys(numbers, 0)}).encode()
    return b"\0asm\x01\0\0\0" + b"\0" + bytes([len(content) & 0x7F | 0x80, len(content) >> 7]) + content


@pytest.fixture(scope="session")
def recipe(checkout):
    """The hash of the checkout's recipe."""
    code = "import sys; sys.path.insert(0, 'runtimes/build'); import recipe; print(recipe.recipe_hash())"
    done = subprocess.run([sys.executable, "-B", "-c", code], cwd=checkout, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="session")
def artefacts(recipe):
    """Stand-ins of what the checkout's recipe makes, by file name."""
    return {f"{language}.wasm": stand_in(language, recipe) for language in ("python", "javascript")}


@pytest.fixture(scope="session")
def filled_cache(recipe, artefacts, tmp_path_factory):
    """A user's cache that holds them."""
    cache = tmp_path_factory.mktemp("cache")
    folder = cache / "artefacts" / recipe
    folder.mkdir(parents=True)
    for name, content in artefacts.items():
        (folder / name).write_bytes(content)
    return cache


@pytest.fixture(scope="session")
def offline(tmp_path_factory):
    """An environment in which neither pip nor npm finds anything."""
    empty = tmp_path_factory.mktemp("empty")
    environment = {name: value for name, value in os.environ.items() if name not in REFUSED and name[:4] != "PIP_"}
    settings = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_CACHE_DIR": str(empty / "pip")}
    return {**environment, **settings, "npm_config_offline": "true", "npm_config_cache": str(empty / "npm")}


@pytest.fixture(scope="session")
def run_build(offline):
    """Runs setuptools' backend without isolation, network and artefacts, but for those of a given cache."""

    def run(source: Path, kind: str, target: Path, cache: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        code = f"from setuptools.build_meta import build_{kind} as build; print(build({str(target)!r}))"
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=source,
            env={**offline, "INFINITE_RL_CACHE": str(cache), **environment},
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


@pytest.fixture(scope="session")
def build(run_build, filled_cache):
    """Builds what must succeed; returns the file."""

    def make(source: Path, kind: str, target: Path) -> Path:
        done = run_build(source, kind, target, filled_cache)
        assert done.returncode == 0, done.stderr
        return target / done.stdout.strip().splitlines()[-1]

    return make
