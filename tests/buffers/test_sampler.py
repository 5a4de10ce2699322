"""The prioritized sampler in TorchRL's buffers: its distribution, its memory, its own random numbers."""

import copy
import pickle
from math import sqrt

import numpy as np
import pytest
import torch
from tensordict import TensorDict
from torchrl.data import LazyTensorStorage, ReplayBuffer, TensorDictReplayBuffer

from infinite_rl.buffers.laws import weakness
from infinite_rl.buffers.sampler import RubricPrioritizedSampler

BUFFERS = [TensorDictReplayBuffer, ReplayBuffer]


def items(domains, start=0):
    n = len(domains)
    return TensorDict({"item": torch.arange(start, start + n), "domain": torch.tensor(domains)}, [n])


def buffer(domains, sampler=None, *, kind=TensorDictReplayBuffer, capacity=None, count=None, **arguments):
    sampler = sampler or RubricPrioritizedSampler(count or max(domains) + 1, "uniform")
    storage = LazyTensorStorage(capacity or len(domains))
    found = kind(storage=storage, sampler=sampler, **arguments)
    if domains:
        found.extend(items(domains))
    return found


def drawn(buffer, size, times=1):
    return torch.cat([buffer.sample(size)["item"] for _ in range(times)])


def assert_drawn_from(counts, probability):
    expected = probability * counts.sum()
    freedom = len(counts) - 1
    assert float(((counts - expected) ** 2 / expected).sum()) < freedom + 5 * sqrt(2 * freedom)


# The distribution


@pytest.mark.parametrize("kind", BUFFERS)
@pytest.mark.parametrize("size", [1, 8])
def test_uniform_draws_all_items_equally_often(kind, size):
    domains = [0] * 1 + [1] * 5 + [2] * 14
    found = drawn(buffer(domains, kind=kind), size, 2_000)
    assert_drawn_from(torch.bincount(found, minlength=20), torch.full((20,), 1 / 20))


def weak_and_strong():
    sampler = RubricPrioritizedSampler(3, seed=1)
    sampler.mastery.accuracy[:] = [0.9, 0.5, 0.0]
    return sampler


def closed_form(tau=3.0, eps=1e-3, present=(True, True, True)):
    """(1 - eps) softmax(tau (1 - acc)) + eps / K over the domains that have items."""
    scores = np.where(present, np.exp(tau * (1 - np.array([0.9, 0.5, 0.0]))), 0.0)
    return torch.tensor((1 - eps) * scores / scores.sum() + np.where(present, eps / sum(present), 0))


@pytest.mark.parametrize(("tau", "eps"), [(3.0, 1e-3), (1.0, 0.5), (0.0, 0.1), (50.0, 0.2), (3.0, 1.0)])
def test_domains_have_the_softmax_of_their_weakness_mixed_with_the_uniform(tau, eps):
    found = weakness(weak_and_strong().mastery, np.ones(3, dtype=bool), tau=tau, eps=eps)
    torch.testing.assert_close(torch.tensor(found), closed_form(tau, eps))


def test_a_domain_without_items_is_never_drawn():
    ours = buffer([0] * 5 + [2] * 9, weak_and_strong())
    found = ours.sampler.probabilities(ours.storage)
    torch.testing.assert_close(found, closed_form(present=(True, False, True)))
    assert found[1] == 0


def test_items_are_drawn_by_their_domain_s_probability_and_equally_within():
    domains = [0] * 4 + [1] * 2 + [2] * 6
    ours = buffer(domains, weak_and_strong())
    found = torch.cat([ours.sampler.sample(ours.storage, 1)[0] for _ in range(6_000)])
    sizes = torch.tensor([4, 2, 6])
    expected = (closed_form() / sizes).repeat_interleave(sizes)
    assert_drawn_from(torch.bincount(found, minlength=12), expected)


def test_a_batch_holds_no_item_twice_unless_it_must():
    one_domain = buffer([0] * 10)
    for _ in range(50):
        assert len(set(drawn(one_domain, 10).tolist())) == 10
        assert sorted(torch.bincount(drawn(one_domain, 25), minlength=10).tolist()) == [2] * 5 + [3] * 5
    two_domains = buffer([0] * 6 + [1] * 6)
    for _ in range(50):
        counts = torch.bincount(drawn(two_domains, 12), minlength=12)
        for part in (counts[:6], counts[6:]):
            assert part.max() - part.min() <= 1


def test_the_places_of_a_batch_are_alike():
    """No domain comes first: every place of a batch has the same distribution."""
    ours = buffer([0] * 2 + [1] * 2)
    found = torch.stack([ours.sampler.sample(ours.storage, 4)[0] for _ in range(4_000)])
    for place in range(4):
        assert_drawn_from(torch.bincount(found[:, place], minlength=4), torch.full((4,), 0.25))


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_batch_has_the_size_asked_for(size):
    assert len(drawn(buffer([0, 1, 1]), size)) == size


def test_an_empty_buffer_is_a_clear_error():
    with pytest.raises(RuntimeError, match="empty"):
        RubricPrioritizedSampler(1).sample(LazyTensorStorage(3), 1)
    with pytest.raises(RuntimeError):
        buffer([], count=1, capacity=3).sample(1)


def test_an_unknown_preset_names_those_there_are():
    with pytest.raises(ValueError, match=r"uniform, round_robin, .*rubric, not 'best'"):
        RubricPrioritizedSampler(1, "best")


def test_an_item_of_a_domain_that_there_is_not_is_an_error_and_not_left_out_silently():
    with pytest.raises(ValueError, match="domain"):
        drawn(buffer([0, 1, 7], count=2), 3)


# Items come and go


def test_new_and_overwritten_items_are_seen():
    found = buffer([0, 0, 1], capacity=4, count=3)
    assert set(drawn(found, 9).tolist()) <= {0, 1, 2}
    found.add(items([2], start=3)[0])
    assert set(drawn(found, 60).tolist()) == {0, 1, 2, 3}
    found.extend(items([2, 2, 2], start=10))  # the ring: the oldest three are gone
    assert set(drawn(found, 60).tolist()) == {10, 11, 12, 3}
    assert found.sampler.probabilities(found.storage).tolist() == [0.0, 0.0, 1.0]


def test_an_emptied_buffer_forgets_accuracies_and_items():
    found = buffer([0, 1], weak_and_strong())
    found.sample(2)
    found.empty()
    assert found.sampler.accuracy.tolist() == [0.5, 0.5, 0.5]
    found.extend(items([2, 2], start=5))
    assert set(drawn(found, 10).tolist()) == {5, 6}


def test_forgetting_keeps_the_initial_accuracy():
    sampler = RubricPrioritizedSampler(2, initial_accuracy=0.8)
    sampler.mastery.accuracy[0] = 0.1
    sampler._empty()
    assert sampler.accuracy.tolist() == [0.8, 0.8]


# Pass rates


@pytest.mark.parametrize("kind", BUFFERS)
def test_the_moving_average_takes_each_pass_rate_in_turn(kind):
    found = buffer([0, 1, 1, 2], RubricPrioritizedSampler(3, beta=0.1), kind=kind)
    found.update_priority(torch.tensor([0, 1, 2, 1]), torch.tensor([1.0, 0.0, 1.0, 0.25]))
    one = 0.5 * 0.9 + 0.1 * 0.0
    two = one * 0.9 + 0.1 * 1.0
    three = two * 0.9 + 0.1 * 0.25
    assert found.sampler.accuracy.tolist() == pytest.approx([0.55, three, 0.5], rel=1e-12)


@pytest.mark.parametrize("index", [1, torch.tensor(1), torch.tensor([1])])
@pytest.mark.parametrize("rate", [1.0, 1, torch.tensor(1.0)])
def test_one_item_may_be_a_number(index, rate):
    found = buffer([0, 1], RubricPrioritizedSampler(2, beta=0.1))
    found.update_priority(index, rate)
    assert found.sampler.accuracy.tolist() == pytest.approx([0.5, 0.55])


def test_negative_indices_are_ignored():
    found = buffer([0, 1], RubricPrioritizedSampler(2, beta=0.1))
    found.update_priority(torch.tensor([-1, 1, -7]), torch.tensor([0.0, 1.0, 0.0]))
    assert found.sampler.accuracy.tolist() == pytest.approx([0.5, 0.55])
    found.update_priority(torch.tensor([-1]), torch.tensor([0.0]))
    found.update_priority(torch.tensor([], dtype=torch.long), torch.tensor([]))
    assert found.sampler.accuracy.tolist() == pytest.approx([0.5, 0.55])


def test_a_column_of_domains_will_do():
    """Tensordicts often hold scalars as [N, 1]."""
    found = TensorDictReplayBuffer(storage=LazyTensorStorage(2), sampler=RubricPrioritizedSampler(2, beta=0.1))
    found.extend(TensorDict({"item": torch.arange(2), "domain": torch.tensor([[0], [1]])}, [2]))
    assert set(drawn(found, 20).tolist()) == {0, 1}
    found.update_priority(torch.tensor([1]), torch.tensor([1.0]))
    assert found.sampler.accuracy.tolist() == pytest.approx([0.5, 0.55])


def test_pass_rates_must_be_one_for_each_item():
    found = buffer([0, 1])
    with pytest.raises(ValueError, match="2 items but 1 priorities"):
        found.update_priority(torch.tensor([0, 1]), torch.tensor([1.0]))
    with pytest.raises(ValueError, match="needs the storage"):
        found.sampler.update_priority(0, 1.0)


def test_the_accuracy_shown_is_a_copy():
    sampler = RubricPrioritizedSampler(2)
    sampler.accuracy.fill_(9)
    assert sampler.accuracy.tolist() == [0.5, 0.5]


def test_a_domain_that_improves_is_drawn_less():
    found = buffer([0] * 5 + [1] * 5, RubricPrioritizedSampler(2))
    for _ in range(60):
        found.update_priority(torch.tensor([0, 5]), torch.tensor([1.0, 0.0]))
    counts = torch.bincount(drawn(found, 100, 20) // 5, minlength=2)
    assert counts[1] > 10 * counts[0] > 0


def assert_same(state, kept):
    assert state.keys() == kept.keys()
    for name, value in state.items():
        if isinstance(value, dict):
            assert_same(value, kept[name])
        else:
            assert np.array_equal(np.asarray(value), np.asarray(kept[name]))


# Random numbers


def test_equal_seeds_draw_equal_batches_and_others_do_not():
    def batches(seed):
        found = buffer([0, 1, 1, 2] * 5, RubricPrioritizedSampler(3, seed=seed))
        return drawn(found, 8, 5).tolist()

    assert batches(0) == batches(0)
    assert batches(0) != batches(1)


@pytest.mark.parametrize("kind", BUFFERS)
def test_global_random_state_is_neither_used_nor_consumed(kind):
    found = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        np.random.seed(seed)
        ours = buffer([0, 1, 1, 2] * 5, RubricPrioritizedSampler(3, seed=7), kind=kind)
        before = torch.get_rng_state(), np.random.get_state()[1].copy()
        found.append(drawn(ours, 8, 5).tolist())
        ours.update_priority(torch.tensor([0]), torch.tensor([1.0]))
        assert torch.equal(torch.get_rng_state(), before[0])
        assert np.array_equal(np.random.get_state()[1], before[1])
    assert found[0] == found[1]


def test_a_generator_given_to_the_buffer_is_used():
    def batches(seed):
        generator = torch.Generator().manual_seed(seed)
        before = generator.get_state()
        found = buffer([0, 1, 1, 2] * 5, RubricPrioritizedSampler(3, seed=0), generator=generator)
        rows = drawn(found, 8, 5).tolist()
        assert not torch.equal(generator.get_state(), before)
        return rows

    assert batches(5) == batches(5)
    assert batches(5) != batches(6)


def test_a_buffer_without_a_generator_takes_none_away():
    sampler = RubricPrioritizedSampler(1, seed=3)
    own = sampler._rng
    buffer([0, 0], sampler)
    assert sampler._rng is own


# State


@pytest.mark.parametrize("how", ["state_dict", "dumps", "torch.save", "buffer"])
def test_a_restored_sampler_draws_what_the_saved_one_would_have(how, tmp_path):
    domains = [0, 1, 1, 2] * 5
    ours = buffer(domains, RubricPrioritizedSampler(3, seed=1))
    drawn(ours, 8, 3)
    ours.update_priority(torch.tensor([0, 1]), torch.tensor([1.0, 0.0]))
    other = buffer(domains, RubricPrioritizedSampler(3, seed=99))
    drawn(other, 3, 2)
    if how == "state_dict":
        other.sampler.load_state_dict(ours.sampler.state_dict())
    elif how == "dumps":
        ours.sampler.dumps(tmp_path / "a" / "b")
        other.sampler.loads(tmp_path / "a" / "b")
    elif how == "buffer":
        ours.dumps(tmp_path / "buffer")
        other.loads(tmp_path / "buffer")
    else:
        torch.save(ours.sampler.state_dict(), tmp_path / "state.pt")
        other.sampler.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(other.sampler.accuracy, ours.sampler.accuracy)
    assert drawn(other, 8, 5).tolist() == drawn(ours, 8, 5).tolist()


def test_a_saved_state_does_not_change_with_the_sampler():
    ours = buffer([0, 1], RubricPrioritizedSampler(2))
    state = ours.sampler.state_dict()
    kept = copy.deepcopy(state)
    ours.update_priority(torch.tensor([0]), torch.tensor([1.0]))
    drawn(ours, 4)
    assert_same(state, kept)
    ours.sampler.load_state_dict(state)
    ours.update_priority(torch.tensor([0]), torch.tensor([1.0]))
    assert_same(state, kept)


def test_a_fresh_sampler_can_be_saved(tmp_path):
    sampler = RubricPrioritizedSampler(4)
    sampler.dumps(tmp_path)
    other = RubricPrioritizedSampler(4, seed=1)
    other.loads(tmp_path)
    assert torch.equal(other._rng.get_state(), sampler._rng.get_state())


def test_a_fresh_state_forgets_what_was_stored():
    sampler = RubricPrioritizedSampler(1, "per")
    drawn(buffer([0] * 20, sampler), 8)
    sampler.load_state_dict(RubricPrioritizedSampler(1, "per").state_dict())
    assert set(drawn(buffer([0] * 3, sampler, capacity=20), 8, 50).tolist()) == {0, 1, 2}


@pytest.mark.parametrize("preset", ["uniform", "per", "rubric"])
def test_a_batch_in_inference_mode_is_a_batch_like_any(preset):
    ours, other = (buffer([0, 1] * 50, RubricPrioritizedSampler(2, preset, seed=4)) for _ in range(2))
    with torch.inference_mode():
        first = ours.sample(8)["item"].tolist()
        ours.update_priority(torch.arange(4), torch.full((4,), 0.5))
    assert first == other.sample(8)["item"].tolist()
    other.update_priority(torch.arange(4), torch.full((4,), 0.5))
    ours.update_priority(torch.arange(4), torch.full((4,), 0.25))
    other.update_priority(torch.arange(4), torch.full((4,), 0.25))
    assert ours.sample(8)["item"].tolist() == other.sample(8)["item"].tolist()


def test_a_state_of_other_items_or_of_another_law_is_refused(tmp_path):
    ours, other = (buffer([0, 1] * n, RubricPrioritizedSampler(2, "per")) for n in (30, 25))
    drawn(ours, 8)
    drawn(other, 8)
    other.sampler.load_state_dict(ours.sampler.state_dict())
    with pytest.raises(ValueError, match="state of the sampler is one of 60 items, and not of this buffer of 50"):
        other.sample(8)
    with pytest.raises(ValueError, match="saved by sampler=per, not rubric"):
        RubricPrioritizedSampler(2, "rubric").load_state_dict(ours.sampler.state_dict())


@pytest.mark.parametrize("preset", ["uniform", "per", "rubric", "seed_acc_ema"])
@pytest.mark.parametrize(
    ("index", "rates", "words"),
    [
        ([0, 1], [0.5, float("nan")], "a pass rate lies between 0 and 1"),
        ([0, 1], [0.5, 2.0], "a pass rate lies between 0 and 1, unlike one of those from 0.5 to 2.0"),
        ([0, 1], [-1.0, 0.5], "a pass rate lies between 0 and 1"),
        ([0, 1], [float("inf"), 0.5], "a pass rate lies between 0 and 1"),
        ([0, 1], [0.5], "2 items but 1 priorities"),
        ([0, 20], [0.5, 0.5], "no item 20 among 20"),
    ],
)
def test_bad_results_teach_nothing(preset, index, rates, words):
    ours = buffer([0, 1] * 10, RubricPrioritizedSampler(2, preset))
    drawn(ours, 8)
    before = copy.deepcopy(ours.sampler.state_dict())
    with pytest.raises(ValueError, match=words):
        ours.update_priority(torch.tensor(index), torch.tensor(rates))
    assert_same(ours.sampler.state_dict(), before)


@pytest.mark.parametrize("bad", [{"domains": 0}, {"beta": float("nan")}, {"group_size": 0}, {"initial_accuracy": 5.0}])
def test_numbers_that_cannot_be_are_refused(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        RubricPrioritizedSampler(**{"domains": 2, **bad})


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="at least one item, not 0"):
        RubricPrioritizedSampler(1).sample(buffer([0] * 5).storage, 0)


def test_a_state_of_other_domains_is_refused():
    with pytest.raises(ValueError, match="saved for 3 domains, not 2"):
        RubricPrioritizedSampler(2).load_state_dict(RubricPrioritizedSampler(3).state_dict())


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda sampler: pickle.loads(pickle.dumps(sampler))])
def test_a_copy_draws_what_the_original_does(twin):
    domains = [0, 1, 1, 2] * 5
    ours = buffer(domains, RubricPrioritizedSampler(3, seed=1))
    drawn(ours, 8, 3)
    other = buffer(domains, twin(ours.sampler))
    assert drawn(other, 8, 5).tolist() == drawn(ours, 8, 5).tolist()
