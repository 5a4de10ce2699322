"""The host with the real sandboxes of Python and JavaScript."""

import json
import threading
import time
from dataclasses import replace

import pytest

from infinite_rl.runtimes import ExecutionStatus, MissingArtefactError, RewardExecutor, trusted
from infinite_rl.runtimes.artefact import find_artefact
from infinite_rl.runtimes.values import UNDEFINED
from infinite_rl.runtimes.wire import encode


def needs(language):
    try:
        find_artefact(language)
    except MissingArtefactError:
        return pytest.mark.skip(reason=f"{language}.wasm has not been built")
    return pytest.mark.skipif(False, reason="it is there")


pytestmark = [needs("python"), needs("javascript")]

PYTHON = """
class Stack:
    def __init__(self): self.items = []
    def push(self, item): self.items.append(item); return len(self.items)
def same(x): return x
def both(*a, **k): return [a, k]
def bad(): raise KeyError("no")
def loop():
    while True: pass
"""
JAVASCRIPT = """
function add(a, b) { return a + b }
function bad() { throw new TypeError("no") }
function many() { return [undefined, null, 10n ** 30n, new Map([[1, 2]]), new Set([1]), {a: 1.5}] }
function spin() { for (;;); }
"""
VALUES = [
    None, True, 1, -5, 2**60, 2**20_000, 1.5, float("inf"), "é\ud800", b"\0", (1, (2,)), {1, 2}, frozenset([1]),
    {1: 2, "a": None}, 3 + 4j, [[]],
]  # fmt: skip


@pytest.fixture(scope="module")
def executor():
    return RewardExecutor(timeout=60)


@pytest.fixture(scope="module")
def hasty():
    """For programs without end."""
    return RewardExecutor(timeout=1.0)


def test_two_and_two_are_four(executor):
    assert executor.run_single("print(2 + 2)", "python") == ("4", "")
    assert executor.run_single("console.log(2 + 2)", "js") == ("4", "")


@pytest.mark.parametrize(
    ("language", "code"),
    [("python", "print('before')\nwhile True: pass"), ("js", "console.log('before'); for (;;);")],
)
def test_output_before_a_timeout_is_kept(hasty, language, code):
    started = time.monotonic()
    result = hasty.run(code, language)
    assert (result.stdout, result.status) == ("before\n", ExecutionStatus.TIMEOUT)
    assert time.monotonic() - started >= 1.0


POLLUTION = {
    "python": (
        "import sys, builtins, math, json\nsys.x = math.pi = builtins.y = 1\njson.loads = None\nprint(sys.x)",
        "import json, math, sys\nprint(json.loads('[1]'), hasattr(sys, 'x'), math.pi, 'y' in dir(__builtins__))",
    ),
    "js": (
        "globalThis.x = 1; Array.prototype.at = null; Math.PI2 = 3; JSON.parse = null; console.log(x)",
        "console.log(typeof x, [1].at(0), Math.PI2, JSON.parse('[1]').length)",
    ),
}


@pytest.mark.parametrize("language", POLLUTION)
def test_a_program_finds_nothing_of_the_one_before(language):
    first, second = POLLUTION[language]
    executor = RewardExecutor(threads=1)
    alone = executor.run(second, language).stdout
    for _ in range(5):
        assert executor.run(first, language).stdout == "1\n"
        assert executor.run(second, language).stdout == alone


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_come_back_from_python_as_they_were(executor, value):
    with executor.open(PYTHON, "python") as session:
        result = session.call("same", [value])
        assert encode(result.value) == encode(value)


def test_functions_methods_and_errors_of_python(executor):
    with executor.open(PYTHON, "python") as session:
        assert session.call("both", [1], {"k": (2,)}).value == [(1,), {"k": (2,)}]
        assert session.call("Stack().push", ["x"]).value == 1
        assert session.call("bad").error_type == "KeyError"
        assert session.call("missing").error_type == "NameError"


def test_a_timeout_ends_a_session_of_python(hasty):
    with hasty.open(PYTHON, "python") as session:
        assert session.call("loop").status is ExecutionStatus.TIMEOUT
        assert session.call("same", [1]).status is ExecutionStatus.TIMEOUT


def test_functions_and_errors_of_javascript(executor):
    with executor.open(JAVASCRIPT, "javascript") as session:
        assert session.call("add", [1, 2]).value == 3
        assert session.call("many").value == [UNDEFINED, None, 10**30, {1: 2}, {1}, {"a": 1.5}]
        result = session.call("bad")
        assert (result.error_type, result.error_message) == ("TypeError", "no")


def test_a_trusted_program_calls_candidates_of_either_language(executor):
    program = (
        '"""Tests."""\nfrom __future__ import annotations\n'
        "print(candidate(1, 2), other('a', 'b'))\n"
        "try:\n    bad()\nexcept KeyError as error:\n    print('caught', error)\n"
        "assert candidate(1) == 5, 'line eight'\n"
    )
    with executor.open(PYTHON, "python") as python, executor.open(JAVASCRIPT, "js") as javascript:
        candidates = {"candidate": (python, "both"), "other": (javascript, "add"), "bad": (python, "bad")}
        result = executor.run_trusted(program, "python", candidates)
        assert result.stdout.splitlines()[0] == "[(1, 2), {}] ab"
        assert result.stdout.splitlines()[1].startswith("caught")
        assert "line 8, in <module>\n    assert candidate(1) == 5" in result.stderr
        assert "linecache" not in result.stderr
        text = "console.log(JSON.stringify(candidate(2, 3))); try { bad() } catch (e) { console.log(e.name) }"
        lines = executor.run_trusted(text, "js", candidates).stdout.splitlines()
        assert json.loads(lines[0])[0] == [2, 3]
        assert lines[1] == "KeyError"


@pytest.mark.parametrize(("language", "code", "name"), [("python", PYTHON, "loop"), ("js", JAVASCRIPT, "spin")])
def test_a_candidate_that_loops_ends_the_trusted_program_by_its_limit(hasty, language, code, name):
    with hasty.open(code, language) as session:
        result = hasty.run_trusted("print('a'); candidate()", "python", {"candidate": (session, name)})
        assert (result.status, result.stdout) == (ExecutionStatus.TIMEOUT, "a\n")


def test_an_object_with_an_equality_of_its_own_does_not_cross(executor):
    cheat = "class Yes:\n    def __eq__(self, other): return True\ndef f(): return Yes()\n"
    with executor.open(cheat, "python") as session:
        result = executor.run_trusted("print(candidate() == 5)", "python", {"candidate": (session, "f")})
        assert "True" not in result.stdout


@pytest.mark.parametrize(
    ("language", "code", "status"),
    [
        ("python", "def f(): f()\nf()", "error"),
        ("python", "x = []\nwhile True: x.append(bytearray(10**6))", "memory"),
        ("python", "while True: print('x' * 100)", "output_limit"),
        ("python", "a\0b", "error"),
        ("python", "import os; os._exit(3)", "error"),
        ("js", "function f() { return f() + 1 }; f()", "error"),
        ("js", "const a = []; for (;;) a.push(new Uint8Array(1e6).fill(1))", "memory"),
        ("js", "for (;;) console.log('x'.repeat(100))", "output_limit"),
        ("js", "1\0+", "error"),
    ],
)
def test_programs_that_go_wrong_have_their_status(executor, language, code, status):
    assert executor.run(code, language).status == status


# Compiling Python with fuel takes 18 s of CPU time, once for a machine.
python_with_fuel = pytest.mark.slow


@pytest.mark.parametrize(
    ("language", "code"),
    [
        pytest.param("python", "print(sum(range(10**5)))", marks=python_with_fuel),
        ("js", "console.log([3, 1, 2].sort())"),
    ],
)
def test_fuel_is_the_same_in_fresh_and_reused_instances(language, code):
    executor = RewardExecutor(limits="fuel", threads=1)
    results = [executor.run(code, language) for _ in range(4)]
    assert all(result.ok for result in results)
    assert len({result.fuel for result in results}) == 1


def test_two_tests_that_wait_for_each_others_programs_both_end(monkeypatch):
    """Each holds the session that the other wants: its function calls back, and the test calls the other function."""
    executor = RewardExecutor(timeout=3, threads=2)
    both_inside = threading.Barrier(2)
    call_back = trusted._Exchange._call_back

    def meet(self, *request):
        both_inside.wait(60)
        return call_back(self, *request)

    monkeypatch.setattr(trusted._Exchange, "_call_back", meet)
    sessions = [executor.open("def f(g): return g()", "python") for _ in range(2)]
    results = []

    def work(mine, other):
        candidates = {"mine": (mine, "f"), "other": (other, "f")}
        results.append(executor.run_trusted("mine(lambda: other(int))", candidates=candidates))

    threads = [threading.Thread(target=work, args=pair, daemon=True) for pair in (sessions, sessions[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(results) == 2
    assert ExecutionStatus.TIMEOUT in [result.status for result in results]
    assert executor.run("print(1)", "python").stdout == "1\n"


@python_with_fuel
@pytest.mark.parametrize(
    ("program", "test"),
    [
        ("def f(g):\n    while True: g()", "f(lambda: print('x', flush=True))"),
        ("def f(g): pass", "while True:\n    f(None)\n    print('x', flush=True)"),
    ],
    ids=["calls back", "calls"],
)
def test_calls_across_sandboxes_use_fuel_for_the_hosts_work(program, test):
    executor = RewardExecutor(timeout=0.1, limits="fuel")
    results = []
    for _ in range(2):
        with executor.open(program, "python") as session:
            results.append(executor.run_trusted(test, candidates={"f": (session, "f")}))
    assert results[0] == replace(results[1], cpu_seconds=results[0].cpu_seconds)
    assert results[0].status is ExecutionStatus.TIMEOUT
    assert 10 < results[0].stdout.count("x") < 250  # Two messages of a million each, out of 500 million.
