"""Means of domains without a look at their items: exact, however often items change."""

import numpy as np
import pytest

from infinite_rl.buffers.mastery import Mastery
from infinite_rl.buffers.posterior_sums import TOGETHER, PosteriorSums


def by_definition(mastery):
    """The means over all items of each domain, item by item."""
    passed = mastery.expected(np.arange(len(mastery.domain)))
    parts = [passed[mastery.domain == k] for k in range(mastery.domains)]
    return [
        [float(f(part).mean()) if len(part) else 0.0 for part in parts]
        for f in (lambda p: p, lambda p: 4 * p * (1 - p))
    ]


def test_means_stay_those_over_all_items_through_a_hundred_thousand_results_and_items_that_are_written_over():
    rng, count = np.random.default_rng(0), 1_000
    mastery = Mastery(rng.integers(0, 5, count), 6)  # one domain is empty
    for batch in range(2_500):
        items = rng.integers(0, len(mastery.domain), 40)  # some twice
        mastery.learn(items, rng.choice([0.0, 1.0, 0.125, rng.random()], 40))
        if batch % 10 == 0:  # the ring goes round, and grows
            over = rng.integers(0, len(mastery.domain) + (batch % 100 == 0), 7)
            mastery.hold(over, rng.integers(0, 5, 7))
        if batch % 250 == 249:
            np.testing.assert_allclose(mastery.by_domain(), by_definition(mastery), rtol=0, atol=1e-9)
    assert mastery.sizes.tolist() == np.bincount(mastery.domain, minlength=6).tolist()
    anew = Mastery(mastery.domain, 6)
    anew.load_state_dict(mastery.state_dict())
    assert np.array_equal(anew.by_domain(), mastery.by_domain())  # bit by bit


@pytest.mark.parametrize("prior", [0.03, 0.5, 0.97])
def test_means_hold_for_any_prior(prior):
    rng = np.random.default_rng(1)
    right, wrong = rng.random((2, 3_000)) * 20
    sums = PosteriorSums(1)
    sums.add(np.zeros(3_000, dtype=np.int64), np.stack((right, wrong)))
    p = (right + 4 * prior) / (right + wrong + 4)
    np.testing.assert_allclose(sums.means(np.array([prior])), [[p.mean()], [(4 * p * (1 - p)).mean()]], atol=1e-9)


def test_sums_do_not_depend_on_the_order_of_items():
    rng, count = np.random.default_rng(2), 2 * TOGETHER + 5
    counts = rng.random((2, count)) * 20
    domain, order, prior = rng.integers(0, 3, count), rng.permutation(count), np.full(3, 0.3)
    one, other = PosteriorSums(3), PosteriorSums(3)
    one.add(domain, counts)
    for part in np.array_split(order, 1_000):
        other.add(domain[part], counts[:, part])
    assert np.array_equal(one.means(prior), other.means(prior))
    other.remove(domain, counts)
    assert other.sizes.tolist() == [0, 0, 0]
    assert np.array_equal(other.means(prior), np.zeros((2, 3)))
