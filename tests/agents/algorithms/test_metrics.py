"""Metrics: each number is what its name says, whatever failed."""

from math import isnan, nan

import pytest
import torch

from infinite_rl.agents.algorithms.metrics import UpdateSums, group_pass_rates, rollout_metrics
from infinite_rl.agents.losses import LossInputs, Objective
from infinite_rl.agents.rollouts.columns import Columns
from infinite_rl.agents.rollouts.trajectory import stack


@pytest.fixture
def batch(make_trajectory):
    """Two groups of three; one failed grading in the second."""
    return stack(
        [
            make_trajectory([1], [2, 3], reward=1.0, domain="add", components={"correctness": 1.0, "format": 1.0}),
            make_trajectory([1], [2], reward=0.0, domain="add", components={"correctness": 0.0, "format": 1.0}),
            make_trajectory([1], [2], reward=0.5, domain="add", truncated=True, components={"correctness": 0.5}),
            make_trajectory([1], [2] * 9, reward=1.0, group=1, domain="sub", components={"correctness": 1.0}),
            make_trajectory([1], [2, 3], reward=0.0, group=1, domain="sub", valid=False, components={"correctness": 9}),
            make_trajectory([1], [2, 3, 4], reward=0.0, group=1, domain="sub", status="no_answer"),
        ]
    )


def test_of_a_rollout(batch):
    rewards = torch.tensor([2.0, 0.0, 1.0, 2.0, 99.0, 0.0])
    assert rollout_metrics(Columns(batch), rewards) == pytest.approx(
        {
            "reward": 1.0,  # (2 + 0 + 1 + 2 + 0) / 5: what is learnt from, without the failed one
            "pass_rate": 2 / 5,
            "pass_rate/add": 1 / 3,
            "pass_rate/sub": 1 / 2,
            "reward/correctness": 2.5 / 4,  # of the four that have this part and could be graded
            "reward/format": 1.0,
            "response_length": 18 / 6,
            "truncated": 1 / 6,
            "truncated/response": 1 / 6,
            "zero_variance_groups": 0.0,
            "failures/error": 1.0,
            "failures/no_answer": 1.0,
        }
    )


def test_zero_variance_looks_at_what_is_learnt_from(batch):
    equal = rollout_metrics(Columns(batch), torch.tensor([1.0, 1.0, 1.0, 0.0, 5.0, 1.0]))
    assert equal["zero_variance_groups"] == 0.5
    # The failed member differs, but it does not count.
    assert rollout_metrics(Columns(batch), torch.tensor([1.0, 0, 0, 1.0, 5.0, 1.0]))["zero_variance_groups"] == 0.5


def test_all_gradings_failed(make_trajectory):
    batch = stack([make_trajectory([1], [2], valid=False), make_trajectory([1], [2], valid=False, group=1)])
    metrics = rollout_metrics(Columns(batch), batch.reward)
    assert isnan(metrics["reward"])
    assert isnan(metrics["pass_rate"])
    assert isnan(metrics["pass_rate/d"])
    assert metrics["failures/error"] == 2
    assert metrics["zero_variance_groups"] == 1  # they teach nothing
    assert metrics["response_length"] == 1


def test_a_failed_grading_s_reward_may_be_nan(batch):
    metrics = rollout_metrics(Columns(batch), torch.tensor([2.0, 0.0, 1.0, 2.0, nan, 0.0]))
    assert metrics["reward"] == 1.0


def test_an_environment_that_does_not_grade_has_no_pass_rate(make_trajectory):
    row = make_trajectory([1], [2], reward=5.0)
    del row.state["passed"]
    metrics = rollout_metrics(Columns(stack([row])), torch.tensor([5.0]))
    assert metrics["reward"] == 5.0
    assert not [name for name in metrics if name.startswith("pass_rate")]


def test_pass_rates_by_group(batch, make_trajectory):
    assert group_pass_rates(Columns(batch), 3).tolist() == pytest.approx([1 / 3, 1 / 2])
    failed = stack([make_trajectory([1], [2], valid=False), make_trajectory([1], [2], valid=False)])
    assert isnan(float(group_pass_rates(Columns(failed), 2)))


def update(tokens, **parts):
    """A micro-batch of an update: per-token values as lists, parts of the objective as numbers."""
    n = torch.zeros(tokens)
    inputs = LossInputs(n, n, n, n, n.long(), n, entropy=torch.tensor(parts.pop("entropy")))
    scalars = {name: torch.tensor(float(parts.pop(name, 0.0))) for name in (
        "loss", "policy_loss", "kl_loss", "entropy_bonus", "value_loss")}  # fmt: skip
    lists = {"kl": None, "correction": None} | {name: torch.tensor(values) for name, values in parts.items()}
    return Objective(**scalars, **lists), inputs


def test_of_an_update_are_means_over_tokens_and_steps():
    sums = UpdateSums()
    for _ in range(2):  # epochs of two micro-batches
        sums.add(*update(3, loss=3, policy_loss=2, kl=[1.0, 0, 2], clipped=[True, False, True],
                         ratio=[1.0, 2, 0], entropy=[1.0, 0, 2]))  # fmt: skip
        sums.add(*update(1, loss=-1, policy_loss=0, kl=[5.0], clipped=[False], ratio=[1.0], entropy=[3.0]))
        sums.add_step(0.5)
    sums.add_step(nan)
    found = sums.means()
    assert found["loss"] == pytest.approx(2 * 2 / 3)  # parts of the objective are sums within a step
    assert found["kl"] == 2.0
    assert found["clip_fraction"] == 0.5
    assert found["ratio"] == 1.0
    assert found["ratio_std"] == pytest.approx(0.5**0.5)  # deviations 0, 1, -1, 0
    assert found["entropy"] == 1.5
    assert (found["grad_norm"], found["updates"], found["skipped_steps"]) == (0.5, 2.0, 1.0)


def test_sampler_and_trainer_are_compared_before_the_update():
    """By the first pass where nothing was scored before it, else by what was; the longest tail is kept."""
    zero, gaps = torch.zeros(2), torch.tensor([0.5, -2.0])
    parts = update(2, kl=[0.0, 0], clipped=[False, False], ratio=[1.0, 1], entropy=[0.0, 0])[0]
    behaviour = torch.tensor([-1.0, -3.0])
    once = LossInputs(behaviour + gaps, behaviour, behaviour, zero, zero.long(), zero, entropy=zero)
    later = LossInputs(zero, behaviour + gaps, behaviour, zero, zero.long(), zero, entropy=zero)
    for inputs in (once, later):
        sums = UpdateSums()
        sums.add(parts, inputs)
        found = sums.means()
        assert found["sampler_gap"] == 2.0
        assert found["sampler_kl"] == pytest.approx(sum(float(gap.exp()) - 1 - float(gap) for gap in gaps) / 2)


def test_without_an_update_there_is_no_mean():
    found = UpdateSums().means()
    assert isnan(found["loss"])
    assert isnan(found["kl"])
    assert isnan(found["ratio_std"])
    assert (found["updates"], found["skipped_steps"]) == (0.0, 0.0)
