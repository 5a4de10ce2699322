"""Interrupts: the first asks, the second insists."""

import os
import signal
import time
from contextlib import nullcontext, suppress

import pytest

from infinite_rl.agents.runs.interrupt import Interrupt, Leave


def raise_signal(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_the_first_signal_asks_the_run_to_stop(number, code):
    heard = []
    with Interrupt(lambda: heard.append(True)) as interrupt:
        assert not interrupt.requested
        raise_signal(number)
        assert interrupt.requested
        assert interrupt.exit_code == code
    assert heard == [True]


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_after_another_signal_stops_at_once(first):
    heard = []
    with pytest.raises(KeyboardInterrupt), Interrupt(lambda: heard.append(True)) as interrupt:
        raise_signal(first)
        raise_signal(signal.SIGINT)
    assert interrupt.signal == first
    assert heard == [True]


@pytest.mark.parametrize(("first", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_sigterm_after_another_signal_still_saves(first, code):
    """Schedulers signal a process and its group, and launchers pass on what they get: it comes twice, within 1 ms."""
    heard = []
    with Interrupt(lambda: heard.append(True), grace=0.05) as interrupt:
        raise_signal(first)
        raise_signal(signal.SIGTERM)
        assert interrupt.exit_code == code
        with pytest.raises(Leave), interrupt.leaving():
            wait()
    assert heard == [True]


def test_without_a_signal_the_exit_code_is_zero():
    with Interrupt(lambda: None) as interrupt:
        pass
    assert interrupt.exit_code == 0


@pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt])
def test_handlers_are_given_back(error):
    def own(number, frame):
        pass

    before = [signal.signal(number, own) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        with pytest.raises(error) if error else nullcontext(), Interrupt(lambda: None):
            assert signal.getsignal(signal.SIGINT) is not own
            if error:
                raise error
        assert signal.getsignal(signal.SIGINT) is own
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(number, handler)


def test_interrupts_nest():
    with Interrupt(lambda: None) as outer:
        with Interrupt(lambda: None) as inner:
            raise_signal(signal.SIGINT)
        assert inner.requested
        assert not outer.requested
        raise_signal(signal.SIGTERM)
        assert outer.requested


def wait(seconds=20.0):
    """As one waits for an environment that is slow."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)


def test_some_time_after_sigterm_what_may_be_left_is_left():
    with Interrupt(lambda: None, grace=0.05) as interrupt:
        with interrupt.leaving():
            pass
        with pytest.raises(Leave), interrupt.leaving():
            raise_signal(signal.SIGTERM)
            wait()
        with pytest.raises(Leave), interrupt.leaving():
            pytest.fail("there is no time to begin anything")
        assert interrupt.exit_code == 0


def test_what_swallows_it_is_left_at_the_next_occasion():
    with Interrupt(lambda: None, grace=0.05) as interrupt, pytest.raises(Leave), interrupt.leaving():
        raise_signal(signal.SIGTERM)
        with suppress(BaseException):
            wait()
        wait()


def test_what_may_not_be_left_is_finished():
    with Interrupt(lambda: None, grace=0.05) as interrupt:
        raise_signal(signal.SIGTERM)
        wait(0.3)
        assert interrupt.requested


def test_nothing_is_left_after_ctrl_c_nor_before_the_time_is_over():
    with Interrupt(lambda: None, grace=0.05) as interrupt, interrupt.leaving():
        raise_signal(signal.SIGINT)
        wait(0.3)
    with Interrupt(lambda: None, grace=60.0) as interrupt, interrupt.leaving():
        raise_signal(signal.SIGTERM)
        wait(0.1)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
