"""Sum trees: draws in proportion to values, whatever was written before."""

import copy
import pickle

import numpy as np
import pytest

from infinite_rl.buffers import sum_tree
from infinite_rl.buffers.sum_tree import SumForest


@pytest.fixture(params=[8, 32])
def fanout(request, monkeypatch):
    """Also with few children and a small top, so that small forests have many levels."""
    monkeypatch.setattr(sum_tree, "FANOUT", request.param)
    monkeypatch.setattr(sum_tree, "WIDEST_TOP", request.param)


def is_likely(counts, expected):
    """Pearson's test, with the normal limit of chi-square: four standard deviations are one in 30,000."""
    freedom = len(counts) - 1
    statistic = ((counts - expected) ** 2 / expected).sum()
    return abs(statistic - freedom) < 4 * (2 * freedom) ** 0.5


def sums_of(forest, values, domains):
    return np.bincount(domains, values, forest.domains)


@pytest.mark.parametrize("capacity", [1, 7, 8, 64, 65, 1000, 5000])
@pytest.mark.parametrize("domains", [1, 3])
def test_totals_are_the_sums_after_any_writes(fanout, capacity, domains):
    rng = np.random.default_rng(0)
    forest, values, owners = SumForest(capacity, domains), np.zeros(capacity), np.zeros(capacity, dtype=int)
    for _ in range(60):
        slots = rng.permutation(capacity)[: rng.integers(1, 40)]
        new, to = rng.random(len(slots)) * (rng.random(len(slots)) < 0.8), rng.integers(0, domains, len(slots))
        if rng.random() < 0.5:
            forest.set(slots, new, to)
            owners[slots] = to
        else:
            forest.set(slots, new)
        values[slots] = new
        np.testing.assert_allclose(forest.totals, sums_of(forest, values, owners), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(forest.values(np.arange(capacity)), values)
    np.testing.assert_array_equal(forest.domains_of(np.arange(capacity)), owners)


@pytest.mark.parametrize("domains", [1, 4])
def test_draws_are_in_proportion_to_values(fanout, domains):
    rng = np.random.default_rng(1)
    size = 700
    forest, values, owners = SumForest(size, domains), rng.random(size), rng.integers(0, domains, size)
    values[::5] = 0
    forest.set(np.arange(size), np.ones(size), rng.integers(0, domains, size))
    forest.set(np.arange(size), values, owners)
    asked = rng.integers(0, domains, 200_000)
    drawn, weights = forest.draw(asked, rng.random(len(asked)))
    np.testing.assert_array_equal(weights, values[drawn])
    assert (owners[drawn] == asked).all()
    counts = np.bincount(drawn, minlength=size)
    expected = values / forest.totals[owners] * np.bincount(asked, minlength=domains)[owners]
    assert (counts[expected == 0] == 0).all()
    there = expected > 0
    assert is_likely(counts[there], expected[there])


def test_rounding_does_not_pile_up(fanout):
    """A difference added to a sum of 1e16 would lose what is small; a sum made anew does not."""
    forest = SumForest(300, 1)
    forest.set(np.arange(300), np.full(300, 0.1))
    for _ in range(50):
        forest.set(np.array([7]), np.array([1e16]))
        forest.set(np.array([7]), np.array([0.1]))
    assert forest.totals[0] == pytest.approx(30.0, rel=1e-14)


def test_tiny_domains_are_drawn_exactly_beside_huge_ones(fanout):
    rng = np.random.default_rng(2)
    forest = SumForest(400, 2)
    forest.set(np.arange(200), np.full(200, 1e13), np.zeros(200, dtype=int))
    small = rng.random(200) * 1e-9
    forest.set(np.arange(200, 400), small, np.ones(200, dtype=int))
    drawn, _ = forest.draw(np.ones(100_000, dtype=int), rng.random(100_000))
    assert drawn.min() >= 200
    counts = np.bincount(drawn - 200, minlength=200)
    assert is_likely(counts, small / small.sum() * len(drawn))


@pytest.mark.parametrize("chance", [0.0, 2**-60, 0.5, 1 - 2**-53, 1.0])
def test_no_chance_leads_to_a_slot_without_value(fanout, chance):
    forest = SumForest(1000, 3)
    forest.set(np.array([0, 999, 500]), np.array([0.1, 0.7, 1e-300]), np.array([0, 1, 2]))
    drawn, values = forest.draw(np.array([0, 1, 2, 1]), np.full(4, chance))
    assert drawn.tolist() == [0, 999, 500, 999]
    assert values.tolist() == [0.1, 0.7, 1e-300, 0.7]


@pytest.mark.parametrize("chance", [0.0, 1 - 2**-53, 1.0])
def test_no_chance_leads_past_the_ends_of_one_tree(fanout, chance):
    forest = SumForest(1000, 1)
    forest.set(np.array([70, 71]), np.array([0.1, 0.7]))
    # Within the lowest node, where both are, chance counts from the end.
    assert forest.draw(None, np.full(3, chance))[0].tolist() == [71 if chance == 0 else 70] * 3


def test_a_domain_without_values_takes_no_draws_of_those_beside_it(fanout):
    forest = SumForest(1000, 5)
    forest.set(np.array([3, 4, 999]), np.ones(3), np.array([1, 3, 3]))
    asked = np.repeat([1, 3], 500)
    drawn, _ = forest.draw(asked, np.tile(np.linspace(0, 1, 500, endpoint=False), 2))
    assert set(drawn[asked == 1].tolist()) == {3}
    assert np.bincount(drawn[asked == 3])[[4, 999]].min() > 200


def test_one_slot_may_come_twice_and_the_last_counts(fanout):
    forest = SumForest(100, 2)
    forest.set(np.array([3, 4, 3]), np.array([1.0, 2.0, 5.0]), np.array([0, 0, 1]))
    assert forest.totals.tolist() == [2.0, 5.0]


def test_all_values_can_be_scaled(fanout):
    forest = SumForest(100, 2)
    forest.set(np.arange(100), np.arange(100.0), np.arange(100) % 2)
    before = forest.totals.copy()
    forest.scale(0.25)
    np.testing.assert_allclose(forest.totals, before / 4)


def test_no_scaling_takes_a_slot_out_of_reach(fanout):
    forest = SumForest(100, 2)
    forest.set(np.arange(3), np.array([1.0, 1e-3, 1.0]), np.array([0, 0, 1]))
    for _ in range(40):
        forest.scale(np.exp(-30))
    assert set(forest.draw(np.zeros(1000, dtype=int), np.linspace(0, 1, 1000))[0].tolist()) == {0, 1}
    assert forest.draw(np.ones(9, dtype=int), np.linspace(0, 1, 9))[0].tolist() == [2] * 9
    assert not forest.values(np.arange(3, 100)).any()


@pytest.mark.parametrize("domains", [1, 3])
@pytest.mark.parametrize("how", ["state", "pickle", "copy"])
def test_a_restored_forest_is_the_same_bit_by_bit(fanout, how, domains):
    rng = np.random.default_rng(3)
    forest, twin = SumForest(3333, domains), SumForest(3333, domains)
    forest.set(np.arange(3333), rng.random(3333), rng.integers(0, domains, 3333))
    for _ in range(50):  # sums that were made in passing are those that are made anew
        slots = rng.integers(0, 3333, 20)
        forest.set(slots, rng.random(20) ** 9, rng.integers(0, domains, 20))
    if how == "state":
        twin.load_state_dict(forest.state_dict())
    else:
        twin = pickle.loads(pickle.dumps(forest)) if how == "pickle" else copy.deepcopy(forest)
    for _ in range(3):
        np.testing.assert_array_equal(forest.totals, twin.totals)
        asked, chance = rng.integers(0, domains, 1000), rng.random(1000)
        for one, other in zip(forest.draw(asked, chance), twin.draw(asked, chance), strict=True):
            np.testing.assert_array_equal(one, other)
        slots, values = rng.integers(0, 3333, 20), rng.random(20)
        forest.set(slots, values)
        assert (forest.totals != twin.totals).any()  # nothing is shared
        twin.set(slots, values)
    with pytest.raises(ValueError, match="saved with 3333 slots, not 10"):
        SumForest(10, domains).load_state_dict(forest.state_dict())


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_bad_values_are_refused_and_change_nothing(bad):
    forest = SumForest(10, 1)
    forest.set(np.array([1]), np.array([2.0]))
    with pytest.raises(ValueError, match="finite and not negative"):
        forest.set(np.array([1, 2]), np.array([1.0, bad]))
    assert forest.totals.tolist() == [2.0]


def test_domains_that_there_are_not_are_refused():
    with pytest.raises(ValueError, match=r"outside 0\.\.1"):
        SumForest(10, 2).set(np.array([1]), np.array([1.0]), np.array([2]))
    with pytest.raises(ValueError, match="needs slots"):
        SumForest(0, 2)
