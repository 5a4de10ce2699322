"""Optimizers and learning rates."""

from math import cos, pi

import pytest
import torch

from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.agents.updates.optimizer import learning_rate, make_optimizer, set_learning_rate


def actor(*overrides):
    return load_config(overrides=[f"actor.{override}" for override in overrides]).actor


def rates(config, *steps):
    return [learning_rate(config, step, lr=1.0) for step in steps]


def test_a_constant_rate_stays():
    assert rates(actor("scheduler=constant", "decay_steps=null"), 1, 2, 500) == [1.0] * 3


def test_a_linear_rate_falls_to_its_least_and_stays_there():
    config = actor("decay_steps=10")
    assert rates(config, 1, 6, 11, 500) == pytest.approx([1.0, 0.55, 0.1, 0.1])
    assert rates(actor("decay_steps=10", "min_ratio=0"), 1, 6, 11) == pytest.approx([1.0, 0.5, 0.0])


def test_a_cosine_falls_slowly_at_both_ends():
    config = actor("scheduler=cosine", "decay_steps=10", "min_ratio=0.2")
    expected = [0.2 + 0.8 * (1 + cos(pi * done / 10)) / 2 for done in range(11)]
    assert rates(config, *range(1, 12)) == pytest.approx(expected)
    assert rates(config, 400) == pytest.approx([0.2])


@pytest.mark.parametrize("warmup", ["warmup_steps=4", "warmup_ratio=0.4"])
def test_the_rate_rises_first_and_no_step_is_wasted(warmup):
    config = actor("decay_steps=10", warmup, "min_ratio=0")
    assert rates(config, 1, 2, 3, 4, 5, 8, 11) == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0, 0.5, 0.0])


def test_a_constant_rate_may_rise_first_too():
    assert rates(actor("scheduler=constant", "decay_steps=null", "warmup_steps=2"), 1, 2, 3) == [0.5, 1.0, 1.0]


@pytest.fixture
def model():
    return torch.nn.Sequential(torch.nn.Embedding(8, 4), torch.nn.Linear(4, 4), torch.nn.LayerNorm(4))


def test_norms_and_biases_do_not_decay(model):
    optimizer = make_optimizer(model, actor(), lr=0.1, weight_decay=0.5)
    before = [weight.detach().clone() for weight in model.parameters()]
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)
    optimizer.step()
    for old, new in zip(before, model.parameters(), strict=True):
        torch.testing.assert_close(new, old * 0.95 if old.dim() > 1 else old)


def test_frozen_weights_have_no_place_in_the_optimizer(model):
    model[0].requires_grad_(False)
    held = [w for group in make_optimizer(model, actor(), lr=1, weight_decay=0).param_groups for w in group["params"]]
    assert len(held) == 4
    assert not any(weight is model[0].weight for weight in held)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("adamw", torch.optim.AdamW), ("adafactor", torch.optim.Adafactor), ("sgd", torch.optim.SGD)],
)
def test_each_optimizer_learns_and_stands_still_at_a_rate_of_zero(model, name, kind):
    optimizer = make_optimizer(model, actor(f"optimizer={name}"), lr=0.05, weight_decay=0.1)
    assert type(optimizer) is kind

    def step():
        loss = (model(torch.arange(8)) - 1).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    losses = [step() for _ in range(30)]
    assert losses[-1] < losses[0]
    set_learning_rate(optimizer, 0.0)
    before = [weight.detach().clone() for weight in model.parameters()]
    step()
    assert all(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))


def test_the_betas_are_the_configuration_s(model):
    optimizer = make_optimizer(model, actor("betas=[0.8,0.95]"), lr=1.0, weight_decay=0.0)
    assert all(group["betas"] == (0.8, 0.95) for group in optimizer.param_groups)
