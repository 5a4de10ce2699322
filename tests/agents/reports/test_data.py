"""A run's folder as its report reads it."""

from infinite_rl.agents.reports.data import read_logs


def test_a_step_written_twice_counts_as_last_written():
    rows = [
        {"step": step, "phase": "train", "reward": value} for step, value in ((1, 0.1), (2, 0.2), (2, 0.9), (3, 0.3))
    ]
    logs = read_logs(rows, "metrics.jsonl", [])
    assert logs["train"]["reward"] == {1: 0.1, 2: 0.9, 3: 0.3}
