"""The tutorial is done as it says: each block is saved under its name, and run in the order of the page."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from doc_pages import TUTORIAL as PAGE
from doc_pages import blocks

BLOCKS = blocks(PAGE)
FILES = {match[1]: block.code for block in BLOCKS if (match := re.match(r"# (\w+\.py)\n", block.code))}
(TRAINING,) = [block.code for block in BLOCKS if block.language == "bash"]
# A look at the training instead of all of it.
BRIEF = ["trainer.steps=1", "model.warm_start.max_steps=1", "model.warm_start.target=null"]
BRIEF += ["data.train_size=40", "data.validation_size=10", "data.test_size=10", "evaluation.samples_per_prompt=1"]


def run(folder, *command, said=""):
    done = subprocess.run(command, cwd=folder, input=said, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the files are saved."""
    folder = tmp_path_factory.mktemp("tutorial")
    for name, code in FILES.items():
        (folder / name).write_text(code, encoding="utf-8")
    return folder


def test_every_block_has_a_name_but_the_command():
    assert list(FILES) == ["sorting.py", "play.py", "test_sorting.py", "look.py"]
    assert len(BLOCKS) == len(FILES) + 1


def test_the_environment_takes_less_than_60_lines():
    assert len(FILES["sorting.py"].splitlines()) < 60


def test_it_plays(folder):
    assert re.fullmatch(r"\d{4}>\n", run(folder, sys.executable, "play.py"))


def test_it_plays_at_a_terminal(folder):
    command = re.search(r"`python (-m infinite_rl\.cli play \S+)`", PAGE.read_text("utf-8"))[1]
    said = run(folder, sys.executable, *command.split(), "--seed", "0", said="<answer>1</answer>\n")
    assert "reward 0, format 1, scored" in said


def test_its_tests_pass(folder):
    run(folder, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_sorting.py")


def test_its_training_starts_and_shows_what_was_learnt(folder, monkeypatch):
    from infinite_rl.agents.train import main

    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    python, flag, module, *given = shlex.split(TRAINING)
    assert (python, flag, module) == ("python", "-m", main.__module__)
    assert main([*given, *BRIEF, "trainer.save_dir=brief"]) == 0
    shown = FILES["look.py"].replace("sorted/", "brief/").replace('assert summary["test_after"] > ', "")
    assert re.fullmatch(r"[\d.]+ -> [\d.]+\n", run(folder, sys.executable, "-c", shown))


@pytest.mark.slow
def test_a_model_learns_it(folder):
    run(folder, sys.executable, *shlex.split(TRAINING)[1:])
    before, after = map(float, run(folder, sys.executable, "look.py").split("->"))
    assert after > before + 0.2
