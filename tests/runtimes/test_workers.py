"""The threads that run guests: who gets one, and when."""

import contextlib
import ctypes
import sys
import threading

import pytest

from infinite_rl.runtimes import workers as module
from infinite_rl.runtimes.workers import Lane, Task, Workers, WorkersClosedError


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


def test_no_more_tasks_run_at_once_than_a_lane_is_wide_and_no_fewer():
    lane, running, most = Lane(3), [], []
    everybody = threading.Barrier(3)

    def work():
        running.append(1)
        most.append(len(running))
        everybody.wait(60)
        running.pop()
        everybody.wait(60)

    for task in [lane.submit(Task(work)) for _ in range(30)]:
        task.result()
    assert max(most) == 3


def test_a_dropped_task_never_begins():
    lane, gate, begun = Lane(1), threading.Event(), []
    lane.submit(Task(gate.wait))
    task = lane.submit(Task(lambda: begun.append(1)))
    task.drop()
    gate.set()
    lane.run(lambda: None)
    assert not begun


def test_what_a_task_raises_reaches_its_caller_and_not_its_worker():
    lane = Lane(1)
    with pytest.raises(ZeroDivisionError):
        lane.run(lambda: 1 / 0)
    with pytest.raises(SystemExit):
        lane.run(sys.exit)
    assert lane.run(lambda: 5) == 5


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_was_killed_is_replaced(one_thread):
    lane = Lane(1)
    first = lane.run(threading.current_thread)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(first.ident), ctypes.py_object(SystemExit))
    with contextlib.suppress(SystemExit):
        lane.run(lambda: None)  # Wakes it.
    first.join(60)
    assert lane.run(threading.current_thread) is not first


def test_where_no_thread_can_be_started_the_caller_is_told(one_thread, monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(module, "start_thread", refuse)
        with pytest.raises(WorkersClosedError, match="can't start new thread"):
            Lane(1).run(lambda: 1)
    assert Lane(1).run(lambda: 1) == 1
