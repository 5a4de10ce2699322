"""What is built holds all and only what belongs in it, and the core plays without torch."""

import importlib.metadata
import re
import shutil
import subprocess
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOMS = ("agents", "buffers", "config", "datasets", "envs", "rewards", "runtimes", "spaces", "wrappers")
SUFFIXES = (".py", ".yaml", ".j2", ".html", ".css", ".md", ".c", ".h", ".js", ".wit")


@pytest.fixture(scope="session")
def wheel(build, checkout, tmp_path_factory):
    place = tmp_path_factory.mktemp("wheel")
    return build(shutil.copytree(checkout, place / "source"), "wheel", place)


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/RECORD")}


def test_the_wheel_holds_every_module_and_data_file(checkout, wheel):
    expected = {
        "infinite_rl/" + name for name in ("__init__.py", "cli.py", "completion.py", "py.typed", "run_examples.py")
    }
    for room in ROOMS:
        files = [path for path in (checkout / room).rglob("*") if path.suffix in SUFFIXES]
        expected |= {f"infinite_rl/{path.relative_to(checkout).as_posix()}" for path in files}
    expected |= {f"infinite_rl/runtimes/{language}.wasm" for language in ("python", "javascript")}
    packed = {name for name in contents(wheel) if name.startswith("infinite_rl/")}
    assert packed == expected


def test_the_wheel_carries_the_licence_and_the_readme(wheel):
    files = contents(wheel)
    metadata = next(text for name, text in files.items() if name.endswith("METADATA")).decode()
    assert any(name.endswith("licenses/LICENSE") for name in files)
    assert re.search(r"^License(-Expression)?: Apache-2.0$", metadata, re.M)
    assert "# Infinite RL" in metadata


def test_a_wheel_made_from_the_sdist_equals_one_made_from_the_checkout(build, source, wheel, tmp_path):
    sdist = build(source, "sdist", tmp_path)
    with tarfile.open(sdist) as archive:
        assert not [name for name in archive.getnames() if name.endswith(".wasm")]
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert contents(build(unpacked, "wheel", tmp_path / "again")) == contents(wheel)


def closure(requirements: list[str]) -> set[str]:
    """The installed distributions that ``requirements`` without extras bring, by normalised name."""
    found: set[str] = set()
    queue = list(requirements)
    while queue:
        requirement = queue.pop()
        if re.search(r";.*extra\s*==", requirement):
            continue
        name = re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()
        if name in found:
            continue
        try:
            queue += importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # for another platform or Python
        found.add(name)
    return found


@pytest.fixture(scope="session")
def core_python(wheel, tmp_path_factory):
    """A fresh virtual environment with the wheel and its core requirements alone, taken from this environment."""
    place = tmp_path_factory.mktemp("core") / "venv"
    venv.create(place, with_pip=False, symlinks=True)
    site = next(place.glob("lib/python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    requirements = next(text for name, text in contents(wheel).items() if name.endswith("METADATA")).decode()
    for name in closure(re.findall(r"^Requires-Dist: (.*)$", requirements, re.M)):
        distribution = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
            (site / top).symlink_to(distribution.locate_file(top))
    return place / "bin" / "python"


def run_core(python: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, *arguments], capture_output=True, text=True, input=stdin, timeout=120, cwd=python.parent.parent
    )


def test_the_core_plays_an_environment_without_torch(core_python):
    code = (
        "import gymnasium, infinite_rl\n"
        "env = gymnasium.make('InfiniteRL/Math-v0', operations=['add'])\n"
        "question, info = env.reset(seed=3)\n"
        "a, b = question.removeprefix('What is ').split('?')[0].split('+')\n"
        "print(env.step(f'<answer>{int(a) + int(b)}</answer>')[1])\n"
        "vector = gymnasium.make_vec('InfiniteRL/Math-v0', num_envs=3)\n"
        "vector.reset(seed=1); print(vector.step(['<answer>no</answer>'] * 3)[1].sum())\n"
        "try:\n    import torch\nexcept ImportError:\n    print('no torch')\n"
    )
    done = run_core(core_python, "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:3] == ["1.0", "0.0", "no torch"]


def test_the_core_lists_and_plays_from_the_command_line(core_python):
    listed = run_core(core_python, "-m", "infinite_rl.cli", "envs")
    assert listed.returncode == 0, listed.stderr
    assert "InfiniteRL/Math-v0" in listed.stdout
    played = run_core(
        core_python,
        "-m",
        "infinite_rl.cli",
        "play",
        "InfiniteRL/Math-v0",
        "--episodes",
        "1",
        stdin="<answer>1</answer>\n",
    )
    assert played.returncode == 0, played.stderr
    assert "What is" in played.stdout


def test_the_core_shows_transcripts(core_python, tmp_path):
    (tmp_path / "episodes.jsonl").write_text('{"task_id": "t", "messages": [{"role": "user", "content": "1+1="}]}\n')
    shown = run_core(core_python, "-m", "infinite_rl.cli", "view", str(tmp_path / "episodes.jsonl"))
    assert shown.returncode == 0, shown.stderr
    assert "1+1=" in (tmp_path / "episodes.html").read_text("utf-8")
    refused = run_core(core_python, "-m", "infinite_rl.cli", "report", str(tmp_path))
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "pip install 'infinite-rl[train]'" in refused.stderr


def test_the_core_runs_the_examples(core_python):
    done = run_core(core_python, "-m", "infinite_rl.run_examples", "math")
    assert done.returncode == 0, done.stderr + done.stdout
    assert "math_fraction" in done.stdout


def test_the_core_reads_rubrics(core_python):
    rubric = "load_rubric('criteria: [{name: a, scorer: eq}]')"
    code = f"from infinite_rl.rewards import load_rubric; print({rubric}.criteria[0].name)"
    done = run_core(core_python, "-c", code)
    assert (done.stdout, done.returncode) == ("a\n", 0), done.stderr


def test_training_without_its_extra_names_the_command_that_installs_it(core_python):
    done = run_core(core_python, "-m", "infinite_rl.agents.train")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "[train]" in done.stderr
    assert "pip install" in done.stderr
