"""The loop around an algorithm: what it refuses, what it inherits, what it saves, and that it learns."""

import copy
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch

from infinite_rl.agents.algorithms.algorithm import GROUP_SIZE, Algorithm, AlgorithmConfig, GRPOAlgorithm
from infinite_rl.agents.algorithms.create import create_algorithm, load_algorithm_from_checkpoint
from infinite_rl.agents.algorithms.recipes import find_recipe
from infinite_rl.agents.config import ConfigError, LoraConfig
from infinite_rl.agents.credit.reward_computer import RewardComputer
from infinite_rl.agents.environments.text import SimpleTextEnvironment
from infinite_rl.agents.inference.module import InferenceModule
from infinite_rl.agents.models.lora import add_adapters
from infinite_rl.agents.rollouts.columns import Columns
from infinite_rl.agents.rollouts.manager import RolloutConfig, RolloutManager
from infinite_rl.agents.updates.backprop import BackpropConfig, BackpropModule


class Letters:
    """As people write them: a class with one method that returns a list. More letters a, more reward."""

    def compute_rewards(self, trajectories, method="absolute"):
        return [trajectory.response.count("a") / 6 for trajectory in trajectories]


@pytest.fixture
def parts(tiny, tokenizer):
    """Makes the parts of a loop: environment, manager, rewards, module."""

    def make(*, lr=1e-2, reward_computer=None, seed=0, temperature=1.0, max_steps=1, backprop=None):
        model = tiny(tokenizer)
        inference = InferenceModule(model, tokenizer)
        env = SimpleTextEnvironment(inference, ["ab", "c:"], max_steps=max_steps)
        config = RolloutConfig(max_new_tokens=6, seed=seed, temperature=temperature)
        module = BackpropModule(
            model, None, torch.optim.AdamW(model.parameters(), lr=lr), backprop or BackpropConfig(entropy_coef=0.0)
        )
        return env, RolloutManager(env, config), reward_computer or Letters(), module

    return make


def weights(algorithm):
    return torch.cat([weight.detach().flatten().clone() for weight in algorithm.backprop.model.parameters()])


def test_the_loop_learns_from_a_pasted_reward(parts):
    algorithm = GRPOAlgorithm(*parts(), AlgorithmConfig(batch_size=64))
    metrics = algorithm.train(20, progress_bar=False)
    assert algorithm.iteration == 20
    assert algorithm.rollout_manager.inference.version == 20
    first, last = (sum(row["reward"] for row in metrics[part]) / 3 for part in (slice(3), slice(-3, None)))
    assert last > 3 * first


def test_conversations_of_several_steps_learn_too(parts):
    algorithm = GRPOAlgorithm(*parts(max_steps=2), AlgorithmConfig(batch_size=32))
    metrics = algorithm.train(20, progress_bar=False)
    assert sum(row["reward"] for row in metrics[-3:]) > 2 * sum(row["reward"] for row in metrics[:3])


@pytest.mark.parametrize(
    ("given", "config", "message"),
    [
        ({}, {"learning_rate": 1e-6}, r"learning_rate=1e-06\) disagrees with the optimizer's learning rate 0.01"),
        (
            {"backprop": BackpropConfig(ppo_epochs=2)},
            {"ppo_epochs": 4},
            r"AlgorithmConfig\(ppo_epochs=4\) disagrees with BackpropConfig\(ppo_epochs=2\)",
        ),
        ({"temperature": 0.7}, {}, "sampled at temperature 0.7, but BackpropConfig says 1.0"),
    ],
)
def test_parts_that_contradict_each_other_are_refused(parts, given, config, message):
    with pytest.raises(ValueError, match=message):
        GRPOAlgorithm(*parts(**given), AlgorithmConfig(**config))


def test_parts_of_different_policies_are_refused(parts):
    env, manager, rewards, module = parts()
    other = parts()
    with pytest.raises(ValueError, match="env is not the environment"):
        GRPOAlgorithm(other[0], manager, rewards, module)
    with pytest.raises(ValueError, match="another model"):
        GRPOAlgorithm(env, manager, rewards, other[3])


@pytest.mark.parametrize(
    ("backprop", "config", "epochs"),
    [
        (BackpropConfig(), {}, 1),
        (BackpropConfig(ppo_epochs=3), {}, 3),
        (BackpropConfig(), {"ppo_epochs": 2}, 2),
        (BackpropConfig(ppo_epochs=2), {"ppo_epochs": 2}, 2),
    ],
)
def test_what_is_not_set_is_inherited(parts, backprop, config, epochs):
    algorithm = GRPOAlgorithm(*parts(backprop=backprop), AlgorithmConfig(batch_size=16, learning_rate=0.01, **config))
    assert algorithm.train(1, progress_bar=False)[0]["updates"] == epochs
    assert algorithm.backprop.optimizer.param_groups[0]["lr"] == 0.01


@pytest.mark.parametrize("name", ["batch_size", "group_size", "ppo_epochs", "save_every"])
def test_impossible_numbers_are_refused(name, tmp_path):
    with pytest.raises(ValueError, match=f"{name} must be at least 1"):
        AlgorithmConfig(**{name: 0}, checkpoint_dir=tmp_path)


def test_saving_needs_a_place(parts):
    with pytest.raises(ValueError, match="save_every needs checkpoint_dir"):
        AlgorithmConfig(save_every=2)
    with pytest.raises(ValueError, match="no place for checkpoints"):
        GRPOAlgorithm(*parts()).save_checkpoint(1)


def test_groups_are_as_large_as_asked_for(parts):
    assert GRPOAlgorithm(*parts()).group_size == GROUP_SIZE
    algorithm = GRPOAlgorithm(*parts(), AlgorithmConfig(batch_size=10, group_size=4))
    trajectories, _ = algorithm.gather(lambda n: algorithm.rollout_manager.collect_rollouts(n * 4, group_size=4), 3)
    assert trajectories.group.tolist() == [0] * 4 + [1] * 4 + [2] * 4


@pytest.mark.parametrize("length", [0, 1, 15, 17])
def test_a_reward_list_of_another_length_is_an_error(parts, length):
    class Wrong:
        def compute_rewards(self, trajectories, method="absolute"):
            return [1.0] * length

    algorithm = GRPOAlgorithm(*parts(reward_computer=Wrong()), AlgorithmConfig(batch_size=16))
    with pytest.raises(ValueError, match="16 trajectories but rewards of shape"):
        algorithm.train(1, progress_bar=False)


def test_relative_rewards_are_normalised_once(parts):
    class Length(RewardComputer):
        def score_trajectory(self, trajectory):
            return float(trajectory.response.count("a")) + len(trajectory.response) / 100

    computer = Length()
    algorithm = GRPOAlgorithm(
        *parts(reward_computer=computer), AlgorithmConfig(batch_size=16, group_size=8, reward_method="relative")
    )
    trajectories = algorithm.rollout_manager.collect_rollouts(16, group_size=8)
    rewards = algorithm.rewards(trajectories)
    torch.testing.assert_close(rewards, computer.compute_rewards(trajectories, "relative"))
    algorithm.assign(Columns(trajectories), rewards)
    lengths = [int(row.action_mask.sum()) for row in trajectories]
    expected = torch.repeat_interleave(rewards, torch.tensor(lengths))
    torch.testing.assert_close(Columns(trajectories).sampled("advantage"), expected)


def test_a_computer_s_own_method_is_taken_where_none_is_asked_for(parts):
    asked = []

    class Notes:
        def compute_rewards(self, trajectories, method="its own"):
            asked.append(method)
            return [0.0] * len(trajectories)

    for method in (None, "pareto"):
        config = AlgorithmConfig(batch_size=8, reward_method=method)
        GRPOAlgorithm(*parts(reward_computer=Notes()), config).train(1, progress_bar=False)
    assert asked == ["its own", "pareto"]


def test_two_and_two_iterations_are_four(parts, tmp_path):
    """A checkpoint holds weights, optimizer, draws and versions: what follows is the same to the last bit."""
    config = AlgorithmConfig(batch_size=16, checkpoint_dir=tmp_path, save_every=2)
    whole = GRPOAlgorithm(*parts(), config)
    expected = whole.train(4, progress_bar=False)
    resumed = load_algorithm_from_checkpoint(tmp_path / "step-00000002", *parts())
    assert resumed.iteration == 2
    assert resumed.config.batch_size == 16
    assert resumed.rollout_manager.inference.version == 2
    found = resumed.train(2, progress_bar=False)
    assert found == expected[2:]
    assert torch.equal(weights(resumed), weights(whole))
    assert resumed.rollout_manager.get_statistics() == whole.rollout_manager.get_statistics()
    latest = load_algorithm_from_checkpoint(tmp_path, *parts())
    assert (type(latest), latest.iteration) == (GRPOAlgorithm, 4)


def test_the_best_checkpoint_stays_and_old_ones_go(parts, tmp_path):
    algorithm = GRPOAlgorithm(*parts(lr=0.0), AlgorithmConfig(batch_size=8, checkpoint_dir=tmp_path, keep=2))
    for iteration in range(1, 5):
        folder = algorithm.save_checkpoint(iteration, best=iteration == 2)
        assert folder.name == f"step-{iteration:08d}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best", "step-00000003", "step-00000004"]
    assert load_algorithm_from_checkpoint(tmp_path / "best", *parts(lr=0.0)).name == "grpo"


def test_the_reference_is_saved_too(parts, tmp_path):
    def build():
        env, manager, rewards, module = parts()
        module.ref_model = copy.deepcopy(module.model).requires_grad_(False)
        return env, manager, rewards, module

    algorithm = GRPOAlgorithm(*build(), AlgorithmConfig(batch_size=8, checkpoint_dir=tmp_path))
    before = algorithm.backprop.ref_model.state_dict()
    algorithm.train(1, progress_bar=False)
    algorithm.save_checkpoint()
    other = load_algorithm_from_checkpoint(tmp_path, *build())
    for name, weight in other.backprop.ref_model.state_dict().items():
        assert torch.equal(weight, before[name])


def test_no_checkpoint_is_an_error(parts, tmp_path):
    with pytest.raises(ConfigError, match="no checkpoint to resume from"):
        load_algorithm_from_checkpoint(tmp_path, *parts())


@pytest.mark.parametrize(("name", "kind"), [("grpo", GRPOAlgorithm), ("GRPO", GRPOAlgorithm)])
def test_algorithms_are_made_by_name(parts, name, kind):
    algorithm = create_algorithm(name, *parts(), batch_size=24)
    assert type(algorithm) is kind
    assert algorithm.config.batch_size == 24


def test_an_unknown_algorithm_is_named(parts):
    with pytest.raises(ValueError, match="no algorithm 'magic'"):
        create_algorithm("magic", *parts())


def test_mixed_precision_is_shared_by_sampling_and_training(parts):
    algorithm = GRPOAlgorithm(*parts(lr=0.0), AlgorithmConfig(batch_size=8, use_amp=True))
    assert algorithm.rollout_manager.inference.backend.bfloat16
    assert algorithm.backprop.autocast == algorithm.rollout_manager.inference.backend.autocast
    (metrics,) = algorithm.train(1, progress_bar=False)
    assert metrics["ratio"] == pytest.approx(1.0, abs=0.02)
    off = GRPOAlgorithm(*parts(), AlgorithmConfig(use_amp=False))
    assert not off.rollout_manager.inference.backend.bfloat16


def test_an_arithmetic_that_was_given_stays(parts):
    env, manager, rewards, _ = parts()
    model = manager.inference.model
    module = BackpropModule(model, None, torch.optim.SGD(model.parameters(), lr=0.1), autocast=nullcontext)
    assert GRPOAlgorithm(env, manager, rewards, module).backprop.autocast is nullcontext


def test_a_failing_run_is_marked_as_failed_at_wandb(parts, monkeypatch, tmp_path):
    finished = []

    class Run:
        def define_metric(self, *arguments, **options):
            pass

        def log(self, row):
            assert row["step"] == 1

        def finish(self, exit_code=0):
            finished.append(exit_code)

    monkeypatch.setattr("wandb.init", lambda **options: Run())
    config = AlgorithmConfig(batch_size=8, use_wandb=True, wandb_project="p")
    GRPOAlgorithm(*parts(), config).train(1, progress_bar=False)

    class Breaks:
        def compute_rewards(self, trajectories, method="absolute"):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        GRPOAlgorithm(*parts(reward_computer=Breaks()), config).train(1, progress_bar=False)
    assert finished == [0, 1]


def test_progress_is_shown_where_asked_for(parts, capsys):
    GRPOAlgorithm(*parts(), AlgorithmConfig(batch_size=8)).train(2)
    assert "2/2" in capsys.readouterr().out
    GRPOAlgorithm(*parts(), AlgorithmConfig(batch_size=8)).train(1, progress_bar=False)
    assert not capsys.readouterr().out


class Falling:
    """Rewards that fall from iteration to iteration."""

    def __init__(self):
        self.calls = 0

    def compute_rewards(self, trajectories, method="absolute"):
        self.calls += 1
        return [-float(self.calls)] * len(trajectories)


def test_the_best_stays_the_best_after_a_resume(parts, tmp_path):
    config = AlgorithmConfig(batch_size=8, checkpoint_dir=tmp_path, save_every=1)
    GRPOAlgorithm(*parts(reward_computer=Falling()), config).train(1, progress_bar=False)
    rewards = Falling()
    rewards.calls = 1
    load_algorithm_from_checkpoint(tmp_path, *parts(reward_computer=rewards)).train(1, progress_bar=False)
    assert load_algorithm_from_checkpoint(tmp_path / "best", *parts()).iteration == 1


def test_a_new_run_does_not_save_among_the_checkpoints_of_a_longer_one(parts, tmp_path):
    """The oldest checkpoints go: those of the new run would, as soon as they are saved."""
    config = AlgorithmConfig(batch_size=8, checkpoint_dir=tmp_path, save_every=1, keep=1)
    GRPOAlgorithm(*parts(), config).train(2, progress_bar=False)
    with pytest.raises(ValueError, match="holds a checkpoint of iteration 2 of another run: go on with"):
        GRPOAlgorithm(*parts(), config).train(1, progress_bar=False)
    assert load_algorithm_from_checkpoint(tmp_path, *parts()).train(1, progress_bar=False)


def test_a_recipe_of_ones_own_is_not_taken_for_another(parts, tmp_path):
    own = replace(find_recipe("grpo"), ref_period=2)
    algorithm = Algorithm(*parts(), AlgorithmConfig(batch_size=8, checkpoint_dir=tmp_path), recipe=own)
    algorithm.train(1, progress_bar=False)
    algorithm.save_checkpoint()
    with pytest.raises(ConfigError, match="a recipe of its own; give it as recipe="):
        load_algorithm_from_checkpoint(tmp_path, *parts())
    again = load_algorithm_from_checkpoint(tmp_path, *parts(), recipe=own)
    assert (again.recipe, again.steps) == (algorithm.recipe, 1)


def test_adapters_are_saved_and_come_back(parts, tmp_path):
    pytest.importorskip("peft")

    def adapted():
        env, manager, rewards, module = parts()
        add_adapters(module.model, LoraConfig(r=2, alpha=4, target_modules=None), seed=0)
        trained = [weight for weight in module.model.parameters() if weight.requires_grad]
        return env, manager, rewards, BackpropModule(module.model, None, torch.optim.AdamW(trained, lr=1e-2))

    whole = GRPOAlgorithm(*adapted(), AlgorithmConfig(batch_size=16, checkpoint_dir=tmp_path, save_every=1))
    expected = whole.train(2, progress_bar=False)
    resumed = load_algorithm_from_checkpoint(tmp_path / "step-00000001", *adapted())
    assert resumed.train(1, progress_bar=False) == expected[1:]
    assert torch.equal(weights(resumed), weights(whole))


@pytest.mark.parametrize(
    ("recipe", "config", "message"),
    [
        ("grpo", {"group_size": 1}, "group_size must be at least 2"),
        ("rloo", {"group_size": 1}, "group_size must be at least 2"),
        ("distillation", {}, "needs a teacher"),
    ],
)
def test_what_would_teach_nothing_is_refused_before_anything_is_collected(parts, recipe, config, message):
    with pytest.raises(ValueError, match=message):
        create_algorithm(recipe, *parts(), **config)


def test_a_critic_that_is_not_read_is_refused(parts):
    env, manager, rewards, module = parts()
    module.critic = torch.nn.Linear(1, 1)
    with pytest.raises(ValueError, match="the estimator 'group' reads no critic"):
        GRPOAlgorithm(env, manager, rewards, module)


def test_a_reward_model_gets_no_gradient(parts):
    weight = torch.nn.Parameter(torch.ones(()))

    class Learnt:
        def compute_rewards(self, trajectories, method="absolute"):
            return weight * torch.arange(float(len(trajectories)))

    GRPOAlgorithm(*parts(reward_computer=Learnt()), AlgorithmConfig(batch_size=8)).train(1, progress_bar=False)
    assert weight.grad is None


@pytest.mark.parametrize("found", [[None] * 8, {"reward": [1.0] * 8}, [[1.0]] * 7 + [[1.0, 2.0]]])
def test_rewards_that_are_no_numbers_are_named(parts, found):
    class Wrong:
        def compute_rewards(self, trajectories, method="absolute"):
            return found

    algorithm = GRPOAlgorithm(*parts(reward_computer=Wrong()), AlgorithmConfig(batch_size=8))
    with pytest.raises(ValueError, match="the reward computer must return a number for each trajectory"):
        algorithm.train(1, progress_bar=False)
