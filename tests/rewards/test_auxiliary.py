import random
from functools import partial
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinite_rl.rewards.auxiliary import (
    format_score,
    language_score,
    length_score,
    repetition_score,
    soft_overlong,
)

SCORES = {
    "repetition": repetition_score,
    "length": partial(length_score, most=100, margin=50, least=10),
    "language": partial(language_score, language="en"),
    "format": partial(format_score, thinking=True),
}


@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
@given(text=st.text())
def test_scores_lie_in_the_unit_interval_and_are_pure(score, text):
    assert 0.0 <= score(text) <= 1.0
    assert score(text) == score(text)


RANDOM = random.Random(0)
UNITS = {
    "brackets": "<" * 1024,
    "nul": "\0" * 1024,
    "surrogates": "\ud800 " * 512,
    "words": "a b " * 256,
    "noise": "".join(RANDOM.choice("!@#$%^&*()<>?,. ") for _ in range(1024)),
    "cjk": "".join(chr(RANDOM.randrange(0x4E00, 0x9FFF)) for _ in range(1024)),
    "marks": "\u0301\u0323" * 512,
    "tags": "<think></think><answer>" * 45,
}


@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("most", [256, pytest.param(1024, marks=pytest.mark.slow)])
def test_scores_take_linear_time(score, unit, most):
    used = []
    for count in (most // 8, most):
        text = UNITS[unit] * count
        start = process_time()
        score(text)
        used.append(process_time() - start)
    assert used[1] < 8 * 4 * used[0] + 0.2
    assert used[1] < 10


@pytest.mark.parametrize(
    ("text", "n", "score"),
    [
        ("one two three four five", 4, 1.0),
        ("a b a b", 2, 2 / 3),
        ("A b a B", 2, 2 / 3),
        ("x x x x", 1, 1 / 4),
        ("few words", 4, 1.0),
        ("", 4, 1.0),
    ],
)
def test_repetition_is_the_share_of_different_n_grams(text, n, score):
    assert repetition_score(text, n) == pytest.approx(score)


@pytest.mark.parametrize("loop", ["and so on ", "ha", "的确如此", "!?", "ไปไหนมา", "0"])
def test_a_loop_scores_near_zero_with_or_without_spaces(loop):
    assert repetition_score(loop * 2_000) < 0.1


def test_an_n_gram_needs_a_word():
    with pytest.raises(ValueError, match="n is 0"):
        repetition_score("a", 0)


@pytest.mark.parametrize(("length", "score"), [(0, 1.0), (80, 1.0), (85, 0.75), (90, 0.5), (100, 0.0), (101, 0.0)])
def test_the_soft_overlong_penalty_is_that_of_dapo(length, score):
    assert soft_overlong(length, 100, 20) == pytest.approx(score)


def test_lengths_have_a_lower_and_an_upper_end():
    assert [length_score("x" * n, most=10, least=4) for n in (0, 2, 4, 10, 11)] == [0.0, 0.5, 1.0, 1.0, 0.0]
    assert length_score("a b c", most=4, margin=2, count=lambda text: len(text.split())) == 0.5
    for wrong in ({"most": 10, "margin": 11}, {"most": 10, "margin": -1}, {"most": 10, "least": 11}, {"most": -1}):
        with pytest.raises(ValueError, match="must be within"):
            length_score("", **wrong)


@pytest.mark.parametrize(
    ("text", "language", "score"),
    [
        ("Hello, world! 42", "en", 1.0),
        ("Привет, world", "ru", 6 / 11),
        ("你好 world", "zh", 2 / 7),
        ("你好 world", ("CJK", "LATIN"), 1.0),
        ("私はカメラーです々", "ja", 1.0),
        ("ａｂｃ", "LATIN", 1.0),
        ("한국어", "ko", 1.0),
        ("12 + 3 = ?", "el", 1.0),
        ("", "en", 1.0),
        ("\ud800\0", "en", 1.0),
    ],
)
def test_language_is_the_share_of_letters_of_its_scripts(text, language, score):
    assert language_score(text, language) == pytest.approx(score)


def test_an_unknown_script_is_refused():
    with pytest.raises(ValueError, match="KLINGON is no script"):
        language_score("", "klingon")


@pytest.mark.parametrize(
    ("text", "plain", "with_thinking"),
    [
        ("<think>a</think><answer>6</answer>", 1.0, 1.0),
        ("\n<think>a</think> so <answer>6</answer>", 1.0, 1.0),
        ("<answer>6</answer>", 1.0, 0.0),
        ("Well: <think>a</think><answer>6</answer>", 1.0, 0.0),
        ("<think>a<think>b</think><answer>6</answer>", 0.0, 0.0),
        ("<think>a</think><answer>6</answer></think>", 0.0, 0.0),
        ("<think>a</think>[answer]6[/answer]", 0.5, 0.5),
        ("<think>a</think>6", 0.0, 0.0),
    ],
)
def test_format_is_that_of_the_tags_and_of_the_thinking(text, plain, with_thinking):
    assert (format_score(text), format_score(text, thinking=True)) == (plain, with_thinking)
