"""Correctness tests of whole updates, for every recipe: micro-batches, fresh ratios, masks, references, critics."""

import copy
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from infinite_rl.agents.algorithms.algorithm import Algorithm, GRPOAlgorithm, PPOAlgorithm
from infinite_rl.agents.algorithms.metrics import rollout_metrics
from infinite_rl.agents.algorithms.recipes import find_recipe
from infinite_rl.agents.algorithms.settings import AlgorithmConfig
from infinite_rl.agents.credit.reward_computer import RewardComputer
from infinite_rl.agents.inference.module import InferenceModule
from infinite_rl.agents.losses import LossConfig
from infinite_rl.agents.rollouts.columns import Columns
from infinite_rl.agents.rollouts.manager import RolloutConfig, RolloutManager
from infinite_rl.agents.rollouts.trajectory import stack
from infinite_rl.agents.updates.backprop import BackpropConfig, BackpropModule
from infinite_rl.agents.updates.batching import microbatches
from infinite_rl.agents.updates.head import find_head
from infinite_rl.agents.updates.planning import find_even_width

RECIPES = (
    "grpo", "dr_grpo", "dapo", "gspo", "cispo", "rloo", "reinforce", "reinforce_pp", "ppo", "distillation"
)  # fmt: skip


class Critic(nn.Module):
    """A value for each token, whatever stands before it."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.linspace(-0.5, 0.5, 32, dtype=torch.float64))

    def forward(self, token_ids, attention_mask):
        return self.table[token_ids]


def algorithm(model, recipe="grpo", *, reference=None, lr=0.0, critic=None, kind=Algorithm, tokens=10_000, **changes):
    settings = {
        name: changes.pop(name) for name in ("temperature", "ref_update_method", "ema_alpha") if name in changes
    }
    module = BackpropModule(
        model,
        reference,
        torch.optim.SGD(model.parameters(), lr=lr),
        BackpropConfig(max_grad_norm=float("inf"), **settings),
        critic=critic,
        critic_optimizer=None if critic is None else torch.optim.SGD(critic.parameters(), lr=lr),
    )
    manager = SimpleNamespace(
        env=object(),
        inference=SimpleNamespace(model=model, backend=SimpleNamespace(autocast=module.autocast)),
        config=RolloutConfig(temperature=module.config.temperature, max_new_tokens=8),
    )
    loss = changes.pop("loss", {})
    recipe = find_recipe(recipe)
    recipe = replace(recipe, loss=replace(recipe.loss, **loss), **changes)
    config = AlgorithmConfig(tokens_per_microbatch=tokens)
    return kind(manager.env, manager, RewardComputer(), module, config, recipe=recipe)


def moved(model, before):
    """What an update did to each weight."""
    return {name: (weight - before[name]) for name, weight in model.state_dict().items()}


def distance(one, other):
    gap = torch.cat([(one[name] - other[name]).flatten() for name in one]).norm()
    return float(gap / torch.cat([value.flatten() for value in other.values()]).norm())


def after(lm, batch, recipe, **changes):
    """The change of the policy's and the critic's weights by one step, and its metrics."""
    model, critic = lm(), Critic() if recipe == "ppo" else None
    before = copy.deepcopy(model.state_dict())
    learner = algorithm(model, recipe, reference=lm(seed=1), lr=0.1, critic=critic, **changes)
    metrics = learner.step(batch)
    change = moved(model, before)
    if critic is not None:
        change["critic"] = critic.table.detach() - Critic().table.detach()
    return change, metrics


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("tokens", [1, 26])
def test_3_micro_batches_of_uneven_tokens_change_no_update_of_any_algorithm(lm, random_batch, recipe, tokens):
    whole, metrics = after(lm, random_batch(), recipe)
    split, split_metrics = after(lm, random_batch(), recipe, tokens=tokens)
    assert max(float(value.abs().max()) for value in whole.values()) > 0
    assert distance(split, whole) < 1e-12
    assert split_metrics == pytest.approx(metrics, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("aggregation", ["token_mean", "sequence_mean", "sequence_sum"])
def test_3_micro_batches_change_no_update_of_any_aggregation(lm, random_batch, aggregation):
    whole, _ = after(lm, random_batch(), "grpo", loss={"aggregation": aggregation, "entropy_coef": 0.01})
    split, _ = after(lm, random_batch(), "grpo", loss={"aggregation": aggregation, "entropy_coef": 0.01}, tokens=13)
    assert distance(split, whole) < 1e-12


@pytest.mark.parametrize(("epochs", "minibatches"), [(2, 1), (1, 2), (2, 3)])
def test_4_a_fresh_recompute_has_ratio_exactly_one(lm, random_batch, epochs, minibatches):
    """What the sampler said does not matter then: here it is far off."""
    metrics = algorithm(lm(), epochs=epochs, minibatches=minibatches, tokens=20).step(random_batch())
    assert (metrics["ratio"], metrics["ratio_std"], metrics["clip_fraction"]) == (1.0, 0.0, 0.0)
    assert metrics["updates"] == epochs * minibatches


def test_4_after_the_first_of_several_updates_it_is_one_no_more(lm, random_batch):
    metrics = algorithm(lm(), lr=1.0, epochs=2).step(random_batch())
    assert metrics["ratio_std"] > 1e-3


@pytest.mark.parametrize(
    ("changes", "passes"),
    [
        ({}, 1),  # from fresh samples, one update needs no second look
        ({"epochs": 3}, 1 + 3),
        ({"minibatches": 2}, 2 + 2),
        ({"loss": {"correction": "truncate"}}, 1 + 1),
    ],
)
def test_log_probs_are_scored_before_the_update_only_where_they_are_needed(lm, random_batch, changes, passes):
    model, calls = lm(), []
    find_head(model), find_even_width(model)  # these try the model once
    model.base_model.register_forward_hook(lambda *args: calls.append(1))
    algorithm(model, **changes).step(random_batch())
    assert len(calls) == passes


def test_5_sampled_log_probs_and_entropies_are_those_of_the_update(tiny, tokenizer, quiz):
    """At temperature 0.7, and the entropy is that of the distribution at 0.7."""
    model = tiny(tokenizer, dtype=torch.float64)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(4.0 if weight.dim() > 1 else 1.0)
    rollouts = RolloutManager(
        quiz(), RolloutConfig(max_new_tokens=9, temperature=0.7), inference=InferenceModule(model, tokenizer)
    )
    trajectories = rollouts.collect_rollouts(6)
    module = BackpropModule(model, None, torch.optim.SGD(model.parameters()), BackpropConfig(temperature=0.7))
    (batch,) = microbatches(Columns(trajectories), 10_000, torch.device("cpu"))
    inputs = module.loss_inputs(batch, torch.ones(6))
    torch.testing.assert_close(inputs.logprob.float(), inputs.behaviour_logprob, rtol=1e-5, atol=1e-5)
    logits = model(batch.token_ids[:1]).logits[0] / 0.7
    expected = torch.distributions.Categorical(logits=logits).entropy()
    first = batch.sequence == 0
    torch.testing.assert_close(inputs.entropy[first], expected[batch.predictor[first]])
    other = BackpropModule(model, None, torch.optim.SGD(model.parameters())).loss_inputs(batch, torch.ones(6))
    assert (other.logprob - inputs.behaviour_logprob).abs().max() > 1e-2


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_10_nan_in_masked_places_reaches_neither_loss_nor_weights(lm, random_batch, poison):
    clean, _ = after(lm, random_batch(), "grpo")
    spoilt = random_batch()
    for row in spoilt.unbind(0):
        for name in ("behaviour_logprob", "advantage"):
            row.set(name, torch.where(row.action_mask, row.get(name), poison))
    found, _ = after(lm, spoilt, "grpo")
    assert all(torch.equal(found[name], clean[name]) for name in clean)


def test_11_tool_and_user_tokens_have_no_direct_loss(table_model, make_trajectory):
    """A model that sees the last token alone: only rows of the table that predict a sampled token get a gradient."""
    table = torch.randn(32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    model = table_model(table)
    model.parameters = lambda: [table]
    row = make_trajectory([5, 6], [7, 8, 9, 10, 11, 12, 13])
    row.action_mask = torch.tensor([False] * 2 + [True] * 2 + [False] * 3 + [True] * 2)
    trajectories = stack([row])
    learner = algorithm(model)
    Columns(trajectories).set_sampled("advantage", torch.ones(4))
    (batch,) = microbatches(Columns(trajectories), 100, torch.device("cpu"))
    learner.backprop.learn(batch, torch.ones(1), LossConfig())
    # 5 6 | 7 8 | 9 10 11 | 12 13: sampled are 7 8 and 12 13, predicted from 6 7 and 11 12
    assert table.grad.any(1).nonzero().flatten().tolist() == [6, 7, 11, 12]


def test_16_rows_of_a_batch_learn_as_they_would_alone(lm, random_batch):
    together, _ = after(lm, random_batch(), "dr_grpo", tokens=10_000)
    alone, _ = after(lm, random_batch(), "dr_grpo", tokens=1)
    assert distance(alone, together) < 1e-12


# 18


@pytest.mark.parametrize("recipe", ["grpo", "reinforce_pp", "rloo"])
def test_18_with_a_copy_as_reference_the_divergence_is_exactly_zero_at_step_0(lm, random_batch, recipe):
    model = lm()
    metrics = algorithm(model, recipe, reference=copy.deepcopy(model), tokens=20, minibatches=2).step(random_batch())
    assert (metrics["kl"], metrics["kl_loss"]) == (0.0, 0.0)


def test_18_the_reference_follows_the_policy_every_so_many_steps(lm, random_batch):
    model, reference = lm(), lm(seed=1)
    first = copy.deepcopy(reference.state_dict())
    learner = algorithm(model, reference=reference, ref_period=2, ref_update_method="ema", ema_alpha=0.75)
    learner.step(random_batch())
    assert all(torch.equal(first[name], weight) for name, weight in reference.state_dict().items())
    learner.step(random_batch())
    for name, weight in reference.state_dict().items():
        torch.testing.assert_close(weight, 0.75 * first[name] + 0.25 * model.state_dict()[name])


def test_the_reference_follows_on_time_whatever_the_steps_taught(lm, random_batch, make_trajectory):
    """A resumed run counts from the number of its step."""
    model, reference = lm(), lm(seed=1)
    learner = algorithm(model, reference=reference, ref_period=2)
    learner.step(stack([make_trajectory([1], [2, 3], valid=False)] * 2))
    learner.step(random_batch())
    assert all(torch.equal(model.state_dict()[name], weight) for name, weight in reference.state_dict().items())


# Critics


def test_ppo_with_a_critic_moves_the_critic_towards_the_returns(lm, make_trajectory):
    model, critic = lm(), Critic()
    rows = stack([make_trajectory([1, 2], [3, 4], reward=1.0), make_trajectory([1, 2], [5, 6], reward=1.0, group=1)])
    loss = {"value_clip": None, "value_coef": 5.0}
    learner = algorithm(model, "ppo", lr=0.2, critic=critic, loss=loss, minibatches=1)
    losses = [learner.step(rows)["value_loss"] for _ in range(12)]
    assert losses[-1] < 0.2 * losses[0]
    assert Columns(rows).sampled("value").shape == Columns(rows).sampled("returns").shape == (4,)
    # With gamma 1 and lambda 0.95 the last token's return is the reward itself.
    assert Columns(rows).sampled("returns")[[1, 3]].tolist() == pytest.approx([1.0, 1.0])


def test_a_critic_s_value_is_that_before_the_token(lm, make_trajectory):
    critic = Critic()
    rows = stack([make_trajectory([1, 2], [3, 4], truncated=True)])
    learner = algorithm(lm(), "ppo", critic=critic)
    last = learner.backprop.set_columns(Columns(rows), microbatches(Columns(rows), 100, torch.device("cpu")), ["value"])
    table = critic.table.detach()
    assert Columns(rows).sampled("value").tolist() == table[[2, 3]].tolist()
    assert last.tolist() == [float(table[4].float())]  # what a truncated episode would have gone on with


def test_12_an_episode_that_a_limit_ended_might_have_earned_more(lm, make_trajectory):
    """A response that was cut and graded as it stands has earned its reward; the critic's hopes do not count."""
    critic, returns = Critic(), {}
    for limit in ("turns", "context", "time", "response", None):
        rows = stack([make_trajectory([1, 2], [3, 4], reward=1.0, limits=[limit] if limit else [])])
        learner = algorithm(lm(), "ppo", critic=critic)
        learner.assign(Columns(rows), rows.reward)
        returns[limit] = float(Columns(rows).sampled("returns")[-1])
    hoped = float(critic.table.detach()[4])
    assert hoped != 0
    assert returns["response"] == returns[None] == pytest.approx(1.0)
    assert returns["turns"] == returns["context"] == returns["time"] == pytest.approx(1.0 + hoped)


def test_ppo_without_a_critic_whitens_returns(lm, random_batch):
    batch = random_batch()
    learner = algorithm(lm(), "ppo", kind=PPOAlgorithm)
    learner.step(batch)
    advantage = Columns(batch).sampled("advantage")
    assert learner.recipe.credit.estimator == "reinforce"
    assert float(advantage.double().mean()) == pytest.approx(0.0, abs=1e-6)
    assert float(advantage.double().std(correction=0)) == pytest.approx(1.0, abs=1e-6)


def test_a_critic_that_gives_another_shape_is_refused(lm, random_batch):
    class Wrong(Critic):
        def forward(self, token_ids, attention_mask):
            return super().forward(token_ids, attention_mask)[:, 1:]

    with pytest.raises(ValueError, match="the critic gave"):
        algorithm(lm(), "ppo", critic=Wrong()).step(random_batch())


# Dynamic sampling


def gatherer(lm, rows_of_round, *, rounds=3):
    """An algorithm with dynamic sampling, and a way to collect that returns the groups of each round."""
    learner = algorithm(lm(), "dapo", max_rounds=rounds, overlong_share=0.0)
    asked = []

    def collect(groups):
        asked.append(groups)
        return stack(rows_of_round(len(asked) - 1, groups))

    return learner, collect, asked


def test_dynamic_sampling_draws_until_the_batch_is_full(lm, make_trajectory):
    """Of 3 groups 1 teaches, then of 2 again 1, then the last."""

    def rows(number, groups):
        return [
            make_trajectory([1], [2 + g, 3], reward=float(member and g == 0), group=g)
            for g in range(groups)
            for member in (0, 1)
        ]

    learner, collect, asked = gatherer(lm, rows)
    trajectories, rewards = learner.gather(collect, 3)
    assert asked == [3, 2, 1]
    assert len(trajectories) == len(rewards) == 12
    assert len(set(trajectories.group.tolist())) == 6  # groups of different rounds stay apart
    metrics = learner.step(trajectories, rewards)
    assert metrics["learnt_from"] == 0.5
    assert (metrics["sampling_rounds"], metrics["dropped_groups"]) == (3.0, 3.0)
    assert metrics["pass_rate"] == 0.25  # of all that was collected, not of what was chosen
    assert metrics["zero_variance_groups"] == 0.5


def test_dynamic_sampling_ends_after_its_rounds_and_learns_from_what_there_is(lm, make_trajectory):
    learner, collect, asked = gatherer(
        lm, lambda number, groups: [make_trajectory([1], [2, 3], group=g) for g in range(groups)]
    )
    trajectories, rewards = learner.gather(collect, 4)
    assert asked == [4, 4, 4]
    before = copy.deepcopy(learner.backprop.model.state_dict())
    metrics = learner.step(trajectories, rewards)
    assert (metrics["learnt_from"], metrics["updates"]) == (0.0, 0.0)
    assert all(torch.equal(before[name], weight) for name, weight in learner.backprop.model.state_dict().items())


def test_without_dynamic_sampling_there_is_one_round(lm, make_trajectory):
    learner = algorithm(lm(), "grpo")
    asked = []
    learner.gather(lambda groups: asked.append(groups) or stack([make_trajectory([1], [2])] * 2), 5)
    assert asked == [5]


def test_overlong_responses_lose_reward_before_advantages(lm, make_trajectory):
    rows = stack([make_trajectory([1], [2] * 8, reward=1.0), make_trajectory([1], [2] * 3, reward=1.0)])
    learner = algorithm(lm(), "dapo", filter_groups=False, overlong_share=0.25)  # from 6 of 8 tokens on
    learner.step(rows)
    assert Columns(rows).sampled("advantage")[0] < 0 < Columns(rows).sampled("advantage")[-1]


def test_the_limit_of_a_response_is_that_of_a_turn_not_of_an_episode(lm, make_trajectory):
    """Eight tokens in two turns of four are far from a limit of eight; eight in one turn meet it."""
    rows = [make_trajectory([1], [2] * 8, reward=1.0) for _ in range(2)]
    rows[0].turn = torch.tensor([-1, 0, 0, 0, 0, 1, 1, 1, 1])
    batch = stack(rows)
    algorithm(lm(), "dapo", filter_groups=False, overlong_share=0.25).step(batch)
    assert Columns(batch).sampled("advantage")[0] > 0 > Columns(batch).sampled("advantage")[-1]


# Settings


def test_values_of_the_backprop_module_override_the_recipe_s(lm):
    model = lm()
    config = BackpropConfig(ppo_clip_range=0.1, kl_coef=0.5, entropy_coef=0.02, ppo_epochs=3, gamma=0.9)
    module = BackpropModule(model, None, torch.optim.SGD(model.parameters(), lr=1.0), config)
    other = algorithm(model)
    manager = other.rollout_manager
    recipe = GRPOAlgorithm(manager.env, manager, RewardComputer(), module).recipe
    assert (recipe.loss.clip_low, recipe.loss.kl_coef, recipe.loss.entropy_coef) == (0.1, 0.5, 0.02)
    assert (recipe.epochs, recipe.credit.gamma) == (3, 0.9)
    assert other.recipe.loss.clip_low == 0.2
    # One number is the width on both sides, whatever the recipe has.
    dapo = GRPOAlgorithm(manager.env, manager, RewardComputer(), module, recipe="dapo").recipe.loss
    assert (dapo.clip_low, dapo.clip_high) == (0.1, None)


def test_the_metrics_of_a_step_are_all_described(lm, random_batch):
    """The page of metrics names every one of an update."""
    import infinite_rl.agents.algorithms.metrics as page

    found = algorithm(lm()).step(random_batch())
    for name in found.keys() - rollout_metrics(Columns(random_batch()), random_batch().reward).keys():
        assert f"``{name}``" in page.__doc__, name
