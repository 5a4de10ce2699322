"""Tests of the draws that families share."""

from collections import Counter

import pytest

from infinite_rl.datasets.drawing import below, integer, pick, sample, shuffled
from infinite_rl.datasets.procedural import stream

WIDE = 3 * 10**18


def test_a_stream_is_the_same_everywhere():
    rng = stream(0, "train", 7)
    assert [integer(rng, -3, 96) for _ in range(6)] == [24, 50, -3, 15, 13, -1]
    assert below(rng, WIDE) == 2_789_655_934_096_605_445
    assert shuffled(rng, "abcdef") == [*"fecdba"]


@pytest.mark.parametrize("bound", [1, 2, 7, 2**32, 2**32 + 1, 2**53 - 1, 10**18, 2**106])
def test_draws_stay_below_their_bound_and_use_all_of_it(bound):
    class Extreme:
        def __init__(self, value):
            self.random = lambda: value

    assert below(Extreme(0.0), bound) == 0
    assert below(Extreme(1 - 2**-53), bound) == bound - 1


def test_bounds_beyond_53_bits_reach_odd_and_even_numbers_alike():
    rng = stream("wide")
    odd = sum(below(rng, WIDE) % 2 for _ in range(4000))
    assert abs(odd - 2000) < 5 * 4000**0.5 / 2


@pytest.mark.parametrize("draw", [lambda rng: below(rng, 6), lambda rng: pick(rng, range(6))])
def test_all_values_are_equally_likely(draw):
    rng = stream("fair")
    counts = Counter(draw(rng) for _ in range(6000))
    assert set(counts) == set(range(6))
    assert sum((count - 1000) ** 2 / 1000 for count in counts.values()) < 25  # chi-square, 5 degrees of freedom


def test_all_orders_are_equally_likely():
    rng = stream("orders")
    counts = Counter("".join(shuffled(rng, "abc")) for _ in range(6000))
    assert len(counts) == 6
    assert sum((count - 1000) ** 2 / 1000 for count in counts.values()) < 25
    pairs = Counter("".join(sample(rng, "abc", 2)) for _ in range(6000))
    assert len(pairs) == 6
    assert sum((count - 1000) ** 2 / 1000 for count in pairs.values()) < 25


def test_what_is_sampled_from_stays_as_it_was():
    options = [1, 2, 3]
    assert sorted(shuffled(stream(), options)) == [1, 2, 3] == options
    with pytest.raises(IndexError):
        sample(stream(), options, 4)
