"""Sessions and trusted programs: functions called across sandboxes."""

import gc
import itertools
import json
import os
import threading
import time

import pytest

from infinite_rl.runtimes import ExecutionStatus, RewardExecutor
from infinite_rl.runtimes import session as session_module
from infinite_rl.runtimes import trusted as trusted_module
from infinite_rl.runtimes.deadlines import Deadlines
from infinite_rl.runtimes.program import FUEL_PER_SECOND, prepare
from infinite_rl.runtimes.trusted import _with_proxies
from infinite_rl.runtimes.values import CannotCrossError, Reply, Request

ANSWER = '{"value":[1,{"tuple":[2]}]}'


def test_a_function_is_called_after_its_program_has_run(executor):
    with executor.open("e", "python", ANSWER) as session:
        assert session.loaded.ok
        assert session.loaded.stdout == ANSWER
        for _ in range(3):
            result = session.call("f", [1], {"key": 2})
            assert result.ok
            assert result.value == [1, (2,)]
            assert (result.error_type, result.error_message) == (None, "")


def test_an_exception_comes_back_by_its_name(executor):
    session = executor.open("e", "python", '{"error":{"type":"KeyError","message":"no"}}')
    result = session.call("f")
    assert (result.status, result.error_type, result.error_message) == (ExecutionStatus.ERROR, "KeyError", "no")
    assert result.value is None


def test_a_program_that_failed_can_still_be_called(executor):
    session = executor.open("E", "python", ANSWER)
    assert session.loaded.status is ExecutionStatus.ERROR
    assert session.call("f").ok


@pytest.mark.parametrize("answer", ["", "x", "{}", '{"value":{"unknown":1}}', '{"value":NaN}'])
def test_a_reply_that_breaks_the_format_is_an_error_of_the_call(executor, answer):
    result = executor.open("e", "python", answer).call("f")
    assert (result.status, result.error_type) == (ExecutionStatus.ERROR, "ValueError")
    assert "cannot cross" in result.error_message


def test_a_reply_length_that_was_made_up_is_an_error_of_the_call(executor):
    assert executor.open("H", "python", ANSWER).call("f").error_type == "ValueError"


def test_an_argument_that_is_no_plain_data_is_refused(executor):
    with executor.open("e", "python", ANSWER) as session:
        with pytest.raises(CannotCrossError):
            session.call("f", [object()])
        assert session.call("f").ok


@pytest.mark.parametrize(
    ("letter", "status", "kind"),
    [("L", ExecutionStatus.TIMEOUT, "TimeoutError"), ("U", ExecutionStatus.CRASHED, "RuntimeError")],
)
def test_a_session_is_over_after_a_timeout_or_crash(hasty, letter, status, kind):
    session = hasty.open(letter, "python", ANSWER)
    first, second = session.call("f"), session.call("f")
    assert (first.status, first.error_type) == (status, kind)
    assert (second.status, second.error_type) == (status, "RuntimeError")
    assert "over" in second.error_message
    assert second.cpu_seconds == 0


@pytest.mark.parametrize(
    ("letter", "status"),
    [
        ("l", ExecutionStatus.TIMEOUT),
        ("u", ExecutionStatus.CRASHED),
        ("M", ExecutionStatus.MEMORY),
        ("f", ExecutionStatus.OUTPUT_LIMIT),
        ("x", ExecutionStatus.ERROR),
        ("q", ExecutionStatus.ERROR),
    ],
)
def test_a_program_that_never_returned_cannot_be_called(hasty, letter, status):
    session = hasty.open(letter, "python", "partial")
    assert session.loaded.stdout == "partial"
    assert session.call("f").status is status


@pytest.fixture
def armed(monkeypatch):
    """The time limits, in seconds, of every entry into a guest."""
    seen = []
    arm = Deadlines.arm

    def listen(self, context, seconds):
        seen.append(seconds)
        return arm(self, context, seconds)

    monkeypatch.setattr(Deadlines, "arm", listen)
    return seen


def test_each_call_has_a_time_limit_of_its_own(tiny, armed):
    session = RewardExecutor(timeout=50).open("D", "python", ANSWER)
    assert all(session.call("f").ok for _ in range(3))
    assert armed == [50] * 4


def test_threads_take_turns_in_one_session(executor):
    session = executor.open("D", "python", ANSWER)
    results = []

    def work():
        results.extend(session.call("f").ok for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 100


def test_a_closed_session_says_so(executor):
    session = executor.open("e", "python", ANSWER)
    session.close()
    session.close()
    assert "closed" in session.call("f").error_message


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="needs /proc")
def test_forgotten_sessions_give_their_memory_back(tiny):
    executor = RewardExecutor()

    def mappings():
        gc.collect()
        with open("/proc/self/maps") as file:
            return sum(1 for _ in file)

    for _ in range(20):
        executor.open("e", "python", ANSWER)
    before = mappings()
    for _ in range(200):
        assert executor.open("e", "python", ANSWER).call("f").ok
    assert mappings() < before + 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_session_is_not_there_after_a_fork(executor):
    session = executor.open("e", "python", ANSWER)
    child = os.fork()
    if not child:
        status = session.call("f").status
        session.close()
        os._exit(0 if status is ExecutionStatus.ERROR else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert session.call("f").ok


def test_a_forked_child_gets_no_answer_from_a_session_that_is_at_work(executor):
    session = executor.open("e", "python", ANSWER)
    with session._lock:  # Another thread holds it at the fork, and nobody in the child gives it back.
        child = os.fork()
        if not child:
            ending, reply = session.answer(Request("f", (), {}), None)
            os._exit(0 if ending is None and "forked" in reply.error.message else 1)
        assert os.waitpid(child, 0)[1] == 0


@pytest.fixture
def bare(monkeypatch):
    """Trusted programs of the tiny guest need no text before them."""
    monkeypatch.setattr(trusted_module, "_with_proxies", lambda program, *_: program.code)


def request(name="candidate", *args):
    return json.dumps({"function": name, "args": list(args), "kwargs": {}})


def test_a_trusted_programs_call_is_answered_by_the_candidate(executor, bare):
    session = executor.open("e", "python", ANSWER)
    result = executor.run_trusted("p", "python", {"candidate": (session, "f")}, stdin=request())
    assert result.ok
    assert json.loads(result.stdout) == json.loads(ANSWER)


def test_what_crosses_is_made_anew(executor, bare):
    session = executor.open("e", "python", ' {"value" : {"set":[2, 1]} , "value" : {"set":[2,1]} } ')
    result = executor.run_trusted("p", "python", {"candidate": (session, "f")}, stdin=request())
    assert result.stdout == '{"value":{"set":[1,2]}}'


def test_a_candidates_exception_and_crash_reach_the_trusted_program_by_name(executor, bare):
    for letter, answer, kind in (
        ("e", '{"error":{"type":"KeyError","message":"no"}}', "KeyError"),
        ("e", "rubbish", "ValueError"),
        ("U", ANSWER, "RuntimeError"),
        ("u", ANSWER, "RuntimeError"),
    ):
        session = executor.open(letter, "python", answer)
        result = executor.run_trusted("p", "python", {"candidate": (session, "f")}, stdin=request())
        assert result.ok
        assert json.loads(result.stdout)["error"]["type"] == kind


@pytest.mark.parametrize("limits", ["time", "fuel"])
def test_a_candidates_timeout_is_the_trusted_programs(tiny, bare, limits, armed, monkeypatch):
    monkeypatch.setitem(FUEL_PER_SECOND, "python", 10_000_000)
    executor = RewardExecutor(timeout=1.0, limits=limits)
    session = executor.open("L", "python", ANSWER)
    result = executor.run_trusted("p", "python", {"candidate": (session, "f")}, stdin=request())
    assert result.status is ExecutionStatus.TIMEOUT
    assert result.exit_code is None
    assert armed[2] < armed[1]  # The call had what was left of the program's time.
    assert session.call("f").status is ExecutionStatus.TIMEOUT


def test_a_test_waits_for_a_session_no_longer_than_its_own_limit(executor, bare):
    session = executor.open("e", "python", ANSWER)
    with session._lock:  # Another test is using it.
        result = RewardExecutor(timeout=2).run_trusted("p", "python", {"candidate": (session, "f")}, stdin=request())
    assert (result.status, result.exit_code) == (ExecutionStatus.TIMEOUT, None)
    assert "busy with another test" in result.stderr
    assert session.call("f").ok


def test_reading_a_reply_is_part_of_the_call(executor, monkeypatch):
    def slow_to_read(data, live=False):
        end = time.thread_time() + 0.5
        while time.thread_time() < end:
            pass
        return Reply(1)

    monkeypatch.setattr(session_module, "decode_reply", slow_to_read)
    result = executor.open("e", "python", ANSWER).call("f")
    assert result.ok
    assert result.cpu_seconds >= 0.5


def test_a_reply_that_takes_longer_to_read_than_the_limit_is_a_timeout(hasty, monkeypatch):
    monkeypatch.setattr(session_module.time, "thread_time", itertools.count().__next__)
    session = hasty.open("e", "python", ANSWER)
    assert session.loaded.ok
    assert session.call("f").status is ExecutionStatus.TIMEOUT
    assert session.call("f").error_type == "RuntimeError"


def test_program_and_candidate_share_one_count_of_fuel(tiny, bare):
    executor = RewardExecutor(limits="fuel")
    results = []
    for letter in "eD":
        session = executor.open(letter, "python", ANSWER)
        results.append(executor.run_trusted("p", "python", {"candidate": (session, "f")}, stdin=request()))
    assert results[1].fuel > results[0].fuel + 1_000_000


def test_a_message_costs_fuel_by_its_length(tiny, bare):
    executor = RewardExecutor(limits="fuel")
    used = []
    for length in (10, 10, 510):
        session = executor.open("e", "python", json.dumps({"value": "x" * length}))
        used.append(executor.run_trusted("p", "python", {"candidate": (session, "f")}, stdin=request()).fuel)
    assert used[0] == used[1] > 2 * trusted_module._MESSAGE_FUEL
    assert used[2] - used[0] >= 500 * trusted_module._BYTE_FUEL


@pytest.mark.parametrize("text", ["", "rubbish", request("other"), "x" * 2000])
def test_requests_that_make_no_sense_are_refused(executor, bare, text):
    session = executor.open("e", "python", ANSWER)
    result = executor.run_trusted("p", "python", {"candidate": (session, "f")}, stdin=text[:900])
    assert result.exit_code == 9


def test_a_request_outside_memory_is_refused(executor, bare):
    session = executor.open("e", "python", ANSWER)
    assert executor.run_trusted("P", "python", {"candidate": (session, "f")}).exit_code == 1


def test_only_trusted_programs_can_call_out(executor):
    assert executor.run("p", "python", request()).status is ExecutionStatus.CRASHED


def test_a_candidate_must_have_a_name_and_the_same_kind_of_limit(executor):
    session = executor.open("e", "python", ANSWER)
    with pytest.raises(ValueError, match="no name"):
        executor.run_trusted("p", "python", {"a b": (session, "f")})
    with pytest.raises(ValueError, match="kind of limit"):
        RewardExecutor(limits="fuel").run_trusted("p", "python", {"candidate": (session, "f")})


def test_the_text_before_a_trusted_program_moves_none_of_its_lines(executor):
    session = executor.open("e", "python", ANSWER)
    text = '"""doc"""\nfrom __future__ import annotations\nx = 1\n'
    source = _with_proxies(prepare(text, "python"), {"candidate": (session, "f")}).decode()
    assert source.count("\n") == 0
    assert repr(text) in source
    source = _with_proxies(prepare("let x = 1\n", "js"), {"candidate": (session, "f")}).decode()
    assert source.splitlines()[0].endswith("let x = 1")
