"""The page for those who come from other systems names what there is."""

import re
import sys
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from doc_pages import ROOT, prose

ROWS = [line.split("|") for _, line in prose(ROOT / "docs" / "migration.md") if line.startswith("| `")]
OLD, NEW = ([row[column] for row in ROWS] for column in (1, 2))


def test_each_line_that_takes_the_place_of_an_old_one_runs():
    lines = [line for cell in NEW for line in re.findall(r"`((?:from|import) [^`]+)`", cell)]
    assert len(lines) > 12
    for line in lines:
        exec(line, {})


def test_each_module_that_takes_the_place_of_an_old_one_is_there():
    names = [name for cell in NEW for name in re.findall(r"`python -m ([\w.]+)", cell)]
    assert len(names) > 2
    assert [name for name in names if find_spec(f"infinite_rl.{name.removeprefix('infinite_rl.')}") is None] == []


def test_old_modules_have_a_row_and_are_gone():
    gone = {name for cell in OLD for name in re.findall(r"`(infinite_rl\.\w+)", cell)}
    assert gone == {
        f"infinite_rl.{name}" for name in ("executor", "generator", "parser", "prompts", "reward_functions")
    }
    assert [name for name in gone if find_spec(name) is not None] == []
    text = " ".join(OLD)
    for name in ("rl_primitives", "train.trainer.grpo", "env/eq.py"):
        assert name in text
