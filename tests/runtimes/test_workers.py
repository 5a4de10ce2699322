"""The threads that run guests: who gets one, and when."""

import threading

import pytest

from infinite_rl.runtimes import workers as module
from infinite_rl.runtimes.workers import Lane, Task, Workers


@pytest.fixture
def one_thread(monkeypatch):
    """The process's workers are a single thread."""
    monkeypatch.setattr(module, "_workers", Workers(1))


def test_one_executors_backlog_does_not_block_anothers_task(one_thread):
    order = []
    gate = threading.Event()
    busy, other = Lane(1), Lane(1)
    busy.submit(Task(gate.wait))
    last = [busy.submit(Task(lambda: order.append("busy"))) for _ in range(5)][-1]
    other.submit(Task(lambda: order.append("other")))
    gate.set()
    last.result()
    assert "other" in order[:2]
