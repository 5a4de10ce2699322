"""Processes that give verdicts: batches over all cores, and sympy, which may be killed."""

import os
import subprocess
import sys
import threading
import time

import pytest

from infinite_rl.rewards import verify, verify_many
from infinite_rl.rewards.equivalence.processes import ProcessPool
from infinite_rl.rewards.equivalence.values import symbolic
from infinite_rl.rewards.equivalence.values.symbolic import POOL

# Values at too few points: both are real only for x of at least 9.
UNDECIDED = ("\\lfloor\\sqrt{x-9}\\rfloor + 1", "1 + \\lfloor\\sqrt{x-9}\\rfloor")


def test_sympy_decides_where_values_cannot():
    verdict = verify(*UNDECIDED)
    assert (verdict.equal, verdict.tier) == (True, "symbolic")
    assert not verify(UNDECIDED[0], "2 + \\lfloor\\sqrt{x-9}\\rfloor").equal


def test_it_does_so_from_any_thread():
    verdicts = []
    threads = [threading.Thread(target=lambda: verdicts.append(verify(*UNDECIDED).equal)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == [True] * 3


def test_sympy_that_takes_too_long_is_killed_and_nothing_is_equal(monkeypatch):
    verify(*UNDECIDED)
    asked = POOL._idle[-1]
    terms = "+".join(f"\\sin^{k}({k}x+y)\\lfloor\\sqrt{{x-{k + 8}}}\\rfloor" for k in range(1, 8))
    monkeypatch.setattr(symbolic, "SECONDS", 0.02)
    assert not verify(terms, terms + "+\\sin^2 x+\\cos^2 x-1").equal
    assert asked._process.poll() is not None
    assert asked not in POOL._idle
    monkeypatch.undo()
    assert verify(*UNDECIDED).equal


def test_a_process_that_dies_is_replaced():
    verify(*UNDECIDED)
    for worker in POOL._idle:
        worker._process.kill()
        worker._process.wait()
    assert verify(*UNDECIDED).equal


def test_an_answer_that_never_comes_is_given_up():
    pool = ProcessPool()
    with pytest.raises(TimeoutError):
        pool.ask({"pairs": [["\\sin x", "\\cos x"]] * 100_000}, 0.2)
    pool.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_has_processes_of_its_own():
    verify(*UNDECIDED)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if verify(*UNDECIDED).equal else 2
            POOL.close()
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert verify(*UNDECIDED).equal


def test_many_pairs_get_the_verdicts_that_each_would_get():
    pairs = [(str(number), f"{number + number % 3}.0") for number in range(600)] + [("\\sin 2x", "2\\sin x\\cos x")]
    for processes in (1, 2):
        verdicts = verify_many(iter(pairs), processes)
        assert [verdict.equal for verdict in verdicts] == [number % 3 == 0 for number in range(600)] + [True]
        assert {verdict.tier for verdict in verdicts} == {"exact", "numeric"}
    assert verify_many([]) == []


def test_no_process_is_left_when_the_interpreter_ends():
    code = (
        f"from infinite_rl.rewards import verify\nassert verify(*{UNDECIDED!r}).equal\n"
        "from infinite_rl.rewards.equivalence.values.symbolic import POOL\nprint(POOL._idle[0]._process.pid)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    pid = int(found.stdout)
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("the process is still there")
