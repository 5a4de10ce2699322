"""The notebook runs from top to bottom, and is kept without outputs."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "infinite_rl.ipynb"
CELLS = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
CODES = ["".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code"]
# A look at the training instead of all of it.
BRIEF = '"trainer.steps=2", "model.warm_start.max_steps=10", "model.warm_start.target=null", '
BRIEF += '"data.train_size=40", "data.validation_size=10", "data.test_size=10", "evaluation.samples_per_prompt=1"'


def as_python(code):
    """A cell for plain Python: what only notebooks understand is left out."""
    return re.sub(r"(?m)^(\s*)[%!].*$", r"\1pass", code)


def run(codes, folder):
    """Runs cells in order, in one fresh process that has no network to go to."""
    program = folder / "notebook.py"
    lines = ["import socket", "socket.getaddrinfo = None", *map(as_python, codes)]
    program.write_text("\n".join(lines), encoding="utf-8")
    command = [sys.executable, str(program)]
    environment = {"MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "HOME": str(Path.home())}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_cell_has_an_output():
    assert len(CODES) >= 8
    assert not [cell for cell in CELLS if cell.get("outputs") or cell.get("execution_count")]
    assert len({cell["id"] for cell in CELLS}) == len(CELLS)


def test_all_cells_run_in_order(tmp_path):
    assert sum("trainer.steps=30" in code for code in CODES) == 1
    output = run([code.replace('"trainer.steps=30"', BRIEF) for code in CODES], tmp_path)
    assert "timeout\n" in output
    assert "FileNotFoundError" in output or "PermissionError" in output
    assert re.search(r"mean reward \d\.\d\d$", output.strip())


@pytest.mark.slow
def test_the_model_of_the_notebook_learns(tmp_path):
    output = run(CODES, tmp_path)
    before, after = map(float, re.search(r"solved: ([\d.]+) -> ([\d.]+)", output).groups())
    assert after > before + 0.1
