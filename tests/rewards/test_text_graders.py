"""Exact match, search answers, multiple choice, and what all graders of tagged text share."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinite_rl.rewards import (
    CallableRewardFunction,
    ExactMatchRewardFunction,
    MultipleChoiceRewardFunction,
    RewardFunction,
    SearchRewardFunction,
    get_reward_functions,
)
from infinite_rl.rewards.multiple_choice import read_choice
from infinite_rl.rewards.search import f1_score, normalize_answer

GRADERS = {
    "eq": (ExactMatchRewardFunction(), "Paris"),
    "search": (SearchRewardFunction(), ["Paris", "the city of Paris"]),
    "multiple_choice": (MultipleChoiceRewardFunction(), "B"),
}


def correct(grader, answer, expected):
    return grader.compute_reward(f"<answer>{answer}</answer>", expected).correctness_score


def test_every_grader_is_listed_by_name():
    assert {"math", "coding", "eq", "search", "multiple_choice", "json_schema", "callable"} == set(
        get_reward_functions()
    )
    assert all(isinstance(function, RewardFunction) for function in get_reward_functions().values())


@pytest.mark.parametrize("name", GRADERS)
@pytest.mark.parametrize(
    ("response", "status", "format_score"),
    [
        ("Paris", "no_answer", 0.0),
        ("<answer>B", "no_answer", 0.0),
        ("<think><answer>B</answer></think>", "no_answer", 0.0),
        ("<answer> \n </answer>", "no_answer", 1.0),
        (f"<answer>{'x ' * 60_000}</answer>", "resource_limit", 1.0),
        ("<answer>C</answer>", "scored", 1.0),
        ("[answer]C[/answer]", "scored", 0.5),
        ("<answer>C</answer><answer>C</answer>", "scored", 0.4),
    ],
)
def test_format_and_status_are_those_of_every_grader(name, response, status, format_score):
    grader, expected = GRADERS[name]
    score = grader.compute_reward(response, expected)
    assert (score.status, score.format_score, score.correctness_score) == (status, format_score, 0.0)
    assert score.error_msg


@pytest.mark.parametrize(
    ("name", "spellings"),
    [("eq", ["Paris", "PARIS"]), ("search", ["the Paris", "Paris."]), ("multiple_choice", ["B", "(b)"])],
)
def test_one_answer_given_twice_is_judged_and_two_answers_are_wrong(name, spellings):
    grader, expected = GRADERS[name]
    pairs = "".join(f"<answer>{spelling}</answer>" for spelling in spellings)
    assert grader.compute_reward(pairs, expected).correctness_score == 1.0
    assert grader.compute_reward(pairs + "<answer>C</answer>", expected).correctness_score == 0.0
    assert grader.compute_reward("<answer>C</answer>" + pairs, expected).correctness_score == 0.0


def test_a_different_answer_does_not_hide_behind_many_spellings():
    spellings = ["B", "(B)", "B.", "B)", "[B]", "b", "(b)", "b.", "b)", "[b]", "A"]
    pairs = "".join(f"<answer>{spelling}</answer>" for spelling in spellings)
    assert MultipleChoiceRewardFunction().compute_reward(pairs, "B").correctness_score == 0.0


@pytest.mark.parametrize("name", GRADERS)
@pytest.mark.parametrize(
    "unit", ["<", "<answer>", "[", "\\frac{", "\0", "\ud800", "a ", "**", "\u0301\u0323", "(", "B) "]
)
def test_a_megabyte_of_anything_is_judged_in_linear_time(name, unit):
    grader, expected = GRADERS[name]
    for shape in ("{}", "<answer>{}</answer>"):
        used = []
        for size in (1 << 17, 1 << 20):
            response = shape.format(unit * (size // len(unit)))
            start = process_time()
            score = grader.compute_reward(response, expected)
            used.append(process_time() - start)
            assert score.correctness_score == 0.0
        assert used[1] < 8 * 5 * used[0] + 0.5


ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=())) | st.text("()[]*$ .,:?-ABab{}\\", max_size=30)


@pytest.mark.parametrize("name", GRADERS)
@given(text=ANY_TEXT)
def test_no_text_raises_or_is_right_by_chance(name, text):
    grader, expected = GRADERS[name]
    for response in (text, f"<answer>{text}</answer>"):
        score = grader.compute_reward(response, expected)
        assert score.status != "error"
        assert score.correctness_score in (0.0, 1.0)
        assert score.correctness_score == 0.0 or "<answer>" in response


@pytest.mark.parametrize("name", GRADERS)
def test_a_long_answer_within_the_limit_is_no_trap(name):
    grader, expected = GRADERS[name]
    for unit in ("\u0301\u0323", "a\u0301", "$", "**", "\\boxed{", "a ", "(a) ", "answer "):
        answer = unit * (grader.max_characters // len(unit))
        start = process_time()
        assert correct(grader, answer, expected) == 0.0
        assert process_time() - start < 5


@pytest.mark.parametrize("name", ["eq", "search"])
@pytest.mark.parametrize("expected", [True, None, {"a": 1}, object(), [["x"]], b"Paris"])
def test_an_expected_answer_of_another_type_is_refused(name, expected):
    score = GRADERS[name][0].compute_reward("<answer>x</answer>", expected)
    assert score.status == "error"
    assert "of type" in score.error_msg


@pytest.mark.parametrize(
    ("name", "expected"), [("eq", " "), ("search", []), ("search", ["x", ""]), ("eq", float("nan"))]
)
def test_an_expected_answer_that_cannot_be_used_is_our_error(name, expected):
    score = GRADERS[name][0].compute_reward("<answer>x</answer>", expected)
    assert score.status == "error"
    assert score.error_msg.startswith("The expected answer can't be used: ")


@pytest.mark.parametrize(
    ("answer", "expected", "right"),
    [
        ("  New \n York ", "new york", True),
        ("caf\u00e9", "cafe\u0301", True),
        ("Straße", "STRASSE", True),
        ("42", 42, True),
        ("4²", "42", False),
        ("①", "1", False),
        ("Paris.", "Paris", False),
        ("Paris or Rome", "Paris", False),
        ("Par\u200bis", "Paris", False),
        ("Paris\0", "Paris", False),
        ("\ud800", "Paris", False),
    ],
)
def test_exact_match_squeezes_space_and_ignores_case_and_nothing_else(answer, expected, right):
    assert correct(ExactMatchRewardFunction(), answer, expected) == right


def test_exact_match_can_heed_case():
    assert correct(ExactMatchRewardFunction(ignore_case=False), "AB", "ab") == 0.0
    assert correct(ExactMatchRewardFunction(ignore_case=False), " AB", "AB") == 1.0


def test_squads_normalisation():
    assert normalize_answer("The  Quick, (brown) fox's an A!") == "quick brown foxs"
    assert normalize_answer("«L’Été»") == "lété"


def test_points_and_signs_of_numbers_are_no_punctuation():
    pairs = [("1.5", "15"), ("-5", "5"), ("3/4", "34"), ("10:30", "1030"), ("from -2 to 2", "from 2 to 2")]
    for answer, gold in pairs:
        assert normalize_answer(answer) != normalize_answer(gold)
    for answer, gold in [("1,000", "1000"), ("In 1945.", "in 1945"), ("U.S.", "US"), ("COVID-19", "covid19")]:
        assert normalize_answer(answer) == normalize_answer(gold)
    assert f1_score("1.5", "15") == 0.0


@pytest.mark.parametrize(
    ("answer", "expected", "exact", "f1"),
    [
        ("the Eiffel Tower", ["Eiffel tower.", "La tour Eiffel"], 1.0, 1.0),
        ("Eiffel", "Eiffel Tower", 0.0, 2 / 3),
        ("the tower of Eiffel Eiffel", "Eiffel Tower", 0.0, 2 * 2 / (2 + 4)),
        ("Rome", ["Paris", "Paris, France"], 0.0, 0.0),
        ("yes it is", "yes", 0.0, 0.0),
        ("A", "a", 1.0, 1.0),
        ("the", "A", 0.0, 0.0),
        ("1889", 1889, 1.0, 1.0),
        ("...", "Paris", 0.0, 0.0),
    ],
)
def test_search_answers_have_exact_match_and_f1_over_all_golds(answer, expected, exact, f1):
    score = SearchRewardFunction().compute_reward(f"<answer>{answer}</answer>", expected)
    assert score.correctness_score == score.components["exact_match"] == exact
    assert score.components["f1"] == pytest.approx(f1)
    assert correct(SearchRewardFunction("f1"), answer, expected) == pytest.approx(f1)


def test_f1_counts_a_word_as_often_as_both_have_it():
    assert f1_score("a b b c", "b c c") == pytest.approx(2 * 2 / (3 + 3))  # "a" is an article


def test_an_unknown_metric_is_refused():
    with pytest.raises(ValueError, match="exact_match, f1"):
        SearchRewardFunction("recall")


OPTIONS = {"A": "Rome", "B": "Paris", "C": "Vitamin C", "D": "Both A and B"}


@pytest.mark.parametrize(
    "answer",
    [
        "B",
        "b",
        "(B)",
        "(b)",
        "[B]",
        "B.",
        "B)",
        "B:",
        "**B**",
        "$B$",
        "\\boxed{B}",
        "$\\boxed{\\text{(B)}}$",
        "Answer: B",
        "The answer is **B**.",
        "My answer: B",
        "Answer - B",
        "*B*",
        "_B_",
        '"B"',
        "{B}",
        "**Answer:** B",
        "\\boxed{B}.",
        "**B**. Paris.",
        "The answer is B.",
        "the correct answer is (B).",
        "Option B",
        "The best option is option B",
        "Answer: **B**",
        "B) Paris",
        "(B) Paris",
        "B. Paris",
        "B: paris",
        "B - Paris",
        "**B.** Paris",
        "Final answer: B) Paris",
    ],
)
def test_a_choice_is_read_in_its_usual_spellings(answer):
    assert read_choice(answer) == "B"
    assert read_choice(answer, OPTIONS) == "B"


@pytest.mark.parametrize(
    "answer",
    [
        "A or B",
        "B or C",
        "A, B",
        "B, C",
        "A/B",
        "A and B",
        "AB",
        "B) or C",
        "B) is wrong",
        "B. Actually C",
        "B -> C",
        "B) C",
        "B. Paris (C)",
        "(B) (C)",
        "(A) (B)",
        "not B",
        "The answer is not B",
        "B?",
        "B) maybe",
        "probably B",
        "I think B",
        "either",
        "B) Paris or C) Rome",
        "Bananas",
        "Answers",
        "The",
        "",
        "?",
        "Ｂ",
        "B\0",
        "B\u0301",
        "5",
        "all of them",
    ],
)
def test_hedges_and_several_letters_name_no_choice(answer):
    assert read_choice(answer) is None
    assert read_choice(answer, OPTIONS) is None


def test_the_text_of_an_option_stands_for_its_letter_and_must_not_contradict_it():
    assert read_choice("paris", OPTIONS) == "B"
    assert read_choice("The answer is Paris", OPTIONS) == "B"
    assert read_choice("D) Both A and B", OPTIONS) == "D"
    assert read_choice("C) Vitamin C", OPTIONS) == read_choice("C) Vitamin C") == "C"
    assert read_choice("B) Rome", OPTIONS) is None
    assert read_choice("Paris") is None
    assert read_choice("B Paris", OPTIONS) == read_choice("B, Paris", OPTIONS) == "B"
    assert read_choice("B Rome", OPTIONS) is None
    assert read_choice("2**3", {"A": "23", "B": "2**3"}) == "B"
    assert read_choice(".5", {"A": "5", "B": ".5"}) == "B"
    assert read_choice("B", {"A": "B", "B": "A"}) == "B"
    assert read_choice("The answer is A", {"A": "B", "B": "A"}) == "A"
    assert read_choice("it is true", {"A": "It is true.", "B": "It isn't."}) == "A"
    assert read_choice("E", OPTIONS) is None
    assert read_choice("Paris", {"A": "Paris", "B": "paris"}) is None


def test_a_choice_is_expected_as_a_letter_or_with_its_options():
    grader = MultipleChoiceRewardFunction()
    for expected in ("B", "(b)", {"answer": "B"}, {"answer": "Paris", "options": ["Rome", "Paris"]}):
        assert correct(grader, "B", expected) == 1.0
        assert correct(grader, "A", expected) == 0.0
    as_json = '{"answer": "B", "options": {"A": "Rome", "B": "Paris"}}'
    assert correct(grader, "Paris", as_json) == 1.0
    for unusable in ("Paris", "", "{", "B or C", {"answer": "C", "options": ["Rome", "Paris"]}, '{"a":' * 50_000):
        assert grader.compute_reward("<answer>B</answer>", unusable).status == "error"
    for refused in (True, 2, None, {"answer": 2}, {"answer": "A", "options": 3}, {"answer": "A", "options": [1]}):
        assert grader.compute_reward("<answer>B</answer>", refused).status == "error"


@pytest.mark.parametrize(
    ("function", "value", "message"),
    [
        (lambda text: text == "6", 1.0, ""),
        (lambda text: False, 0.0, "The validator gave the answer 0."),
        (lambda text: 0.25, 0.25, "The validator gave the answer 0.25."),
        (lambda text: 7, 1.0, ""),
        (lambda text: -1, 0.0, "The validator gave the answer 0."),
        (lambda text: float("nan"), 0.0, "Validator error: it returned NaN"),
        (lambda text: None, 0.0, "Validator error: it returned NoneType, not True, False or a number"),
        (lambda text: {}["x"], 0.0, "Validator error: 'x'"),
    ],
)
def test_a_function_judges_the_answer_and_its_failure_is_no_gain(function, value, message):
    score = CallableRewardFunction().compute_reward("<answer>6</answer>", function)
    assert (score.correctness_score, score.error_msg, score.status) == (value, message, "scored")


def test_a_function_given_beforehand_gets_the_answer_and_what_is_expected():
    grader = CallableRewardFunction(lambda answer, expected: answer == expected)
    assert correct(grader, "6", "6") == 1.0
    assert correct(grader, "6", 6) == 0.0
    score = CallableRewardFunction().compute_reward("<answer>6</answer>", "6")
    assert score.status == "error"
    assert "Give a function" in score.error_msg
