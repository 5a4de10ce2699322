"""Rewards after collection: absolute, normalised, relative, and a subclass's own."""

import pytest
import torch

from infinite_rl.agents.credit.advantages import normalised_ranks
from infinite_rl.agents.credit.reward_computer import RewardComputer
from infinite_rl.agents.rollouts.trajectory import stack


@pytest.fixture
def batch(make_trajectory):
    def make(*rewards, failed=()):
        return stack(
            [make_trajectory([1], [2] * (i + 1), reward=r, valid=i not in failed) for i, r in enumerate(rewards)]
        )

    return make


class Length(RewardComputer):
    """The shorter the better."""

    def score_trajectory(self, trajectory):
        return -float(trajectory.action_mask.sum())


def test_absolute_rewards_are_the_environment_s(batch):
    trajectories = batch(1.0, 0.0, 0.5)
    found = RewardComputer().compute_rewards(trajectories)
    assert found.tolist() == [1.0, 0.0, 0.5]
    found.fill_(7)  # and no view of them
    assert trajectories.reward.tolist() == [1.0, 0.0, 0.5]


def test_normalised_rewards_have_mean_zero_and_standard_deviation_one(batch):
    found = RewardComputer(normalize=True).compute_rewards(batch(3.0, 1.0, 1.0, 3.0))
    torch.testing.assert_close(found, torch.tensor([1.0, -1.0, -1.0, 1.0]))


@pytest.mark.parametrize("size", [1, 2, 5])
def test_equal_rewards_normalise_to_zero(batch, size):
    assert not RewardComputer(normalize=True).compute_rewards(batch(*[0.25] * size)).any()


def test_relative_rewards_are_normalised_ranks(batch):
    found = RewardComputer().compute_rewards(batch(5.0, -1.0, 5.0), "relative")
    torch.testing.assert_close(found, normalised_ranks(torch.tensor([5.0, -1.0, 5.0])))


def test_ranks_are_normalised_once(batch):
    one, other = RewardComputer(), RewardComputer(normalize=True)
    trajectories = batch(5.0, -1.0, 2.0)
    assert torch.equal(
        one.compute_rewards(trajectories, "relative"), other.compute_rewards(trajectories, method="relative")
    )


def test_a_subclass_scores_each_trajectory_by_itself(batch):
    trajectories = batch(1.0, 0.0, 0.0)
    assert Length().compute_rewards(trajectories).tolist() == [-1.0, -2.0, -3.0]
    torch.testing.assert_close(
        Length(normalize=True).compute_rewards(trajectories), torch.tensor([1.0, 0.0, -1.0]) / (2 / 3) ** 0.5
    )
    torch.testing.assert_close(
        Length().compute_rewards(trajectories, "relative"), torch.tensor([1.0, 0.0, -1.0]) / (2 / 3) ** 0.5
    )


@pytest.mark.parametrize("kind", [int, bool, torch.tensor])
@pytest.mark.parametrize("normalize", [False, True])
def test_a_subclass_may_return_any_number(batch, kind, normalize):
    class Some(RewardComputer):
        def score_trajectory(self, trajectory):
            return kind(int(trajectory.reward > 0))

    found = Some(normalize).compute_rewards(batch(1.0, 0.0))
    assert found.dtype == torch.float32
    assert found.tolist() == pytest.approx([1.0, -1.0] if normalize else [1.0, 0.0])


def test_a_failed_grading_shifts_no_mean(batch):
    """It says nothing about the policy, so the others' normalised rewards are what they would be without it."""
    found = RewardComputer(normalize=True).compute_rewards(batch(1.0, 0.0, 1.0, failed=[1]))
    assert found[[0, 2]].tolist() == [0.0, 0.0]


def test_a_failed_grading_has_no_rank_to_take_from_others(batch):
    found = RewardComputer().compute_rewards(batch(3.0, 0.0, 1.0, failed=[1]), "relative")
    torch.testing.assert_close(found[[0, 2]], torch.tensor([1.0, -1.0]))


class Judge(RewardComputer):
    """Falls over on some of the responses."""

    def score_trajectory(self, trajectory):
        if trajectory.reward < 0:
            raise ConnectionError("the judge is gone")
        return 10 * float(trajectory.reward)


def test_what_cannot_be_rewarded_is_left_out_and_told_once(batch, caplog):
    judge = Judge()
    for _ in range(2):
        trajectories = batch(0.5, -1.0, 0.25, failed=[2])
        assert judge.compute_rewards(trajectories).tolist() == [5.0, 0.0, 0.0]
        assert trajectories.valid.tolist() == [True, False, False]
    assert [one.state["status"] for one in trajectories][:2] == ["scored", "error"]
    assert "raised ConnectionError: the judge is gone" in trajectories[1].state["error_msg"]
    assert [record.getMessage() for record in caplog.records].count(
        "a trajectory does not count (the reward computer raised ConnectionError: the judge is gone)"
    ) == 1


def test_what_cannot_be_rewarded_shifts_nothing(batch):
    found = Judge(normalize=True).compute_rewards(batch(1.0, -1.0, 1.0))
    assert found.tolist() == [0.0, 0.0, 0.0]
    torch.testing.assert_close(
        Judge().compute_rewards(batch(3.0, -1.0, 1.0), "relative")[[0, 2]], torch.tensor([1.0, -1.0])
    )


def test_a_computer_that_can_reward_nothing_says_why(batch):
    with pytest.raises(ValueError, match=r"not one trajectory could be rewarded .ConnectionError: the judge is gone"):
        Judge().compute_rewards(batch(-1.0, -2.0))


def test_an_unknown_method_is_an_error(batch):
    with pytest.raises(ValueError, match="'relative' or 'pareto', not 'pairwise'"):
        RewardComputer().compute_rewards(batch(1.0), "pairwise")
