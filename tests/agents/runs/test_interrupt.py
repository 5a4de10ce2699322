"""Interrupts: the first asks, the second insists."""

import os
import signal
from contextlib import nullcontext

import pytest

from infinite_rl.agents.runs.interrupt import Interrupt


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
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_stops_at_once(first, second):
    heard = []
    with pytest.raises(KeyboardInterrupt), Interrupt(lambda: heard.append(True)) as interrupt:
        raise_signal(first)
        raise_signal(second)
    assert interrupt.signal == first
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
