"""The clock that ends runs at their time limit."""

import math
import threading
from types import SimpleNamespace

import pytest
from tiny_guest import end_programs, running, until

from infinite_rl.runtimes import ExecutionStatus, RewardExecutor
from infinite_rl.runtimes import deadlines as module
from infinite_rl.runtimes.deadlines import TICK, Deadlines
from infinite_rl.runtimes.engine import Limits
from infinite_rl.runtimes.sandboxes import sandboxes


class Engine:
    """Stands in for wasmtime: one engine, and stores of which each is its own context."""

    def __init__(self):
        self.epoch = 0
        self.deadlines = {}

    def increment_epoch(self, _):
        self.epoch += 1

    def set_epoch_deadline(self, context, ticks):
        self.deadlines[context] = self.epoch + ticks

    def expired(self):
        return {context for context, epoch in self.deadlines.items() if epoch <= self.epoch}


@pytest.fixture
def engine(monkeypatch):
    made = Engine()
    monkeypatch.setattr(module, "native", made)
    return made


@pytest.fixture
def clock(engine, monkeypatch):
    """A clock whose thread is this test."""
    now = [1000.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    made = Deadlines(0)
    made._thread = threading.current_thread()

    def move(seconds):
        now[0] += seconds
        if made._due:
            made._catch_up(now[0])

    made.move = move
    return made


def test_each_deadline_is_met_to_the_tick_and_none_before_its_time(engine, clock):
    limits = [0.001, 0.5, 5.0, 600.0, 86_400.0]
    for context, seconds in enumerate(limits):
        clock.arm(context, seconds)
    gone = 0.0
    for seconds in limits[:4]:
        clock.move(seconds - gone - 1e-6)
        gone = seconds + TICK
        assert engine.expired() == {context for context, limit in enumerate(limits) if limit < seconds}
        clock.move(TICK + 1e-6)
        assert engine.expired() == {context for context, limit in enumerate(limits) if limit <= seconds}


def test_a_process_that_was_stopped_for_days_does_not_count_every_tick_of_them(engine, clock):
    clock.arm("old", 5.0)
    clock.move(3 * 86_400)
    assert engine.expired() == {"old"}
    assert engine.epoch <= math.ceil(5.0 / TICK)
    clock.arm("new", 1.0)
    clock.move(1.0 - 1e-6)
    assert engine.expired() == {"old"}
    clock.move(TICK + 1e-6)
    assert engine.expired() == {"old", "new"}


def test_idle_time_is_not_counted(engine, clock):
    clock.disarm(clock.arm("first", 1.0))
    clock.move(1e6)
    clock.arm("second", 1.0)
    clock.move(0.5)
    assert engine.expired() == set()
    assert engine.epoch < 1000


@pytest.mark.parametrize("seconds", [1e-9, 0.001, 0.05])
def test_short_limits_end_programs(tiny, seconds):
    executor = RewardExecutor(timeout=seconds)
    assert executor.run("l", "python").status is ExecutionStatus.TIMEOUT
    assert RewardExecutor(timeout=86_400).run("e", "python", "x").stdout == "x"


def test_a_short_limit_is_kept_beside_long_ones(tiny):
    long, short = RewardExecutor(timeout=600, threads=1), RewardExecutor(timeout=0.05, threads=2)
    thread = threading.Thread(target=long.run, args=("l", "python"))
    thread.start()
    until(running, "the long program's start")
    assert short.run("l", "python").status is ExecutionStatus.TIMEOUT
    assert running() == 1
    end_programs()
    thread.join()


def test_a_clock_whose_thread_has_died_gets_another(tiny, monkeypatch):
    clock = sandboxes().engine(Limits.TIME).deadlines
    dead = threading.Thread(target=int)
    dead.start()
    dead.join()
    monkeypatch.setattr(clock, "_thread", dead)
    monkeypatch.setattr(clock, "_wake_at", math.inf)
    assert RewardExecutor(timeout=0.05).run("l", "python").status is ExecutionStatus.TIMEOUT
    assert clock._thread is not dead
