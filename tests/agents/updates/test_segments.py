"""Trajectories of several segments: each is a sequence of its own, and together they weigh as one trajectory."""

import pytest
import torch

from infinite_rl.agents.losses import LossConfig, sequence_weights
from infinite_rl.agents.rollouts.columns import Columns
from infinite_rl.agents.rollouts.trajectory import stack
from infinite_rl.agents.updates.backprop import BackpropConfig, BackpropModule
from infinite_rl.agents.updates.batching import microbatches

CPU = torch.device("cpu")


def join(*rows):
    """One trajectory whose segments are ``rows``."""
    row = rows[0].clone()
    for name in ("token_ids", "action_mask", "behaviour_logprob", "version", "turn", "advantage"):
        row.set(name, torch.cat([part.get(name) for part in rows]))
    row.state = row.state | {"segments": [len(part.token_ids) for part in rows]}
    return row


@pytest.fixture
def parts(make_trajectory):
    """Three segments with advantages."""
    rows = [
        make_trajectory([3, 4], [5, 6, 7], logprobs=[-2.0, -2.5, -3.0]),
        make_trajectory([8], [9], logprobs=[-2.2]),
        make_trajectory([2, 2, 2, 2], [1, 11, 12, 13], logprobs=[-2.1, -1.0, -3.0, -2.7]),
    ]
    for i, row in enumerate(rows):
        row.advantage = torch.where(row.action_mask, 0.5 + i, 0.0)
    return rows


@pytest.fixture
def backprop(lm):
    model = lm("qwen2")
    return BackpropModule(model, None, torch.optim.SGD(model.parameters(), lr=0.0), BackpropConfig())


def gradients(backprop, trajectories, tokens, aggregation="token_mean"):
    config, lengths = LossConfig(aggregation=aggregation), Columns(trajectories).response_lengths
    weights = sequence_weights(lengths, aggregation)
    for batch in microbatches(Columns(trajectories), tokens, CPU):
        backprop.learn(batch, weights[batch.rows], config)
    found = [weight.grad.clone() for weight in backprop.model.parameters() if weight.grad is not None]
    backprop.optimizer.zero_grad()
    return torch.cat([gradient.flatten() for gradient in found])


@pytest.mark.parametrize("tokens", [6, 12, 1000])
def test_segments_learn_as_if_they_were_trajectories(backprop, parts, tokens):
    joined = gradients(backprop, stack([join(*parts)]), tokens)
    apart = gradients(backprop, stack(parts), tokens)
    assert torch.linalg.norm(joined - apart) <= 1e-10 * torch.linalg.norm(apart)


def test_a_trajectory_weighs_as_one_whatever_its_segments(backprop, parts, make_trajectory):
    """With the mean of sequences, the trajectory of 8 tokens weighs as much as the other of 1."""
    other = make_trajectory([1], [2])
    other.advantage = torch.tensor([0.0, 1.0])
    found = gradients(backprop, stack([join(*parts), other]), 1000, "sequence_mean")
    expected = (gradients(backprop, stack([join(*parts)]), 1000) + gradients(backprop, stack([other]), 1000)) / 2
    assert torch.linalg.norm(found - expected) <= 1e-10 * torch.linalg.norm(expected)


@pytest.mark.parametrize("tokens", [6, 1000])
def test_columns_land_at_their_tokens(backprop, parts, tokens):
    joined, apart = stack([join(*parts)]), stack(parts)
    for trajectories in (joined, apart):
        backprop.set_columns(Columns(trajectories), microbatches(Columns(trajectories), tokens, CPU), ["old_logprob"])
    torch.testing.assert_close(Columns(joined).sampled("old_logprob"), Columns(apart).sampled("old_logprob"))


def test_the_bootstrap_is_the_last_segment_s(backprop, parts):
    class Critic(torch.nn.Module):
        def forward(self, token_ids, attention_mask):
            return token_ids.double()  # so the value after a token is its id

    backprop.critic = Critic()
    trajectories = stack([join(*parts)])
    last = backprop.set_columns(Columns(trajectories), microbatches(Columns(trajectories), 6, CPU), ["value"])
    assert last.tolist() == [13.0]
    assert Columns(trajectories).sampled("value").tolist() == [4.0, 5.0, 6.0, 8.0, 2.0, 1.0, 11.0, 12.0]


def test_columns_are_written_and_read_in_one_order(parts):
    trajectories = stack([join(*parts)])
    Columns(trajectories).set_sampled("advantage", torch.arange(8.0))
    for batch in microbatches(Columns(trajectories), 6, CPU):
        assert batch.columns["advantage"].tolist() == batch.places.tolist()
