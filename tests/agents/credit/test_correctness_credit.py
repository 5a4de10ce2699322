"""Correctness tests 6, 11 and 12: advantages and returns against loops and closed forms."""

import pytest
import torch

from infinite_rl.agents.config import ESTIMATORS as NAMES
from infinite_rl.agents.credit.advantages import whiten
from infinite_rl.agents.credit.estimators import ESTIMATORS, CreditConfig, CreditInputs, estimate
from infinite_rl.agents.credit.returns import discounted_returns, gae_rows, generalised_advantages, token_rewards
from infinite_rl.agents.credit.shaping import informative_groups, overlong_penalty

F64 = torch.float64


def credit(rewards, lengths, *, groups=None, turn=None, config=None, **fields):
    tokens = sum(lengths)
    return estimate(
        CreditInputs(
            rewards=torch.tensor(rewards, dtype=F64),
            groups=torch.zeros(len(lengths), dtype=torch.long) if groups is None else torch.tensor(groups),
            lengths=torch.tensor(lengths),
            turn=torch.zeros(tokens, dtype=torch.long) if turn is None else torch.tensor(turn),
            **{name: torch.tensor(value, dtype=F64) for name, value in fields.items()},
        ),
        config,
    )


def near(values):
    return pytest.approx(values, rel=1e-6, abs=1e-6)


# 6


@pytest.mark.parametrize("name", ["group", "rloo", "reinforce", "reinforce_pp"])
@pytest.mark.parametrize("reward", [0.0, 1.0, 0.1, 1 / 3, -7.3, 1e6])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_6_a_batch_of_equal_rewards_has_advantage_zero_and_no_nan(name, reward, size):
    found = credit([reward] * size, [2] * size, config=CreditConfig(name))
    assert found.advantage.tolist() == [0.0] * (2 * size)


def test_6_the_standard_deviation_is_the_unbiased_one():
    # mean 0.25; sum of squares 0.75; n - 1 = 3: std = 0.5
    found = credit([1.0, 0.0, 0.0, 0.0], [1, 1, 1, 1], config=CreditConfig("group"))
    assert found.advantage.tolist() == near([0.75 / 0.5001] + [-0.25 / 0.5001] * 3)


def test_6_a_group_of_one_is_defined():
    for name in ("group", "rloo"):
        found = credit([5.0, 0.0, 1.0], [1, 1, 1], groups=[9, 4, 4], config=CreditConfig(name, norm_std=False))
        assert found.advantage[0] == 0
        assert found.advantage[1] == -found.advantage[2] != 0


def test_dr_grpo_only_centres_and_every_token_has_its_sequence_s_advantage():
    found = credit([1.0, 0.0, 4.0, 2.0], [2, 1, 1, 3], groups=[0, 0, 1, 1], config=CreditConfig(norm_std=False))
    assert found.advantage.tolist() == [0.5, 0.5, -0.5, 1.0, -1.0, -1.0, -1.0]


def test_rloo_compares_with_the_mean_of_the_others():
    found = credit([1.0, 0.0, 5.0], [1, 1, 1], config=CreditConfig("rloo"))
    assert found.advantage.tolist() == near([1 - 2.5, 0 - 3.0, 5 - 0.5])


def test_group_baselines_take_the_penalty_of_whole_sequences():
    found = credit([1.0, 1.0], [2, 1], penalty=[0.1, 0.2, 0.5], config=CreditConfig("rloo"))
    assert found.advantage.tolist() == near([0.7 - 0.5, 0.7 - 0.5, 0.5 - 0.7])


def test_reinforce_whitens_discounted_returns():
    found = credit([1.0, 0.0], [2, 1], config=CreditConfig("reinforce", gamma=0.5))
    returns = torch.tensor([0.5, 1.0, 0.0], dtype=F64)
    assert found.returns.tolist() == near(returns.tolist())
    expected = (returns - returns.mean()) / returns.std(correction=0)
    assert found.advantage.tolist() == near(expected.tolist())


def test_reinforce_pp_adds_the_penalty_of_this_and_later_tokens():
    found = credit([1.0, 0.0], [3, 1], penalty=[0.1, 0.2, 0.3, 0.4], config=CreditConfig("reinforce_pp", gamma=0.5))
    assert found.returns.tolist() == near([0.4, 0.5, 0.7, -0.4])  # nothing is discounted
    assert float(found.advantage.mean()) == near(0.0)
    assert float(found.advantage.std(correction=0)) == near(1.0)


def test_whitening_over_two_ranks_is_that_of_one():
    values = torch.randn(20, dtype=F64, generator=torch.Generator().manual_seed(0))
    parts, found = values.split([7, 13]), []
    for part in parts:
        sums = iter([
            torch.stack([torch.tensor(20.0, dtype=F64), values.sum(), values.abs().sum()]),
            (values - values.mean()).square().sum(),
        ])  # fmt: skip
        found.append(whiten(part, reduce=lambda own, sums=sums: next(sums)))
    torch.testing.assert_close(torch.cat(found), whiten(values), rtol=1e-12, atol=0)


def test_distillation_is_the_negative_reverse_kl_of_each_token():
    found = credit(
        [9.0, 9.0], [2, 1], logprob=[-1.0, -2.0, -3.0], reference_logprob=[-0.5, -4.0, -3.0],
        config=CreditConfig("distillation"),
    )  # fmt: skip
    assert found.advantage.tolist() == [0.5, -2.0, 0.0]


def test_distillation_s_expected_gradient_is_that_of_the_reverse_kl():
    """By enumerating a vocabulary of 32: sum p (log q - log p) grad log p = -grad KL(p || q)."""
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(32, dtype=F64, generator=random, requires_grad=True)
    teacher = torch.log_softmax(torch.randn(32, dtype=F64, generator=random), 0)
    logprob = torch.log_softmax(logits, 0)
    advantage = (teacher - logprob).detach()
    surrogate = (logprob.exp().detach() * advantage * logprob).sum()
    kl = (logprob.exp() * (logprob - teacher)).sum()
    (found,) = torch.autograd.grad(surrogate, logits, retain_graph=True)
    (expected,) = torch.autograd.grad(-kl, logits)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-15)


# 11


def test_11_returns_cross_the_gap_between_turns():
    """Two turns of 2 and 1 tokens: what the tool said between them takes no part, and no discount."""
    found = discounted_returns(token_rewards(torch.tensor([1.0]), torch.tensor([3])), torch.tensor([3]), gamma=0.5)
    assert found.tolist() == [0.25, 0.5, 1.0]


# 12


def gae_loop(rewards, values, bootstrap, gamma, lam):
    """One sequence, from the end to the beginning, in plain Python."""
    found, advantage, following = [], 0.0, bootstrap
    for reward, value in zip(reversed(rewards), reversed(values), strict=True):
        advantage = reward + gamma * following - value + gamma * lam * advantage
        following = value
        found.append(advantage)
    return found[::-1]


@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 1.0), (0.99, 0.95), (0.5, 0.0), (1.0, 0.3)])
@pytest.mark.parametrize("seed", range(3))
def test_12_gae_of_tokens_is_that_of_a_loop(gamma, lam, seed):
    random = torch.Generator().manual_seed(seed)
    lengths = [4, 1, 7, 2]
    rewards, values = (torch.randn(14, dtype=F64, generator=random) for _ in range(2))
    bootstrap = torch.tensor([0.0, 3.0, 0.0, -2.0], dtype=F64)
    found = generalised_advantages(rewards, values, torch.tensor(lengths), bootstrap, gamma=gamma, lam=lam)
    expected, start = [], 0
    for length, last in zip(lengths, bootstrap.tolist(), strict=True):
        part = slice(start, start + length)
        expected += gae_loop(rewards[part].tolist(), values[part].tolist(), last, gamma, lam)
        start += length
    torch.testing.assert_close(found, torch.tensor(expected, dtype=F64), rtol=1e-12, atol=1e-12)


def test_12_gae_of_turns_is_that_of_a_loop_over_turns():
    """Turns of 2, 1 and 2 tokens, then an episode of one turn; the values before their first tokens are 1, 3, 4, 6."""
    config = CreditConfig("gae", gamma=0.9, lam=0.8, by_turn=True, whiten=False)
    found = credit(
        [1.0, 2.0], [5, 2], turn=[0, 0, 1, 2, 2, 0, 0], value=[1.0, 50.0, 3.0, 4.0, 50.0, 6.0, 50.0],
        bootstrap=[0.0, 7.0], penalty=[0.1, 0.1, 0.2, 0.0, 0.3, 0.0, 0.5], config=config,
    )  # fmt: skip
    first = gae_loop([-0.2, -0.2, 0.7], [1.0, 3.0, 4.0], 0.0, 0.9, 0.8)
    (second,) = gae_loop([1.5], [6.0], 7.0, 0.9, 0.8)
    expected = [first[0], first[0], first[1], first[2], first[2], second, second]
    assert found.advantage.tolist() == near(expected)
    values = [1.0, 1.0, 3.0, 4.0, 4.0, 6.0, 6.0]
    assert found.returns.tolist() == near([a + v for a, v in zip(expected, values, strict=True)])


def test_12_truncation_bootstraps_and_termination_does_not():
    config = CreditConfig("gae", gamma=1.0, lam=1.0, whiten=False)
    found = credit([1.0, 1.0], [1, 1], value=[0.5, 0.5], bootstrap=[0.0, 2.0], config=config)
    assert found.advantage.tolist() == [0.5, 2.5]


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_12_what_stands_outside_does_not_leak(poison):
    """Rows of 2 and 3 steps; behind the end of the first stands anything."""
    rewards = torch.tensor([[1.0, 2.0, poison], [1.0, 2.0, 3.0]], dtype=F64)
    values = torch.tensor([[0.1, 0.2, 0.0, poison], [0.1, 0.2, 0.3, 0.4]], dtype=F64)
    inside = torch.tensor([[True, True, False], [True] * 3])
    found = gae_rows(rewards, values, inside=inside, gamma=0.9, lam=0.8)
    assert found[0, :2].tolist() == pytest.approx(gae_loop([1.0, 2.0], [0.1, 0.2], 0.0, 0.9, 0.8))
    assert found[1].tolist() == pytest.approx(gae_loop([1.0, 2.0, 3.0], [0.1, 0.2, 0.3], 0.4, 0.9, 0.8))


def test_12_nothing_is_carried_over_the_end_of_an_episode():
    """One row with two episodes: the value after the first one's end is that of the next one's beginning."""
    rewards = torch.tensor([[1.0, 2.0, 3.0]], dtype=F64)
    values = torch.tensor([[0.1, 0.2, 9.0, 0.4]], dtype=F64)
    found = gae_rows(rewards, values, torch.tensor([[False, True, False]]), gamma=0.9, lam=0.8)
    assert found[0, :2].tolist() == pytest.approx(gae_loop([1.0, 2.0], [0.1, 0.2], 0.0, 0.9, 0.8))
    assert found[0, 2].item() == pytest.approx(3 + 0.9 * 0.4 - 9)


# Shapes, names, shaping


@pytest.mark.parametrize("name", ["rewards", "groups", "turn", "penalty", "value", "bootstrap"])
def test_inputs_of_another_shape_are_refused(name):
    good = {
        "rewards": torch.zeros(2),
        "groups": torch.zeros(2),
        "lengths": torch.tensor([1, 2]),
        "turn": torch.zeros(3),
    }
    with pytest.raises(ValueError, match=f"{name} has shape"):
        CreditInputs(**good | {name: torch.zeros(1)})


def test_rewards_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        credit([float("nan")], [1], config=CreditConfig())


def test_what_an_estimator_lacks_is_named():
    with pytest.raises(ValueError, match="needs a critic"):
        credit([1.0], [1], config=CreditConfig("gae"))
    with pytest.raises(ValueError, match="needs a teacher"):
        credit([1.0], [1], config=CreditConfig("distillation"))
    with pytest.raises(ValueError, match="there is no estimator 'best'; choose from distillation, gae, group"):
        credit([1.0], [1], config=CreditConfig("best"))


def test_the_configuration_knows_the_estimators_there_are():
    assert set(NAMES) == set(ESTIMATORS)


def test_overlong_responses_give_up_more_the_nearer_they_come_to_the_limit():
    """DAPO's equation 13 with a limit of 20 and a margin of 4."""
    found = overlong_penalty(torch.tensor([0, 15, 16, 17, 18, 20, 99]), longest=20, share=0.2)
    assert found.tolist() == [0.0, 0.0, 0.0, -0.25, -0.5, -1.0, -1.0]
    for share in (0.0, 1.5):
        with pytest.raises(ValueError, match="share"):
            overlong_penalty(torch.tensor([1]), longest=8, share=share)


def test_informative_groups_differ_among_the_graded():
    rewards, groups = torch.tensor([1.0, 0, 1, 1, 0, 9, 3]), torch.tensor([7, 7, 2, 2, 5, 5, 1])
    valid = torch.tensor([True, True, True, True, True, False, True])
    assert informative_groups(rewards, groups, valid).tolist() == [7]


@pytest.mark.parametrize("name", ["reinforce", "reinforce_pp"])
def test_returns_that_are_not_to_be_whitened_stay_as_they_are(name):
    found = credit([1.0, 3.0], [2, 1], config=CreditConfig(name, whiten=False))
    assert found.advantage.tolist() == [1.0, 1.0, 3.0]
