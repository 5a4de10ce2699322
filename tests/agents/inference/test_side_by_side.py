"""Calls side by side, and one answer for many who ask."""

import threading
import time

import pytest

from infinite_rl.agents.inference.side_by_side import Shared, at_once, in_thread


def test_results_come_in_the_order_of_the_calls_and_no_more_than_so_many_run():
    running, most, lock = [0], [0], threading.Lock()

    def call(number):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.02 / (number + 1))
        with lock:
            running[0] -= 1
        return number

    assert at_once([lambda number=number: call(number) for number in range(9)], 3) == list(range(9))
    assert most == [3]
    assert at_once([], 3) == []


def test_what_fails_is_raised_at_once_and_nothing_else_begins():
    begun, hang = [], threading.Event()

    def fail():
        time.sleep(0.02)
        raise LookupError("this one")

    # Three threads: when one has failed, the two others hang, and then find that nothing is wanted any more.
    calls = [hang.wait, hang.wait, fail]
    with pytest.raises(LookupError, match="this one"):
        at_once([*calls, hang.wait, *[lambda: begun.append(1)] * 5], 3)
    hang.set()
    time.sleep(0.05)
    assert not begun


def test_an_answer_serves_all_who_asked_before_it_was_sent_and_nobody_who_came_later():
    asked, go_on = [], threading.Event()

    def call():
        asked.append(time.monotonic())
        assert go_on.wait(60)
        return len(asked)

    shared = Shared(call)
    first = in_thread(shared)
    while not asked:
        time.sleep(0.001)
    later = [in_thread(shared) for _ in range(20)]
    time.sleep(0.05)
    go_on.set()
    assert first.result(60) == 1, "those who came later wait for an answer of their own"
    assert {one.result(60) for one in later} == {2}
    assert shared() == 3


def test_everyone_who_asked_hears_of_a_failure():
    def fail():
        raise LookupError("gone")

    shared = Shared(fail)
    for _ in range(2):
        with pytest.raises(LookupError, match="gone"):
            shared()
