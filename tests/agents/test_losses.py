"""Losses against closed forms, naive loops, finite differences and enumeration of the vocabulary."""

from math import exp, log

import pytest
import torch

from infinite_rl.agents.losses import LossInputs, grpo_loss, k1, k2, k3, masked_sum

CLIP = 0.2


def inputs(logprob, behaviour, advantage, *, reference=None, mask=None, grad=True):
    def tensor(values):
        return torch.as_tensor(values, dtype=torch.float64)

    logprob = tensor(logprob).clone().requires_grad_(grad)
    mask = torch.ones(logprob.shape, dtype=torch.bool) if mask is None else torch.as_tensor(mask)
    return LossInputs(
        logprob, tensor(behaviour), None if reference is None else tensor(reference), tensor(advantage), mask
    )


def random_inputs(seed, shape=(4, 7), *, spread=0.5):
    random = torch.Generator().manual_seed(seed)

    def normal():
        return torch.randn(shape, generator=random, dtype=torch.float64)

    logprob = -normal().abs() - 0.1
    return LossInputs(
        logprob=logprob.requires_grad_(),
        behaviour_logprob=logprob.detach() + spread * normal(),
        reference_logprob=logprob.detach() + spread * normal(),
        advantage=normal(),
        mask=torch.rand(shape, generator=random) < 0.7,
    )


def naive(batch, clip, beta):
    """The objective, one token after the other, in plain Python."""
    loss = policy = kl = ratios = 0.0
    clipped = 0
    for place in batch.mask.nonzero().tolist():
        here = tuple(place)
        p, old, ref, a = (
            float(v.detach()[here])
            for v in (batch.logprob, batch.behaviour_logprob, batch.reference_logprob, batch.advantage)
        )
        ratio = exp(p - old)
        bounded = min(max(ratio, 1 - clip), 1 + clip)
        policy += -min(ratio * a, bounded * a)
        kl += exp(ref - p) - 1 - (ref - p)
        clipped += bounded * a < ratio * a
        ratios += ratio
    loss = policy + beta * kl
    return {"loss": loss, "policy_loss": policy, "kl": kl, "clipped": clipped, "ratio": ratios}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("beta", [0.0, 0.3])
def test_the_sums_are_those_of_a_naive_loop(seed, beta):
    batch = random_inputs(seed)
    found, expected = grpo_loss(batch, clip=CLIP, beta=beta), naive(batch, CLIP, beta)
    for name, value in expected.items():
        assert float(getattr(found, name).detach()) == pytest.approx(value, rel=1e-12), name
    assert expected["clipped"] > 0


@pytest.mark.parametrize("beta", [0.0, 0.3])
@pytest.mark.parametrize("kl", [k1, k2, k3])
def test_the_gradient_is_that_of_finite_differences(beta, kl):
    batch = random_inputs(1)

    def loss(logprob):
        fields = (batch.behaviour_logprob, batch.reference_logprob, batch.advantage, batch.mask)
        return grpo_loss(LossInputs(logprob, *fields), clip=CLIP, beta=beta, kl=kl).loss

    assert torch.autograd.gradcheck(loss, batch.logprob, eps=1e-7, atol=1e-6)


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
    found = grpo_loss(batch, clip=CLIP)
    found.loss.backward()
    # d(-ratio A)/d logprob = -ratio A
    assert batch.logprob.grad.item() == pytest.approx(-ratio * advantage if trains else 0.0, rel=1e-12)
    assert float(found.clipped) == (not trains)
    bounded = min(max(ratio, 1 - CLIP), 1 + CLIP)
    assert found.loss.item() == pytest.approx(-(ratio if trains else bounded) * advantage)


def test_on_policy_the_gradient_is_minus_the_advantage():
    batch = inputs([-1.0, -2.0, -3.0], [-1.0, -2.0, -3.0], [0.5, -2.0, 0.0])
    found = grpo_loss(batch, clip=CLIP)
    found.loss.backward()
    assert batch.logprob.grad.tolist() == [-0.5, 2.0, 0.0]
    assert (float(found.clipped), float(found.ratio), float(found.kl)) == (0.0, 3.0, 0.0)


def test_an_advantage_of_zero_teaches_nothing_and_counts_as_no_clip():
    batch = inputs([-1.0, -1.0], [-3.0, -0.1], [0.0, 0.0])
    found = grpo_loss(batch, clip=CLIP)
    found.loss.backward()
    assert found.loss.item() == 0
    assert float(found.clipped) == 0
    assert batch.logprob.grad.tolist() == [0.0, 0.0]


def test_without_beta_the_reference_is_measured_but_does_not_train():
    batch = inputs([-1.0], [-1.0], [1.0], reference=[-2.0])
    found = grpo_loss(batch, beta=0.0)
    assert found.loss.item() == -1.0
    assert float(found.kl) == pytest.approx(exp(-1) - 1 + 1)


def test_without_a_reference_there_is_no_kl():
    found = grpo_loss(inputs([-1.0], [-1.0], [1.0]), beta=0.5)
    assert (found.loss.item(), float(found.kl)) == (-1.0, 0.0)


def test_sums_are_not_means():
    one = grpo_loss(random_inputs(3), beta=0.1)
    batch = random_inputs(3)
    fields = ("logprob", "behaviour_logprob", "reference_logprob", "advantage", "mask")
    twice = grpo_loss(LossInputs(*[torch.cat([getattr(batch, name)] * 2) for name in fields]), beta=0.1)
    for name in ("loss", "policy_loss", "kl", "clipped", "ratio"):
        assert getattr(twice, name).item() == pytest.approx(2 * getattr(one, name).item(), rel=1e-12)


@pytest.mark.parametrize("poison", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("beta", [0.0, 0.3])
def test_what_stands_in_masked_places_reaches_neither_loss_nor_gradient(poison, beta):
    clean = random_inputs(2)
    expected = grpo_loss(clean, clip=CLIP, beta=beta)
    expected.loss.backward()
    spoilt = [torch.where(clean.mask, getattr(clean, name).detach(), poison) for name in (
        "logprob", "behaviour_logprob", "reference_logprob", "advantage")]  # fmt: skip
    spoilt[0].requires_grad_()
    found = grpo_loss(LossInputs(*spoilt, clean.mask), clip=CLIP, beta=beta)
    found.loss.backward()
    for name in ("loss", "policy_loss", "kl", "clipped", "ratio"):
        assert torch.equal(getattr(found, name), getattr(expected, name)), name
    assert torch.equal(spoilt[0].grad, clean.logprob.grad)
    assert not spoilt[0].grad[~clean.mask].any()


def test_a_batch_with_nothing_to_learn_from_has_loss_and_gradient_zero():
    batch = inputs([-1.0, -2.0], [-1.0, -2.0], [1.0, 1.0], reference=[-1.0, -1.0], mask=[False, False])
    found = grpo_loss(batch, beta=1.0)
    found.loss.backward()
    assert found.loss.item() == 0
    assert batch.logprob.grad.tolist() == [0.0, 0.0]


def test_masked_sum_ignores_what_is_masked():
    values = torch.tensor([1.0, float("nan"), 4.0, float("inf")])
    assert float(masked_sum(values, torch.tensor([True, False, True, False]))) == 5.0


# KL divergence by enumerating the vocabulary: expectations over all 32 tokens, weighed by the policy's probabilities.


@pytest.fixture
def policy():
    return torch.randn(32, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()


@pytest.fixture
def reference():
    logits = torch.randn(32, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return torch.log_softmax(logits, 0)


def exact_kl(policy, reference):
    logprob = torch.log_softmax(policy, 0)
    return (logprob.exp() * (logprob - reference)).sum()


def gradient_in_loss(estimator, policy, reference):
    """The expected gradient of the estimator as a loss: samples are weighed by probability, which has no gradient."""
    logprob = torch.log_softmax(policy, 0)
    expected = (logprob.detach().exp() * estimator(logprob, reference)).sum()
    return torch.autograd.grad(expected, policy)[0]


@pytest.mark.parametrize("estimator", [k1, k3])
def test_k1_and_k3_are_unbiased(estimator, policy, reference):
    logprob = torch.log_softmax(policy, 0)
    expected = (logprob.exp() * estimator(logprob, reference)).sum()
    torch.testing.assert_close(expected, exact_kl(policy, reference), rtol=1e-12, atol=0)


def test_k2_is_biased(policy, reference):
    logprob = torch.log_softmax(policy, 0)
    ratio = (logprob.exp() * k2(logprob, reference)).sum() / exact_kl(policy, reference)
    assert abs(ratio.item() - 1) > 0.01


def test_k1_in_the_loss_has_no_expected_gradient(policy, reference):
    assert gradient_in_loss(k1, policy, reference).abs().max() < 1e-15


def test_k2_in_the_loss_has_the_gradient_of_the_reverse_kl(policy, reference):
    exact = torch.autograd.grad(exact_kl(policy, reference), policy)[0]
    torch.testing.assert_close(gradient_in_loss(k2, policy, reference), exact, rtol=1e-12, atol=1e-15)


def test_k3_in_the_loss_has_another_gradient_that_of_the_forward_kl(policy, reference):
    found = gradient_in_loss(k3, policy, reference)
    reverse = torch.autograd.grad(exact_kl(policy, reference), policy)[0]
    assert (found - reverse).norm() > 0.1 * reverse.norm()
    # E_p[d(q/p - 1 + log p/q)] = -sum q d log p: the gradient of KL(q || p).
    forward = (reference.exp() * (reference - torch.log_softmax(policy, 0))).sum()
    torch.testing.assert_close(found, torch.autograd.grad(forward, policy)[0], rtol=1e-12, atol=1e-15)


def test_k1_in_the_reward_has_the_gradient_of_the_reverse_kl(policy, reference):
    logprob = torch.log_softmax(policy, 0)
    penalty = k1(logprob, reference).detach()
    surrogate = (logprob.detach().exp() * penalty * logprob).sum()
    found = torch.autograd.grad(surrogate, policy)[0]
    exact = torch.autograd.grad(exact_kl(policy, reference), policy)[0]
    torch.testing.assert_close(found, exact, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("estimator", [k1, k2, k3])
def test_equal_policies_have_divergence_exactly_zero(estimator):
    logprob = -torch.rand(100, generator=torch.Generator().manual_seed(0))
    assert not estimator(logprob, logprob.clone()).any()


def test_k3_is_never_negative_even_in_float32_and_for_tiny_differences():
    logprob = -5 * torch.rand(10_000, generator=torch.Generator().manual_seed(0))
    for size in (1e-7, 1e-5, 1e-3, 1e-1, 3.0):
        shift = size * torch.randn(10_000, generator=torch.Generator().manual_seed(1))
        assert (k3(logprob, logprob + shift) >= 0).all()
