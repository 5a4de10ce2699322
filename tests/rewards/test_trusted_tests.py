"""Trusted tests in the style of MBPP: what passes in one process passes here, and what is wrong fails."""

from __future__ import annotations

import contextlib
import io
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from infinite_rl.rewards import CodingRewardFunction, Status

FOLDER = Path(__file__).parent / "trusted"


def cases() -> list[Any]:
    """The sections of trusted/*.txt: ``#### name``, a program, ``---- function``, a test, ``---- right -> wrong``."""
    found = []
    for path in sorted(FOLDER.glob("*.txt")):
        for section in path.read_text(encoding="utf-8").split("#### ")[1:]:
            name, _, rest = section.partition("\n")
            code, test, change = rest.split("\n---- ")
            function, _, test = test.partition("\n")
            found.append(pytest.param(path.stem, code, function, test, change, id=f"{path.stem}-{name}"))
    return found


@pytest.fixture(scope="module")
def reward():
    return CodingRewardFunction(timeout=5)


def score(reward, language, code, expected):
    reward.set_language(language)
    return reward.compute_reward(f"<answer>\n```{language}\n{code}\n```\n</answer>", expected)


def test_there_are_enough_of_them():
    assert len(cases()) >= 60


@pytest.mark.parametrize(("language", "code", "function", "test", "change"), cases())
def test_the_right_program_passes_and_the_wrong_one_fails(reward, language, code, function, test, change):
    right, _, wrong = change.rstrip("\n").partition(" -> ")
    assert code.count(right) == 1
    expected = {"function": function, "tests": test}
    found = score(reward, language, code, expected)
    assert (found.correctness_score, found.error_msg) == (1.0, "")
    found = score(reward, language, code.replace(right, wrong), expected)
    assert (found.correctness_score, found.status) == (0.0, Status.SCORED)


@pytest.mark.parametrize(
    ("language", "code", "function", "test"),
    [case.values[:4] for case in cases() if case.values[0] == "python"],
    ids=[case.id for case in cases() if case.values[0] == "python"],
)
def test_python_itself_agrees(language, code, function, test, monkeypatch):
    if "!= a" in test:
        pytest.skip("differs on purpose: the argument stays as it was")
    module = types.ModuleType("solution")
    monkeypatch.setitem(sys.modules, "solution", module)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with contextlib.suppress(EOFError, SystemExit):
        exec(code, module.__dict__)
    exec(test, module.__dict__)


# What a function changes in place.


def test_a_task_may_say_that_its_function_changes_arguments_and_returns_something(reward):
    code = "def f(a):\n    a[:] = sorted(set(a))\n    return len(a)"
    test = "a = [3, 1, 3]\nk = f(a)\nassert a[:k] == [1, 3]"
    assert score(reward, "python", code, {"function": "f", "tests": test}).correctness_score == 0.0
    assert score(reward, "python", code, {"function": "f", "tests": test, "in_place": True}).correctness_score == 1.0


@pytest.mark.parametrize(
    "test",
    [
        "a = [2, 1]\nassert f(a) == sorted(a)",
        "a = [2, 1]\nresult = f(a)\nassert result == sorted(a)",
        "a = [2, 1]\nassert sorted(a) == f(a)",
        "for a in [[2, 1], [3, 4]]:\n    assert f(a) == sorted(a)",
        "def check(candidate):\n    a = [2, 1]\n    assert candidate(a) == sorted(a)\n",
        "a = [2, 1]\nb = a\nassert f(a) == [x for x in sorted(b)]",
    ],
)
def test_no_function_changes_what_its_result_is_held_against(reward, test):
    expected = {"function": "f", "tests": test}
    assert score(reward, "python", "def f(a):\n    a.clear()\n    return []", expected).correctness_score == 0.0
    assert score(reward, "python", "def f(a):\n    a.sort()\n    return a", expected).correctness_score == 1.0


@pytest.mark.parametrize(
    "test",
    [
        "r = f(a)\nassert r is None\nassert a == [1, 2, 3]",
        "assert not f(a)\nassert a == [1, 2, 3]",
        "_ = f(a)\nassert a == [1, 2, 3]",
        "assert [f(a)] == [None] and a == [1, 2, 3]",
    ],
)
@pytest.mark.parametrize(
    ("language", "code"),
    [("python", "def f(a):\n    a.sort()"), ("javascript", "function f(a) { a.sort() }")],
)
def test_a_function_that_returned_nothing_has_changed_its_arguments(reward, language, code, test):
    found = score(reward, language, code, {"function": "f", "tests": f"a = [3, 1, 2]\n{test}"})
    assert (found.correctness_score, found.error_msg) == (1.0, "")


@pytest.mark.parametrize("test", ["assert f(a) is a", "b = f(a)\nassert b is a and b == [1, 2, 3]"])
def test_an_argument_that_was_changed_and_returned_is_still_the_argument(reward, test):
    expected = {"function": "f", "tests": f"a = [3, 1, 2]\n{test}"}
    assert score(reward, "python", "def f(a):\n    a.sort()\n    return a", expected).correctness_score == 1.0
    assert score(reward, "python", "def f(a):\n    a.sort()\n    return a[:]", expected).correctness_score == 0.0


# Exceptions.

RAISING = """
class MyErr(ValueError): pass
class Told(KeyError):
    def __str__(self): return "own words"
class NotFound(KeyError): pass
class Coded(Exception):
    def __init__(self, text, code):
        super().__init__(text)
        self.code = code
def f(kind, *args):
    if kind == "ExceptionGroup": raise ExceptionGroup("no", [ValueError()])
    raise {**globals(), **vars(__import__("builtins"))}[kind](*args)
"""


@pytest.mark.parametrize(
    ("kind", "args", "caught", "right"),
    [
        ("MyErr", ["bad"], "ValueError", "str(e) == 'bad' and type(e).__name__ == 'MyErr'"),
        ("MyErr", ["bad"], "MyErr", "str(e) == 'bad' and isinstance(e, ValueError)"),
        ("KeyError", ["a"], "KeyError", "e.args == ('a',) and str(e) == repr('a') and type(e) is KeyError"),
        ("ValueError", ["a", 2], "ValueError", "e.args == ('a', 2)"),
        ("ValueError", [], "ValueError", "e.args == () and str(e) == ''"),
        ("NotFound", ["a"], "NotFound", "isinstance(e, KeyError) and e.args[0] == 'a'"),
        ("NotFound", ["a"], "KeyError", "type(e).__name__ == 'NotFound'"),
        ("Told", ["a"], "LookupError", "str(e) == 'own words' and e.args == ('a',)"),
        ("Coded", ["bad", 3], "Exception", "str(e) == 'bad' and type(e).__name__ == 'Coded'"),
        ("FileNotFoundError", [2, "no"], "OSError", "e.errno == 2 and type(e) is FileNotFoundError"),
        ("ExceptionGroup", [], "Exception", "'no' in str(e)"),
        ("SystemExit", [0], "RuntimeError", "'SystemExit' in str(e)"),
    ],
)
def test_exceptions_say_what_they_say_in_one_process(reward, kind, args, caught, right):
    call = f"f({kind!r}, *{args})"
    test = f"try:\n    {call}\nexcept {caught} as e:\n    assert {right}, repr(e)\nelse:\n    raise AssertionError"
    found = score(reward, "python", RAISING, {"function": "f", "tests": test})
    assert (found.correctness_score, found.error_msg) == (1.0, "")


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("python", "class Poor(Exception): pass\ndef f(n):\n    if n > 1: raise Poor('no')"),
        ("javascript", "class Poor extends Error {}\nfunction f(n) { if (n > 1) throw new Poor('no') }"),
    ],
)
@pytest.mark.parametrize(
    "test",
    [
        "import unittest\nwith unittest.TestCase().assertRaises(Poor):\n    f(2)",
        "import unittest\nunittest.TestCase().assertRaises(Poor, f, 2)",
        "import contextlib\nwith contextlib.suppress(Poor):\n    f(2)\n    raise AssertionError",
        "try:\n    f(2)\nexcept (KeyError, Poor) as e:\n    assert str(e) == 'no'\nelse:\n    raise AssertionError",
    ],
)
def test_exceptions_are_known_by_their_use_whatever_they_are_called(reward, language, code, test):
    found = score(reward, language, code, {"function": "f", "tests": test})
    assert (found.correctness_score, found.error_msg) == (1.0, "")
    found = score(reward, language, code.replace("n > 1", "n > 2"), {"function": "f", "tests": test})
    assert found.correctness_score == 0.0


# What several tests lend to one program.

LENT = [
    "assert f(lambda v: v + 1) == 2",
    "assert f(iter([1, 2])) == [1, 2]",
    "class A:\n    def __init__(self): self.name = 'n'\n    def go(self): return 'g'\nassert f(A()) == 'ng'",
    "def g(v): raise KeyError(v)\ntry:\n    f(g)\nexcept KeyError as e: assert e.args == (1,)\nelse:\n    assert 0",
    "class E(Exception): pass\ndef g(v): raise E(v)\ntry:\n    f(g)\nexcept E: pass\nelse:\n    assert 0",
]


@pytest.mark.parametrize(
    ("language", "code"),
    [
        (
            "python",
            "def f(x):\n    if hasattr(x, 'name'): return x.name + x.go()\n    return x(1) if callable(x) else [*x]",
        ),
        (
            "javascript",
            "function f(x) {\n  if (typeof x === 'function') return x(1)\n"
            "  return x[Symbol.iterator] ? [...x] : x.name + x.go()\n}",
        ),
    ],
)
@pytest.mark.parametrize("tests", [LENT, LENT[::-1], LENT * 2])
def test_what_one_test_has_lent_is_not_taken_for_what_another_one_lends(language, code, tests):
    found = score(CodingRewardFunction(timeout=5, partial="tests"), language, code, {"function": "f", "tests": tests})
    assert (found.correctness_score, found.error_msg) == (1.0, "")


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("python", "kept = []\ndef f(g):\n    kept.append(g)\n    return kept[0](1)"),
        ("javascript", "const kept = []\nfunction f(g) { kept.push(g); return kept[0](1) }"),
    ],
)
def test_what_a_test_has_lent_is_over_with_it(language, code):
    tests = ["assert f(lambda v: v) == 1", "assert f(lambda v: 7) == 7"]
    found = score(CodingRewardFunction(timeout=5, partial="tests"), language, code, {"function": "f", "tests": tests})
    assert found.correctness_score == 0.5
    assert "the test that has lent this is over" in found.error_msg


# Equality of what holds more than its attributes.


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("python", "import re\nclass A:\n    def __init__(self, x): self.x = re.compile(x)\n    def go(self): pass"),
        ("python", "import threading\nclass A:\n    def __init__(self, x): self.x = threading.Lock()\n    go = str"),
        ("python", "from collections import deque\nclass A(deque):\n    def go(self): self.append(1)"),
        ("python", "class A(bytearray):\n    def go(self): pass"),
        ("javascript", "class A {\n  #x\n  constructor(x) { this.#x = x }\n  go() {}\n}"),
        ("javascript", "class B {\n  #x\n  constructor(x) { this.#x = x }\n}\nclass A extends B { go() {} }"),
        ("javascript", "class A extends Map {\n  constructor(x) { super([[x, x]]) }\n  go() {}\n}"),
        ("javascript", "class A extends Set {\n  constructor(x) { super([x]) }\n  go() {}\n}"),
        ("javascript", "class A extends Date {\n  constructor(x) { super(x.length + x.charCodeAt(0)) }\n  go() {}\n}"),
        ("javascript", "class A {\n  constructor(x) { this.x = new RegExp(x) }\n  go() {}\n}"),
    ],
)
def test_objects_that_hold_different_things_are_not_equal(reward, language, code):
    values = ("b'a'", "b'b'") if "bytearray" in code else ("'a'", "'b'")
    test = "a, b = A({}), A({})\na.go()\nassert a == a and a != b and not a == b".format(*values)
    found = score(reward, language, code, {"function": "A", "tests": test})
    assert (found.correctness_score, found.error_msg) == (1.0, "")


# Who calls `check`.


@pytest.mark.parametrize(
    ("test", "right"),
    [
        ("def check(candidate):\n    assert candidate(2) == 5", False),
        ("def check(candidate, n=2):\n    assert candidate(n) == 5", False),
        ("class H:\n    def check(self, x):\n        return x == 4\nassert H().check(f(2))", True),
        ("def check(c, n):\n    assert c(n) == 2 * n\nfor i in range(3): check(f, i)", True),
        ("calls = []\ndef check(c):\n    calls.append(c(1))\n    assert calls == [2]\nif calls == []: check(f)", True),
        ('"""def check(x):"""\nassert f(2) == 4', True),
    ],
)
def test_only_a_check_that_the_test_leaves_to_us_is_called(reward, test, right):
    found = score(reward, "python", "def f(x):\n    return 2 * x", {"function": "f", "tests": test})
    assert found.correctness_score == float(right)


# Who decides.

CHEAT = """
class Cheat:
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = lambda *a: True
    __sub__ = __rsub__ = __abs__ = __round__ = lambda *a: 0
    __len__ = lambda self: 1
    startswith = isdigit = issubset = count = lambda *a: True
def f(*a):
    return Cheat()
"""


@pytest.mark.parametrize(
    "test",
    [
        "f(1) == 5",
        "5 == f(1)",
        "not f(1) != 5",
        "f(1) in (5, 6)",
        "[f(1)] == [5]",
        "{'a': f(1)} == {'a': 5}",
        "abs(f(1) - 5) < 1e-6",
        "abs(5 - f(1)) < 1e-6",
        "f(1) < 5",
        "5 > f(1)",
        "5 in f(1)",
        "f(1).startswith('a')",
        "f(1).issubset({1})",
        "f(1).isdigit()",
        "round(f(1), 2) == 0",
        "f(1)[0] == 5",
        "list(f(1)) == [5]",
        "len(f(1)) == 1",
    ],
)
def test_an_object_where_data_is_expected_decides_nothing(reward, test):
    found = score(reward, "python", CHEAT, {"function": "f", "tests": f"assert {test}"})
    assert (found.correctness_score, found.status) == (0.0, Status.SCORED)


def test_a_class_that_calls_itself_a_function_gets_no_operators(reward):
    code = CHEAT.replace("def f(*a):\n    return Cheat()", "class f(Cheat):\n    def __init__(self, *a): pass")
    for test in ("assert abs(f(1) - 5) < 1e-6", "assert f(1) < 5", "assert f(1) == 5"):
        assert score(reward, "python", code, {"function": "f", "tests": test}).correctness_score == 0.0


def test_what_the_method_of_a_class_returns_is_no_data_either(reward):
    code = """
class Circle:
    def __init__(self, r): self.r = r
    def area(self): return Circle(0)
    __sub__ = __abs__ = lambda *a: 0
    __lt__ = __eq__ = lambda *a: True
"""
    for test in ("abs(Circle(1).area() - 3.14) < 0.01", "Circle(1).area() == 3.14", "Circle(1).area() < 4"):
        found = score(reward, "python", code, {"function": "Circle", "tests": f"assert {test}"})
        assert found.correctness_score == 0.0


def test_an_object_that_its_own_method_returns_is_no_data(reward):
    code = """
class Circle:
    def __init__(self, r): self.r = r
    def area(self): return self
    __sub__ = __rsub__ = __abs__ = lambda *a: 0
    __lt__ = __contains__ = lambda *a: True
    size = property(area)
"""
    for test in ("abs(c.area() - 3.14) < 0.01", "c.area() < 4", "3.14 in c.area()", "abs(3.14 - c.size) < 0.01"):
        expected = {"function": "Circle", "tests": f"c = Circle(1)\nassert {test}"}
        assert score(reward, "python", code, expected).correctness_score == 0.0
    identity = "c = Circle(1)\nassert c.area() is c and c.size is c and c.area() == c and c is not Circle(1)"
    assert score(reward, "python", code, {"function": "Circle", "tests": identity}).correctness_score == 1.0


LIAR = """
class LIAR:
    def __init__(self, *a): self.a = a
    __len__ = __int__ = __index__ = __hash__ = lambda self: 2
    __float__ = lambda self: 2.0
    __iter__ = lambda self: iter((1, 2))
    __getitem__ = lambda self, key: key
    __contains__ = __lt__ = __le__ = __gt__ = __ge__ = lambda *a: True
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __mod__ = __abs__ = __neg__ = __round__ = lambda *a: 0
    startswith = issubset = count = lambda *a: True
    isdigit = property(lambda self: LIAR())
    endswith = property(lambda self: bool)
    def f(self, *a): return LIAR(*a)
    val = property(lambda self: 5)
def make(*a): return LIAR(*a)
"""
LIAR_IN_JAVASCRIPT = """
class LIAR {
  f() { return new LIAR() }
  get length() { return 2 }
  get val() { return 5 }
  get isdigit() { return new LIAR() }
  *[Symbol.iterator]() { yield 1; yield 2 }
  valueOf() { return 2 }
  has() { return true }
  startsWith() { return true }
}
const make = (x) => new LIAR(x)
"""
QUESTIONS = [
    "len(r) == 2",
    "list(r) == [1, 2]",
    "next(r) == 1",
    "int(r) == 2",
    "float(r) == 2",
    "[5, 6, 7][r] == 7",
    "r[1] == 1",
    "r(1)",
    "5 in r",
    "r < 5",
    "5 >= r",
    "r < r",
    "r + 1 == 0",
    "5 - r == 0",
    "abs(r - 3.14) < 0.01",
    "abs(r) == 0",
    "-r == 0",
    "round(r, 2) == 0",
    "r.startswith('a')",
    "r.isdigit()",
    "r.endswith('a')",
    "r.__len__() == 2",
]


@pytest.mark.parametrize(
    ("name", "function", "result"),
    [
        ("Solution", "Solution", "s = Solution()\nr = s.f(3)"),  # of the same class as what the test has made
        ("Solution", "Solution", "r = Solution().f(3)"),
        ("Solution", "Solution().f", "r = candidate(3)"),
        ("Node", "make", "n = Node(3)\nassert n.val == 5\nr = make(n)"),  # of a class that the test has called
        ("Cheat", "make", "r = make(3)"),
        ("Average", "Average", "r = Average(3)"),  # a function with a capital letter
        ("Average", "Average", "def check(candidate):\n    global r\n    r = candidate(3)\ncheck(candidate)"),
    ],
)
@pytest.mark.parametrize("language", ["python", "javascript"])
def test_only_the_very_object_that_the_test_made_answers_what_data_answers(reward, language, name, function, result):
    code = {"python": LIAR, "javascript": LIAR_IN_JAVASCRIPT}[language].replace("LIAR", name)
    refused = "try:\n    assert not ({}), 'answered'\nexcept (TypeError, AttributeError, RuntimeError): pass"
    test = "\n".join([result, *map(refused.format, QUESTIONS)])
    found = score(reward, language, code, {"function": function, "tests": test})
    assert (found.correctness_score, found.error_msg) == (1.0, "")


def test_what_the_operators_of_own_objects_give_answers_until_it_has_met_data(reward):
    code = """
class V:
    def __init__(self, x): self.x = x
    def __add__(self, other): return V(self.x + getattr(other, "x", other))
    __radd__ = __add__
    def __mul__(self, k): return V(self.x * k)
    def __neg__(self): return V(-self.x)
    def __sub__(self, other): return V(0)
    __rsub__ = __round__ = __sub__
    def __matmul__(self, other): return self.x * other.x
    def __eq__(self, other): return self.x == other.x
    __lt__ = __contains__ = __gt__ = lambda *a: True
    __abs__ = __len__ = __int__ = lambda self: 5
    __iter__ = lambda self: iter([5])
    def plus(self, other): return V(self.x + other.x)
"""
    right = ["(V(1) + V(2)) * 2 == V(6)", "-(V(1) + V(2) + V(3)) * 2 == V(-12)", "sum([V(1), V(2), V(3)]) == V(6)"]
    right += ["V(2) @ V(3) == 6", "(V(1) + V(2)).x == 3", "(V(1) + V(2)).plus(V(1)) == V(4)", "abs(V(1)) == 5"]
    right += ["abs(V(1) + V(2)) == 5", "abs(V(3) * 2) == 5", "len(V(1) * 2) == 5", "list(V(1) + V(2)) == [5]"]
    right += ["(V(1) + V(2)) < V(4)", "V(4) > V(1) + V(2)", "(V(1) + V(2)) @ V(2) == 6", "int(-V(1)) == 5"]
    wrong = ["(V(1) + V(2)) < 5", "5 > (V(1) + V(2))", "5 in V(1) + V(2)", "(V(1) + V(2)) < (V(2) + V(3))"]
    wrong += ["abs(V(1) + V(2) - 3.14) == 5", "abs(3.14 - (V(1) + V(2))) == 5", "abs((V(1) + V(2)) * 2 + 3.14) == 5"]
    wrong += ["round(V(1) + V(2) - 3.14) == 5", "(V(1) + V(2) - 3) < V(4)", "V(4) > (V(1) + V(2) - 3)"]
    wrong += ["int(V(1) + V(2) - 3) == 5", "abs(V(1).plus(V(2))) == 5", "V(1).plus(V(2)) < V(4)"]
    for questions, expected in ((right, 1.0), (wrong, 0.0)):
        for question in questions:
            found = score(reward, "python", code, {"function": "V", "tests": f"V(0).x\nassert {question}"})
            assert found.correctness_score == expected, question


@pytest.mark.parametrize(
    "test",
    [
        "s = Bag()\ns.add(1)\nassert len(s) == 1",
        "s = candidate(())\ns.put(1)\nassert len(s) == 1",
        "def check(Kind):\n    s = Kind([])\n    s.put(1)\n    assert len(s) == 1\ncheck(candidate)",
        "def check(candidate):\n    s = Bag()\n    s.add(1)\n    assert len(s) == 1",
        "class T:\n    def run(self):\n        self.s = Bag([1])\n        assert self.s.put and len(self.s) == 1\n"
        "T().run()",
        "s, n = Bag([1]), 1\nassert len(s) == n and isinstance(s, Bag)",
        "assert len(Bag([1]) + Bag([2])) == 3",
        "with Bag([1]) as s:\n    assert s == 1",
    ],
)
def test_what_the_test_uses_as_a_class_is_one(reward, test):
    code = """
class Bag:
    def __init__(self, items=()): self.items = list(items)
    def add(self, item): self.items.append(item)
    put = add
    def __len__(self): return len(self.items)
    def __add__(self, other): return [*self.items, *other.items, 0]
    def __enter__(self): return len(self)
    def __exit__(self, *a): pass
"""
    found = score(reward, "python", code, {"function": "Bag", "tests": test})
    assert (found.correctness_score, found.error_msg) == (1.0, "")


def test_a_method_with_a_capital_is_no_class(reward):
    code = "class L:\n    __sub__ = __abs__ = lambda *a: 0\nclass S:\n    def Get(self): return L()\n    x = 1"
    test = "s = S()\nassert s.x == 1\nassert abs(s.Get() - 2) < 1"
    assert score(reward, "python", code, {"function": "S", "tests": test}).correctness_score == 0.0


def test_objects_are_equal_by_what_they_hold_whatever_their_class_says(reward):
    code = "class P:\n    def __init__(self, x): self.x = x\n    def __eq__(self, other): return True"
    assert score(reward, "python", code, {"function": "P", "tests": "assert P(1) == P(1)"}).correctness_score == 1.0
    assert score(reward, "python", code, {"function": "P", "tests": "assert P(1) == P(2)"}).correctness_score == 0.0
    assert score(reward, "python", code, {"function": "P", "tests": "assert P(1) == 1"}).correctness_score == 0.0


def test_a_comparison_of_an_object_with_data_is_said(reward):
    found = score(reward, "python", CHEAT, {"function": "f", "tests": "assert f(1) == 5"})
    assert "AssertionError\nnote: a Cheat object of the program was compared with plain data" in found.error_msg


def test_a_test_that_forgot_an_import_does_not_take_the_programs(reward):
    code = "class Counter:\n    __init__ = lambda self, x: None\ndef f(a): return 0"
    expected = {"function": "f", "tests": "assert Counter(f('ab')) == Counter('ab')"}
    assert "NameError" in score(reward, "python", code, expected).error_msg


def test_a_program_calls_only_functions_that_it_was_handed(reward):
    code = """
import sys
def f(callback):
    try:
        ask = callback.__call__.__globals__["calls"].ask
    except Exception:
        return 1
    for number in (*range(20), 10**6):
        request = {"function": "", "args": [{"link": ["callback", number, "", ""]}], "kwargs": {}, "records": [],
                   "operation": "call", "live": True}
        ask(request)
    return 5
"""
    test = "secret = []\ndef other(): secret.append(1)\nf(print)\nassert not secret and f(print) == 7"
    assert score(reward, "python", code, {"function": "f", "tests": test}).correctness_score == 0.0


@pytest.mark.parametrize(
    ("test", "status"),
    [
        ("def g():\n    while True: pass\nassert f(g) == 1", Status.TIMEOUT),
        ("def g(): return f(g)\nassert f(g) == 1", Status.SCORED),
        ("def g(): return bytearray(10**9)\nassert f(g) == 1", Status.RESOURCE_LIMIT),
        ("def g():\n    import os\n    os._exit(0)\nassert f(g) == 1", Status.SCORED),
    ],
)
def test_callbacks_have_the_limits_of_the_test(test, status):
    found = score(CodingRewardFunction(timeout=0.5), "python", "def f(g): return g()", {"function": "f", "tests": test})
    assert (found.correctness_score, found.status) == (0.0, status)


def test_a_program_that_crashes_in_a_callback_leaves_the_judge_well(reward):
    code = "import os\ndef f(g, n):\n    if n: return g(n - 1)\n    os._exit(0)"
    expected = {"function": "f", "tests": "assert f(lambda n: f(print, n), 1) == 1"}
    for _ in range(3):
        assert score(reward, "python", code, expected).correctness_score == 0.0
    assert score(reward, "python", "def f(): return 1", {"function": "f", "tests": "assert f() == 1"}).correctness_score


# Compiling Python with fuel takes 18 s of CPU time, once for a machine.
@pytest.mark.parametrize("language", [pytest.param("python", marks=pytest.mark.slow), "javascript"])
def test_fuel_counts_callbacks_on_both_sides(language):
    codes = {"python": "def f(g):\n    while True: g()", "javascript": "function f(g) { for (;;) g() }"}
    found = score(
        CodingRewardFunction(timeout=0.2, limits="fuel"),
        language,
        codes[language],
        {"function": "f", "tests": "f(lambda: 1)"},
    )
    assert found.status is Status.TIMEOUT


# Calls with results that no literal can write.


@pytest.mark.parametrize(
    ("language", "code", "args", "result"),
    [
        ("python", "def f(n):\n    yield from range(n)", [3], [0, 1, 2]),
        ("python", "def f(n):\n    return range(n)", [3], [0, 1, 2]),
        ("python", "def f(d):\n    return d.keys()", [{"a": 1}], ["a"]),
        ("python", "def f(n):\n    return {n: (n,)}", [1], {"1": [1]}),
        ("python", "from fractions import Fraction\ndef f(n):\n    return Fraction(n, 2)", [1], 0.5),
        ("python", "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\nf = P", [1], {"x": 1}),
        ("python", "def f(n):\n    return n\nif __name__ == '__main__':\n    f(input())", [1], 1),
        ("javascript", "function* f(n) { for (let i = 0; i < n; i++) yield i }", [3], [0, 1, 2]),
        ("javascript", "const f = (n) => new Map([[n, new Float64Array([n])]])", [1], {"1": [1]}),
        ("javascript", "class P { constructor(x) { this.x = x } }\nconst f = (x) => new P(x)", [1], {"x": 1}),
        ("javascript", "const f = () => {}", [], None),
        ("javascript", "const f = () => new Date(0)", [], "1970-01-01T00:00:00.000Z"),
        ("javascript", "const f = () => -0", [], 0),
        ("javascript", "const f = () => 2n ** 70n", [], 2**70),
    ],
)
def test_results_equal_what_json_can_say_of_them(reward, language, code, args, result):
    wrong = [result, result]
    for expected, right in ((result, 1.0), (wrong, 0.0)):
        found = score(reward, language, code, {"function": "f", "cases": [{"args": args, "result": expected}]})
        assert found.correctness_score == right


def test_an_endless_result_of_a_call_is_wrong_and_says_why(reward):
    code = "import itertools\ndef f():\n    return itertools.count()"
    found = score(reward, "python", code, {"function": "f", "cases": [{"args": [], "result": [0]}]})
    assert (found.correctness_score, found.status) == (0.0, Status.SCORED)
    assert "100,000 items" in found.error_msg


@pytest.mark.parametrize(
    ("language", "code"),
    [("python", "x = int(input())\ndef f(): return 1"), ("javascript", "JSON.parse('');\nconst f = () => 1")],
)
def test_a_function_behind_the_failure_is_missing_and_the_reason_is_shown(reward, language, code):
    found = score(reward, language, code, {"function": "f", "cases": [{"args": [], "result": 1}]})
    assert found.correctness_score == 0.0
    assert "While the program was loaded" in found.error_msg


@pytest.mark.parametrize(
    "tests",
    [
        "",
        ["", ""],
        "x = 1",
        "def test_f():\n    assert f(1) == 2",
        "import unittest\nclass T(unittest.TestCase):\n    def test_f(self):\n        assert f(1) == 2",
        "def check(candidate, x):\n    assert candidate(1) == 2",
        "def check(candidate):\n    pass",
    ],
)
@pytest.mark.parametrize("language", ["python", "javascript"])
def test_tests_that_never_call_the_program_are_an_error_and_reward_nobody(reward, language, tests):
    code = {"python": "def f(n):\n    return 0", "javascript": "function f(n) { return 0 }"}[language]
    found = score(reward, language, code, {"function": "f", "tests": tests})
    assert (found.status, found.correctness_score) == (Status.ERROR, 0.0)
    assert "never call f" in found.error_msg


def test_a_mistake_in_a_test_is_found_in_its_own_line(reward):
    found = score(reward, "python", "def f(n):\n    return 0", {"function": "f", "tests": "assert f(1) == 0\nassert ("})
    assert found.status is Status.ERROR
    assert "in line 2" in found.error_msg
