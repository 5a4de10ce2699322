"""The tables of a report: closed forms of means and sums."""

import pytest

from infinite_rl.agents.reports.data import Log
from infinite_rl.agents.reports.figures import compare, spend


def test_the_table_compares_the_first_with_the_last_tenth():
    log = Log({"reward/format": {step: step / 100 for step in range(100)}, "reward": {0: 1.0}})
    assert compare(log, "reward/") == [
        {"name": "format", "first": pytest.approx(0.045), "last": pytest.approx(0.945), "low": 0.0, "high": 0.99}
    ]


def test_time_is_the_sum_of_all_rows_those_of_repeated_steps_too():
    rows = [
        {"step": 1, "phase": "train", "seconds": 2.0, "cpu_seconds": 4.0, "update_seconds": 1.5},
        {"step": 1, "phase": "train", "seconds": 4.0, "cpu_seconds": 8.0, "update_seconds": 2.5},
        {"step": 1, "phase": "eval", "seconds": 2.0, "tokens_per_second": 7.0},
    ]
    train, evaluation = spend(rows)
    assert train == {"phase": "train", "seconds": 6.0, "share": 0.75, "cpu": 12.0, "parts": {"update_seconds": 4.0}}
    assert (evaluation["share"], evaluation["parts"]) == (0.25, {})
