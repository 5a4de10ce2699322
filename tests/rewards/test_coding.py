"""The coding reward with programs in the sandbox."""

import gzip
import json
import pickle
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infinite_rl.rewards import CodingRewardFunction, Status, get_reward_functions
from infinite_rl.rewards.code.cases import CodeTests, Output, Reference, read_expected, with_language
from infinite_rl.runtimes import ExecutionResult, ExecutionStatus, RewardExecutor

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def fenced(code, language="python"):
    return f"<answer>\n```{language}\n{code}\n```\n</answer>"


@pytest.fixture(scope="module")
def python():
    return CodingRewardFunction(timeout=10)


@pytest.fixture(scope="module")
def javascript():
    return CodingRewardFunction(timeout=10, language="javascript")


@pytest.fixture(scope="module")
def partial_tests():
    return CodingRewardFunction(timeout=1, partial="tests")


def calls(*cases, function="f", **others):
    return {
        "function": function,
        "cases": [{"args": list(args), "result": result} for *args, result in cases],
        **others,
    }


def test_the_readme_example():
    coding = get_reward_functions(timeout=10)["coding"]
    assert not coding.initialized
    coding.set_language("python")
    score = coding.compute_reward("<answer>\n```python\nprint(2 + 2)\n```\n</answer>", expected_output="4")
    assert (score.format_score, score.correctness_score, score.error_msg) == (1.0, 1.0, "")
    assert score.status is Status.SCORED
    assert coding.initialized
    assert score.components["similarity"] == score.components["tests_passed"] == 1.0
    assert score.components["cpu_seconds"] > 0


@pytest.mark.parametrize("response", [None, 4, b"<answer>4</answer>", ["4"]])
def test_a_response_that_is_no_text_is_an_error_and_raises_nothing(python, response):
    assert python.compute_reward(response, "4").status is Status.ERROR


def test_messages_of_the_format(python):
    missing = "Missing <answer> tags in response. Ensure the code is wrapped in <answer> and </answer>."
    malformed = "Malformed markdown code block inside <answer> tags."
    for response, format_score, status, message in [
        ("print(4)", 0.0, Status.NO_ANSWER, missing),
        ("<answer>print(4)</answer>", 0.5, Status.SCORED, ""),
        ("<answer>```python\nprint(2 + 2)</answer>", 0.3, Status.SCORED, malformed),
        ("<answer>```print(4)</answer>", 0.2, Status.NO_ANSWER, malformed),
    ]:
        score = python.compute_reward(response, "4")
        assert (score.format_score, score.status, score.error_msg) == (format_score, status, message)
        assert score.correctness_score == (1.0 if status is Status.SCORED else 0.0)


def test_an_error_in_the_program_is_shown(python, javascript):
    score = python.compute_reward(fenced("print(4)\nraise ValueError('no')"), "4")
    assert score.error_msg.startswith("Execution failed:\nTraceback")
    assert score.error_msg.endswith("ValueError: no")
    assert (score.correctness_score, score.status) == (0.0, Status.SCORED)
    score = javascript.compute_reward(fenced("throw new TypeError('no')", "js"), "4")
    assert score.error_msg.startswith("Execution failed:\n")
    assert "TypeError: no" in score.error_msg


def test_a_mismatch_says_what_was_expected(python):
    score = python.compute_reward(fenced("print('abxd')"), "abcd")
    assert score.error_msg == "Output mismatch. Similarity: 0.75.\nExpected Output: abcd\nActual Output: abxd"
    assert score.components["similarity"] == 0.75
    assert score.correctness_score == 0.0


@pytest.mark.parametrize(
    ("code", "status", "says"),
    [
        ("while True: pass", Status.TIMEOUT, "time limit"),
        ("x = 'a' * 10 ** 9", Status.RESOURCE_LIMIT, "MemoryError"),
        ("print('a' * 10 ** 7)", Status.RESOURCE_LIMIT, "printed too much"),
        ("import sys\nprint(4)\nsys.exit(3)", Status.SCORED, "exit code 3"),
    ],
)
def test_limits_have_a_status_of_their_own(code, status, says):
    score = CodingRewardFunction(timeout=0.5 if status is Status.TIMEOUT else 60).compute_reward(fenced(code), "4")
    assert score.status is status
    assert score.correctness_score == 0.0
    assert says in score.error_msg
    assert score.error_msg.startswith("Execution failed:\n")


@pytest.mark.parametrize(
    "expected",
    [
        "4",
        4,
        "<answer>4</answer>",
        '{"code": "print(2 + 2)"}',
        '{"solution": "```python\\nprint(4)\\n```"}',
        "```python\nprint(2 +\n```\n```python\n2)\n```",
        "print(2 + 2)",
        "for i in range(1):\n    print(4)",
        lambda output: output == "4",
        {"cases": [{"stdin": "", "stdout": "4"}]},
        '{"cases": [{"stdout": "4"}], "language": "py"}',
    ],
)
def test_forms_of_the_expected_answer(python, expected):
    assert python.compute_reward(fenced("print(4)"), expected).correctness_score == 1.0
    score = python.compute_reward(fenced("print(5)"), expected)
    assert (score.correctness_score, score.status) == (0.0, Status.SCORED)


def test_a_reference_that_fails_is_our_error(python):
    score = python.compute_reward(fenced("print(4)"), "print(1/0)")
    assert score.status is Status.ERROR
    assert score.error_msg.startswith("Reference (Answer) execution failed: ")
    assert score.error_msg.endswith("ZeroDivisionError: division by zero")


def test_a_function_judges_the_output(python):
    def validator(output):
        return int(output) / 10

    assert python.compute_reward(fenced("print(4)"), validator).correctness_score == 0.4
    assert python.compute_reward(fenced("print(400)"), validator).correctness_score == 1.0
    assert python.compute_reward(fenced("print('nan')"), float).correctness_score == 0.0
    score = python.compute_reward(fenced("print('four')"), validator)
    assert (score.correctness_score, score.status) == (0.0, Status.SCORED)
    assert score.error_msg.startswith("Callable validator failed: invalid literal")


@pytest.mark.parametrize(
    ("expected", "says"),
    [
        (None, "of type NoneType"),
        ({"cases": []}, "there are no tests"),
        ({"cases": [{"stdin": "1"}]}, "case 1: give"),
        ({"cases": [{"args": [1], "result": 2}]}, "name the"),
        ({"function": "f", "cases": [{"args": [1]}]}, '"result" is missing'),
        ({"function": "f", "cases": [{"args": "[1", "result": "2"}]}, "neither JSON nor a Python literal"),
        ({"function": "f", "cases": [{"args": "__import__('os')", "result": "2"}]}, "neither JSON nor"),
        ({"function": "f", "tests": "def ("}, "the tests are not Python"),
        ({"tests": "assert f(1)"}, "give function"),
        ({"cases": [{"stdout": ""}], "language": "lua"}, "language must be one of"),
        ({"cases": [{"stdout": ""}], "tolerence": 1}, "unknown key 'tolerence'"),
        ({"outputs": "4"}, "needs one of cases, tests, code, solution, output"),
        ({"output": ["4"]}, "output must be text or a number"),
        ({"output": True}, "output must be text or a number"),
        ({"output": "4", "tolerance": 1}, "unknown key 'tolerance' beside the output"),
        ({"output": "4", "language": "lua"}, "language must be one of"),
        ({"code": "print(4)", "language": "lua"}, "language must be one of"),
        ({"entry_point": "f", "prompt": "", "test": ""}, '{"function": entry_point, "setup": prompt, "tests": test}'),
        ('{"entry_point": "f", "test": ""}', '{"function": entry_point, "setup": prompt, "tests": test}'),
        ({"entry_point": "f", "tests": "assert f()"}, '{"function": entry_point'),
    ],
)
def test_a_malformed_expected_answer_is_our_error(python, expected, says):
    score = python.compute_reward(fenced("print(4)"), expected)
    assert score.status is Status.ERROR
    assert says in score.error_msg


def test_what_looks_like_code_is_a_reference_and_nothing_else():
    for text in ("print(1)", "x\nconsole.log(1)", "def f():\n  pass", "const a = 1", "import os", "from os import sep"):
        assert isinstance(read_expected(text), Reference), text
    for text in ("4", "hello world", "for example", "let it be", "important", "print", '{"a": 1}', "{1, 2}", "class A"):
        assert isinstance(read_expected(text), Output), text
    assert isinstance(read_expected('{"cases": [{"stdout": ""}]}'), CodeTests)


@pytest.mark.parametrize("form", ["output", "code"])
def test_outputs_and_references_may_name_the_language(python, javascript, form):
    codes = {"python": "print([1, 2])", "javascript": "console.log(JSON.stringify([1, 2]))"}
    for language, code in codes.items():
        expected = (
            {"output": "[1,2]", "language": language} if form == "output" else {"code": code, "language": language}
        )
        for reward in (python, javascript):
            assert reward.compute_reward(fenced(code, language), expected).correctness_score == 1.0
            assert reward.compute_reward(fenced(code.replace("2", "3"), language), expected).correctness_score == 0.0
            other = next(other for other in codes if other != language)
            assert reward.compute_reward(fenced(codes[other], other), expected).correctness_score == 0.0


def test_an_output_that_is_an_object_as_text_is_what_the_program_prints(python):
    assert read_expected('{"output": "4", "language": "python"}') == Output('{"output": "4", "language": "python"}')
    assert read_expected({"output": 4}) == Output("4")
    assert read_expected('{"code": "4", "language": "js"}') == Reference("4", "javascript")


@pytest.mark.parametrize("expected", [None, ["4"], {"nothing": 1}])
def test_what_is_no_expected_answer_gets_no_language(expected):
    with pytest.raises((TypeError, ValueError)):
        with_language(expected, "python")
    assert with_language(len, "python") is len


# Programs that read standard input.

DOUBLE = {"cases": [{"stdin": f"{n}\n", "stdout": f"{2 * n}\n"} for n in (1, 2, 5, -3)]}


def test_every_input_must_give_its_output(python):
    score = python.compute_reward(fenced("print(2 * int(input()))"), DOUBLE)
    assert (score.correctness_score, score.error_msg, score.components["tests_passed"]) == (1.0, "", 1.0)
    score = python.compute_reward(fenced("n = int(input())\nprint(2 * n if n != 2 else 5)"), DOUBLE)
    assert (score.correctness_score, score.components["tests_passed"]) == (0.0, 0.25)
    assert score.error_msg == "Test 2 of 4 failed.\nExpected Output: 4\nActual Output: 5"


def test_partial_credit_is_the_share_of_all_tests(partial_tests):
    score = partial_tests.compute_reward(fenced("n = int(input())\nprint(2 * n if n != 2 else 5)"), DOUBLE)
    assert score.correctness_score == score.components["tests_passed"] == 0.75
    assert score.error_msg.startswith("Test 2 of 4 failed.")


def test_a_program_costs_its_time_limit_once(partial_tests):
    start = time.monotonic()
    score = partial_tests.compute_reward(fenced("n = int(input())\nwhile n > 1: pass\nprint(2 * n)"), DOUBLE)
    assert score.status is Status.TIMEOUT
    assert score.correctness_score == 0.25
    assert time.monotonic() - start < 25


def test_partial_similarity_is_the_similarity_of_the_output():
    coding = CodingRewardFunction(partial="similarity")
    assert coding.compute_reward(fenced("print('abxd')"), "abcd").correctness_score == 0.75
    assert coding.compute_reward(fenced("1/0"), "abcd").correctness_score == 0.0


def test_a_right_output_with_a_bad_end_fails(python):
    for ending in ("import sys; sys.exit(1)", "raise SystemExit('no')", "import os; os._exit(2)", "1/0"):
        score = python.compute_reward(fenced(f"print(2 * int(input()))\n{ending}"), DOUBLE)
        assert score.correctness_score == 0.0
        assert score.error_msg.startswith("Test 1 of 4 failed.\nExecution failed:")


def test_inputs_meet_fresh_instances(python):
    code = """
import builtins
builtins.seen = getattr(builtins, "seen", 0) + 1
try:
    open("/tmp/seen", "a").write("x")
except OSError:
    pass
print(2 * int(input()) if builtins.seen == 1 else "again")
"""
    assert python.compute_reward(fenced(code), DOUBLE).correctness_score == 1.0


# Functions.


def test_calls_with_json(python, javascript):
    expected = calls(([1, 2], [2, 4]), ([], []), function="double")
    assert (
        python.compute_reward(fenced("def double(a):\n    return [2 * x for x in a]"), expected).correctness_score
        == 1.0
    )
    assert (
        python.compute_reward(fenced("def double(a):\n    return (*[2 * x for x in a],)"), expected).correctness_score
        == 1
    )
    code = "const double = (a) => a.map((x) => 2 * x);"
    assert javascript.compute_reward(fenced(code, "js"), expected).correctness_score == 1.0
    score = python.compute_reward(fenced("def double(a):\n    return a"), expected)
    assert score.error_msg == "Test 1 of 2 failed.\nExpected: [2, 4]\nActual: [1, 2]"


def test_dictionaries_of_a_case_are_objects_in_javascript(javascript):
    code = "function f(x) { return x instanceof Map ? [...x.keys()] : Object.entries(x) }"
    expected = calls(
        ({1: 2, "b": [{3: 4}]}, [["1", 2], ["b", [{"3": 4}]]]),
        ({(1, 2): 3}, [(1, 2)]),
        ({1: "a", "1": "b"}, [1, "1"]),
        ({True: 1}, [True]),
    )
    score = javascript.compute_reward(fenced(code, "js"), expected)
    assert (score.correctness_score, score.error_msg) == (1.0, "")
    literal = {"function": "f", "cases": [{"args": "({1: 2},)", "result": "{1: 2}"}]}
    assert javascript.compute_reward(fenced("function f(x) { return x }", "js"), literal).correctness_score == 1.0


def test_calls_with_named_arguments(python):
    case = {"args": [1], "kwargs": {"b": 2}, "result": {"sum": 3}}
    expected = {"function": "f", "cases": [case]}
    assert (
        python.compute_reward(fenced("def f(a, *, b):\n    return {'sum': a + b}"), expected).correctness_score == 1.0
    )


def test_calls_with_python_literals(python):
    case = {"args": "((1, 2), {3})", "kwargs": "{'key': None}", "result": "{(1, 2): b'x', 'y': {3}}"}
    expected = {"function": "f", "cases": [case]}
    right = "def f(a, b, key):\n    return {a: b'x', 'y': b}"
    assert python.compute_reward(fenced(right), expected).correctness_score == 1.0
    assert python.compute_reward(fenced(right.replace("'y': b", "'y': [3]")), expected).correctness_score == 0.0


def test_tuples_are_lists_only_where_json_has_none(python):
    code = "def f(a):\n    return [1, a]"
    assert python.compute_reward(fenced(code), calls((2, [1, 2]))).correctness_score == 1.0
    literal = {"function": "f", "cases": [{"args": "(2,)", "result": "(1, 2)"}]}
    assert python.compute_reward(fenced(code), literal).correctness_score == 0.0


def test_methods_can_be_called(python):
    expected = calls((3, 9), function="Solution().square")
    assert (
        python.compute_reward(
            fenced("class Solution:\n    def square(self, n):\n        return n * n"), expected
        ).correctness_score
        == 1.0
    )


def test_a_function_may_keep_a_cache_between_calls(python):
    code = "from functools import cache\n@cache\ndef f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)"
    assert (
        python.compute_reward(fenced(code), calls((50, 12586269025), (1, 1), (50, 12586269025))).correctness_score
        == 1.0
    )
    spoilt = "def f(n, seen=[]):\n    seen.append(n)\n    return len(seen)"
    assert python.compute_reward(fenced(spoilt), calls((5, 1), (5, 1))).correctness_score == 0.0


@pytest.mark.parametrize(
    "code",
    [
        "def g(n):\n    return n",
        "f = 3",
        "def f(n):\n    raise ValueError('no')",
        "def f(n):\n    import os\n    os._exit(0)",
        "def f(n):\n    raise SystemExit(0)",
        "class Any:\n    def __eq__(self, other):\n        return True\ndef f(n):\n    return Any()",
        "class Int(int):\n    __eq__ = lambda *a: True\n    __hash__ = int.__hash__\ndef f(n):\n    return Int(7)",
        "def f(n):\n    return print",
        "def f(n):\n    return [[[n]]]",
        "import sys\nsys.exit(0)",
        "def f(n):\n    return f(n)",
        "def f(n):\n    x = []\n    x.append(x)\n    return x",
        "def f(n):\n    return float('nan')",
        "",
        "\0",
        "\ud800",
    ],
)
def test_no_trick_returns_the_right_value(python, code):
    score = python.compute_reward(fenced(code), calls((1, 1_000), (2, 2_000)))
    assert score.correctness_score == 0.0
    assert not score.failed


def test_a_program_does_not_hold_what_is_expected():
    """Everything it can reach is printed, and the expected number is not among it."""
    code = """
import gc, sys

def f(n):
    reached = [repr(x)[:200] for x in gc.get_objects()] + [repr(sys._getframe(1).f_locals)[:2000]]
    return any(str(73918 + n) in text for text in reached)
"""
    coding = CodingRewardFunction(timeout=10)
    assert coding.compute_reward(fenced(code), calls((1, False), (2, False))).correctness_score == 1.0
    assert "Actual: False" in coding.compute_reward(fenced(code), calls((1, 73_919))).error_msg


# Trusted tests.

CHECK = "def check(candidate):\n    assert candidate(2) == 4\n    assert abs(candidate(3) - 9) < 1e-6\n"
ASSERTS = ["assert square(2) == 4", "assert square(3) == 9", "assert square(-1) == 1"]


@pytest.mark.parametrize("tests", [CHECK, CHECK + "check(candidate)\n", ASSERTS, "\n".join(ASSERTS)])
def test_trusted_tests_call_the_candidate(python, javascript, tests):
    expected = {"function": "square", "tests": tests}
    assert python.compute_reward(fenced("def square(n):\n    return n * n"), expected).correctness_score == 1.0
    assert (
        javascript.compute_reward(fenced("function square(n) { return n * n }", "js"), expected).correctness_score == 1
    )
    score = python.compute_reward(fenced("def square(n):\n    return 4"), expected)
    assert score.correctness_score == 0.0
    assert "AssertionError" in score.error_msg


def test_trusted_tests_count_one_by_one_for_partial_credit(partial_tests):
    expected = {"function": "square", "tests": ASSERTS}
    score = partial_tests.compute_reward(fenced("def square(n):\n    return n * n if n > 0 else 0"), expected)
    assert score.correctness_score == pytest.approx(2 / 3)


def test_a_set_up_serves_the_tests_and_does_not_hide_the_candidate(python):
    setup = "def helper(n):\n    return 2 * n\ndef square(n):\n    return 4\n"
    expected = {"function": "square", "setup": setup, "tests": "assert square(3) == 9 and helper(2) == 4"}
    assert python.compute_reward(fenced("def square(n):\n    return n * n"), expected).correctness_score == 1.0
    assert python.compute_reward(fenced("def square(n):\n    return 4"), expected).correctness_score == 0.0


@pytest.mark.parametrize(
    "code",
    [
        "def square(n):\n    raise SystemExit(0)",
        "def square(n):\n    raise SystemExit",
        "def square(n):\n    raise GeneratorExit",
        "def square(n):\n    raise KeyboardInterrupt",
        "def square(n):\n    import os\n    os._exit(0)",
        "class AssertionError(SystemExit): pass\ndef square(n):\n    raise AssertionError(0)",
        "class Same:\n    __eq__ = lambda *a: True\n    __sub__ = lambda *a: 0\ndef square(n):\n    return Same()",
        "def square(n):\n    return 'x' * 10 ** 6",
        "def square(n):\n    while True: pass",
    ],
)
@pytest.mark.parametrize("tests", [CHECK, "\n".join(ASSERTS)])
def test_no_trick_ends_a_trusted_test_well(code, tests):
    coding = CodingRewardFunction(timeout=1)
    score = coding.compute_reward(fenced(code), {"function": "square", "tests": tests})
    assert score.correctness_score == 0.0
    assert not score.failed


@pytest.mark.parametrize(
    ("tests", "says"),
    [
        ("import sys\nsys.exit(0)\nf()", "ended its process before that, with exit code 0"),
        ("import sys\nsys.exit(3)\nf()", "ended its process before that, with exit code 3"),
        ("import os\nos._exit(0)\nf()", "ended its process before that, with exit code 0"),
    ],
)
def test_a_trusted_test_that_ends_early_says_how(python, tests, says):
    score = python.compute_reward(fenced("def f(): pass"), {"function": "f", "tests": tests})
    assert (score.correctness_score, score.status) == (0.0, Status.SCORED)
    assert says in score.error_msg


def test_a_trusted_test_that_crashes_says_so(python, monkeypatch):
    crash = ExecutionResult("", "", ExecutionStatus.CRASHED, None, 0.1)
    monkeypatch.setattr(RewardExecutor, "run_trusted", lambda *_, **__: crash)
    score = python.compute_reward(fenced("def f(): pass"), {"function": "f", "tests": "f()"})
    assert (score.correctness_score, score.status) == (0.0, Status.SCORED)
    assert "crashed its sandbox" in score.error_msg


@pytest.mark.parametrize("large", ["x" * 2**20, [[]] * 2**19, 10**200_000], ids=["text", "list", "number"])
def test_arguments_that_cannot_cross_are_our_error(python, caplog, large):
    expected = calls((1, 1), (large, 1))
    response = fenced("def f(x):\n    return 1")
    for score in (python.compute_reward(response, expected), *python.compute_rewards([(response, expected)])):
        assert score.failed
        assert "case 2: its arguments cannot be passed" in score.error_msg
    assert not caplog.records


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ({"args": [object()], "result": 1}, "case 2: its arguments cannot be passed: object"),
        ({"args": [], "kwargs": {"x": {1j, ...}, "y": print}, "result": 1}, "case 2: its arguments cannot be passed"),
        ({"args": [1], "result": object()}, "case 2: its result cannot be passed: object"),
        ({"args": [1], "result": "x" * 2**20}, "case 2: its result cannot be passed: 1,04"),
        ({"stdin": "\ud800", "stdout": ""}, "case 2: its input cannot be passed: 'utf-8'"),
    ],
)
@pytest.mark.parametrize("code", ["def f(x):\n    return 1", "def f(x):\n    return 0", "\0", "import os\nos._exit(0)"])
def test_a_case_that_cannot_be_tried_is_found_whatever_the_program_does(python, case, says, code):
    first = {"stdin": "", "stdout": "never"} if "stdin" in case else {"args": [0], "result": 1}
    expected = {"cases": [first, case]} | ({} if "stdin" in case else {"function": "f"})
    score = python.compute_reward(fenced(code), expected)
    assert score.failed
    assert says in score.error_msg


# Many at once.


def test_a_batch_gives_what_single_calls_give(python):
    pairs = [(fenced(f"print({n % 5})"), str(n % 3)) for n in range(20)] + [("nothing", "1"), (fenced("1/0"), object())]
    batch, single = python.compute_rewards(pairs), [python.compute_reward(*pair) for pair in pairs]
    assert [(s.correctness_score, s.status, s.error_msg) for s in batch] == [
        (s.correctness_score, s.status, s.error_msg) for s in single
    ]
    assert python.compute_rewards([]) == []


def test_a_failure_of_ours_costs_one_response_only(python, monkeypatch):
    read = CodingRewardFunction._judge

    def judge(self, code, language, expected):
        if "boom" in code:
            raise RuntimeError("boom")
        return read(self, code, language, expected)

    monkeypatch.setattr(CodingRewardFunction, "_judge", judge)
    scores = python.compute_rewards([(fenced("print(4)"), "4"), (fenced("boom"), "4")])
    assert [score.status for score in scores] == [Status.SCORED, Status.ERROR]
    assert scores[1].error_msg == "grading raised RuntimeError: boom"


def test_languages_by_their_names(python):
    coding = CodingRewardFunction()
    coding.set_language("js")
    assert coding.language == "javascript"
    assert coding.compute_reward(fenced("console.log(4)", "js"), "console.log(2 + 2)").correctness_score == 1.0
    with pytest.raises(ValueError, match="language must be one of python"):
        coding.set_language("lua")
    # Tests name their own language.
    expected = {"language": "javascript", "cases": [{"stdout": "4"}]}
    assert python.compute_reward(fenced("console.log(4)", "js"), expected).correctness_score == 1.0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"timeout": 0}, "timeout is 0"),
        ({"limits": "cpu"}, "limits must be"),
        ({"partial": "some"}, "partial must be"),
        ({"language": "c"}, "language must be"),
    ],
)
def test_impossible_arguments_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        CodingRewardFunction(**arguments)


def test_it_can_be_pickled_after_use(python):
    python.compute_reward(fenced("print(4)"), "4")
    copy = pickle.loads(pickle.dumps(python))
    assert copy.compute_reward(fenced("print(4)"), "4").correctness_score == 1.0


def test_wasmtime_is_loaded_with_the_first_program_only():
    code = (
        "import sys\nfrom infinite_rl import get_reward_functions\n"
        "coding = get_reward_functions()['coding']\ncoding.compute_reward('nothing', '4')\n"
        "assert 'wasmtime' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def humaneval():
    path = DATA / "HumanEval.jsonl.gz"
    if not path.is_file():
        pytest.skip("HumanEval is not beside this checkout")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.slow  # by default the test of the HumanEval layout runs the solutions
def test_humaneval_accepts_its_solutions_and_refuses_what_is_none():
    rows = humaneval()
    coding = CodingRewardFunction(timeout=10)
    right, wrong = [], []
    for row in rows:
        expected = {"function": row["entry_point"], "setup": row["prompt"], "tests": row["test"]}
        right.append((fenced(row["prompt"] + row["canonical_solution"]), expected))
        wrong.append((fenced(row["prompt"] + "    return None"), expected))
    scores = coding.compute_rewards(right)
    assert [row["task_id"] for row, score in zip(rows, scores, strict=True) if score.correctness_score < 1] == []
    assert sum(score.correctness_score for score in coding.compute_rewards(wrong)) == 0.0
