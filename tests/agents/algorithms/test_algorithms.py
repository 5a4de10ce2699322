"""GRPO's update: its token mean, its micro-batches, its ratio, and the rewards it accepts."""

import copy
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from infinite_rl.agents.algorithms.algorithm import AlgorithmConfig, GRPOAlgorithm
from infinite_rl.agents.algorithms.metrics import rollout_metrics
from infinite_rl.agents.credit.advantages import group_advantages
from infinite_rl.agents.credit.reward_computer import RewardComputer
from infinite_rl.agents.inference.module import InferenceModule
from infinite_rl.agents.losses import LossConfig
from infinite_rl.agents.rollouts.columns import Columns
from infinite_rl.agents.rollouts.manager import RolloutConfig, RolloutManager
from infinite_rl.agents.rollouts.trajectory import stack
from infinite_rl.agents.updates.backprop import BackpropConfig, BackpropModule
from infinite_rl.agents.updates.replay import Lesson
from infinite_rl.agents.updates.scoring import token_scores

CLIP, BETA = 0.2, 0.1


class Recorder(BackpropModule):
    """Keeps each step's gradient."""

    def step(self):
        named = self.model.named_parameters()
        self.gradients.append({name: w.grad.clone() for name, w in named if w.grad is not None})
        return super().step()


def stub_manager(model, module):
    """A rollout manager that samples as the module trains, and is never asked to."""
    config = RolloutConfig(temperature=module.config.temperature, max_new_tokens=8)
    inference = SimpleNamespace(model=model, backend=SimpleNamespace(autocast=nullcontext))
    return SimpleNamespace(env=object(), inference=inference, config=config)


def algorithm(model, *, reference=None, lr=0.0, backprop=None, reward_computer=None, **config):
    settings = {"ppo_clip_range": CLIP, "kl_coef": BETA, "entropy_coef": 0.0, "max_grad_norm": float("inf")} | (
        backprop or {}
    )
    module = Recorder(model, reference, torch.optim.SGD(model.parameters(), lr=lr), BackpropConfig(**settings))
    module.gradients = []
    manager = stub_manager(model, module)
    computer = reward_computer or RewardComputer()
    return GRPOAlgorithm(manager.env, manager, computer, module, AlgorithmConfig(**config))


def norm(gradients):
    return float(torch.stack([g.norm() for g in gradients.values()]).norm())


def distance(one, other):
    """The norm of the difference, relative to that of the second."""
    assert one.keys() == other.keys()
    return norm({name: one[name] - other[name] for name in one}) / norm(other)


def give(trajectories, advantages):
    """Sets the advantages of whole trajectories."""
    spread = torch.repeat_interleave(torch.as_tensor(advantages).float(), Columns(trajectories).response_lengths)
    Columns(trajectories).set_sampled("advantage", spread)
    return trajectories


def with_advantages(trajectories):
    found = group_advantages(trajectories.reward, trajectories.group, trajectories.valid, norm_std=True)
    return give(trajectories, found)


def learn(algorithm, trajectories):
    """An update from trajectories whose advantages are given, after the other columns were set."""
    advantages = Columns(trajectories).sampled("advantage")
    algorithm.assign(Columns(trajectories), trajectories.reward)
    Columns(trajectories).set_sampled("advantage", advantages)
    return algorithm.update(Columns(trajectories))


def closed_form(model, reference, trajectories, *, temperature=1.0):
    """GRPO, equation 3, row by row without padding: the loss, divided by all sampled tokens at the very end."""
    total, tokens, values = 0.0, 0, {"policy_loss": 0.0, "kl": 0.0, "ratio": 0.0, "clip_fraction": 0.0, "entropy": 0.0}
    for row in trajectories:

        def logprobs(lm, ids=row.token_ids[None]):
            return torch.log_softmax(lm(ids).logits[0, :-1] / temperature, -1)

        mask, target = row.action_mask[1:], row.token_ids[1:, None]
        everything = logprobs(model)
        advantage = row.advantage[row.action_mask]
        p = everything.gather(-1, target).squeeze(-1)[mask]
        q = logprobs(reference).gather(-1, target).squeeze(-1)[mask].detach()
        ratio = torch.exp(p - row.behaviour_logprob[1:][mask])
        bounded = ratio.clamp(1 - CLIP, 1 + CLIP)
        policy = -torch.minimum(ratio * advantage, bounded * advantage)
        kl = torch.exp(q - p) - 1 - (q - p)
        total = total + (policy + BETA * kl).sum()
        tokens += int(mask.sum())
        values["policy_loss"] += float(policy.detach().sum())
        values["kl"] += float(kl.detach().sum())
        values["ratio"] += float(ratio.detach().sum())
        values["clip_fraction"] += float((bounded * advantage < ratio * advantage).sum())
        values["entropy"] += float(-(everything.exp() * everything).sum(-1)[mask].detach().sum())
    loss = total / tokens
    model.zero_grad()
    loss.backward()
    gradients = {name: w.grad.clone() for name, w in model.named_parameters() if w.grad is not None}
    model.zero_grad()
    return gradients, {"loss": float(loss.detach())} | {name: value / tokens for name, value in values.items()}


@pytest.mark.parametrize("kind", ["qwen2", "gpt2"])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_an_update_is_the_closed_form(lm, random_batch, kind, temperature):
    model, reference = lm(kind), lm(kind, seed=1)
    trajectories = with_advantages(random_batch())
    expected, values = closed_form(model, reference, trajectories, temperature=temperature)
    grpo = algorithm(model, reference=reference, backprop={"temperature": temperature})
    metrics = learn(grpo, trajectories)
    assert distance(grpo.backprop.gradients[0], expected) < 1e-5
    for name, value in values.items():
        assert metrics[name] == pytest.approx(value, rel=1e-4, abs=1e-6), name
    assert metrics["grad_norm"] == pytest.approx(norm(expected), rel=1e-5)
    assert 0 < values["clip_fraction"] < 1


@pytest.mark.parametrize("tokens", [20, 10_000])
def test_the_loss_of_a_trajectory_is_multiplied_by_its_weight(lm, random_batch, tokens):
    """As the advantage would be: the loss is linear in it, where there is no reference."""
    model = lm()
    weights = torch.tensor([0.5, 1.0, 2.0, 0.0, 3.0, 0.25])
    plain, weighted = (with_advantages(random_batch()) for _ in range(2))
    assert len(plain) == len(weights)
    scaled = give(
        plain, torch.stack([row.advantage.sum() for row in plain]) / Columns(plain).response_lengths * weights
    )
    weighted.weight = weights
    gradients = []
    for trajectories in (scaled, weighted):
        grpo = algorithm(model, backprop={"kl_coef": 0.0}, tokens_per_microbatch=tokens)
        learn(grpo, trajectories)
        gradients.append(grpo.backprop.gradients[0])
    assert distance(gradients[0], gradients[1]) < 1e-6


@pytest.mark.parametrize("tokens", [20, 10_000])
def test_replayed_groups_and_anchors_add_their_closed_forms(lm, random_batch, tokens):
    """(sum of the step's own losses - sum of sg[min(r, 2)] A log p) / all tokens - coef mean log p."""
    model = lm()
    own, stored, anchors = (with_advantages(random_batch(seed=seed)) for seed in range(3))
    give(anchors, [1.0] * len(anchors))
    stored.weight = weights = torch.tensor([0.5, 1.0, 2.0, 0.0, 3.0, 0.25])
    replayed = LossConfig(policy_loss="cispo", clip_low=1.0, clip_high=1.0)
    lessons = [Lesson(Columns(stored), replayed), Lesson(Columns(anchors), LossConfig("reinforce"), coef=0.5)]
    grpo = algorithm(model, backprop={"kl_coef": 0.0}, tokens_per_microbatch=tokens)
    grpo.assign(Columns(own), own.reward)
    metrics = grpo.update(Columns(own), lessons)

    def terms(trajectories, loss):
        for row in trajectories:
            target = row.token_ids[1:, None]
            logprobs = torch.log_softmax(model(row.token_ids[None]).logits[0, :-1], -1).gather(-1, target).squeeze(-1)
            mask = row.action_mask[1:]
            yield loss(logprobs[mask], row.behaviour_logprob[1:][mask], row.advantage[1:][mask]).sum()

    def clipped(p, q, advantage):
        ratio = torch.exp(p - q)
        return -torch.minimum(ratio * advantage, ratio.clamp(1 - CLIP, 1 + CLIP) * advantage)

    def truncated(p, q, advantage):
        return -torch.exp(p - q).clamp(max=2).detach() * advantage * p

    count = [int(Columns(part).mask.sum()) for part in (own, stored, anchors)]
    replay_part = sum(w * term for w, term in zip(weights, terms(stored, truncated), strict=True))
    anchor_part = 0.5 * sum(terms(anchors, lambda p, q, advantage: -p)) / count[2]
    together = (sum(terms(own, clipped)) + replay_part) / (count[0] + count[1])
    model.zero_grad()
    (together + anchor_part).backward()
    expected = {name: w.grad.clone() for name, w in model.named_parameters() if w.grad is not None}
    assert distance(grpo.backprop.gradients[0], expected) < 1e-6
    assert metrics["anchor_loss"] == pytest.approx(anchor_part.item(), rel=1e-6)
    assert metrics["replay_loss"] == pytest.approx(replay_part.item() / (count[0] + count[1]), rel=1e-6)


@pytest.mark.parametrize("tokens", [1, 13, 26, 40, 10_000])
def test_3_micro_batches_change_neither_gradient_nor_metrics(lm, random_batch, tokens):
    model, reference = lm(), lm(seed=1)
    trajectories = with_advantages(random_batch())
    whole = algorithm(model, reference=reference, tokens_per_microbatch=100_000)
    expected = learn(whole, trajectories)
    split = algorithm(model, reference=reference, tokens_per_microbatch=tokens)
    found = learn(split, trajectories)
    assert distance(split.backprop.gradients[0], whole.backprop.gradients[0]) < 1e-12
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-6), name


def test_3_one_two_and_four_micro_batches_of_uneven_token_counts(lm, random_batch):
    """Four rows of equal length with 1, 2, 4 and 9 sampled tokens: budgets of 4, 2 and 1 rows."""
    model, lengths = lm(), [(9, 1), (8, 2), (6, 4), (1, 9)]
    trajectories = with_advantages(random_batch(lengths))
    gradients = []
    for rows in (4, 2, 1):
        grpo = algorithm(model, reference=copy.deepcopy(model), tokens_per_microbatch=10 * rows)
        learn(grpo, trajectories)
        gradients.append(grpo.backprop.gradients[0])
    assert distance(gradients[1], gradients[0]) < 1e-12
    assert distance(gradients[2], gradients[0]) < 1e-12


def test_2_the_mean_is_over_tokens_of_the_step_not_over_sequences(lm, make_trajectory):
    """Lengths 2 and 8, on policy, advantages +1 and -1: (2 (-1) + 8 (+1)) / 10 = 0.6; a mean of means would be 0."""
    model = lm()
    rows = []
    for reward, response in ((1.0, [3, 4]), (0.0, [5, 6, 7, 8, 9, 10, 11, 12])):
        ids = torch.tensor([[1, 2, *response]])
        scored = torch.tensor([[False] * 2 + [True] * len(response)])
        logprob = token_scores(model, ids, torch.ones_like(ids), scored, temperature=1.0).logprob[0, 2:]
        rows.append(make_trajectory([1, 2], response, logprobs=logprob.tolist(), reward=reward))
    trajectories = stack(rows)
    give(trajectories, torch.tensor([1.0, -1.0]))
    for tokens in (1, 10_000):
        metrics = learn(algorithm(model, tokens_per_microbatch=tokens), trajectories)
        assert metrics["loss"] == pytest.approx(0.6, rel=1e-5)
        assert metrics["ratio"] == pytest.approx(1.0, rel=1e-6)
        assert metrics["clip_fraction"] == 0


def test_1_the_last_prompt_token_is_no_target_and_the_first_response_token_is(table_model, make_trajectory):
    """A model that sees only the last token: the loss may not depend on how likely prompt tokens were."""
    table = torch.randn(32, 32, generator=torch.Generator().manual_seed(0))

    def loss(table):
        model = table_model(table)
        weight = torch.nn.Parameter(torch.zeros(1))
        model.parameters = lambda: [weight]
        grpo = algorithm_of_stub(model)
        trajectories = stack([make_trajectory([3, 4, 5], [6, 7], reward=1.0)])
        give(trajectories, torch.ones(1))
        return learn(grpo, trajectories)["loss"]

    plain = loss(table)
    prompt, response = table.clone(), table.clone()
    prompt[4, 5] += 3.0  # the last prompt token becomes likelier
    response[5, 6] += 3.0  # the first response token becomes likelier
    assert loss(prompt) == plain
    assert loss(response) != plain


def algorithm_of_stub(model):
    optimizer = torch.optim.SGD(model.parameters())
    module = BackpropModule(model, None, optimizer, BackpropConfig())
    module.accumulate = lambda loss, explain: None
    module.step = lambda: 0.0
    manager = stub_manager(model, module)
    return GRPOAlgorithm(manager.env, manager, RewardComputer(), module)


@pytest.fixture
def collected(tiny, tokenizer, quiz):
    """A tiny model, and what it answered."""

    def make(*, temperature=1.0, dtype=torch.float32, group_size=4, pad_is_end=False):
        if pad_is_end:
            tokenizer.pad_token = tokenizer.eos_token
        model = tiny(tokenizer, dtype=dtype)
        inference = InferenceModule(model, tokenizer)
        config = RolloutConfig(max_new_tokens=9, temperature=temperature)
        rollouts = RolloutManager(quiz(), config, inference=inference)
        return model, rollouts.collect_rollouts(12, group_size=group_size)

    return make


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_4_on_fresh_samples_the_ratio_is_one_and_nothing_is_clipped(collected, temperature):
    model, trajectories = collected(temperature=temperature)
    give(trajectories, torch.randn(12, generator=torch.Generator().manual_seed(0)))
    metrics = learn(algorithm(model, backprop={"temperature": temperature, "ppo_clip_range": 1e-3}), trajectories)
    assert metrics["ratio"] == pytest.approx(1.0, abs=1e-5)
    assert metrics["clip_fraction"] == 0


def test_another_temperature_than_that_of_sampling_is_seen_in_the_ratio(collected):
    model, trajectories = collected(temperature=0.7)
    give(trajectories, torch.ones(12))
    assert abs(learn(algorithm(model), trajectories)["ratio"] - 1) > 1e-4


def test_4_with_stale_weights_the_ratio_is_not_one(collected):
    model, trajectories = collected()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.3 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)))
    give(trajectories, torch.randn(12, generator=torch.Generator().manual_seed(0)))
    metrics = learn(algorithm(model), trajectories)
    assert abs(metrics["ratio"] - 1) > 1e-2
    assert metrics["clip_fraction"] > 0


def test_the_second_epoch_sees_new_weights(lm, random_batch):
    model = lm()
    trajectories = with_advantages(random_batch())
    grpo = algorithm(model, lr=0.05, ppo_epochs=2)
    learn(grpo, trajectories)
    first, second = grpo.backprop.gradients
    assert distance(second, first) > 1e-6
    assert len(grpo.backprop.gradients) == 2


def test_over_epochs_metrics_are_means(lm, random_batch):
    model = lm()
    trajectories = with_advantages(random_batch())
    twice, thrice = (learn(algorithm(model, reference=lm(seed=1), ppo_epochs=n), trajectories) for n in (2, 3))
    assert (twice.pop("updates"), thrice.pop("updates")) == (2, 3)
    for name, value in twice.items():  # with a learning rate of 0 all epochs are equal
        assert thrice[name] == pytest.approx(value, rel=1e-6), name


def test_18_the_divergence_is_exactly_zero_before_the_first_update(collected):
    model, trajectories = collected()
    grpo = algorithm(model, reference=copy.deepcopy(model), lr=1.0)
    assert grpo.step(trajectories)["kl"] == 0
    give(trajectories, torch.randn(12))
    learn(grpo, trajectories)
    assert learn(grpo, trajectories)["kl"] > 0


def test_equal_rewards_without_divergence_leave_the_weights_alone(lm, random_batch):
    model = lm()
    before = [weight.clone() for weight in model.parameters()]
    metrics = algorithm(model, reference=copy.deepcopy(model), lr=1.0).step(random_batch(reward=1.0))
    assert metrics["grad_norm"] == 0
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_a_failed_grading_does_not_move_its_group(lm, random_batch, make_trajectory):
    """The failed member shifts no mean, counts in no total, and is reported."""
    model = lm()
    rows = [make_trajectory([1], [2, 3], reward=1.0), make_trajectory([1], [4, 5], reward=0.0)]
    failed = make_trajectory([1], [6, 7], reward=0.0, valid=False)
    with_failure, without = algorithm(model), algorithm(model)
    metrics = with_failure.step(stack([*rows, failed]))
    without.step(stack(rows))
    assert distance(with_failure.backprop.gradients[0], without.backprop.gradients[0]) < 1e-12
    assert metrics["failures/error"] == 1
    assert metrics["learnt_from"] == pytest.approx(2 / 3)


# pad == eos


def test_9_where_padding_and_end_token_are_one_the_end_token_still_trains(scripted, tokenizer, quiz, monkeypatch):
    monkeypatch.setattr("infinite_rl.agents.updates.scoring.find_head", lambda model: None)  # to see all logits
    tokenizer.pad_token = tokenizer.eos_token
    inference = scripted(tokenizer, lambda turn, row: "a0<eos>" if row % 2 else "longer")
    rollouts = RolloutManager(quiz(), RolloutConfig(max_new_tokens=9), inference=inference)
    trajectories = rollouts.collect_rollouts(4, group_size=2)
    end = tokenizer.eos_token_id
    for row in trajectories:
        if not row.truncated:
            assert int(row.token_ids[-1]) == end
            assert bool(row.action_mask[-1])
    give(trajectories, torch.tensor([0.0, 1.0, 0.0, 1.0]))  # the rows that end, which are padded, train
    seen = []

    def keep(module, inputs, logits):
        logits.register_hook(seen.append)

    inference.model.get_output_embeddings().register_forward_hook(keep)
    learn(algorithm(inference.model), trajectories)
    # Making a token likelier has a negative gradient at its own logit; "a0<eos>" ends two rows.
    assert int((seen[0][:, :, end] < 0).sum()) == 2


def test_8_padding_beyond_the_end_changes_nothing(lm, make_trajectory):
    """A short row beside ever longer ones has the same gradient: the long ones teach nothing (advantage 0)."""
    model = lm()
    short = make_trajectory([1, 2], [3, 0], logprobs=[-1.0, -1.0])
    gradients = []
    for extra in (0, 3, 11):
        rows = stack([short, make_trajectory([1, 2], [5, 6, *[7] * extra])])
        give(rows, torch.tensor([1.0, 0.0]))
        grpo = algorithm(model)
        learn(grpo, rows)
        tokens = int(Columns(rows).response_lengths.sum())
        gradients.append({name: value * tokens for name, value in grpo.backprop.gradients[0].items()})
    assert distance(gradients[1], gradients[0]) < 1e-6
    assert distance(gradients[2], gradients[0]) < 1e-6


# Rewards


class Given(RewardComputer):
    def __init__(self, rewards):
        super().__init__()
        self.rewards = rewards

    def compute_rewards(self, trajectories, method="absolute"):
        return self.rewards


@pytest.mark.parametrize(
    "rewards",
    [
        [1.0, 0.0, 0.0, 2.0, 0.0, 0.0],
        (1, 0, 0, 2, 0, 0),
        np.array([1.0, 0, 0, 2, 0, 0]),
        torch.tensor([1, 0, 0, 2, 0, 0]),
    ],
)
def test_rewards_may_be_lists_tuples_arrays_and_tensors(lm, random_batch, rewards):
    model, batch = lm(), random_batch()
    metrics = algorithm(model, reward_computer=Given(rewards), norm_std=False).step(batch)
    assert metrics["reward"] == pytest.approx(0.5)
    assert [float(row.advantage[-1]) for row in batch] == [0.5, -0.5, -1.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "rewards", [[1.0], [1.0] * 5, [1.0] * 7, 1.0, [[1.0]] * 6, [[1.0] * 6], [], torch.zeros(6, 1), np.zeros((1, 6))]
)
def test_rewards_of_another_shape_are_an_error_and_broadcast_nowhere(lm, random_batch, rewards):
    model, batch = lm(), random_batch()
    before = [weight.clone() for weight in model.parameters()]
    with pytest.raises(ValueError, match="6 trajectories but rewards of shape"):
        algorithm(model, reward_computer=Given(rewards), lr=1.0).step(batch)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_a_step_s_metrics_are_those_of_rollout_and_update(lm, random_batch):
    model = lm()
    metrics = algorithm(model).step(random_batch())
    assert metrics.keys() >= rollout_metrics(Columns(random_batch()), random_batch().reward).keys()
    assert metrics.keys() >= {"loss", "policy_loss", "kl", "clip_fraction", "ratio", "entropy", "grad_norm"}
    assert all(isinstance(value, float) for value in metrics.values())


def test_the_environment_must_be_the_one_that_is_driven(lm):
    model = lm()
    module = BackpropModule(model, optimizer=torch.optim.SGD(model.parameters()))
    with pytest.raises(ValueError, match="not the environment"):
        GRPOAlgorithm(object(), SimpleNamespace(env=object()), RewardComputer(), module)


def test_training_collects_whole_groups_and_moves_the_policy(tiny, tokenizer, quiz):
    model, env = tiny(tokenizer), quiz()
    rollouts = RolloutManager(env, RolloutConfig(max_new_tokens=4), inference=InferenceModule(model, tokenizer))
    module = BackpropModule(model, None, torch.optim.SGD(model.parameters(), lr=1.0))

    class Lengths(RewardComputer):
        def score_trajectory(self, trajectory):
            return float(trajectory.token_ids[trajectory.action_mask].float().mean())

    config = AlgorithmConfig(batch_size=10, group_size=4)
    before = [weight.clone() for weight in model.parameters()]
    history = GRPOAlgorithm(env, rollouts, Lengths(), module, config).train(2, progress_bar=False)
    assert len(history) == 2
    assert rollouts.get_statistics()["trajectories"] == 24  # 10 in groups of 4 are 12
    assert not all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_parts_that_do_not_fit_are_refused(tiny, tokenizer, quiz):
    model, other, env = tiny(tokenizer), tiny(tokenizer), quiz()
    rollouts = RolloutManager(env, RolloutConfig(temperature=0.7), inference=InferenceModule(model, tokenizer))

    def parts(model, temperature):
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        return (
            env,
            rollouts,
            RewardComputer(),
            BackpropModule(model, None, optimizer, BackpropConfig(temperature=temperature)),
        )

    with pytest.raises(ValueError, match="another model"):
        GRPOAlgorithm(*parts(other, 0.7))
    with pytest.raises(ValueError, match="ratios would be wrong"):
        GRPOAlgorithm(*parts(model, 1.0))
    GRPOAlgorithm(*parts(model, 0.7))
