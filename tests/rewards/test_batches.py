"""Many responses in one call: the same method, and the same scores, whatever the reward function."""

import threading

import pytest

from infinite_rl.rewards import (
    BatchedRewardFunction,
    CallableRewardFunction,
    Criterion,
    ExactMatchRewardFunction,
    MathRewardFunction,
    RewardFunction,
    WeightedSum,
    get_reward_functions,
    verify,
)
from infinite_rl.rewards import math as math_rewards

RESPONSES = ["<answer>6</answer>", "<answer>7</answer>", "6", "", 6, None]


@pytest.mark.parametrize("name", ["math", "eq", "search", "callable", "multiple_choice", "json_schema"])
def test_a_batch_scores_as_one_by_one(name):
    function = get_reward_functions()[name]
    assert isinstance(function, BatchedRewardFunction)
    assert isinstance(function, RewardFunction)
    for expected in ("6", 6, ["6"], {}, "B", str.isdigit):
        pairs = [(response, expected) for response in RESPONSES * 2]
        single = [function.compute_reward(*pair) for pair in pairs]
        assert function.compute_rewards(pairs) == function.compute_rewards(iter(pairs)) == single
    assert function.compute_rewards([]) == []


def test_the_tag_goes_for_a_batch_too():
    for function in (MathRewardFunction(), ExactMatchRewardFunction()):
        assert function.compute_rewards([("<a>6</a>", "6")], "a")[0].correctness_score == 1.0


def test_equal_pairs_are_scored_once_and_those_of_another_expectation_again():
    calls = []
    function = CallableRewardFunction(lambda answer, expected: calls.append(answer) or answer == expected)
    first, second = "six" * 2, "seven" * 2
    pairs = [(f"<answer>{first}</answer>", expected) for expected in (first, second)] * 3
    scores = function.compute_rewards(pairs)
    assert [score.correctness_score for score in scores] == [1.0, 0.0] * 3
    assert calls == [first, first]


def test_a_tree_scores_as_many_at_once_as_its_widest_part():
    class Waiting(BatchedRewardFunction):
        concurrency = 3

        def __init__(self):
            self.together = threading.Barrier(3, timeout=20)

        def compute_reward(self, model_output, expected_output, answer_tag="answer"):
            self.together.wait()
            return MathRewardFunction().compute_reward(model_output, expected_output, answer_tag)

    tree = WeightedSum([Criterion("a", scorer=Waiting()), Criterion("b", scorer=lambda text: 1.0)])
    scores = tree.compute_rewards([(f"<answer>{n}</answer>", "1") for n in range(3)])
    assert [score.correctness_score for score in scores] == [0.5, 1.0, 0.5]


def test_a_large_batch_of_math_is_judged_by_many_at_once(monkeypatch):
    asked = []

    def verify_many(pairs):
        asked.extend(pairs)
        return [verify(*pair) for pair in asked]

    monkeypatch.setattr(math_rewards, "verify_many", verify_many)
    pairs = [(f"<answer>{n}</answer>", str(n % 2 * n)) for n in range(3_000)]
    pairs += [("no answer", "6"), ("<answer>6</answer>", str.isdigit), ("<answer>6</answer>", None), (pairs[0][0], "0")]
    scores = MathRewardFunction().compute_rewards(pairs)
    assert [score.correctness_score for score in scores[:3_000]] == [float(n % 2 or not n) for n in range(3_000)]
    assert [score.status for score in scores[3_000:]] == ["no_answer", "scored", "error", "scored"]
    assert len(asked) == 3_000
    form = MathRewardFunction().compute_rewards([("<answer>40+2</answer>", "42")] * 2, answer_form="numeral")
    assert [score.correctness_score for score in form] == [0.0, 0.0]


def test_fuel_can_be_chosen_for_programs():
    assert get_reward_functions(limits="fuel")["coding"].limits == "fuel"
    with pytest.raises(ValueError, match="time or fuel"):
        get_reward_functions(limits="gas")
