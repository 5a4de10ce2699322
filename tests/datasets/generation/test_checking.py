import json
import time

import pytest

from infinite_rl.datasets.generation.checking import Checker
from infinite_rl.datasets.generation.draft import Draft


@pytest.fixture(scope="module")
def checker():
    return Checker(timeout=2.0)


def program(code, language="python"):
    return f"So:\n<answer>\n```{language}\n{code}\n```\n</answer>"


CASES = json.dumps({"function": "f", "cases": [{"args": [2], "result": 4}, {"args": [5], "result": 10}]})
GOOD = [
    ("math", None, Draft("What is 1/2 + 1/4?", "3/4", "<answer>0.75</answer>")),
    ("math", None, Draft("Solve x^2 = 4.", "{-2, 2}", "<answer>x = 2 or x = -2</answer>")),
    ("coding", "python", Draft("Write a Python function f.", CASES, program("def f(x):\n    return 2 * x"))),
    ("coding", "javascript", Draft("f doubles.", CASES, program("function f(x) { return 2 * x; }", "javascript"))),
    ("coding", "python", Draft("Print the sum.", "6", program("print(1 + 2 + 3)"))),
    ("coding", "javascript", Draft("Print it.", "[ 1, 2 ]", program("console.log([1, 2])", "javascript"))),
    ("coding", "python", Draft("Print it.", "```python\nprint(sum([1, 5]))\n```", program("print(6)"))),
]
GOOD += [
    ("coding", "python", Draft("Count the nodes of a tree whose node has children.", CASES, GOOD[2][2].response)),
    (
        "coding",
        "python",
        Draft(
            "f", json.dumps({"function": "f", "tests": ["assert f(2) == 4", "assert f(0) == 0"]}), GOOD[2][2].response
        ),
    ),
]
CONSTANT = program("def f(x):\n    return 4")
BAD = [
    ("math", None, Draft("1+1? The answer is 2.", "2", "<answer>2</answer>"), "away"),
    ("coding", "python", Draft("f:\n```python\ndef f(x):\n    return 2 * x\n```", CASES, GOOD[2][2].response), "away"),
    ("coding", "python", Draft("f", CASES.replace("[5]", "[2]").replace("10", "4"), CONSTANT), "one result"),
    (
        "coding",
        "python",
        Draft("f", '{"function": "f", "cases": [{"args": [2], "result": 4}]}', CONSTANT),
        "one result",
    ),
    ("coding", "python", Draft("f", '{"function": "f", "tests": ["assert f(2)"]}', CONSTANT), "without thought"),
    (
        "coding",
        "python",
        Draft("f", '{"cases": [{"stdin": "1", "stdout": "3"}, {"stdin": "", "stdout": "3\\n"}]}', program("print(3)")),
        "one result",
    ),
    ("coding", "python", Draft("f", '{"cases": [{"stdin": "1", "stdout": ""}]}', program("0")), "one result"),
    ("math", None, Draft("1+1?", "2", "<answer>3</answer>"), "mismatch"),
    ("math", None, Draft("1+1?", "2", "It is 2."), "Missing"),
    ("math", None, Draft("1+1? (<answer>2</answer>)", "2", "<answer>2</answer>"), "away"),
    ("coding", "python", Draft("f", CASES, program("def f(x):\n    return x")), "expected|Expected"),
    ("coding", "python", Draft("f", CASES, "<answer>def f(x): return 2 * x</answer>"), "0.75|fence"),
    ("coding", "python", Draft("f", '{"cases": []}', program("print(1)")), "can't be used"),
    ("coding", "python", Draft("f", '{"cases": 1}', program("print(1)")), "can't be used"),
    ("coding", "python", Draft("Print.", "6", program("print(7)")), "mismatch"),
    ("coding", "python", Draft("Print.", "6", program("while True: pass")), "time limit"),
    ("coding", "python", Draft("Do nothing.", "```python\nx = 1\n```", program("x = 1")), "without thought"),
    ("coding", "python", Draft("Print.", "```python\n1 / 0\n```", program("print(1)")), "execution failed"),
    ("coding", "python", Draft("Write JavaScript.", "6", program("print(6)")), "asks for javascript"),
    (
        "coding",
        "python",
        Draft("f", CASES.replace("10", "4").replace("5", "3"), program("def f(x):\n    return 4")),
        "one result",
    ),
    (
        "coding",
        "python",
        Draft("Print.", "```python\nimport random\nprint(random.random())\n```", program("print(0.5)")),
        "mismatch",
    ),
]


@pytest.mark.parametrize(("kind", "language", "draft"), GOOD)
def test_a_good_task_is_accepted(checker, kind, language, draft):
    check = checker.check(kind, language, draft)
    assert (check.problem, check.quality, check.language) == ("", 1.0, language)


@pytest.mark.parametrize(("kind", "language", "draft", "why"), BAD)
def test_a_bad_task_is_refused_with_the_reason(checker, kind, language, draft, why):
    check = checker.check(kind, language, draft)
    assert not check.accepted
    assert why.split("|")[0] in check.problem or why.split("|")[-1] in check.problem


def test_a_program_in_the_other_language_is_taken_as_what_it_is(checker):
    draft = Draft("Write a program that prints 6.", "6", program("console.log(6)", "javascript"))
    assert checker.check("coding", "python", draft).language == "javascript"


def test_a_fence_without_a_name_is_tried_in_both_languages(checker):
    draft = Draft("Print 6.", "6", "<answer>\n```\nprint(2 * 3)\n```\n</answer>")
    assert checker.check("coding", "javascript", draft).language == "python"


def test_the_languages_are_judged_apart(checker):
    right = checker.score("coding", "javascript", program("console.log([1].map(x => x))", "javascript"), "[ 1 ]")
    assert right.correctness_score == 1.0
    assert checker.score("coding", "python", program("console.log(1)"), "1").correctness_score == 0.0


def cases(*cases):
    return json.dumps({"function": "f", "cases": list(cases)})


@pytest.mark.parametrize(
    "answer",
    [
        cases(*({"args": [x], "result": x} for x in range(51))),
        '{"function": "f", "cases": [{"args": [1], "result": %s}]}' % ("[" * 50_000 + "]" * 50_000),
        cases({"args": "(" + "-" * 100_000 + "1,)", "result": "1"}),
        cases({"args": "[" * 90_000, "result": "1"}),
        cases({"args": "(9**9**9,)", "result": "1"}),
        cases({"args": "(__import__('os').getpid(),)", "result": "1"}),
        '{"function": "f", "cases": [{"args": [1], "result": NaN}]}',
    ],
)
def test_hostile_tests_are_refused_at_once(checker, answer):
    start = time.process_time()
    assert not checker.check("coding", "python", Draft("f", answer, program("def f(x):\n    return x"))).accepted
    assert time.process_time() - start < 5


@pytest.mark.slow
def test_tests_that_take_long_together_are_refused(checker):
    slow = program("def f(x):\n    for _ in range(10**7):\n        pass\n    return x")
    answer = cases(*({"args": [x], "result": x} for x in range(20)))
    assert "together" in checker.check("coding", "python", Draft("f", answer, slow)).problem
