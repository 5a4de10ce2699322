"""Throughput of learning: tokens and operations in closed form."""

import math

import pytest
import torch

from infinite_rl.agents.losses import LossConfig
from infinite_rl.agents.models.critic import make_critic
from infinite_rl.agents.rollouts.columns import Columns
from infinite_rl.agents.rollouts.trajectory import stack
from infinite_rl.agents.runs import throughput
from infinite_rl.agents.runs.throughput import PEAKS, StepMeter, cost_of, find_peak, work_of
from infinite_rl.agents.updates.backprop import BackpropModule
from infinite_rl.agents.updates.batching import microbatches
from infinite_rl.agents.updates.planning import LayoutPlan


def counts(work):
    return int(work.tokens), int(work.pairs), work.scored


@pytest.fixture
def group(make_trajectory):
    """Two responses to a prompt of three tokens, of two and of four tokens."""
    batch = stack([make_trajectory([1, 2, 3], [4, 5]), make_trajectory([1, 2, 3], [6, 7, 8, 9])])
    columns = Columns(batch)
    columns.set_sampled("advantage", torch.ones(6))
    return columns


def test_rows_of_their_own_are_counted_without_padding(group):
    (batch,) = microbatches(group, 100, torch.device("cpu"))
    assert batch.token_ids.shape == (2, 7)
    assert counts(work_of(batch)) == (5 + 7, 5 * 6 // 2 + 7 * 8 // 2, 6)


def test_a_prompt_in_a_shared_row_counts_once(group):
    (batch,) = microbatches(group, 100, torch.device("cpu"), layout=LayoutPlan(even_width=1e9))
    assert batch.token_ids.shape == (1, 9)
    pairs = (1 + 2 + 3) + (4 + 5) + (4 + 5 + 6 + 7)  # each token sees the prompt up to itself, and its own response
    assert counts(work_of(batch)) == (9, pairs, 6)


def test_padding_counts_nothing_whatever_the_rows(random_batch):
    def total(tokens):
        found = [counts(work_of(batch)) for batch in microbatches(Columns(random_batch()), tokens, torch.device("cpu"))]
        return [sum(column) for column in zip(*found, strict=True)]

    assert total(1000) == total(1)


def body_of(layers, hidden, heads, kv, mlp, head_dim):
    attention = hidden * heads * head_dim * 2 + hidden * kv * head_dim * 2
    return layers * (attention + 3 * hidden * mlp)


def test_the_weights_of_a_model_are_those_that_tokens_are_multiplied_by(lm):
    model = lm()
    config = model.config
    head_dim = config.hidden_size // config.num_attention_heads
    cost = cost_of(model)
    body = body_of(
        config.num_hidden_layers, config.hidden_size, config.num_attention_heads, config.num_key_value_heads,
        config.intermediate_size, head_dim,
    )  # fmt: skip
    assert (cost.body, cost.trained) == (body, body)
    assert cost.head == cost.head_trained == config.vocab_size * config.hidden_size
    assert cost.attention == config.num_hidden_layers * config.hidden_size


def test_frozen_weights_get_no_gradient(lm):
    model = lm().requires_grad_(False)
    cost = cost_of(model)
    work = throughput.Work(10, 55, 4)
    assert cost.backward(work) == cost.forward(work) + 4 * cost.attention * 55


def test_training_takes_six_operations_a_token_and_weight(lm):
    cost, work = cost_of(lm()), throughput.Work(10, 55, 4)
    assert cost.forward(work) == 2 * cost.body * 10 + 2 * cost.head * 4 + 4 * cost.attention * 55
    assert cost.forward(work) + cost.backward(work) == 3 * cost.forward(work)


def test_of_mixtures_of_experts_nothing_is_said(lm):
    model = lm()
    model.config.num_experts = 8
    assert cost_of(model) is None
    assert cost_of(torch.nn.Linear(2, 2)) is None
    windowed = lm()
    windowed.config.sliding_window, windowed.config.use_sliding_window = 4, True
    assert cost_of(windowed) is None


PEAK = 1e9


@pytest.fixture
def parts(lm, monkeypatch):
    monkeypatch.setattr(throughput, "find_peak", lambda device, bfloat16: PEAK)

    def make(*, critic=False, reference=True):
        model = lm()
        value = make_critic(model) if critic else None
        backprop = BackpropModule(
            model,
            lm() if reference else None,
            torch.optim.SGD(model.parameters(), lr=0.1),
            critic=value,
            critic_optimizer=None if value is None else torch.optim.SGD(value.parameters(), lr=0.1),
        )
        return backprop, StepMeter(backprop)

    return make


def learn(backprop, batches, loss=None):
    for batch in batches:
        backprop.learn(batch, torch.full((2,), 1 / 6), loss or LossConfig())
    backprop.step()


@pytest.mark.parametrize("even", [None, 1e9])
def test_what_a_step_did_is_counted_as_it_was_called(parts, group, even):
    backprop, meter = parts()
    batches = microbatches(group, 100, torch.device("cpu"), layout=LayoutPlan(even_width=even))
    with meter.phase("rollout"):
        pass
    with meter.phase("learning"):
        learn(backprop, batches)
    found = meter.lap(12)
    cost, work = cost_of(backprop.model), work_of(batches[0])
    assert found["rollout_tokens"] == found["learnt_tokens"] == 12
    assert found["learnt_tokens_per_second"] == pytest.approx(12 / found["learning_seconds"])
    assert found["rollout_tokens_per_second"] == pytest.approx(12 / found["rollout_seconds"])
    operations = 4 * float(cost.forward(work))  # the policy with its gradient, and the reference
    assert found["mfu"] == pytest.approx(operations / found["learning_seconds"] / PEAK)
    inner = ("scoring_seconds", "backward_seconds", "optimizer_seconds")
    assert all(found[name] > 0 for name in inner)
    assert sum(found[name] for name in inner) <= found["learning_seconds"]


def test_scoring_before_the_update_is_counted_and_a_lap_begins_anew(parts, group):
    backprop, meter = parts()
    batches = microbatches(group, 100, torch.device("cpu"))
    cost, work = cost_of(backprop.model), work_of(batches[0])
    for names, forwards in ((["old_logprob"], 1), (["old_logprob", "reference_logprob"], 2)):
        with meter.phase("learning"):
            backprop.set_columns(group, batches, names)
        found = meter.lap(12)
        assert found["learnt_tokens"] == 0
        operations = forwards * float(cost.forward(work))
        assert found["mfu"] == pytest.approx(operations / found["learning_seconds"] / PEAK)


def test_several_epochs_count_several_times(parts, group):
    backprop, meter = parts(reference=False)
    batches = microbatches(group, 100, torch.device("cpu"))
    with meter.phase("learning"):
        learn(backprop, batches)
        learn(backprop, batches)
    assert meter.lap(12)["learnt_tokens"] == 24


def test_a_critic_counts_without_a_head(parts, group):
    backprop, meter = parts(critic=True, reference=False)
    (batch,) = microbatches(group, 100, torch.device("cpu"))
    with meter.phase("learning"):
        backprop.columns(batch, ["value"])
    found = meter.lap(12)
    cost, work = cost_of(backprop.model), work_of(batch)
    operations = float(2 * cost.body * work.tokens + 4 * cost.attention * work.pairs)
    assert found["mfu"] == pytest.approx(operations / found["learning_seconds"] / PEAK)


def test_of_a_cpu_no_share_is_known(lm, group):
    model = lm()
    backprop = BackpropModule(model, None, torch.optim.SGD(model.parameters(), lr=0.1))
    meter = StepMeter(backprop)
    with meter.phase("learning"):
        learn(backprop, microbatches(group, 100, torch.device("cpu")))
    assert math.isnan(meter.lap(12)["mfu"])


@pytest.mark.parametrize(
    ("name", "bfloat16", "peak"),
    [
        ("NVIDIA H100 80GB HBM3", True, 989.4e12),
        ("NVIDIA H100 80GB HBM3", False, 66.9e12),
        ("NVIDIA A100-SXM4-80GB", True, 312e12),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", True, None),  # a part of one
        ("NVIDIA GeForce RTX 4090 Laptop GPU", True, None),
    ],
)
def test_peaks_go_by_the_whole_name_of_a_device(monkeypatch, name, bfloat16, peak):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: name)
    assert find_peak(torch.device("cuda"), bfloat16=bfloat16) == peak
    assert find_peak(torch.device("cpu"), bfloat16=bfloat16) is None


def test_no_device_has_less_in_half_precision():
    assert all(half > single for half, single in PEAKS.values())
