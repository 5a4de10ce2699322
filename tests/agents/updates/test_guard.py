"""What is not finite: skipped, counted, explained once, ended after some in a row, and never in the weights."""

import copy
import logging
import math

import pytest
import torch

from infinite_rl.agents.losses import LossConfig
from infinite_rl.agents.rollouts.columns import Columns
from infinite_rl.agents.updates.backprop import BackpropConfig, BackpropModule
from infinite_rl.agents.updates.batching import microbatches
from infinite_rl.agents.updates.guard import NonFiniteError

NAN = float("nan")


@pytest.fixture
def backprop(lm):
    model = lm()
    return BackpropModule(model, None, torch.optim.AdamW(model.parameters(), lr=0.1), BackpropConfig())


def learn(backprop, trajectories, *, config=None, tokens=10_000):
    tasks = [f"task-{i}" for i in range(len(trajectories))]
    for batch in microbatches(Columns(trajectories), tokens, torch.device("cpu")):
        backprop.learn(batch, torch.full((len(batch.rows),), 0.1), config or LossConfig(), tasks)
    return backprop.step()


def ready(trajectories, **columns):
    """Trajectories with advantages, and with a value that is not finite at one sampled token of a column."""
    tokens = int(sum(row.action_mask.sum() for row in trajectories))
    Columns(trajectories).set_sampled("advantage", torch.linspace(-1, 1, tokens))
    for name, (place, value) in columns.items():
        column = torch.linspace(-4, -3, tokens)
        column[place] = value
        Columns(trajectories).set_sampled(name, column)
    return trajectories


def snapshot(backprop):
    return copy.deepcopy((backprop.model.state_dict(), backprop.optimizer.state_dict()["state"]))


def equal(one, other):
    weights = all(torch.equal(one[0][name], other[0][name]) for name in one[0])
    return weights and str(one[1]) == str(other[1])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, NAN) for name in ("behaviour_logprob", "advantage", "old_logprob", "reference_logprob")),
        *((name, math.inf) for name in ("advantage", "reference_logprob")),
    ],
)
@pytest.mark.parametrize("tokens", [20, 10_000])
def test_the_tensor_and_the_task_that_break_a_loss_are_named_once(backprop, random_batch, caplog, name, value, tokens):
    """Token 12 is in the fourth trajectory; one micro-batch is enough to skip the whole step."""
    learn(backprop, ready(random_batch()))
    before = snapshot(backprop)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            bad = ready(random_batch(), **{name: (12, value)})
            assert math.isnan(learn(backprop, bad, config=LossConfig(kl_coef=0.1), tokens=tokens))
    assert equal(before, snapshot(backprop))
    (record,) = caplog.records
    shown = "old_logprob" if name == "behaviour_logprob" else name
    assert f"{shown} is {value} of a response to task task-3" in record.getMessage()
    assert "\n" not in record.getMessage()
    assert backprop.guard.skipped == 3


def test_a_gradient_that_breaks_is_named_by_its_weight(backprop, caplog):
    weight = next(iter(backprop.model.parameters()))
    before = snapshot(backprop)
    # sqrt has an infinite slope at 0, and 0 times infinity is NaN: a finite loss with a gradient that is not
    result = backprop.update((weight * 0).sum().sqrt())
    assert result["loss"] == 0.0
    assert math.isnan(result["grad_norm"])
    assert equal(before, snapshot(backprop))
    assert "the gradient of model.embed_tokens.weight is not finite" in caplog.text


def test_nothing_of_a_skipped_step_is_left_for_the_next(lm, random_batch):
    def after(skip):
        model = lm()
        backprop = BackpropModule(model, None, torch.optim.SGD(model.parameters(), lr=0.1))
        if skip:
            learn(backprop, ready(random_batch(), advantage=(28, NAN)), tokens=20)
        learn(backprop, ready(random_batch()))
        return model.state_dict()

    plain, found = after(False), after(True)
    assert all(torch.equal(plain[name], found[name]) for name in plain)


def test_too_many_in_a_row_end_the_run(lm, random_batch):
    model = lm()
    config = BackpropConfig(max_skipped_steps=3)
    backprop = BackpropModule(model, None, torch.optim.SGD(model.parameters(), lr=0.1), config)
    for _ in range(2):  # two are too few, and a good one in between starts the count again
        learn(backprop, ready(random_batch(), advantage=(0, NAN)))
        learn(backprop, ready(random_batch(), advantage=(0, NAN)))
        learn(backprop, ready(random_batch()))
    assert backprop.guard.skipped == 4
    with pytest.raises(NonFiniteError, match="3 updates in a row could not be made: advantage is nan of a response to"):
        for _ in range(3):
            learn(backprop, ready(random_batch(), advantage=(0, NAN)))
    assert all(weight.isfinite().all() for weight in model.parameters())
