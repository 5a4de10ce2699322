"""Correctness tests of losses as functions: aggregation, value clipping, CISPO, GSPO, importance sampling."""

from dataclasses import replace
from math import exp, log, sqrt

import pytest
import torch

from infinite_rl.agents.losses import (
    LossConfig,
    LossInputs,
    importance_weights,
    objective,
    sequence_weights,
    value_loss,
)

F64 = torch.float64


def inputs(logprob, old, advantage, *, lengths=None, weight=None, **fields):
    logprob = torch.tensor(logprob, dtype=F64).requires_grad_()
    lengths = torch.tensor([len(logprob)] if lengths is None else lengths)
    return LossInputs(
        logprob=logprob,
        old_logprob=torch.tensor(old, dtype=F64),
        behaviour_logprob=fields.pop("behaviour", torch.tensor(old, dtype=F64)),
        advantage=torch.tensor(advantage, dtype=F64),
        sequence=torch.repeat_interleave(torch.arange(len(lengths)), lengths),
        weight=torch.ones(len(logprob), dtype=F64) if weight is None else weight,
        **fields,
    )


# 2


@pytest.mark.parametrize(
    ("aggregation", "loss"),
    [
        ("token_mean", (2 * -1 + 8 * 1) / 10),  # every token alike
        ("sequence_mean", (-1 + 1) / 2),  # every sequence alike
        ("sequence_sum", (2 * -1 + 8 * 1) / (16 * 2)),  # each token 1/16 of its sequence
    ],
)
def test_2_token_mean_sequence_mean_and_constant_normaliser_of_lengths_2_and_8(aggregation, loss):
    """On policy, advantages +1 for the short sequence and -1 for the long one."""
    lengths = torch.tensor([2, 8])
    weight = torch.repeat_interleave(sequence_weights(lengths, aggregation, normaliser=16), lengths)
    batch = inputs([-1.0] * 10, [-1.0] * 10, [1.0] * 2 + [-1.0] * 8, lengths=[2, 8], weight=weight)
    found = objective(batch, LossConfig(aggregation=aggregation))
    found.loss.backward()
    assert found.loss.item() == pytest.approx(loss, abs=1e-12)
    torch.testing.assert_close(batch.logprob.grad, -weight * batch.advantage)


@pytest.mark.parametrize("aggregation", ["token_mean", "sequence_mean", "sequence_sum"])
def test_weights_of_two_ranks_are_those_of_one(aggregation):
    lengths = torch.tensor([3, 1, 4, 1, 5, 9])
    whole = sequence_weights(lengths, aggregation, normaliser=7)
    totals = torch.tensor([23, 6])
    parts = [sequence_weights(part, aggregation, normaliser=7, reduce=lambda sums: totals) for part in lengths.split(3)]
    torch.testing.assert_close(torch.cat(parts), whole, rtol=0, atol=0)


def test_an_unknown_aggregation_is_refused():
    with pytest.raises(ValueError, match="aggregation must be"):
        sequence_weights(torch.tensor([1]), "mean")


# 13


@pytest.mark.parametrize(
    ("value", "returns", "sign"),
    [
        (1.5, 3.0, 0),  # beyond the region, towards the return: far enough
        (1.5, 1.0, 1),  # beyond the region, away from the return: back
        (0.5, -1.0, 0),  # below the region, towards the return
        (0.5, 1.0, -1),  # below the region, away from it
        (1.1, 3.0, -1),  # inside: towards the return
        (1.1, 0.0, 1),
    ],
)
def test_13_value_clipping_has_the_gradient_s_sign_in_each_region(value, returns, sign):
    """The old value is 1, the region 0.8 to 1.2."""
    v = torch.tensor(value, dtype=F64, requires_grad=True)
    value_loss(v, torch.tensor(1.0, dtype=F64), torch.tensor(returns, dtype=F64), clip=0.2).backward()
    assert v.grad.sign() == sign


def test_13_without_clipping_it_is_half_the_squared_error():
    v = torch.tensor([1.5, -1.0], dtype=F64, requires_grad=True)
    loss = value_loss(v, torch.zeros(2), torch.tensor([3.0, 1.0]), clip=None)
    assert loss.tolist() == [1.125, 2.0]
    loss.sum().backward()
    assert v.grad.tolist() == [-1.5, -2.0]


def test_the_critic_s_loss_is_weighed_as_the_policy_s():
    batch = inputs([-1.0] * 3, [-1.0] * 3, [0.0] * 3, weight=torch.tensor([0.5, 0.25, 0.25], dtype=F64),
                   value=torch.tensor([1.0, 2.0, 3.0], dtype=F64, requires_grad=True),
                   old_value=torch.zeros(3), returns=torch.zeros(3))  # fmt: skip
    found = objective(batch, LossConfig(value_coef=0.1))
    assert float(found.value_loss) == pytest.approx((0.5 * 1 + 0.25 * 4 + 0.25 * 9) / 2)
    assert found.loss.item() == pytest.approx(0.1 * float(found.value_loss))


# 14


@pytest.mark.parametrize("advantage", [2.0, -2.0])
@pytest.mark.parametrize(("ratio", "weight"), [(9.0, 5.0), (0.1, 0.1), (0.8, 0.8), (1.0, 1.0)])
def test_14_a_clipped_token_of_cispo_keeps_the_gradient_minus_clip_times_advantage(ratio, weight, advantage):
    batch = inputs([log(ratio) - 2], [-2.0], [advantage])
    found = objective(batch, LossConfig(policy_loss="cispo", clip_low=1.0, clip_high=4.0))
    found.loss.backward()
    assert batch.logprob.grad.item() == pytest.approx(-weight * advantage)
    assert found.clipped.item() == (ratio == 9.0)


def test_14_cispo_may_bound_from_below_too():
    batch = inputs([log(0.1)], [0.0], [1.0])
    objective(batch, LossConfig(policy_loss="cispo", clip_low=0.4, clip_high=4.0)).loss.backward()
    assert batch.logprob.grad.item() == pytest.approx(-0.6)


def test_14_gspo_s_ratio_is_the_geometric_mean_of_its_sequence():
    """Ratios 2, 1/2 and 4 of one sequence, 3 and 1 of another: 4^(1/3) and sqrt(3) at each of their tokens."""
    ratios = [2.0, 0.5, 4.0, 3.0, 1.0]
    batch = inputs([log(r) for r in ratios], [0.0] * 5, [1.0] * 3 + [-1.0] * 2, lengths=[3, 2])
    found = objective(batch, LossConfig(policy_loss="gspo", clip_low=0.2, clip_high=9.0))
    assert found.ratio.tolist() == pytest.approx([4 ** (1 / 3)] * 3 + [sqrt(3)] * 2)
    found.loss.backward()
    # Summed over its tokens, the sequence's loss is 3 (-s A); each log-prob is a third of the exponent of s.
    assert batch.logprob.grad.tolist() == pytest.approx([-(4 ** (1 / 3))] * 3 + [sqrt(3)] * 2)


def test_14_gspo_clips_whole_sequences():
    batch = inputs([log(2.0), log(0.6)], [0.0, 0.0], [1.0, 1.0])  # geometric mean sqrt(1.2), above 1.05
    found = objective(batch, LossConfig(policy_loss="gspo", clip_low=0.05))
    found.loss.backward()
    assert found.clipped.tolist() == [True, True]
    assert batch.logprob.grad.tolist() == [0.0, 0.0]


# 15


@pytest.mark.parametrize(("correction", "expected"), [("truncate", [2.0, 0.1, 1.5]), ("mask", [0.0, 0.0, 1.5])])
def test_15_importance_weights_are_truncated_or_masked(correction, expected):
    """Trainer and sampler disagree by 3, 1/10 and 3/2; the cap is 2."""
    old = torch.tensor([log(3.0), log(0.1), log(1.5)], dtype=F64, requires_grad=True)
    found = importance_weights(old, torch.zeros(3, dtype=F64), correction, cap=2.0)
    assert found.tolist() == pytest.approx(expected)
    assert not found.requires_grad


def test_15_truncated_importance_sampling_multiplies_the_policy_term_only():
    """The ratio of the loss is against the old policy; the weight 3, truncated to 2, multiplies that term alone."""
    batch = inputs([-1.0], [-1.0], [1.0], behaviour=torch.tensor([-1.0 - log(3.0)], dtype=F64),
                   reference_logprob=torch.tensor([-2.0], dtype=F64), entropy=torch.tensor([0.5], dtype=F64),
                   value=torch.tensor([2.0], dtype=F64), old_value=torch.zeros(1), returns=torch.zeros(1))  # fmt: skip
    config = LossConfig(kl_coef=0.1, entropy_coef=0.01, value_coef=0.1)
    plain = objective(batch, config)
    corrected = objective(batch, replace(config, correction="truncate", correction_cap=2.0))
    assert corrected.ratio.tolist() == [1.0]
    assert float(corrected.policy_loss) == pytest.approx(2 * float(plain.policy_loss))
    for name in ("kl_loss", "entropy_bonus", "value_loss"):
        assert getattr(corrected, name) == getattr(plain, name)
    (gradient,) = torch.autograd.grad(corrected.loss, batch.logprob)
    assert gradient.item() == pytest.approx(-2.0 + 0.1 * (1 - exp(-1)))  # k3's own gradient: 1 - q/p


def test_15_an_unknown_correction_is_refused():
    with pytest.raises(ValueError, match="'none', 'truncate' or 'mask'"):
        importance_weights(torch.zeros(1), torch.zeros(1), "cut", 2.0)


def test_an_entropy_bonus_is_subtracted():
    entropy = torch.tensor([0.5, 1.5], dtype=F64, requires_grad=True)
    batch = inputs([-1.0] * 2, [-1.0] * 2, [0.0] * 2, entropy=entropy, weight=torch.full((2,), 0.5, dtype=F64))
    found = objective(batch, LossConfig(entropy_coef=0.1))
    found.loss.backward()
    assert found.loss.item() == pytest.approx(-0.1)
    assert entropy.grad.tolist() == [-0.05, -0.05]
