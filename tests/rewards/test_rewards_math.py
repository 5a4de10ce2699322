import json
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from infinite_rl.rewards import MathRewardFunction, Status, get_reward_functions, verify
from infinite_rl.rewards.expected import expected_text
from infinite_rl.rewards.forms import is_numeral, is_simplified, restates

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def reward(answer, expected, **options):
    return MathRewardFunction().compute_reward(f"<answer>{answer}</answer>", expected, **options)


def rows(name):
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"the measured samples ({name}) are not beside this checkout")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_right_answer_scores_full_and_without_a_message():
    score = reward("40+2", "42")
    assert (score.format_score, score.correctness_score, score.error_msg) == (1.0, 1.0, "")
    assert score.status is Status.SCORED


def test_a_wrong_answer_says_what_was_expected():
    score = reward("43", "42")
    assert (score.format_score, score.correctness_score) == (1.0, 0.0)
    assert score.error_msg == "Mathematical mismatch. Expected 42"
    assert score.status is Status.SCORED


def test_a_response_without_an_answer_is_not_judged():
    for response in ("42", "<answer>42", "<think><answer>42</answer></think>", ""):
        score = MathRewardFunction().compute_reward(response, "42")
        assert score.status is Status.NO_ANSWER
        assert (score.format_score, score.correctness_score) == (0.0, 0.0)
        assert score.error_msg == "Missing <answer> tags in response."


def test_an_empty_answer_is_no_answer_in_well_formed_tags():
    score = reward(" $$ ", "42")
    assert (score.status, score.format_score, score.correctness_score) == (Status.NO_ANSWER, 1.0, 0.0)


@pytest.mark.parametrize(
    ("response", "format_score", "correctness"),
    [
        ("[answer]6[/answer]", 0.5, 1.0),
        ("< answer >6< /answer >", 0.5, 1.0),
        ("[answer]7[/answer]", 0.5, 0.0),
        ("<answer>6</answer><answer>6</answer>", 0.4, 1.0),
        ("<answer>6</answer><answer>3+3</answer>", 0.4, 1.0),
        ("<answer>7</answer><answer>7</answer>", 0.4, 0.0),
        ("<answer>6</answer><answer>7</answer>", 0.4, 0.0),
        ("<answer>7</answer><answer>6</answer>", 0.4, 0.0),
        ("<answer>6</answer><answer></answer>", 0.4, 0.0),
        ("".join(f"<answer>6+{n}-{n}</answer>" for n in range(100)), 0.4, 0.0),
    ],
)
def test_malformed_and_repeated_tags_are_judged_with_a_lower_format_score(response, format_score, correctness):
    score = MathRewardFunction().compute_reward(response, "6")
    assert (score.format_score, score.correctness_score) == (format_score, correctness)
    assert score.error_msg


def test_the_tag_can_be_chosen():
    score = MathRewardFunction().compute_reward("<answer>1</answer><final>6</final>", "6", "final")
    assert (score.format_score, score.correctness_score) == (1.0, 1.0)


@pytest.mark.parametrize("bomb", ["9^9^9^9", "10**(10**10)", "(" * 500, "1" * 1_000_000])
def test_an_answer_over_the_limits_has_that_status(bomb):
    score = reward(bomb, "42")
    assert (score.status, score.correctness_score) == (Status.RESOURCE_LIMIT, 0.0)
    assert score.error_msg.startswith("The answer is over the limits: ")


@pytest.mark.parametrize("expected", ["", "$$", "1" * 2001, "2^{99999}", "4\u200b2"])
def test_an_expected_answer_that_nothing_can_equal_is_an_error_and_never_a_silent_zero(expected):
    assert reward("42", expected).status is Status.ERROR


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("42", "42"),
        (" <answer> 42 </answer> ", "42"),
        ("The sum is <summary>42</summary>", "42"),
        ("<answer>1</answer><answer>2</answer>", "<answer>1</answer><answer>2</answer>"),
        ('{"answer": "x+1"}', "x+1"),
        ('{"value": 3, "result": 2}', "2"),
        ('<answer>{"solution": 0.10}</answer>', "0.10"),
        ('{"answer": 1e-7}', "0.0000001"),
        ('{"other": 3}', '{"other": 3}'),
        ("{1, 2}", "{1, 2}"),
        ('["answer"]', '["answer"]'),
        ("{" * 100_000, "{" * 100_000),
        ('{"a":' * 100_000, '{"a":' * 100_000),
        (42, "42"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (1e22, "10000000000000000000000"),
        (Fraction(1, 3), "1/3"),
        (Decimal("2.50"), "2.50"),
    ],
)
def test_the_expected_answer_is_taken_out_of_tags_json_and_numbers(expected, text):
    assert expected_text(expected) == text


@pytest.mark.parametrize(
    "expected", [True, False, None, [42], {"answer": 42}, b"42", 1j, '{"answer": true}', '{"answer": null}']
)
def test_an_expected_answer_of_another_type_is_an_error_and_raises_nothing(expected):
    score = reward("1", expected)
    assert score.status is Status.ERROR
    assert "Give text, a number or a function" in score.error_msg


@pytest.mark.parametrize("response", [None, 4, b"<answer>4</answer>", ["4"]])
def test_a_response_that_is_no_text_is_an_error_and_raises_nothing(response):
    assert MathRewardFunction().compute_reward(response, "4").status is Status.ERROR


@pytest.mark.parametrize("expected", [float("nan"), float("inf"), Decimal("-Infinity")])
def test_an_expected_number_must_be_finite(expected):
    score = reward("1", expected)
    assert score.status is Status.ERROR
    assert "finite" in score.error_msg


@pytest.mark.parametrize(
    ("result", "correctness"),
    [(True, 1.0), (False, 0.0), (0.25, 0.25), (1, 1.0), (7, 1.0), (-3, 0.0), (Fraction(1, 2), 0.5)],
)
def test_a_function_gives_the_score_cut_to_one(result, correctness):
    score = reward("42", lambda answer: result)
    assert (score.format_score, score.correctness_score) == (1.0, correctness)


def test_a_function_gets_the_text_of_the_answer():
    assert reward(" 42 ", lambda answer: answer == "42").correctness_score == 1.0


def test_a_function_that_fails_counts_as_a_wrong_answer():
    score = reward("forty-two", lambda answer: int(answer) == 42)
    assert (score.format_score, score.correctness_score, score.status) == (1.0, 0.0, Status.SCORED)
    assert score.error_msg == "Validator error: invalid literal for int() with base 10: 'forty-two'"


@pytest.mark.parametrize("result", [None, "1", float("nan"), [1]])
def test_a_function_must_return_a_score(result):
    score = reward("42", lambda answer: result)
    assert score.correctness_score == 0.0
    assert score.error_msg.startswith("Validator error: ")


@pytest.mark.parametrize(
    "answer",
    [
        "42",
        "-42",
        "+42",
        "−42",
        "1,000",
        "1 000",
        "0.5",
        ".5",
        "42.0",
        "3/4",
        "-3/4",
        "$42$",
        "\\boxed{42}",
        "\\frac{3}{4}",
    ],
)
def test_a_bare_number_is_a_numeral(answer):
    assert is_numeral(answer)
    assert is_simplified(answer)


@pytest.mark.parametrize(
    "answer",
    [
        *(
            "40+2",
            "(42)",
            "--42",
            "84/2",
            "4/0",
            "2^5",
            "2*21",
            "7÷2",
            "7 \\div 2",
            "1.5/2",
            "3/4/5",
            "1/-2",
            "x",
            "2x",
            "x=2",
        ),
        *("forty", "", "1,00", "42\0", "6 7", "\\frac{84}{2}", "42+0", "9" * 3000),
    ],
)
def test_what_is_left_to_compute_is_no_numeral(answer):
    assert not is_numeral(answer)


@pytest.mark.parametrize(
    "answer",
    ["x+1", "2x+3", "x^2", "x/2", "\\frac{2x}{3}", "-\\frac{1}{2}", "\\frac{1}{2}x", "(x+1)(x-1)", "(42)", "x+y+3/4"],
)
def test_an_answer_without_arithmetic_between_numbers_is_simplified(answer):
    assert is_simplified(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "40+2",
        "2*21",
        "84/2",
        "2/4",
        "2^5",
        "x+2+3",
        "2*3*x",
        "2x/4",
        "x^(1+1)",
        "--42",
        "1/0",
        "x/1",
        "0.5/3",
        "1/2/3",
        "2(3)",
    ],
)
def test_an_answer_with_arithmetic_between_numbers_is_not_simplified(answer):
    assert not is_simplified(answer)


@pytest.mark.parametrize(
    ("form", "right"),
    [
        ("any", ["42", "42.0", "(42)", "40+2", "84/2", "6*7"]),
        ("simplified", ["42", "42.0", "(42)"]),
        ("numeral", ["42", "42.0"]),
    ],
)
def test_the_form_decides_what_counts_as_an_answer(form, right):
    for answer in ("42", "42.0", "(42)", "40+2", "84/2", "6*7"):
        score = reward(answer, "42", answer_form=form)
        assert score.correctness_score == float(answer in right)
        assert bool(score.error_msg) == (answer not in right)


def test_a_word_that_is_the_expected_text_is_simplified():
    assert reward("odd", "odd", answer_form="simplified").correctness_score == 1.0
    assert reward("odd", "odd", answer_form="numeral").correctness_score == 0.0


@pytest.mark.parametrize("answer", ["x(x+1)", "x * (x + 1)", "(x)(x+1)", "$x \\cdot (x+1)$"])
def test_restating_the_question_is_wrong_unless_any_form_will_do(answer):
    assert restates(answer, "x(x+1)")
    assert reward(answer, "x^2+x", answer_form="simplified", question="x(x+1)").correctness_score == 0.0
    assert reward(answer, "x^2+x", answer_form="any", question="x(x+1)").correctness_score == 1.0


def test_another_expression_than_the_questions_is_an_answer():
    assert reward("x^2+x", "x^2+x", answer_form="simplified", question="x(x+1)").correctness_score == 1.0
    assert reward("3/4", "3/4", answer_form="numeral", question="1/2+1/4").correctness_score == 1.0
    assert reward("3/4", "3/4", answer_form="numeral", question="3/4").correctness_score == 0.0


def test_the_forms_hold_for_functions_too():
    assert reward("40+2", lambda answer: True, answer_form="numeral").correctness_score == 0.0


def test_unknown_options_are_errors():
    for score, message in (
        (reward("42", "42", answer_form="number"), "any, numeral, simplified"),
        (reward("42", "42", answer_tag="<answer>"), "tag name"),
    ):
        assert score.status is Status.ERROR
        assert message in score.error_msg
    with pytest.raises(ValueError, match="positive"):
        MathRewardFunction(timeout=0)


def test_a_failure_of_ours_is_an_error_and_never_a_silent_zero(monkeypatch):
    def fail(*trees):
        raise RuntimeError("a bug")

    monkeypatch.setattr("infinite_rl.rewards.equivalence.verdict.compare", fail)
    score = reward("41.5+0.5", "42")
    assert score.status is Status.ERROR
    assert "RuntimeError: a bug" in score.error_msg


def test_a_reward_function_prepares_itself_when_it_is_first_used():
    function = get_reward_functions(timeout=5)["math"]
    assert (function.timeout, function.initialized) == (5, False)
    function.compute_reward("<answer>1</answer>", "1")
    assert function.initialized


def test_importing_the_rewards_loads_no_heavy_library():
    code = (
        "import sys, infinite_rl.rewards as r; assert r.verify('1', '1').equal; "
        "print(*{'sympy', 'mpmath', 'torch', 'wasmtime', 'rich'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


def test_no_wrong_answer_of_the_hostile_samples_is_accepted():
    samples = rows("math_hostile.jsonl")
    scores = [MathRewardFunction().compute_reward(row["model_output"], row["gold"]) for row in samples]
    accepted = [row["id"] for row, score in zip(samples, scores, strict=True) if score.correctness_score]
    assert accepted == [row["id"] for row in samples if row["correct"] and row["id"] in accepted]
    assert all(s.format_score < 1 for row, s in zip(samples, scores, strict=True) if row.get("format_ok") is False)
    assert len(accepted) >= 18  # of 38; the others need notation that isn't read yet


def test_no_unequal_pair_of_the_samples_is_accepted_in_either_order():
    samples = rows("math_equivalence.jsonl")
    accepted = [row for row in samples if verify(row["gold"], row["answer"]).equal]
    assert accepted == [row for row in samples if verify(row["answer"], row["gold"]).equal]
    assert [row["id"] for row in accepted if not row["equal"]] == []
    assert len(accepted) >= 112  # of 241; the others need notation that isn't read yet
