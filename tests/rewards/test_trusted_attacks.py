"""Programs that answer a trusted test, or call back into it, with anything but what the format allows."""

from __future__ import annotations

import pytest

from infinite_rl.rewards import CodingRewardFunction, Status

# What a program can reach of the guest's own modules, from any function that the test has lent to it.
INSIDE = """
def f(callback=None, *rest):
    if callback is None:
        return 1
    inside = type(callback).__call__.__globals__
    calls, request = inside["calls"], inside["request"]
    serve, ask = calls._serve, calls.ask
    def send(data):
        calls._reply[: len(data)] = data
        return calls._exchange(0, len(data))
    def answer(fields):
        operation = fields["operation"]
        {answer}
    {attack}
    return 1
"""
OWN_CLASS = "{'error': {'type': 'E', 'message': '', 'class': {'link': ['object', 1, 'exception', 'E']}}}"
NO_CLASS = "{'error': {'type': 'E', 'message': '', 'class': {'named': [%r]}}}"
NO_ERROR = "{'error': {'type': 'E', 'message': '', 'self': {'link': ['callback', %d, 'error', 'E']}}}"
BASES = "{'value': [%s]} if operation == 'bases' else " + OWN_CLASS
NEXT_CLASS = "{'link': ['object', int(fields['args'][0]['link'][1]) + 1, 'exception', 'E']}"
ITERATOR = "{'value': {'link': ['object', 0, 'iterator', '']}}"


def replies(tree: str) -> str:
    return INSIDE.format(answer=f"return {tree}", attack="calls._serve = answer")


def writes(data: str) -> str:
    return INSIDE.format(answer="return serve(fields)", attack=f"calls.values.write = lambda tree: {data}")


def does(action: str) -> str:
    return INSIDE.format(answer="return serve(fields)", attack=action)


def asks(**fields: object) -> str:
    first = {"link": ["callback", 0, "", ""]}
    whole = {"function": "", "live": True, "operation": "call", "args": [first], "kwargs": {}, "records": []}
    return does(f"ask({whole | fields!r})")


ANSWERS = {
    "nothing": writes("b''"),
    "no JSON": writes("b'x'"),
    "deep": writes("b'[' * 10**5"),
    "deep and closed": writes("b'{\"value\":' + b'[' * 90_000 + b']' * 90_000 + b'}'"),
    "long": writes("b'[' * (1 << 22)"),
    "longer when it is written anew": writes("b'{\"value\":[' + b'1e9,' * 250_000 + b'1]}'"),
    "no bytes": writes("7"),
    "bases without end": replies(BASES % NEXT_CLASS),
    "a base that ends iterations": replies(BASES % "{'named': ['StopIteration']}"),
    "a class that is none": replies(NO_CLASS % "int"),
    "a class that ends iterations": replies(NO_CLASS % "StopIteration"),
    "the name of one that does": replies("{'error': {'type': 'StopIteration', 'message': ''}}"),
    "a function as the exception": replies(NO_ERROR % 0),
    "an exception that is not there": replies(NO_ERROR % 99_999),
    "items that are no list": replies("{'value': 5} if operation == 'take' else " + ITERATOR),
    "items without a mark": replies("{'value': []} if operation == 'take' else " + ITERATOR),
    "changes of what is not there": replies("{'value': None, 'changes': [[5, []]]}"),
    "changes of the kind": replies("{'value': None, 'changes': [[0, 1]]}"),
    "a value that is not there": replies("{'value': {'link': ['same', 9, '', '']}}"),
    "an object that is not there": replies("{'value': {'link': ['record', 9, '', '']}}"),
    "awaitables without end": replies("{'value': {'link': ['object', 9, 'awaitable', '']}}"),
    "an exception for a value": replies("{'value': {'exception': {'type': 'E', 'message': ''}}}"),
    "a member of no enum": replies("{'value': {'member': ['E', 'x', []]}}"),
}  # fmt: skip
CALLS = {
    "nothing": does("send(b'')"),
    "deep": does("send(b'[' * 10**5)"),
    "long": does("send(b'[' * 10**7)"),
    "beyond memory": does("calls._exchange(2**32 - 1, 10**6)"),
    "no arguments": asks(args=[]),
    "no link": asks(args=[[]]),
    "an object of its own": asks(args=[{"link": ["object", 0, "", ""]}]),
    "what is not lent": asks(args=[{"link": ["callback", 99, "", ""]}]),
    "an unknown operation": asks(operation="x" * 10**5),
    "an operation of the program's side": asks(operation="find"),
    "objects": asks(records=[["A", {"dict": []}]]),
    "not of a test": asks(live=False, function="f"),
}
TESTS = [
    "f(lambda *a: 1)\nassert f() == 7",
    "f(lambda *a: 1)\nassert f() == 1 and f() == 7",
    "f(lambda *a: 1)\nx = f([])\nfor item in x: pass\nassert x == 7",
    "try:\n    f(lambda *a: 1)\n    f()\nexcept Exception as e:\n    getattr(e, 'code', 1)\n"
    "assert [x for x in map(f, [lambda: 1] * 3)] == [7, 7, 7]",
]


@pytest.fixture(scope="module")
def reward():
    return CodingRewardFunction(timeout=60)


def score(reward, code, test):
    return reward.compute_reward(f"<answer>\n```python\n{code}\n```\n</answer>", {"function": "f", "tests": test})


@pytest.mark.parametrize("code", [*ANSWERS.values(), *CALLS.values()], ids=[*ANSWERS, *CALLS])
@pytest.mark.parametrize("test", TESTS, ids=["call", "twice", "iterate", "catch"])
def test_an_answer_or_a_call_that_breaks_the_format_fails_the_test(reward, code, test):
    found = score(reward, code, test)
    assert (found.correctness_score, found.status) == (0.0, Status.SCORED)


@pytest.mark.parametrize(
    "code",
    [
        replies("{'value': [True, None]} if operation == 'take' else " + ITERATOR),
        does("\n    while True: callback(1)"),
        does("\n    while True: callback(lambda: 1)"),
        does("\n    while True: callback('x' * 10**6)"),
        does("\n    while True:\n        try: send(b'[' * 10**6)\n        except Exception: pass"),
    ],
    ids=["empty items", "calls", "new functions", "long calls", "refused calls"],
)
# Compiling Python with fuel takes 18 s of CPU time, once for a machine.
@pytest.mark.parametrize("limits", ["time", pytest.param("fuel", marks=pytest.mark.slow)])
def test_what_has_no_end_meets_the_limit(code, limits):
    test = "f(lambda *a: 1)\nfor item in f([]): pass"
    assert score(CodingRewardFunction(timeout=0.3, limits=limits), code, test).status is Status.TIMEOUT


def test_messages_take_no_memory_that_is_not_given_back(reward):
    code = "def f(x, g=None):\n    return [g(x) for _ in range(60)] and 1 if g else 1"
    test = "x = 'x' * 10**6\nassert all(f(x) == 1 for _ in range(60)) and f(x, lambda x: 1) == 1"
    found = score(CodingRewardFunction(timeout=50, memory_mb=32), code, test)
    assert (found.correctness_score, found.error_msg) == (1.0, "")


def test_a_call_that_becomes_too_long_on_its_way_fails_and_nothing_else_does(reward):
    data = (
        b'{"function":"","live":true,"operation":"call","args":[{"link":["callback",0,"",""]},['
        + b"1e9," * 250_000
        + b"1]]}"
    )
    code = does(f"return send({data[:90]!r} + b'1e9,' * 250_000 + b'1]]}}') > 0")
    found = score(reward, code, "assert f(lambda *a: 1) == 7")
    assert (found.correctness_score, found.status) == (0.0, Status.SCORED)


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        *[("getattr", n) for n in ("__globals__", "__class__", "__dict__", "__self__", "__func__", "__code__")],
        *[("getattr", n) for n in ("gi_frame", "cr_frame", "f_globals", "tb_frame", "ag_frame", "func_globals")],
        ("setattr", "__class__"),
        ("delattr", "__init__"),
        ("state", ""),
        ("find", ""),
    ],
)
@pytest.mark.parametrize("thing", ["lambda: secret", "Own()", "Own().method", "(x for x in [secret])", "Own"])
def test_what_a_test_lends_is_no_way_to_what_it_does_not(reward, operation, name, thing):
    code = f"""
def f(thing, other):
    inside = type(other).__call__.__globals__
    number = next(n for n, o in inside["_things"].items() if o is thing)
    try:
        return [inside["request"]({operation!r}, number, {name!r}), 0][:1]
    except Exception as error:
        return type(error).__name__
"""
    test = (
        "secret = 73918\nclass Own:\n    def method(self): return secret\n"
        f"found = f({thing}, lambda: 0)\nassert found in ('AttributeError', 'TypeError', 'KeyError'), found"
    )
    found = score(reward, code, test)
    assert (found.correctness_score, found.error_msg) == (1.0, "")


@pytest.mark.parametrize(
    ("code", "test"),
    [
        (
            "class f:\n    __enter__ = lambda self: 1\n    __exit__ = lambda *a: True",
            "with f() as x:\n    assert x == 2",
        ),
        (
            "import contextlib\n@contextlib.contextmanager\ndef f():\n    with contextlib.suppress(Exception): yield 1",
            "with f() as x:\n    assert x == 2",
        ),
        ("def f(db):\n    db.get.assert_called_once_with = print", "f(db)\ndb.get.assert_called_once_with(1)"),
        (
            "def f(db):\n    db.get(2)\n    db.get.reset_mock()\n    db.get(1)",
            "f(db)\nassert db.get.call_count == 1",
        ),
        (
            "def f(db):\n    db.get(2)\n    db.get(1)\n    db.get._mock_call_count = 1",
            "f(db)\nassert db.get.call_count == 1",
        ),
    ],
    ids=["exit", "context manager", "assertion of a mock", "calls of a mock", "a mock's own records"],
)  # fmt: skip
def test_no_program_calls_off_what_a_test_asserts(reward, code, test):
    test = f"from unittest.mock import Mock\ndb = Mock()\n{test}"
    found = score(reward, code, test)
    assert (found.correctness_score, found.status) == (0.0, Status.SCORED)


def test_an_assertion_of_a_callback_tells_the_program_nothing_and_is_itself_in_the_test(reward):
    code = """
def f(verify):
    try:
        verify(1)
    except AssertionError as error:
        told = [str(error), error.args]
        inside = type(verify).__call__.__globals__
        request, place = inside["request"], max(inside["_things"])  # the error is what was lent last
        for name in ("args", "add_note", "with_traceback"):
            try:
                told.append(request("getattr", place, name))
            except PermissionError:
                pass
        if told != ["", ()]:
            verify(5)
        raise
"""
    test = """
def verify(x):
    assert x == 5, f"expected 5, not {x}"
try:
    f(verify)
except AssertionError as error:
    assert str(error) == "expected 5, not 1"
else:
    raise AssertionError
"""
    found = score(reward, code, test)
    assert (found.correctness_score, found.error_msg) == (1.0, "")
