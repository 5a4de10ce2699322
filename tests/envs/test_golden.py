"""The first tasks of every environment and family are what they were: a change needs a new version of the id."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import gymnasium
import pytest

from infinite_rl.datasets.fingerprint import fingerprint
from infinite_rl.datasets.task import Task, TaskList
from infinite_rl.envs.math import MathEnv

SPEC = importlib.util.spec_from_file_location("make_golden", Path(__file__).with_name("make_golden.py"))
make_golden = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(make_golden)
GOLDEN = json.loads(make_golden.PATH.read_text("utf-8"))


@pytest.mark.parametrize("name", make_golden.NAMES)
def test_first_tasks_are_what_they_were(name):
    assert name in GOLDEN, "new: run python tests/envs/make_golden.py"
    assert make_golden.golden(name) == GOLDEN[name], "changed: it needs a new version; see make_golden.py"


def test_nothing_is_left_over():
    assert set(GOLDEN) == set(make_golden.NAMES)


def test_seeds_splits_and_levels_differ():
    for name, hashes in GOLDEN.items():
        if name.startswith("InfiniteRL/"):
            named = [digest for key, digest in hashes.items() if "default" not in key]
            assert len(set(named)) == len(named), name
        else:
            assert len(set(hashes.values())) == len(hashes), name


TASK = Task.ask("What is 1+1?", "2", id="a", domain="math", grader="math", level=1)


@pytest.mark.parametrize(
    "change",
    [
        {"messages": ({"role": "user", "content": "What is 1+2?"},)},
        {"answer": "3"},
        {"domain": "text"},
        {"metadata": {"grader": "eq", "level": 1}},
    ],
)
def test_a_fingerprint_tells_what_is_asked_and_how_it_is_judged(change):
    assert fingerprint([replace(TASK, **change)]) != fingerprint([TASK])


def test_a_fingerprint_takes_no_notice_of_the_rest():
    assert fingerprint([replace(TASK, id="b", metadata={"level": 2, "grader": "math"})]) == fingerprint([TASK])
    assert fingerprint([TASK, TASK]) != fingerprint([TASK])


def test_seeds_of_resets_draw_the_tasks_that_they_drew():
    """What ``reset(seed=…)`` asks is a part of ``-v0`` too: which index a seed draws, and the next one behind it."""
    for name in ("InfiniteRL/Math-v0", "InfiniteRL/Search-v0"):
        env = gymnasium.make(name)
        drawn = [env.reset(seed=seed)[1]["task_index"] for seed in (0, 1, None)]
        assert drawn == [5737240835340368, 4610079356560476, 8561015897205333]
    filed = MathEnv(TaskList([TASK] * 1_000))
    assert [filed.reset(seed=seed)[1]["task_index"] for seed in (0, 1, None)] == [636, 511, 950]
