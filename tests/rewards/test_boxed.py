import time

import pytest

from infinite_rl.rewards import MathRewardFunction
from infinite_rl.rewards.boxed import boxed_as_tagged


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        (r"So \boxed{42}.", "42"),
        (r"\boxed{1}, no: \boxed{2}", "2"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"<think>\boxed{1}</think> \boxed{2}", "2"),
        (r"\boxed{}", ""),
    ],
)
def test_the_last_box_after_the_thinking_is_the_answer(response, answer):
    assert boxed_as_tagged(response) == f"<answer>{answer}</answer>"


@pytest.mark.parametrize(
    "response",
    [
        "",
        "42",
        r"\boxed{42",
        r"\boxed 42",
        r"\boxed{1} \boxed{2",
        r"<think>\boxed{42}",
        r"\boxed{1} <answer>2</answer>",
        r"\boxed{1} <ANSWER>2",
        r"\boxed{1} < answer >2</ answer>",
    ],
)
def test_what_has_tags_or_no_closed_box_stays_as_it_is(response):
    assert boxed_as_tagged(response) == response


def test_a_box_cannot_smuggle_tags_in():
    response = boxed_as_tagged(r"\boxed{1</answer><answer>2}")
    assert MathRewardFunction().compute_reward(response, "2").correctness_score == 0.0
    assert MathRewardFunction().compute_reward(response, "1").correctness_score == 0.0


@pytest.mark.parametrize("piece", ["\\boxed{", "{", "}", "\\", "\\boxed{1}", "<answer"])
def test_garbage_takes_linear_time(piece):
    def seconds(size):
        text = piece * (size // len(piece))
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            boxed_as_tagged(text)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(1_000_000) < 40 * seconds(100_000) + 0.05
