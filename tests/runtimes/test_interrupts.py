"""Wherever a caller is cut off, by Ctrl-C or another thread, an executor stays whole."""

import contextlib
import ctypes
import itertools
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tiny_guest import until
from torment import assert_whole, operations, resources

from infinite_rl.runtimes import RewardExecutor

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")


class Cut(BaseException):
    """Raised where nobody expects it."""


@pytest.fixture
def whole(tiny):
    """An executor that must have lost nothing when the test is over."""
    with RewardExecutor(timeout=60, threads=3) as executor:
        assert_whole(executor)
        before = resources()
        yield executor
        assert_whole(executor)
        memory, threads, files, mappings = (now - then for now, then in zip(resources(), before, strict=True))
        assert memory < 20_000  # KiB: a lost instance has 300, and thousands would be lost.
        # Fewer, where something of an earlier test has ended meanwhile.
        assert threads <= 0
        assert files <= 0
        assert mappings < 50


def cut_at(operation, step):
    """Calls a function and raises Cut before its ``step``-th instruction; whether it has so many."""

    def trace(frame, event, _):
        nonlocal step
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode":
            step -= 1
            if step == 0:
                raise Cut
        return trace

    sys.settrace(trace)
    try:
        operation()
    except Cut:
        return True
    finally:
        sys.settrace(None)
    return False


@pytest.mark.parametrize("name", operations(None))
@pytest.mark.parametrize("stride", [29, pytest.param(1, marks=pytest.mark.slow)])
def test_no_instruction_is_a_wrong_one_to_be_cut_off_at(whole, name, stride, monkeypatch):
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    operation = operations(whole)[name]
    steps = next(step for step in itertools.count(1, stride) if not cut_at(operation, step))
    assert steps > 100


@pytest.mark.parametrize("rounds", [200, pytest.param(1000, marks=pytest.mark.slow)])
def test_exceptions_from_other_threads_at_any_time(whole, rounds, monkeypatch):
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)  # One may hit a finaliser, which swallows it.
    chosen = list(operations(whole).values())
    entered, left = [0] * 4, [0] * 4

    def victim(number):
        calls = random.Random(number)
        for _ in range(rounds):
            try:
                entered[number] += 1
                while True:  # Until it is hit, so that it is always hit here.
                    calls.choice(chosen)()
            except Cut:
                left[number] += 1

    victims = [threading.Thread(target=victim, args=(number,)) for number in range(len(left))]
    times = random.Random(0)
    for thread in victims:
        thread.start()
    for round_ in range(1, rounds + 1):
        until(lambda: min(entered) == round_, "everybody at work")  # noqa: B023
        time.sleep(times.uniform(0, 1e-3))
        while min(left) < round_:
            for number, thread in enumerate(victims):
                if left[number] < round_:
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Cut))
            with contextlib.suppress(AssertionError):
                until(lambda: min(left) == round_, "hits", patience=2)  # noqa: B023
    for thread in victims:
        thread.join()


SIGNALS = """
import random, signal, sys, threading, time
import tiny_guest
from torment import assert_whole, operations, resources
from infinite_rl.runtimes import RewardExecutor

tiny_guest.install()
executor = RewardExecutor(timeout=60, threads=3)
assert_whole(executor)
chosen = list(operations(executor).values())
before = resources()
armed = False


def interrupt(number, frame):
    if armed:
        raise KeyboardInterrupt


signal.signal(signal.SIGINT, interrupt)
signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
times = random.Random(0)
for _ in range(int(sys.argv[1])):
    try:
        armed = True
        signal.setitimer(signal.ITIMER_REAL, times.uniform(1e-6, 1e-3), 2.0)  # Again, should a finaliser swallow it.
        while True:
            times.choice(chosen)()
    except KeyboardInterrupt:
        armed = False
signal.setitimer(signal.ITIMER_REAL, 0)
assert_whole(executor)
memory, threads, files, mappings = (now - then for now, then in zip(resources(), before))
assert memory < 20_000 and threads == files == 0 and mappings < 50, (memory, threads, files, mappings)
print("whole")
"""


@pytest.mark.parametrize("rounds", [500, pytest.param(5000, marks=pytest.mark.slow)])
def test_ctrl_c_at_any_time(rounds):
    command = [sys.executable, "-c", SIGNALS, str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stdout) == (0, "whole\n"), done.stderr
