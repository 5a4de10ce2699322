"""Correctness test 7: KL by enumerating the vocabulary.

Expectations are over all 32 tokens, weighed by the policy's probabilities. Values of k1 and k3 are unbiased; the
expected gradient of k1 in the loss is 0; k3 in the loss has another gradient than the reverse KL; k1 in the reward and,
on policy, k2 in the loss have just that.
"""

import pytest
import torch

from infinite_rl.agents.losses import k1, k2, k3


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
