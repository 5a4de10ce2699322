"""What results say about domains and items, in closed forms."""

import numpy as np
import pytest

from infinite_rl.buffers.mastery import Mastery


def test_moving_averages_take_each_result_in_turn():
    mastery = Mastery(np.array([0, 0, 1]), 2, beta=0.1)
    mastery.learn(np.array([0, 2, 1]), np.array([1.0, 0.0, 0.5]), scores=np.array([0.9, 0.3, 0.6]))
    assert mastery.accuracy == pytest.approx([(0.5 * 0.9 + 0.1) * 0.9 + 0.05, 0.45])
    assert mastery.score == pytest.approx([(0.5 * 0.9 + 0.09) * 0.9 + 0.06, 0.48])
    assert mastery.spread == pytest.approx([0.1 * (0 + 0.25) / 2, 0.0])
    assert mastery.advantage == pytest.approx([0.5 * (0 + 0.5) / 2, 0.0])
    assert mastery.last_seen.tolist() == [1, 1]


def test_an_item_s_posterior_forgets_old_counts():
    mastery = Mastery(np.array([0, 0]), 1, group_size=8)
    mastery.learn(np.array([0]), np.array([1.0]))
    prior = 0.5 + 0.05 * 0.5
    right, wrong = mastery.counts(np.array([0]))
    assert (right[0], wrong[0]) == pytest.approx((8 + 4 * prior, 4 * (1 - prior)))
    mastery.learn(np.array([0]), np.array([0.25]))
    prior += 0.05 * (0.25 - prior)
    right, wrong = mastery.counts(np.array([0]))
    assert (right[0], wrong[0]) == pytest.approx((8 * 0.6 + 2 + 4 * prior, 6 + 4 * (1 - prior)))
    assert mastery.expected(np.array([1])) == pytest.approx([prior])


def test_the_mean_of_a_domain_is_that_of_all_its_items_and_not_of_what_was_practised():
    """A law that prefers items which pass half the time sees a half for ever; the others pass by now."""
    mastery = Mastery(np.zeros(10, dtype=int), 1)
    for _ in range(60):
        mastery.learn(np.array([0, *range(1, 10)]), np.array([0.5] + [1.0] * 9))
    for _ in range(60):
        mastery.learn(np.array([0]), np.array([0.5]))
    assert mastery.accuracy[0] < 0.55
    assert mastery.by_domain()[0][0] > 0.8


def test_the_prior_is_an_average_of_results_as_they_were_drawn():
    mastery = Mastery(np.zeros(3, dtype=int), 1)
    mastery.learn(np.array([0, 1, 1, 1]), np.array([1.0, 0.0, 0.0, 0.0]))
    assert mastery.prior(np.array([0])) == pytest.approx([0.5 + (1 - 0.95**4) * (0.25 - 0.5)])


def test_results_count_in_their_order_also_where_an_item_comes_twice():
    """As if each were told alone, but for what is learnt of a batch as a whole."""
    rng, domain = np.random.default_rng(0), np.arange(12) % 3
    together, one_by_one = Mastery(domain, 3), Mastery(domain, 3)
    for _ in range(20):
        items, rates, scores = rng.integers(0, 12, 30), rng.random(30), rng.random(30)
        together.learn(items, rates, scores)
        for k in range(30):
            one_by_one.learn(items[k : k + 1], rates[k : k + 1], scores[k : k + 1])
    for name in ("accuracy", "score", "groups", "latest", "_right", "_wrong"):
        np.testing.assert_allclose(getattr(together, name), getattr(one_by_one, name), rtol=1e-12, err_msg=name)


def test_half_lives_grow_while_mastery_holds_and_shrink_when_it_drops():
    mastery = Mastery(np.zeros(1, dtype=int), 1)
    mastery.learn(np.array([0]), np.array([1.0]))
    assert mastery.half_life[0] == pytest.approx(20 * 1.03)
    mastery.learn(np.array([0]), np.array([0.0]))
    assert mastery.half_life[0] == pytest.approx(20 * 1.03 * 0.8)
    for k in range(200):
        mastery.learn(np.array([0]), np.array([float(k % 2)]))
    assert 5 <= mastery.half_life[0] <= 400
    for _ in range(300):
        mastery.learn(np.array([0]), np.array([1.0]))
    assert mastery.half_life[0] == 400


def test_staleness_is_a_half_after_a_half_life():
    mastery = Mastery(np.array([0, 1]), 2)
    mastery.learn(np.array([0]), np.array([1.0]))
    mastery.half_life[:] = 10
    mastery.step += 10
    assert mastery.staleness() == pytest.approx([0.5, 1 - 2**-1.1])
    mastery.begin(np.array([1]))
    assert mastery.staleness()[1] == 0


def test_the_gate_closes_on_a_plateau_and_opens_when_things_move():
    mastery = Mastery(np.zeros(20, dtype=int), 1)
    half = np.full(20, 0.5)
    gates = []
    for _ in range(30):
        mastery.learn(np.arange(20), half)
        gates.append(mastery.gate[0])
    assert gates[:3] == [1.0, 1.0, pytest.approx(0.6)]  # 60 groups
    assert min(gates) == 0.15
    for _ in range(3):
        mastery.learn(np.arange(20), np.ones(20))
    assert mastery.gate[0] == pytest.approx(0.3)


def test_nothing_is_known_of_an_item_that_was_written_over():
    mastery = Mastery(np.array([0, 0]), 2)
    mastery.learn(np.array([0, 1]), np.array([1.0, 1.0]))
    mastery.hold(np.array([1, 3]), np.array([1, 1]))
    assert mastery.domain.tolist() == [0, 1, 0, 1]
    assert mastery.visited.tolist() == [1, -1, -1, -1]
    assert mastery.expected(np.array([1])) == pytest.approx(mastery.prior(np.array([1])))


def test_a_restored_mastery_is_the_same_and_shares_nothing():
    mastery = Mastery(np.array([0, 1, 1]), 2)
    mastery.learn(np.array([0, 2]), np.array([1.0, 0.25]))
    state, twin = mastery.state_dict(), Mastery(np.array([0, 1, 1]), 2)
    twin.load_state_dict(state)
    for one in (mastery, twin):
        one.learn(np.array([1]), np.array([0.75]))
    assert all(np.array_equal(getattr(mastery, name), getattr(twin, name)) for name in state)
    assert state["step"] == 1
    with pytest.raises(ValueError, match="saved for 2 domains, not 3"):
        Mastery(np.array([0]), 3).load_state_dict(state)
