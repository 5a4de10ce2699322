from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinite_rl.datasets.generation.settings import GenerationSettings, read_shares, targets


@pytest.mark.parametrize(
    ("samples", "weights", "coding", "math"),
    [
        (10, (0.5, 0.5), 5, 5),
        (11, (0.5, 0.5), 6, 5),
        (7, ("0", "1"), 0, 7),
        (7, ("1", "0"), 7, 0),
        (100, (0.71, 0.29), 71, 29),  # int(100 * 0.29) is 28
        (10, (3, 1), 8, 2),
        (1, (0.5, 0.5), 1, 0),
        (0, (0.5, 0.5), 0, 0),
    ],
)
def test_targets_are_the_whole_parts_and_the_first_type_gets_the_rest(samples, weights, coding, math):
    assert targets(samples, read_shares(weights)) == {"coding": coding, "math": math}


@given(st.integers(0, 10_000), st.floats(0, 1e6), st.floats(0, 1e6))
def test_targets_add_up(samples, first, second):
    if first + second > 0:
        found = targets(samples, read_shares((first, second)))
        assert sum(found.values()) == samples
        assert all(count >= 0 for count in found.values())
        assert not any(found[kind] for kind, share in read_shares((first, second)).items() if not share)


@pytest.mark.parametrize(
    "weights", [(1,), (1, 1, 1), ("a", "1"), ("nan", "1"), ("inf", "1"), (-1, 2), (0, 0), ("", "1")]
)
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(ValueError, match=r"weight|negative|number"):
        read_shares(weights)


def test_shares_add_up_to_one():
    assert read_shares((2, 6)) == {"coding": Fraction(1, 4), "math": Fraction(3, 4)}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_samples", -1),
        ("threads", 0),
        ("threads", 10**6),
        ("max_retries", 0),
        ("save_every", 0),
        ("timeout", 0),
        ("timeout", float("nan")),
        ("request_timeout", -1),
        ("max_backoff", float("inf")),
        ("max_similarity", 0),
        ("solver_samples", 0),
        ("model_name", " "),
        ("seed", -1),
    ],
)
def test_an_impossible_setting_is_named(name, value):
    with pytest.raises(ValueError, match=name):
        GenerationSettings(**{name: value})
