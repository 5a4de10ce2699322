"""What the Python sandbox promises beyond running programs as natively: denials, messages, ends, calls and proxies."""

import math

import pytest

from infinite_rl.runtimes import ExecutionStatus, RewardExecutor


@pytest.fixture(scope="module")
def executor():
    with RewardExecutor(timeout=60, output_limit=1 << 20) as executor:
        yield executor


@pytest.fixture(scope="module")
def run(executor):
    return lambda code, stdin="": executor.run(code, "python", stdin)


def last_line(result):
    return result.stderr.rstrip().rpartition("\n")[2]


NOT_STANDARD = "(not available in the sandbox: only the standard library)"
NO_THREADS = "RuntimeError: can't start new thread: threads are not available in the sandbox"
NO_PROCESSES = "PermissionError: [Errno 1] processes are not available in the sandbox"
NO_FILES = "PermissionError: [Errno 13] Permission denied (the sandbox has no files to write)"
NOT_FOUND = "FileNotFoundError: [Errno 2] No such file or directory"

DENIED = {
    "import numpy as np": f"ModuleNotFoundError: No module named 'numpy' {NOT_STANDARD}",
    "from pandas import DataFrame": f"ModuleNotFoundError: No module named 'pandas' {NOT_STANDARD}",
    "import requests.sessions": f"ModuleNotFoundError: No module named 'requests' {NOT_STANDARD}",
    "import values": f"ModuleNotFoundError: No module named 'values' {NOT_STANDARD}",
    "import ctypes": "ModuleNotFoundError: No module named 'ctypes' (not available in the sandbox)",
    "import ssl": "ModuleNotFoundError: No module named 'ssl' (not available in the sandbox)",
    "import json.nothing": "ModuleNotFoundError: No module named 'json.nothing'",
    "open('data.txt')": f"{NOT_FOUND}: 'data.txt'",
    "import os; os.listdir('/etc')": f"{NOT_FOUND}: '/etc'",
    "from pathlib import Path; Path('x').read_text()": f"{NOT_FOUND}: 'x'",
    "open('out.txt', 'w')": f"{NO_FILES}: 'out.txt'",
    "import os; os.mkdir('d')": f"{NO_FILES}: 'd'",
    "import tempfile; tempfile.mkdtemp()": "FileNotFoundError: [Errno 2] No usable temporary directory found in "
    "['/tmp', '/var/tmp', '/usr/tmp', '/']",
    "import threading; threading.Thread(target=print).start()": NO_THREADS,
    "from concurrent.futures import ThreadPoolExecutor as T; T().submit(print)": NO_THREADS,
    "import asyncio; asyncio.run(asyncio.to_thread(print))": NO_THREADS,
    "from concurrent.futures import ProcessPoolExecutor as P; P(2)": NO_PROCESSES,
    "import multiprocessing; multiprocessing.Pool(2)": NO_PROCESSES,
    "import subprocess; subprocess.run(['ls'])": NO_PROCESSES,
    "import os; os.system('ls')": NO_PROCESSES,
    "import os; os.fork()": NO_PROCESSES,
    "import socket; socket.socket()": "PermissionError: [Errno 1] the network is not available in the sandbox",
    "import urllib.request as r; r.urlopen('http://example.org')": "urllib.error.URLError: "
    "<urlopen error [Errno 1] the network is not available in the sandbox>",
    "breakpoint()": "RuntimeError: breakpoint() is not available in the sandbox: nobody could type into the debugger",
    "import queue; queue.Queue().get()": "RuntimeError: this would wait forever: no other thread runs in the sandbox",
    "import asyncio\nasync def f(): await asyncio.Future()\nasyncio.run(f())": "RuntimeError: "
    "nothing is left that could wake this event loop: the program would wait forever",
}


def test_what_needs_a_host_is_denied_with_a_clear_message(executor):
    results = list(executor.run_many((code, "python") for code in DENIED))
    assert {code: last_line(result) for code, result in zip(DENIED, results, strict=True)} == DENIED
    assert {result.status for result in results} == {ExecutionStatus.ERROR}


def test_a_traceback_shows_the_programs_own_lines_and_carets_only(run):
    result = run("def half(n):\n    return n / 0\n\nprint('start')\nhalf(3)\n")
    assert result.stdout == "start\n"
    assert result.stderr == (
        "Traceback (most recent call last):\n"
        '  File "solution.py", line 5, in <module>\n    half(3)\n    ~~~~^^^\n'
        '  File "solution.py", line 2, in half\n    return n / 0\n           ~~^~~\n'
        "ZeroDivisionError: division by zero\n"
    )


def test_a_traceback_hides_what_the_sandbox_puts_in_place_of_the_host(run):
    result = run("def load():\n    return open('missing')\nload()")
    assert [line for line in result.stderr.splitlines() if line.startswith("  File")] == [
        '  File "solution.py", line 3, in <module>',
        '  File "solution.py", line 2, in load',
    ]


def test_a_syntax_error_reads_as_natively(run):
    result = run("print('never')\ndef f(:\n    pass\n")
    expected = '  File "solution.py", line 2\n    def f(:\n          ^\nSyntaxError: invalid syntax\n'
    assert (result.stdout, result.stderr, result.exit_code) == ("", expected, 1)


def test_a_warning_names_the_line(run):
    expected = "solution.py:2: UserWarning: careful\n  warnings.warn('careful')\n"
    assert run("import warnings\nwarnings.warn('careful')").stderr == expected


def test_source_lines_are_found_by_inspect_and_by_opening_the_own_file(run):
    code = "import inspect\ndef f():\n    return 1\nprint(inspect.getsource(f), open(__file__).readline(), end='')"
    assert run(code).stdout == "def f():\n    return 1\n import inspect\n"


@pytest.mark.parametrize(
    ("code", "exit_code", "stderr"),
    [
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit(True)", 1, ""),
        ("import sys; sys.exit(300)", 44, ""),
        ("import sys; sys.exit(-1)", 255, ""),
        ("import sys; sys.exit('stopped')", 1, "stopped\n"),
        ("exit(5)", 5, ""),
        ("import os; os._exit(7)", 7, ""),
        ("import os\ntry: os._exit(0)\nfinally: print('never')", 0, ""),
    ],
)
def test_exit_codes(run, code, exit_code, stderr):
    result = run(code)
    assert (result.stdout, result.stderr, result.exit_code) == ("", stderr, exit_code)
    assert result.status is (ExecutionStatus.ERROR if exit_code else ExecutionStatus.OK)


def test_output_survives_a_crash_and_a_timeout(run):
    code = "import sys\nprint('out', end='')\nprint('err', end='', file=sys.stderr)\n"
    crashed = run(code + "import os; os.abort()")
    assert (crashed.stdout, crashed.stderr, crashed.status) == ("out", "err", ExecutionStatus.CRASHED)
    timed_out = RewardExecutor(timeout=1.5).run(code + "while True: pass", "python")
    assert (timed_out.stdout, timed_out.stderr, timed_out.status) == ("out", "err", ExecutionStatus.TIMEOUT)


def test_output_beyond_the_limit_ends_the_program_and_keeps_what_fits():
    executor = RewardExecutor(timeout=10, output_limit=1000)
    code = "try:\n    while True: print('é' * 33)\nexcept BaseException: print('never')"
    result = executor.run(code, "python")
    assert result.status is ExecutionStatus.OUTPUT_LIMIT
    assert (result.stdout_truncated, result.stderr_truncated) == (True, False)
    assert result.stdout == (("é" * 33 + "\n") * 15)[: len(result.stdout)]
    assert 990 <= len(result.stdout.encode()) <= 1000
    assert executor.run("import sys; sys.stderr.write('x' * 1001)", "python").stderr == "x" * 1000
    assert executor.run("print('x' * 999)", "python").ok


def test_what_a_program_breaks_does_not_lose_its_output(run):
    for code in (
        "import sys\nprint('kept')\nfor name in list(sys.modules): del sys.modules[name]\n1 / 0",
        "import builtins\nprint('kept')\nbuiltins.__dict__.clear()\n1 / 0",
        "import traceback, sys\nprint('kept')\ntraceback.__dict__.clear()\nsys.__dict__.clear()\n1 / 0",
        "import sys\nprint('kept')\nsys.stderr = None\nsys.stdin = sys.stdout = object()\n1 / 0",
    ):
        assert run(code).stdout == "kept\n", code
    assert last_line(run("import sys\nsys.excepthook = None\n1 / 0")) == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("import sys\nprint('kept')\ndel sys.stdout, sys.stderr\nsys.exit(3)", 3),
        ("class Bad:\n    def __str__(self): 1 / 0\nprint('kept')\nraise SystemExit(Bad())", 1),
        ("class Meta(type):\n    def __getattribute__(cls, name): 1 / 0\nclass C(metaclass=Meta): pass\n"
         "c = C()\nprint('kept')", 0),
        ("class Out:\n    def flush(self): raise SystemExit(9)\nimport sys\nprint('kept')\nsys.stdout = Out()", 0),
        ("import atexit\nprint('kept')\natexit.register(lambda: 1 / 0)\nraise SystemExit(4)", 4),
    ],
)  # fmt: skip
def test_a_program_that_breaks_its_own_end_keeps_its_exit_code(run, code, exit_code):
    result = run(code)
    assert (result.stdout, result.exit_code) == ("kept\n", exit_code)


def test_what_others_wrap_around_the_standard_streams_leaves_them_open(run):
    code = """
import io, sys
print(open(0).readline(), end="")
open(1, "w").write("one\\n")
io.TextIOWrapper(sys.stdout.buffer).write("two\\n")
print("three", file=io.TextIOWrapper(sys.stdout.buffer, write_through=True))
print("four", sys.stdin.buffer.closed)
"""
    assert run(code, "zero\n").stdout == "zero\none\ntwo\nthree\nfour False\n"


def test_lone_surrogates_are_escaped(run):
    assert run(r"print('\ud800 and \N{SNOWMAN}')").stdout == "\\ud800 and ☃\n"


def test_input_at_its_end_is_an_eof_error(run):
    assert last_line(run("input(); input()", "one line")) == "EOFError: EOF when reading a line"


def test_uncaught_memory_errors_are_told_apart(run):
    result = run("x = [1]\nwhile True: x = x + x")
    assert (result.status, last_line(result)) == (ExecutionStatus.MEMORY, "MemoryError")
    assert run("try: x = bytearray(1 << 30)\nexcept MemoryError: print('caught')").stdout == "caught\n"


def test_recursion_is_as_deep_as_the_program_asks_for(run):
    code = "import sys\nsys.setrecursionlimit(200_000)\ndef f(n): return n and 1 + f(n - 1)\nprint(f(100_000))"
    assert run(code).stdout == "100000\n"
    assert last_line(run("def f(): f()\nf()")) == "RecursionError: maximum recursion depth exceeded"


def test_recursion_through_a_cache_reaches_thousands(run):
    code = (
        "import functools, sys\nsys.setrecursionlimit(10**6)\n@functools.cache\ndef f(n): return n and 1 + f(n - 1)\n"
    )
    assert run(code + "print(f(2000))").stdout == "2000\n"


def test_the_clock_is_virtual_and_sleeping_takes_no_time(run):
    code = """
import asyncio, datetime, time
start = time.time()
time.sleep(3600)
asyncio.run(asyncio.sleep(3600))
print(int(start), round(time.time() - start), datetime.datetime.now(datetime.UTC), datetime.date.today(), sep="|")
"""
    result = run(code)
    assert result.stdout.startswith("1700000000|7200|2023-11-15 00:13:20")
    assert result.cpu_seconds < 5


def test_randomness_and_hashes_are_the_same_on_every_run(run):
    code = """
import os, random, secrets, uuid
print(random.random(), random.Random().random(), os.urandom(4), secrets.token_hex(4), uuid.uuid4())
print(hash("a"), set("abc"))
"""
    assert run(code).stdout == run(code).stdout != ""


def test_standard_streams_have_what_native_ones_have(run):
    code = """
import os, sys
print(sys.stdin.fileno(), sys.stdout.fileno(), sys.stderr.fileno(), sys.stdin.isatty(), sys.stdout.isatty())
print(sys.stdin.name, sys.stdin.mode, sys.stdout.name, sys.stdout.mode, sys.stdout.encoding, sys.stdin.encoding)
print(os.fstat(0).st_size, os.read(0, 3), open("/dev/stdin").read(), sys.stdin.buffer.readable())
print("null", file=open(os.devnull, "w"))
"""
    assert run(code, "abcdef").stdout == ("0 1 2 False False\n<stdin> r <stdout> w utf-8 utf-8\n6 b'abc' def True\n")


def test_error_numbers_are_those_of_linux(run):
    code = """
import errno, os
print(repr(OSError(errno.ENOENT, "gone")), repr(OSError(13, "no")), errno.ENOENT, os.strerror(2), errno.errorcode[11])
"""
    assert (
        run(code).stdout
        == "FileNotFoundError(2, 'gone') PermissionError(13, 'no') 2 No such file or directory EAGAIN\n"
    )


def test_modules_can_be_looked_for_without_an_error(run):
    code = "import importlib.util as u\nprint(u.find_spec('numpy'), u.find_spec('json').name)"
    assert run(code).stdout == "None json\n"


def test_resource_limits_are_accepted(run):
    code = "import resource\nresource.setrlimit(resource.RLIMIT_STACK, (resource.RLIM_INFINITY,) * 2)\nprint('ok')"
    assert run(code).stdout == "ok\n"


VALUES = [
    *(None, True, False, 0, -1, 2**53 - 1, 2**53, -(2**53), 10**50, 0.1, -0.0, 1e300, math.inf, -math.inf),
    *("", "text", "é☃😀", "\ud800", "\0", b"", b"\x00\xff", 1 + 2j, complex(math.inf, -0.0)),
    *([], [1, [2, [3]]], (), (1,), ((), []), set(), {1, 2}, frozenset({("a", 1)}), {}, {"k": [1]}, {1: {2: {3: 4}}}),
    *({(1, 2): {frozenset({1})}}, {None: True, 1.5: "x"}),
]

CANDIDATE = """
import collections, enum
def same(value): return value
def kind(value): return type(value).__name__
def add(a, b=10, *, c=0): return a + b + c
def fail(name): raise getattr(__builtins__, name)("the message")
class Custom(Exception): pass
def custom(): raise Custom("own")
def speak(): print("spoken")
def point(): return collections.namedtuple("P", "x y")(1, 2)
def level(): return enum.IntEnum("Level", "LOW HIGH").HIGH
def counter(): return collections.Counter("aab")
def thing(): return object
def loop():
    a = []
    a.append(a)
    return a
def deep(n):
    a = []
    for _ in range(n): a = [a]
    return a
def huge(n): return "x" * n
async def later(): return "awaited"
class Stack:
    def __init__(self): self.items = [1]
    def push(self, item):
        self.items.append(item)
        return self.items
    @staticmethod
    def make(): return "made"
"""


@pytest.fixture(scope="module")
def session(executor):
    with executor.open(CANDIDATE, "python") as session:
        assert session.loaded.ok
        yield session


@pytest.mark.parametrize("value", VALUES, ids=ascii)
def test_values_cross_in_both_directions(session, value):
    result = session.call("same", [value])
    assert (result.value, type(result.value)) == (value, type(value))
    assert repr(result.value) == repr(value)
    assert session.call("kind", [value]).value == type(value).__name__


def test_not_a_number_crosses(session):
    assert math.isnan(session.call("same", [math.nan]).value)


def test_calls_take_named_arguments_and_reach_methods(session):
    assert session.call("add", [1]).value == 11
    assert session.call("add", [1], {"b": 2, "c": 3}).value == 6
    assert session.call("Stack().push", [5]).value == [1, 5]
    assert session.call("Stack.make").value == "made"
    assert session.call("later").value == "awaited"


def test_values_of_derived_types_cross_as_what_they_derive_from(session):
    assert session.call("point").value == (1, 2)
    assert session.call("level").value == 2
    assert session.call("counter").value == {"a": 2, "b": 1}
    assert session.call("thing").value.text == "<class 'object'>"


@pytest.mark.parametrize(
    ("name", "arguments", "kind", "message"),
    [
        ("fail", ["ValueError"], "ValueError", "the message"),
        ("fail", ["SystemExit"], "SystemExit", "the message"),
        ("custom", [], "Custom", "own"),
        ("nothing", [], "NameError", "name 'nothing' is not defined"),
        ("Stack().pop", [], "AttributeError", "'Stack' object has no attribute 'pop'"),
        ("loop", [], "ValueError", "a value that is nested this deeply, or holds itself, cannot cross the sandbox"),
        ("deep", [200], "ValueError", "a value that is nested this deeply, or holds itself, cannot cross the sandbox"),
        ("huge", [1 << 20], "ValueError", "a value of this size cannot cross the sandbox"),
        (
            "deep",
            [100_000],
            "ValueError",
            "a value that is nested this deeply, or holds itself, cannot cross the sandbox",
        ),
    ],
)
def test_failed_calls_give_the_exceptions_name_and_message(session, name, arguments, kind, message):
    result = session.call(name, arguments)
    assert (result.error_type, result.error_message, result.status) == (kind, message, ExecutionStatus.ERROR)
    assert session.call("add", [1]).value == 11  # and the session goes on


def test_values_just_within_the_bounds_cross(session):
    assert session.call("deep", [90]).ok
    assert len(session.call("huge", [1_000_000]).value) == 1_000_000


def test_a_trusted_program_calls_a_candidate_through_a_proxy(executor, session):
    tests = """
assert add(1, c=5) == 16
assert same({"k": [(1, 2), {3}]}) == {"k": [(1, 2), {3}]}
for name in ("ValueError", "KeyError", "ZeroDivisionError"):
    try:
        fail(name)
    except Exception as error:
        assert type(error).__name__ == name and "the message" in str(error)
    else:
        raise AssertionError(name)
try:
    custom()
except Exception as error:
    assert type(error).__name__ == "Custom" and str(error) == "own"
try:
    fail("SystemExit")
except RuntimeError as error:
    assert str(error) == "SystemExit: the message"
value = [1]
assert same(value) is value
print("passed")
"""
    names = {name: (session, name) for name in ("add", "same", "fail", "custom")}
    result = executor.run_trusted(tests, candidates=names)
    assert (result.stdout, result.stderr, result.ok) == ("passed\n", "", True)


def test_an_untrusted_program_cannot_call_out(run):
    code = "import _exchange\nprint('before')\n_exchange.proxy('f')()"
    result = run(code)
    assert (result.stdout, result.status) == ("before\n", ExecutionStatus.CRASHED)


CHAINS = {
    "instances": "class N:\n    def __init__(self, next): self.next = next\n",
    "slots": "class N:\n    __slots__ = ('next',)\n    def __init__(self, next): self.next = next\n",
    "dicts": "N = lambda next: {'next': next}\n",
    "lists": "N = lambda next: [next]\n",
    "tuples": "N = lambda next: (next, 1)\n",
}


@pytest.mark.parametrize("made", CHAINS.values(), ids=CHAINS)
def test_a_long_chain_of_objects_is_freed(run, made):
    result = run(made + "x = None\nfor _ in range(300_000): x = N(x)\nx = None\nprint('freed')")
    assert (result.stdout, result.status) == ("freed\n", "ok")


def test_deeply_nested_json_is_an_error_that_can_be_caught(run):
    result = run("import json\ntry: json.loads('[' * 100_000)\nexcept (RecursionError, ValueError): print('caught')")
    assert result.stdout == "caught\n"


def test_maxsize_serves_as_infinity(run):
    code = "import sys\nm = sys.maxsize\nprint(min(m, 5 * 10**11), [1, 2].index(2, 0, m), 'aaa'.count('a', 0, m))"
    assert run(code).stdout == "500000000000 1 3\n"


def test_an_uncaught_deep_recursion_is_told_quickly(run):
    result = run("import sys\nsys.setrecursionlimit(20_000)\ndef f(n): return f(n + 1)\nf(0)")
    assert result.status == "error"
    assert result.stderr.rstrip().splitlines()[-1].startswith("RecursionError: maximum recursion depth exceeded")
    assert result.cpu_seconds < 3


def test_exceptions_cross_with_the_standard_class_that_they_derive_from():
    executor = RewardExecutor(timeout=20)
    code = "class Own(ValueError): pass\ndef f(x): raise Own('bad')\ndef g(x): raise StopIteration"
    tests = (
        "try: f(1)\nexcept ValueError as error: print(error)\n"
        "try: print(list(map(g, [1])))\nexcept RuntimeError as error: print(error)"
    )
    with executor.open(code, "python") as session:
        candidates = {"f": (session, "f"), "g": (session, "g")}
        result = executor.run_trusted(tests, candidates=candidates)
    assert result.stdout == "bad\nthe function raised StopIteration\n"


def test_a_standard_exception_of_several_arguments_arrives_by_its_name():
    executor = RewardExecutor(timeout=20)
    with executor.open("def f(): b'\\xff'.decode()", "python") as session:
        tests = "try: f()\nexcept UnicodeDecodeError as error: print(str(error)[:13])"
        assert executor.run_trusted(tests, candidates={"f": (session, "f")}).stdout == "'utf-8' codec\n"
