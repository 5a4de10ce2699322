import pickle

import pytest

from infinite_rl.rewards import RewardFunctionScore, Status


def test_the_original_positional_form_works():
    score = RewardFunctionScore(1.0, 0.5, "half right", 0.2)
    assert (score.format_score, score.correctness_score, score.error_msg, score.aux_score) == (
        1.0,
        0.5,
        "half right",
        0.2,
    )
    assert score.status is Status.SCORED


def test_components_always_hold_format_and_correctness():
    score = RewardFunctionScore(0.4, 1.0, components={"similarity": 0.9})
    assert dict(score.components) == {"format": 0.4, "correctness": 1.0, "similarity": 0.9}


def test_only_an_error_is_a_failure_of_ours():
    assert RewardFunctionScore.error("broken").failed
    assert not RewardFunctionScore.no_answer("none").failed
    assert RewardFunctionScore.no_answer("none").status == "no_answer"


def test_a_score_cannot_be_changed():
    score = RewardFunctionScore.scored(0.0)
    with pytest.raises(AttributeError):
        score.correctness_score = 1.0
    with pytest.raises(TypeError):
        score.components["correctness"] = 1.0


def test_a_score_survives_pickling():
    score = RewardFunctionScore(1.0, 1.0, components={"x": 0.5})
    assert pickle.loads(pickle.dumps(score)) == score
