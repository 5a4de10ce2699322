"""The parts of an update on plain tensors: closed forms, and shapes that are refused."""

import pytest
import torch

from infinite_rl.agents.losses import LossConfig, objective, sequence_weights
from infinite_rl.agents.models.critic import make_critic
from infinite_rl.agents.rollouts.columns import Columns
from infinite_rl.agents.rollouts.trajectory import stack
from infinite_rl.agents.updates.backprop import BackpropConfig, BackpropModule
from infinite_rl.agents.updates.batching import microbatches


@pytest.fixture
def module(lm):
    def make(reference=None, **config):
        model = lm()
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        return BackpropModule(model, reference, optimizer, BackpropConfig(**config))

    return make


def test_returns_are_discounted_and_end_with_their_episode(module):
    backprop = module(gamma=0.5)
    assert backprop.compute_returns([[1.0, 2.0, 4.0]]).tolist() == [[3.0, 4.0, 4.0]]
    dones = torch.tensor([[False, True, False]])
    assert backprop.compute_returns([[1.0, 2.0, 4.0]], dones).tolist() == [[2.0, 2.0, 4.0]]


def test_unset_the_discount_is_099(module):
    assert module().compute_returns([[0.0, 1.0]]).tolist() == [[pytest.approx(0.99), 1.0]]


def test_advantages_with_values_are_generalised(module):
    """d = r + gamma V' - V, A = d + gamma lambda A', with gamma 0.5 and lambda 0.5."""
    backprop = module(gamma=0.5, gae_lambda=0.5, normalize_advantages=False)
    found = backprop.compute_advantages([[1.0, 2.0]], torch.tensor([[1.0, 3.0, 4.0]]))
    last = 2 + 0.5 * 4 - 3
    assert found.tolist() == [[1 + 0.5 * 3 - 1 + 0.25 * last, last]]
    ended = backprop.compute_advantages([[1.0, 2.0]], torch.tensor([[1.0, 3.0, 4.0]]), torch.tensor([[True, True]]))
    assert ended.tolist() == [[0.0, -1.0]]


def test_advantages_without_values_are_whitened_returns(module):
    found = module(gamma=1.0).compute_advantages([[0.0, 1.0], [0.0, 3.0]]).double()
    assert float(found.mean()) == pytest.approx(0.0, abs=1e-6)
    assert float(found.std(correction=0)) == pytest.approx(1.0, abs=1e-6)
    assert found[0, 0] == found[0, 1] < found[1, 0]


def test_equal_rewards_have_advantage_zero(module):
    assert not module(gamma=1.0).compute_advantages([[0.0, 0.3]] * 3).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 2.0],), r"rewards must have shape \[batch, T\], not \[2\]"),
        (([[1.0, float("nan")]],), "rewards must be finite"),
        (([[1.0, 2.0]], torch.zeros(1, 2)), r"values must have shape \[1, 3\]"),
        (([[1.0, 2.0]], torch.zeros(3)), r"values must have shape \[1, 3\]"),
        (([[1.0, 2.0]], None, torch.zeros(2, 1)), r"dones must have the shape of rewards, \[1, 2\]"),
    ],
)
def test_shapes_that_would_broadcast_are_refused(module, arguments, message):
    with pytest.raises(ValueError, match=message):
        module().compute_advantages(*arguments)


def test_entropy_is_that_of_the_softmax(module):
    logits = torch.randn(2, 3, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    found = module().compute_entropy(logits)
    torch.testing.assert_close(found, torch.distributions.Categorical(logits=logits).entropy())
    assert torch.autograd.gradcheck(module().compute_entropy, logits[0, :1].detach().requires_grad_())


def test_entropy_and_its_gradient_are_finite_where_tokens_are_ruled_out(module):
    logits = torch.tensor([0.0, 0.0, float("-inf")], requires_grad=True)
    found = module().compute_entropy(logits)
    found.backward()
    assert found.item() == pytest.approx(torch.tensor(2.0).log().item())
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize(("estimator", "value"), [("k1", 1.0), ("k2", 0.5), ("k3", 2.718281828**-1)])
def test_kl_by_each_estimator(module, estimator, value):
    found = module().compute_kl(torch.tensor([-1.0]), torch.tensor([-2.0]), estimator)
    assert found.item() == pytest.approx(value, rel=1e-6)


def test_divergences_do_not_broadcast(module):
    with pytest.raises(ValueError, match=r"must have one shape, not \[3\] and \[2, 1\]"):
        module().compute_kl(torch.zeros(3), torch.zeros(2, 1))


def test_relative_advantages_take_what_a_reward_computer_returns(module):
    found = module().compute_relative_advantages([1.0, 0.0, 3.0, 1.0], 2, norm_std=False)
    assert found.tolist() == [0.5, -0.5, 1.0, -1.0]


@pytest.mark.parametrize(
    ("rewards", "message"),
    [
        ([1.0, 0.0, 2.0], "3 rewards are not whole groups of 2"),
        ([1.0, float("nan")], "rewards must be finite"),
        ([[1.0], [0.0]], r"of shape \[N\], not of \[2, 1\]"),
    ],
)
def test_rewards_that_are_no_groups_are_refused(module, rewards, message):
    with pytest.raises(ValueError, match=message):
        module().compute_relative_advantages(rewards, 2)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gamma", 1.5),
        ("gae_lambda", -0.1),
        ("ema_alpha", 2.0),
        ("ppo_clip_range", -0.2),
        ("kl_coef", float("nan")),
        ("ppo_epochs", 0),
        ("max_grad_norm", 0.0),
        ("temperature", 0.0),
        ("ref_update_method", "mean"),
    ],
)
def test_values_that_no_update_can_use_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        BackpropConfig(**{name: value})


def test_the_loss_of_a_batch_is_a_dictionary_that_update_takes(module, random_batch, lm):
    backprop = module(lm(seed=1), kl_coef=0.1, entropy_coef=0.01)
    trajectories = random_batch()
    advantages = torch.linspace(-1, 1, 6)
    found = backprop.compute_ppo_loss(trajectories, advantages)
    names = ["total_loss", "policy_loss", "value_loss", "entropy_loss", "kl_loss", "ratio_mean", "ratio_std"]
    assert list(found) == names
    parts = found["policy_loss"] + 0.1 * found["kl_loss"] + 0.01 * found["entropy_loss"]
    torch.testing.assert_close(found["total_loss"].detach(), parts)
    assert found["entropy_loss"] < 0 < found["ratio_std"]
    before = {name: weight.clone() for name, weight in backprop.model.state_dict().items()}
    result = backprop.update(found)
    assert result["loss"] == float(found["total_loss"].detach())
    assert any(not torch.equal(before[name], weight) for name, weight in backprop.model.state_dict().items())


def test_the_loss_of_a_batch_is_the_objective_of_its_tokens(module, random_batch):
    backprop = module(entropy_coef=0.0)
    trajectories, lengths = random_batch(), Columns(random_batch()).response_lengths
    tokens = torch.linspace(-1, 1, int(lengths.sum()))
    Columns(trajectories).set_sampled("advantage", tokens)
    (batch,) = microbatches(Columns(trajectories), 10_000, torch.device("cpu"))
    inputs = backprop.loss_inputs(batch, sequence_weights(lengths, "token_mean")[batch.rows])
    expected = objective(inputs, LossConfig()).loss
    assert backprop.compute_ppo_loss(trajectories)["total_loss"].item() == pytest.approx(expected.item())
    assert backprop.compute_loss(inputs).loss.item() == pytest.approx(expected.item())
    padded = torch.zeros(6, int(lengths.max()))
    padded[torch.arange(padded.shape[1]) < lengths[:, None]] = tokens
    assert backprop.compute_ppo_loss(trajectories, padded)["total_loss"].item() == pytest.approx(expected.item())


def test_a_trajectory_that_could_not_be_graded_has_no_share_in_the_loss(module, make_trajectory):
    good = [make_trajectory([1], [2, 3]), make_trajectory([1], [4, 5, 6])]
    failed = make_trajectory([1], [7, 8, 9], valid=False)
    with_it = module().compute_ppo_loss(stack([good[0], failed, good[1]]), [1.0, 9.0, -1.0])["total_loss"]
    without = module().compute_ppo_loss(stack(good), [1.0, -1.0])["total_loss"]
    assert with_it.item() == pytest.approx(without.item(), rel=1e-12)


def test_a_critic_learns_from_the_returns_that_are_given(lm, make_trajectory):
    model, critic = lm(), make_critic(lm())
    optimizers = [torch.optim.SGD(part.parameters(), lr=0.1) for part in (model, critic)]
    backprop = BackpropModule(model, None, optimizers[0], critic=critic, critic_optimizer=optimizers[1])
    batch = stack([make_trajectory([1], [2, 3]), make_trajectory([1], [4, 5, 6])])
    with pytest.raises(ValueError, match="the critic has nothing to learn from: give returns"):
        backprop.compute_ppo_loss(batch, [1.0, -1.0])
    losses = []
    for _ in range(3):
        found = backprop.compute_ppo_loss(batch, [0.0, 0.0], returns=[1.0, 1.0])
        losses.append(float(found["value_loss"]))
        backprop.update(found)
    assert losses[0] == pytest.approx(0.5)  # it begins at 0
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("shape", [(5,), (7, 9), (6, 8), ()])
def test_advantages_of_another_shape_are_refused(module, random_batch, shape):
    with pytest.raises(ValueError, match="advantages must have shape"):
        module().compute_ppo_loss(random_batch(), torch.zeros(shape))
