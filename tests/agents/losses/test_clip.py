"""The clipped surrogate against a naive loop, closed forms and finite differences."""

from dataclasses import fields, replace
from math import exp, log

import pytest
import torch

from infinite_rl.agents.losses import LossConfig, LossInputs, find_policy_loss, masked_sum, objective

CLIP = 0.2


def inputs(logprob, old, advantage, *, reference=None, sequence=None, weight=None):
    def tensor(values):
        return torch.as_tensor(values, dtype=torch.float64)

    logprob = tensor(logprob).clone().requires_grad_()
    n = len(logprob)
    return LossInputs(
        logprob=logprob,
        old_logprob=tensor(old),
        behaviour_logprob=tensor(old),
        advantage=tensor(advantage),
        sequence=torch.zeros(n, dtype=torch.long) if sequence is None else torch.tensor(sequence),
        weight=torch.ones(n, dtype=torch.float64) if weight is None else tensor(weight),
        reference_logprob=None if reference is None else tensor(reference),
    )


def random_inputs(seed, lengths=(7, 1, 5, 9), *, spread=0.5):
    random = torch.Generator().manual_seed(seed)
    n = sum(lengths)

    def normal():
        return torch.randn(n, generator=random, dtype=torch.float64)

    logprob = -normal().abs() - 0.1
    return LossInputs(
        logprob=logprob.requires_grad_(),
        old_logprob=logprob.detach() + spread * normal(),
        behaviour_logprob=logprob.detach() + spread * normal(),
        advantage=normal(),
        sequence=torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths)),
        weight=torch.rand(n, generator=random, dtype=torch.float64),
        reference_logprob=logprob.detach() + spread * normal(),
    )


def naive(batch, clip, beta):
    """The objective, one token after the other, in plain Python."""
    loss = policy = kl = 0.0
    clipped = []
    for i in range(len(batch.logprob)):
        p, old, ref, a, weight = (
            float(v.detach()[i])
            for v in (batch.logprob, batch.old_logprob, batch.reference_logprob, batch.advantage, batch.weight)
        )
        ratio = exp(p - old)
        bounded = min(max(ratio, 1 - clip), 1 + clip)
        policy += -weight * min(ratio * a, bounded * a)
        kl += weight * (exp(ref - p) - 1 - (ref - p))
        clipped.append(bounded * a < ratio * a)
    loss = policy + beta * kl
    return {"loss": loss, "policy_loss": policy, "kl_loss": kl}, clipped


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("beta", [0.0, 0.3])
def test_the_objective_is_that_of_a_naive_loop(seed, beta):
    batch = random_inputs(seed)
    found = objective(batch, LossConfig(clip_low=CLIP, kl_coef=beta))
    expected, clipped = naive(batch, CLIP, beta)
    for name, value in expected.items():
        assert float(getattr(found, name).detach()) == pytest.approx(value, rel=1e-12), name
    assert found.clipped.tolist() == clipped
    assert any(clipped)


@pytest.mark.parametrize("policy", ["clip", "gspo"])
@pytest.mark.parametrize("beta", [0.0, 0.3])
@pytest.mark.parametrize("kl", ["k1", "k2", "k3"])
def test_the_gradient_is_that_of_finite_differences(policy, beta, kl):
    batch = random_inputs(1)
    config = LossConfig(policy_loss=policy, clip_low=CLIP, clip_high=0.3, kl_coef=beta, kl_estimator=kl, dual_clip=3.0)
    assert torch.autograd.gradcheck(
        lambda logprob: objective(replace(batch, logprob=logprob), config).loss, batch.logprob, eps=1e-7, atol=1e-6
    )


@pytest.mark.parametrize(
    ("ratio", "advantage", "trains"),
    [
        (0.5, 1.0, True),  # too unlikely and good: pull up
        (0.5, -1.0, False),  # too unlikely and bad: pushed far enough
        (1.0, 1.0, True),
        (1.0, -1.0, True),
        (1.5, 1.0, False),  # too likely and good: pulled far enough
        (1.5, -1.0, True),  # too likely and bad: push down, however far it went
    ],
)
def test_clip_stops_the_gradient_only_where_the_policy_went_far_enough(ratio, advantage, trains):
    batch = inputs([log(ratio) - 2], [-2.0], [advantage])
    found = objective(batch, LossConfig(clip_low=CLIP))
    found.loss.backward()
    # d(-ratio A)/d logprob = -ratio A
    assert batch.logprob.grad.item() == pytest.approx(-ratio * advantage if trains else 0.0, rel=1e-12)
    assert found.clipped.item() == (not trains)
    bounded = min(max(ratio, 1 - CLIP), 1 + CLIP)
    assert found.loss.item() == pytest.approx(-(ratio if trains else bounded) * advantage)


def test_a_wider_upper_side_lets_good_tokens_grow_further():
    """Clip-higher: between 1.2 and 1.28 a good token still trains; below, nothing changes."""
    for ratio, trains in ((1.25, True), (1.3, False), (0.79, False)):
        advantage = 1.0 if ratio > 1 else -1.0
        batch = inputs([log(ratio)], [0.0], [advantage])
        objective(batch, LossConfig(clip_low=0.2, clip_high=0.28)).loss.backward()
        assert (batch.logprob.grad.item() != 0) == trains


@pytest.mark.parametrize(("ratio", "advantage", "loss"), [(2.0, -1.0, 2.0), (4.0, -1.0, 3.0), (4.0, 1.0, -1.2)])
def test_dual_clip_bounds_what_a_bad_token_costs(ratio, advantage, loss):
    batch = inputs([log(ratio)], [0.0], [advantage])
    found = objective(batch, LossConfig(clip_low=CLIP, dual_clip=3.0))
    found.loss.backward()
    assert found.loss.item() == pytest.approx(loss)
    assert (batch.logprob.grad.item() == 0) == found.clipped.item() == (ratio == 4.0)


def test_on_policy_the_gradient_is_minus_the_advantage():
    batch = inputs([-1.0, -2.0, -3.0], [-1.0, -2.0, -3.0], [0.5, -2.0, 0.0])
    found = objective(batch, LossConfig(clip_low=CLIP))
    found.loss.backward()
    assert batch.logprob.grad.tolist() == [-0.5, 2.0, 0.0]
    assert not found.clipped.any()
    assert found.ratio.tolist() == [1.0, 1.0, 1.0]
    assert (float(found.kl_loss), found.kl) == (0.0, None)


def test_an_advantage_of_zero_teaches_nothing_and_counts_as_no_clip():
    batch = inputs([-1.0, -1.0], [-3.0, -0.1], [0.0, 0.0])
    found = objective(batch, LossConfig(clip_low=CLIP, dual_clip=3.0))
    found.loss.backward()
    assert found.loss.item() == 0
    assert not found.clipped.any()
    assert batch.logprob.grad.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("where", ["loss", "reward"])
def test_a_divergence_that_is_only_measured_does_not_train(where):
    """With coefficient 0, or where the penalty is in the reward already."""
    batch = inputs([-1.0], [-1.0], [1.0], reference=[-2.0])
    found = objective(batch, LossConfig(kl_coef=0.0 if where == "loss" else 0.5, kl_in=where))
    assert found.loss.item() == -1.0
    assert float(found.kl_loss) == pytest.approx(exp(-1) - 1 + 1)


def test_weights_multiply_every_term():
    batch = random_inputs(3)
    config = LossConfig(kl_coef=0.1)
    one = objective(batch, config)
    twice = objective(replace(batch, weight=2 * batch.weight), config)
    for name in ("loss", "policy_loss", "kl_loss"):
        assert getattr(twice, name).item() == pytest.approx(2 * getattr(one, name).item(), rel=1e-12)


def test_nothing_to_learn_from_has_loss_zero():
    found = objective(inputs([], [], []), LossConfig())
    assert found.loss.item() == 0


@pytest.mark.parametrize("name", [field.name for field in fields(LossInputs) if field.name != "logprob"])
@pytest.mark.parametrize("shape", [(1,), (22, 1), (21,), ()])
def test_shapes_that_would_broadcast_are_refused(name, shape):
    with pytest.raises(ValueError, match=f"{name} has shape"):
        replace(random_inputs(0), **{name: torch.zeros(shape)})


def test_padded_inputs_are_refused():
    with pytest.raises(ValueError, match="flat over tokens"):
        LossInputs(*[torch.zeros(2, 3)] * 6)


def test_an_unknown_loss_lists_those_there_are():
    with pytest.raises(ValueError, match="choose from cispo, clip, gspo, reinforce"):
        find_policy_loss("ppo")


def test_masked_sum_ignores_what_is_masked():
    values = torch.tensor([1.0, float("nan"), 4.0, float("inf")])
    assert float(masked_sum(values, torch.tensor([True, False, True, False]))) == 5.0
