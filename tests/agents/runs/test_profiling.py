"""The profiler writes what was asked for, and only then."""

import gzip
import json

import pytest
import torch

from infinite_rl.agents.runs.profiling import profiled
from infinite_rl.agents.runs.stopwatch import Stopwatch


def run(folder, steps, of):
    """So many steps are made, of which some are asked for; the names of events in the trace."""
    watch = Stopwatch(torch.device("cpu"), traced=True)
    with profiled(folder, steps) as step:
        for number in range(of):
            with watch.phase(f"phase {number}"):
                torch.ones(8).softmax(0)
            step()
    path = folder / "trace.json.gz"
    if not path.exists():
        return []
    return [event.get("name", "") for event in json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]]


def test_the_steps_after_the_first_are_recorded_with_their_phases(tmp_path):
    names = run(tmp_path / "profile", 2, of=5)
    assert {name for name in names if name.startswith("phase")} == {"phase 1", "phase 2"}
    assert "aten::softmax" in names
    assert "aten::softmax" in (tmp_path / "profile" / "table.txt").read_text()


def test_a_run_that_ends_earlier_leaves_what_there_is(tmp_path):
    assert {name for name in run(tmp_path, 10, of=3) if name.startswith("phase")} == {"phase 1", "phase 2"}


@pytest.mark.parametrize("steps", [None, 0])
def test_nothing_is_recorded_where_nobody_asked(tmp_path, steps):
    assert run(tmp_path / "profile", steps, of=3) == []
    assert not (tmp_path / "profile").exists()
