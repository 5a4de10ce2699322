"""Seconds by phase."""

import time

import pytest
import torch

from infinite_rl.agents.runs.stopwatch import Stopwatch


@pytest.fixture
def clock(monkeypatch):
    """Time passes only when it is told to."""
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def wait(seconds):
        now[0] += seconds

    return wait


@pytest.fixture
def watch():
    return Stopwatch(torch.device("cpu"))


def test_phases_add_up_and_may_lie_in_each_other(clock, watch):
    for seconds in (1.0, 2.0):
        with watch.phase("learning"):
            clock(0.5)
            with watch.phase("backward"):
                clock(seconds)
        clock(8.0)
    assert watch.lap() == {"backward_seconds": 3.0, "learning_seconds": 4.0}


def test_a_lap_begins_anew(clock, watch):
    with watch.phase("rollout"):
        clock(1.0)
    watch.lap()
    assert watch.lap() == {}


def test_a_phase_that_fails_has_taken_its_time(clock, watch):
    with pytest.raises(ZeroDivisionError), watch.phase("rollout"):
        clock(1.0)
        raise ZeroDivisionError
    assert watch.lap() == {"rollout_seconds": 1.0}


def test_every_call_of_a_watched_method_counts_and_says_what_it_said(clock, watch):
    class Worker:
        def work(self, seconds, *, twice=False):
            clock(seconds * (1 + twice))
            return "done"

    worker = Worker()
    watch.watch(worker, "work", "backward")
    assert worker.work(1.0) == worker.work(2.0, twice=True) == "done"
    assert watch.lap() == {"backward_seconds": 5.0}
    assert Worker().work(1.0) == "done"
    assert watch.lap() == {}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_a_phase_has_the_time_of_its_own_work():
    device = torch.device("cuda")
    watch, matrix = Stopwatch(device), torch.randn(4096, 4096, device=device)
    torch.cuda.synchronize()
    with watch.phase("work"):
        for _ in range(50):
            matrix = torch.nn.functional.normalize(matrix @ matrix)
    with watch.phase("nothing"):
        pass
    found = watch.lap()
    assert found["work_seconds"] > 10 * found["nothing_seconds"]
