"""Advantages against closed forms, a NumPy loop and TRL's formula."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from infinite_rl.agents.credit.advantages import group_advantages, normalised_ranks
from infinite_rl.agents.updates.backprop import BackpropModule


def advantages(rewards, groups=None, valid=None, *, norm_std=True):
    rewards = torch.tensor(rewards, dtype=torch.float32)
    groups = torch.zeros(len(rewards), dtype=torch.long) if groups is None else torch.tensor(groups)
    valid = torch.ones(len(rewards), dtype=torch.bool) if valid is None else torch.tensor(valid)
    return group_advantages(rewards, groups, valid, norm_std=norm_std)


def loop(rewards, groups, valid, norm_std, eps=1e-4):
    found = np.zeros(len(rewards))
    for group in set(groups):
        members = [i for i in range(len(rewards)) if groups[i] == group and valid[i]]
        values = np.array([rewards[i] for i in members], dtype=np.float64)
        for i in members:
            found[i] = rewards[i] - values.mean()
            if norm_std and len(members) > 1:
                found[i] /= values.std(ddof=1) + eps
    return found


def test_the_sample_standard_deviation_divides():
    # mean 0.25; sum of squares 3 * 0.0625 + 0.5625 = 0.75; n - 1 = 3: std = 0.5
    found = advantages([1.0, 0.0, 0.0, 0.0])
    expected = torch.tensor([0.75, -0.25, -0.25, -0.25]) / (0.5 + 1e-4)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)


def test_without_norm_std_rewards_are_only_centred():
    torch.testing.assert_close(
        advantages([1.0, 0.0, 0.0, 0.0], norm_std=False), torch.tensor([0.75, -0.25, -0.25, -0.25])
    )


@pytest.mark.parametrize("norm_std", [True, False])
@pytest.mark.parametrize("reward", [0.0, 1.0, 0.1, 1 / 3, -7.3, 1e6])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 8])
def test_a_group_of_equal_rewards_teaches_exactly_nothing(reward, size, norm_std):
    assert not advantages([reward] * size, norm_std=norm_std).any()


def test_a_group_of_one_is_zero_beside_others():
    found = advantages([5.0, 0.0, 1.0], [9, 4, 4])
    assert found[0] == 0
    assert found[1] == -found[2] != 0


def test_failed_gradings_enter_no_mean_and_get_zero():
    found = advantages([1.0, 0.0, 77.0, 0.0], valid=[True, True, False, True])
    torch.testing.assert_close(found[[0, 1, 3]], advantages([1.0, 0.0, 0.0]))
    assert found[2] == 0


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_a_failed_grading_may_hold_anything(poison):
    found = advantages([1.0, poison, 0.0], valid=[True, False, True])
    torch.testing.assert_close(found[[0, 2]], advantages([1.0, 0.0]))
    assert found[1] == 0


def test_a_group_with_one_valid_member_is_zero():
    assert not advantages([1.0, 0.0, 0.3], valid=[True, False, False]).any()


def test_a_group_without_a_valid_member_is_zero():
    assert not advantages([1.0, 0.0], valid=[False, False]).any()


def test_groups_may_be_interleaved_and_have_any_number():
    rewards, groups = [1.0, 5.0, 0.0, 9.0], [1_000_000, -3, 1_000_000, -3]
    found = advantages(rewards, groups)
    torch.testing.assert_close(found[[0, 2]], advantages([1.0, 0.0]))
    torch.testing.assert_close(found[[1, 3]], advantages([5.0, 9.0]))


def test_no_rewards_have_no_advantages():
    assert advantages([], []).shape == (0,)


rows = st.lists(st.tuples(st.floats(-100, 100, width=32), st.integers(0, 4), st.booleans()), min_size=1, max_size=40)


@settings(max_examples=150, deadline=None)
@given(rows, st.booleans())
def test_advantages_are_those_of_a_loop(rows, norm_std):
    rewards, groups, valid = (list(column) for column in zip(*rows, strict=True))
    found = advantages(rewards, groups, valid, norm_std=norm_std)
    assert found.dtype == torch.float32
    assert not found.isnan().any()
    np.testing.assert_allclose(found.numpy(), loop(rewards, groups, valid, norm_std), rtol=1e-5, atol=1e-5)


@settings(max_examples=50, deadline=None)
@given(rows)
def test_the_advantages_of_a_group_sum_to_zero(rows):
    rewards, groups, valid = (list(column) for column in zip(*rows, strict=True))
    found = advantages(rewards, groups, valid, norm_std=False).double()
    for group in set(groups):
        assert abs(float(found[torch.tensor(groups) == group].sum())) < 1e-3


def test_they_are_those_of_trl():
    """``GRPOTrainer`` (TRL 1.16): mean and std over each ``num_generations`` rewards, then (r - mean)/(std + 1e-4)."""
    rewards = torch.rand(6 * 8, generator=torch.Generator().manual_seed(0))
    grouped = rewards.view(-1, 8)
    expected = (grouped - grouped.mean(1, keepdim=True)) / (grouped.std(1, keepdim=True) + 1e-4)
    found = advantages(rewards.tolist(), (torch.arange(48) // 8).tolist())
    torch.testing.assert_close(found, expected.view(-1), rtol=1e-5, atol=1e-6)


def test_consecutive_groups_of_the_backprop_module(lm):
    model = lm()
    backprop = BackpropModule(model, optimizer=torch.optim.SGD(model.parameters()))
    rewards = torch.tensor([1.0, 0.0, 0.0, 0.0, 2.0, 4.0])
    found = backprop.compute_relative_advantages(rewards, 2)
    torch.testing.assert_close(found, advantages(rewards.tolist(), [0, 0, 1, 1, 2, 2]))
    plain = backprop.compute_relative_advantages(rewards, 2, norm_std=False)
    assert plain.tolist() == [0.5, -0.5, 0.0, 0.0, -1.0, 1.0]
    for size in (4, 0, -1):
        with pytest.raises(ValueError, match="6 rewards are not whole groups"):
            backprop.compute_relative_advantages(rewards, size)


# Ranks


def test_ranks_have_mean_zero_and_standard_deviation_one():
    found = normalised_ranks(torch.tensor([10.0, -3.0, 2.0, 1e9]))
    # ranks 2 0 1 3: mean 1.5, variance 1.25
    expected = (torch.tensor([2.0, 0.0, 1.0, 3.0]) - 1.5) / 1.25**0.5
    torch.testing.assert_close(found, expected)


def test_equal_rewards_share_their_mean_rank():
    found = normalised_ranks(torch.tensor([1.0, 0.0, 1.0, 0.0, 5.0]))
    # ranks 2.5 0.5 2.5 0.5 4: mean 2, variance (0.25 + 2.25 + 0.25 + 2.25 + 4) / 5 = 1.8
    expected = (torch.tensor([2.5, 0.5, 2.5, 0.5, 4.0]) - 2) / 1.8**0.5
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_all_equal_rewards_have_rank_zero(size):
    assert not normalised_ranks(torch.full((size,), 0.3)).any()
