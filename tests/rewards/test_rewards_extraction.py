from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infinite_rl.rewards.extraction import MAX_CANDIDATES, extract_answer, visible_text

MISSING = "Missing <answer> tags in response."
MULTIPLE = "Multiple <answer> tags found. Math problems must have exactly one final answer tag."
MEGABYTE = 1 << 20


@pytest.mark.parametrize(
    ("response", "answers", "format_score"),
    [
        ("<answer>6</answer>", ("6",), 1.0),
        ("so it is <ANSWER>\n 6 \n</Answer>, I am sure", ("6",), 1.0),
        ("<answer></answer>", ("",), 1.0),
        ("[answer]6[/answer]", ("6",), 0.5),
        ("< answer >6< /answer >", ("6",), 0.5),
        ("<answer >6</ answer>", ("6",), 0.5),
        ("<answer>6[/answer]", ("6",), 0.5),
        ("<answer>6</answer> and <answer>6</answer>", ("6",), 0.4),
        ("<answer>6</answer><answer>7</answer>", ("6", "7"), 0.4),
        ("[answer]6[/answer]<answer>7</answer>", ("6", "7"), 0.4),
    ],
)
def test_closed_pairs_are_read_and_scored_by_how_well_they_are_formed(response, answers, format_score):
    found = extract_answer(response)
    assert (found.answers, found.format_score) == (answers, format_score)


@pytest.mark.parametrize(
    "response",
    [
        "",
        "6",
        "<answer>6",
        "6</answer>",
        "</answer>6<answer>",
        "<answer><answer>6</answer></answer>",
        "put it into <answer> tags: <answer>6</answer>",
        "<answer>6</answer> <answer>7",
        "<answer>6</answer></answer>",
        "<answers>6</answers>",
        "<answer]6</answer>",
        "< an swer>6</answer>",
        "<result>6</result>",
    ],
)
def test_missing_unclosed_closing_only_and_nested_tags_hold_no_answer(response):
    found = extract_answer(response)
    assert (found.answers, found.format_score, found.error_msg) == ((), 0.0, MISSING)


@pytest.mark.parametrize(
    ("response", "visible"),
    [
        ("<think>7</think>6", "\n6"),
        ("<THINK>7</Think>6", "\n6"),
        ("6<think>7", "6"),
        ("7</think>6", "6"),
        ("<think>5</think>7</think>6", "6"),
        ("<think>5<think>7</think>8</think>6", "\n6"),
        ("<think>I may use <think> here</think>6", ""),
        ("4<think>7</think>2", "4\n2"),
        ("no thinking", "no thinking"),
        ("[think]6[/think]", "[think]6[/think]"),
    ],
)
def test_thinking_is_cut_away_in_the_strictest_reading(response, visible):
    assert visible_text(response) == visible


@pytest.mark.parametrize(
    "response",
    [
        "<think><answer>7</answer></think><answer>6</answer>",
        "<answer>7</answer></think><answer>6</answer>",
        "<think><answer></think><answer>6</answer>",
        "<answer>6</answer><think><answer>7</answer>",
    ],
)
def test_tags_inside_thinking_are_ignored(response):
    assert extract_answer(response).answers == ("6",)


@pytest.mark.parametrize(
    "response", ["<think><answer>6</answer></think>", "<think><answer>6</answer>", "<answer>6</answer></think>"]
)
def test_tags_inside_thinking_alone_are_no_answer(response):
    assert extract_answer(response).error_msg == MISSING


def test_messages_name_the_tag_that_was_asked_for():
    assert extract_answer("6", "final").error_msg == "Missing <final> tags in response."
    assert extract_answer("<final>6</final>", "Final").answers == ("6",)
    assert extract_answer("<answer>6</answer>" * 2).error_msg == MULTIPLE
    assert extract_answer("[answer]6[/answer]").error_msg == "Malformed <answer> tags in response."


@pytest.mark.parametrize("tag", ["", "a b", "a>b", "répondre", "think", "Think"])
def test_what_is_not_a_tag_name_is_refused(tag):
    with pytest.raises(ValueError):
        extract_answer("6", tag)


def test_letters_that_grow_in_lower_case_shift_nothing():
    assert extract_answer("İİİ<answer>6</answer>İ").answers == ("6",)


def test_no_more_candidates_are_kept_than_are_compared():
    response = "".join(f"<answer>{number}</answer>" for number in range(1000))
    assert len(extract_answer(response).answers) == MAX_CANDIDATES + 1


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<answer>",
        "</answer>",
        "[",
        "< ",
        "</",
        "answer",
        "<think>",
        "</think>",
        "<answer>6</answer>",
        "<think></think>",
    ],
)
def test_a_megabyte_of_tags_takes_linear_time(piece):
    start = process_time()
    extract_answer(piece * (MEGABYTE // len(piece)))
    assert process_time() - start < 10


def test_a_megabyte_without_a_decision_to_make_takes_milliseconds():
    for piece in ("<", "<answer>", "</answer>", "answer>", "/answer>", "answer"):
        start = process_time()
        extract_answer(piece * (MEGABYTE // len(piece)))
        assert process_time() - start < 2


@settings(deadline=None)
@given(st.lists(st.sampled_from(["<answer>", "</answer>", "<think>", "</think>", "[answer]", "< /answer >", "6", " "])))
def test_any_mix_of_tags_gives_a_known_format_score_and_answers_only_with_one(pieces):
    found = extract_answer("".join(pieces))
    assert found.format_score in (0.0, 0.4, 0.5, 1.0)
    assert bool(found.answers) == (found.format_score > 0)
    assert (found.error_msg == "") == (found.format_score == 1.0)
