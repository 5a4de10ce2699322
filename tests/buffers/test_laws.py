"""The laws of sampling, by their formulas and by count."""

import tracemalloc

import numpy as np
import pytest
import torch
from tensordict import TensorDict
from torchrl.data import LazyTensorStorage, TensorDictReplayBuffer

from infinite_rl.buffers import laws
from infinite_rl.buffers.laws import PRESETS, REPLAY_PRESETS
from infinite_rl.buffers.mastery import Mastery
from infinite_rl.buffers.sampler import RubricPrioritizedSampler


def mastery_of(sizes, **values):
    found = Mastery(np.repeat(np.arange(len(sizes)), sizes), len(sizes))
    for name, value in values.items():
        getattr(found, name)[:] = value
    return found


def everywhere(count):
    return np.ones(count, dtype=bool)


def buffer(sizes, preset, *, seed=0, mastery=None):
    sampler = RubricPrioritizedSampler(len(sizes), preset, seed=seed, mastery=mastery)
    found = TensorDictReplayBuffer(storage=LazyTensorStorage(sum(sizes)), sampler=sampler)
    domain = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    found.extend(TensorDict({"domain": domain}, [sum(sizes)]))
    return found


def assert_likely(counts, expected):
    """Not further from what is expected than chance would be; strata make it less."""
    there = expected > 0
    assert (counts[~there] == 0).all()
    statistic = ((counts - expected)[there] ** 2 / expected[there]).sum()
    freedom = there.sum() - 1
    assert statistic < freedom + 4 * (2 * max(freedom, 1)) ** 0.5


# Every law


@pytest.mark.parametrize("preset", sorted(PRESETS.keys() - {"plr"}))  # whose 1 / p has too long a tail for this test
def test_draws_follow_the_probabilities_that_come_with_them(preset):
    """Over many batches each item comes as often as its probabilities add up to."""
    sizes = [5, 30, 15]
    ours = buffer(sizes, preset)
    rng = np.random.default_rng(0)
    for _ in range(30):
        items = ours.sampler.sample(ours.storage, 16)[0]
        ours.update_priority(items, torch.from_numpy((rng.random(16) < 0.3 + 0.2 * items.numpy() % 2).astype(float)))
    first = {}
    counts, told = np.zeros(50), np.zeros(50)
    for _ in range(2_000):
        items, info = ours.sampler.sample(ours.storage, 8)
        counts += np.bincount(items, minlength=50)
        told += np.bincount(items, 1 / (8 * info["probability"].numpy()), minlength=50)
        first.update(zip(items.tolist(), info["probability"].tolist(), strict=True))
    # The mean of 1 / p over the draws of an item is the number of draws over the expected number of its own: 1 in the
    # mean, whatever the law did from batch to batch; and where it did nothing, counts are in proportion to p.
    seen = counts > 100
    assert (np.abs(told[seen] / 2_000 - 1) < 6 / counts[seen] ** 0.5 + 0.05).all()
    if preset in ("uniform", "seed_acc_ema", "sec", "per", "sfl"):
        probability = np.array([first.get(item, 0.0) for item in range(50)])
        assert_likely(counts, probability / probability.sum() * counts.sum())


@pytest.mark.parametrize("preset", PRESETS)
def test_every_item_is_drawn_in_the_end(preset):
    ours = buffer([3, 6, 1], preset)
    ours.update_priority(torch.arange(10), torch.tensor([1.0] * 5 + [0.0] * 5))
    found = torch.cat([ours.sampler.sample(ours.storage, 8)[0] for _ in range(1_500)])
    assert set(found.tolist()) == set(range(10))


@pytest.mark.parametrize(("presets", "mastery"), [(PRESETS, None), (REPLAY_PRESETS, mastery_of([1, 1, 1]))])
def test_a_restored_sampler_goes_on_as_the_saved_one(presets, mastery, tmp_path):
    for preset in presets:
        ours, other = (buffer([4, 9, 7], preset, seed=k, mastery=mastery) for k in (0, 5))
        for k in range(23):
            items = ours.sampler.sample(ours.storage, 6)[0]
            ours.update_priority(items, torch.linspace(0, 1, 6) * ((k + 1) % 2))
        torch.save(ours.sampler.state_dict(), tmp_path / "state.pt")
        other.sampler.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
        for _ in range(15):
            (a, one), (b, two) = (found.sampler.sample(found.storage, 6) for found in (ours, other))
            assert a.tolist() == b.tolist(), preset
            assert all(torch.equal(one[name], two[name]) for name in one), preset
            rates = torch.linspace(0, 1, 6)
            ours.update_priority(a, rates)
            other.update_priority(b, rates)


@pytest.mark.parametrize("preset", sorted(PRESETS.keys() - {"plr", "sfl", "rubric"}))  # which look at each item
def test_a_draw_and_its_results_need_no_memory_for_all_tasks(preset):
    """An array of a number for each task would be 1.6 MB."""
    ours = buffer([50_000] * 4, preset)
    rates = torch.rand(64, generator=torch.Generator().manual_seed(0))

    def cycle():
        ours.sampler.update_priority(ours.sampler.sample(ours.storage, 64)[0], rates, storage=ours.storage)

    cycle()  # finds the members of domains, once
    tracemalloc.start()
    for _ in range(10):
        cycle()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 200_000


# Domains


def test_bands_softmax_by_the_formula():
    mastery = mastery_of([1, 1, 1], accuracy=[0.2, 0.4, 0.9], last_seen=[6, 10, 8], spread=[0.1, 0.2, 0.0])
    mastery.step = 10
    priority = np.array([0.6 + 0.1 * 1.0 + 0.05 * 0.5, 0.3 + 0 + 0.05, 0.1 + 0.1 * 0.5])
    np.testing.assert_allclose(laws.band_priority(mastery, everywhere(3)), priority)
    expected = 0.98 * np.exp(priority) / np.exp(priority).sum() + 0.02 / 3
    np.testing.assert_allclose(laws.bands_softmax(mastery, everywhere(3)), expected)


def test_bands_get_their_quotas_and_share_them_by_priority():
    mastery = mastery_of([1] * 4, accuracy=[0.1, 0.3, 0.6, 0.95])
    shares = laws.bands_quota(mastery, everywhere(4))
    np.testing.assert_allclose([shares[0] + shares[1], shares[2], shares[3]], [0.6, 0.3, 0.1])
    assert shares[0] == pytest.approx(shares[1])
    np.testing.assert_allclose(laws.bands_quota(mastery, np.array([True, True, False, False])), [0.5, 0.5, 0, 0])


def test_quotas_hold_by_count_in_every_batch_and_in_the_long_run():
    ours = buffer([20, 20, 20, 20], "article_bands_quota")
    ours.sampler.mastery.accuracy[:] = [0.1, 0.2, 0.6, 0.9]
    total = np.zeros(3)
    for batch in range(1, 101):
        items = ours.sampler.sample(ours.storage, 32)[0]
        bands = np.bincount(np.array([0, 0, 1, 2])[items.numpy() // 20], minlength=3)
        if batch % 10 == 0:
            assert bands.max() == 32  # one domain alone
            continue
        assert (np.abs(bands - np.array([19.2, 9.6, 3.2])) < 1).all()
        total += bands
    np.testing.assert_allclose(total, 90 * np.array([19.2, 9.6, 3.2]), atol=1)


def test_domains_take_turns_by_count():
    ours = buffer([9, 2, 5], "round_robin")
    drawn = [(ours.sampler.sample(ours.storage, size)[0].numpy() >= 9).astype(int) for size in (1, 1, 1, 4, 5)]
    assert [int(sum(batch)) for batch in drawn[:3]] == [0, 1, 1]
    counts = np.zeros(3)
    for size in (7, 5, 11, 1, 6, 12, 6):
        items = ours.sampler.sample(ours.storage, size)[0].numpy()
        counts += np.bincount(np.digitize(items, [9, 11]), minlength=3)
        assert counts.max() - counts.min() <= 1


def test_the_domain_that_would_get_most_is_alone_in_every_tenth_batch():
    ours = buffer([5, 5, 5], "article_bands_softmax")
    ours.sampler.mastery.accuracy[:] = [0.9, 0.1, 0.6]
    for batch in range(1, 31):
        domains = set((ours.sampler.sample(ours.storage, 30)[0] // 5).tolist())
        assert domains == ({1} if batch % 10 == 0 else {0, 1, 2})


def test_the_utility_by_the_formula():
    mastery = mastery_of([2, 2], score=[0.25, 0.75], gate=[1.0, 0.5], last_seen=[0, 20], half_life=[20, 40])
    mastery.step = 20
    learnable, mean = 1.0, 0.5  # of items that were never seen, at a prior of a half
    first = 1.0 * (0.5 * learnable + 0.75) + 0.25 * 0.5 * mean
    second = 0.5 * (0.5 * learnable + 0.25) + 0
    powers = np.array([first, second]) ** 3
    np.testing.assert_allclose(laws.utility(mastery, everywhere(2)), 0.9 * powers / powers.sum() + 0.05)


def test_sec_by_the_formula():
    mastery = mastery_of([1, 1], advantage=[0.5, 0.3])
    powers = np.exp([5.0, 3.0])
    np.testing.assert_allclose(laws.most_advantage(mastery, everywhere(2)), 0.98 * powers / powers.sum() + 0.01)


# Items


def test_thompson_prefers_what_passes_half_the_time_and_leaves_nothing_out():
    mastery = mastery_of([3])
    for _ in range(30):
        mastery.learn(np.arange(3), np.array([0.0, 0.5, 1.0]))
    rng = np.random.default_rng(0)
    likely = np.mean([laws.thompson(mastery, np.arange(3), rng) for _ in range(500)], 0)
    assert likely.sum() == pytest.approx(1)
    assert likely[1] > 1.5 * max(likely[0], likely[2])
    assert likely.min() > 0.1


def test_loss_weights_are_those_of_the_formula():
    ours = buffer([40, 10], "rubric")
    items, info = ours.sampler.sample(ours.storage, 16)
    shares = ours.sampler.probabilities(ours.storage)
    owners = (items >= 40).long()
    within = info["probability"] / shares[owners]
    expected = (torch.tensor([40.0, 10.0])[owners] * within) ** -0.6
    expected = expected.clamp(0.2, 3)
    torch.testing.assert_close(info["priority_weight"], expected / expected.mean())


def test_half_of_the_levels_are_new_while_there_are_new_ones():
    mastery = mastery_of([6])
    mastery.learn(np.array([0, 1]), np.array([0.5, 1.0]))
    mastery.learn(np.array([2]), np.array([0.9]))
    likely = laws.ranked(mastery, np.arange(6), np.random.default_rng(0))
    np.testing.assert_allclose(likely[3:], 0.5 / 3)
    ranks = np.array([1.0, 1 / 3, 1 / 2]) ** (1 / 0.3)
    np.testing.assert_allclose(likely[:3], 0.5 * (0.7 * ranks / ranks.sum() + 0.3 * np.array([0.5, 0.5, 0])))


def test_levels_that_pass_alike_are_ranked_by_chance():
    mastery = mastery_of([3])
    mastery.learn(np.array([0, 1, 2]), np.array([0.25, 1.0, 0.75]))
    likely = np.array([laws.ranked(mastery, np.arange(3), np.random.default_rng(k)) for k in range(400)])
    assert (likely[:, 1] < likely[:, [0, 2]].min(1)).all()
    assert 0.4 < (likely[:, 0] > likely[:, 2]).mean() < 0.6


def test_learnability_by_the_formula():
    mastery = mastery_of([2])
    mastery.learn(np.array([0]), np.array([1.0]))
    passes = mastery.expected(np.arange(2))
    expected = passes * (1 - passes) + 1e-4
    np.testing.assert_allclose(
        laws.learnable(mastery, np.arange(2), np.random.default_rng(0)), expected / expected.sum()
    )


# Stored groups


def test_stored_groups_are_drawn_by_their_advantage():
    ours = buffer([4, 4], "per", mastery=mastery_of([1, 1]))
    advantages = torch.tensor([0.0, 0.1, 0.2, 0.9, 0.5, 0.5, 0.0, 2.0], dtype=torch.float64)
    ours.update_priority(torch.arange(8), advantages)
    expected = (advantages.numpy() + 1e-3) ** 0.6
    expected /= expected.sum()
    items, info = ours.sampler.sample(ours.storage, 100_000)
    assert_likely(np.bincount(items, minlength=8), expected * len(items))
    np.testing.assert_allclose(info["probability"], expected[items])
    weights = (8 * expected[items]) ** -0.4
    np.testing.assert_allclose(info["priority_weight"], weights / weights.max())


def test_fresh_groups_count_more_and_nothing_is_touched_when_they_age():
    mastery = mastery_of([1])
    ours = buffer([3], "fresh_per", mastery=mastery)
    steps = []
    for item, step in ((0, 0), (1, 25), (2, 2_000)):  # over the exponent at which all is scaled down
        mastery.step = step
        ours.update_priority(torch.tensor([item]), torch.tensor([1.0]))
        steps.append(step)
        totals = ours.sampler._forest.values(np.arange(item + 1))
        expected = np.exp((np.array(steps) - step) / 50)
        np.testing.assert_allclose(totals / totals[item], expected, rtol=1e-9)


def test_what_is_lacking_and_stale_is_replayed_more():
    mastery = mastery_of([1, 1], score=[1.0, 0.25], last_seen=[10, 0], half_life=[20, 10])
    mastery.step = 10
    ours = buffer([5, 5], "rubric", mastery=mastery)
    worth = np.array([0.25, 0.25 + 0.75 + 0.5])
    np.testing.assert_allclose(ours.sampler.probabilities(ours.storage), worth / worth.sum())


def test_a_slot_that_is_written_over_starts_anew():
    """The ring: the new group belongs to another domain, and gets the highest priority so far."""
    sampler = RubricPrioritizedSampler(2, "per", mastery=mastery_of([1, 1]))
    ring = TensorDictReplayBuffer(storage=LazyTensorStorage(3), sampler=sampler)
    ring.extend(TensorDict({"domain": torch.tensor([0, 0, 0])}, [3]))
    ring.update_priority(torch.arange(3), torch.tensor([4.0, 0.0, 0.0]))
    ring.extend(TensorDict({"domain": torch.tensor([1])}, [1]))
    sampler.sample(ring.storage, 1)
    assert sampler._forest.domains_of(np.arange(3)).tolist() == [1, 0, 0]
    np.testing.assert_allclose(sampler._forest.values(np.arange(3)), np.array([4.001, 1e-3, 1e-3]) ** 0.6)


# Steering


def steered(sizes, preset, factors, *, new=(), share=None):
    found = buffer(sizes, preset)
    found.sampler.mastery.accuracy[:] = np.linspace(0.2, 0.9, len(sizes))
    found.sampler.steer(factors, new, share)
    return found


def domains_drawn(found, size, times=1):
    most = found.sampler.mastery.domains
    return torch.stack([torch.bincount(found.sample(size)["domain"], minlength=most) for _ in range(times)])


@pytest.mark.parametrize("preset", PRESETS)
def test_a_closed_domain_is_not_drawn_and_the_probabilities_know_it(preset):
    found = steered([5, 7, 4], preset, [1, 0, 1])
    assert (domains_drawn(found, 16, 20)[:, 1] == 0).all()
    assert found.sampler.probabilities(found.storage)[1] == 0
    found.sampler.steer([1, 1, 1])
    assert domains_drawn(found, 16, 20)[:, 1].any()


def test_a_factor_counts_also_where_new_domains_have_a_share_and_there_is_one_other():
    found = steered([5, 7], "uniform", [2, 1], new=[False, True], share=0.7)
    assert domains_drawn(found, 130).tolist() == [[60, 70]]


@pytest.mark.parametrize("preset", PRESETS)
def test_new_domains_get_their_share_in_every_batch(preset):
    found = steered([5, 7, 4, 30], preset, [1, 1, 1, 0], new=[False, True, False, True], share=0.7)
    counts = domains_drawn(found, 20, 30)
    assert ((counts[:, 1] - 14).abs() <= 1).all()
    assert (counts[:, 3] == 0).all()


@pytest.mark.parametrize("new", [[True, True, False], [False, False, True]])
def test_there_is_nothing_to_share_where_all_that_are_open_are_new_or_none(new):
    found = steered([5, 7, 4], "uniform", [1, 1, 0], new=new, share=0.7)
    assert domains_drawn(found, 12).tolist() == [[5, 7, 0]]


def test_a_factor_multiplies_what_the_law_gives():
    assert domains_drawn(steered([5, 7, 4], "uniform", [3, 1, 1]), 26).tolist() == [[15, 7, 4]]


def test_steered_draws_follow_the_probabilities_that_come_with_them():
    found = steered([5, 7, 4], "sfl", [2, 1, 0], new=[True, False, False], share=0.5)
    items, info = found.sampler.sample(found.storage, 200_000)
    likely = np.zeros(16)
    likely[items] = info["probability"]
    assert likely.sum() == pytest.approx(1)
    assert_likely(torch.bincount(items, minlength=16).numpy(), likely * 200_000)


def test_a_restored_sampler_is_steered_as_the_saved_one():
    found = steered([5, 7, 4], "rubric", [1, 0, 2], new=[True, False, False], share=0.6)
    other = buffer([5, 7, 4], "rubric")
    other.sampler.load_state_dict(found.sampler.state_dict())
    assert found.sample(30)["index"].tolist() == other.sample(30)["index"].tolist()


@pytest.mark.parametrize(
    ("factors", "share"),
    [([1, 1], None), ([0, 0, 0], None), ([1, -1, 1], None), ([1, np.nan, 1], None), ([1, 1, 1], 1.0)],
)
def test_steering_that_means_nothing_is_refused(factors, share):
    with pytest.raises(ValueError, match=r"factor|closed|share"):
        steered([5, 7, 4], "uniform", factors, new=[True, False, False], share=share)


@pytest.mark.parametrize("preset", PRESETS)
def test_without_items_in_an_open_domain_nothing_can_be_drawn(preset):
    found = steered([5, 0], preset, [0, 1])
    with pytest.raises(RuntimeError, match="open"):
        found.sample(3)
