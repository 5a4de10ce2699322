"""The programs that people paste run as they stand, with the import changed and a tiny local model for ``gpt2``.

Calls, names and arguments are those of the snippets; a preamble defines what they leave open (models, reward functions,
…). Numbers of iterations are cut down.
"""

import re
import sys

import pytest
import torch

from .inference.test_vllm import Engine, stand_in

QUICK_START = """
from infinite_rl.agents import (
    InferenceModule,
    SimpleTextEnvironment,
    RolloutManager,
    BackpropModule,
    PPOAlgorithm,
    AlgorithmConfig,
)
from transformers import AutoModelForCausalLM, AutoTokenizer
import torch

model = AutoModelForCausalLM.from_pretrained("gpt2")
tokenizer = AutoTokenizer.from_pretrained("gpt2")
inference = InferenceModule(model=model, tokenizer=tokenizer)

env = SimpleTextEnvironment(
    inference=inference,
    prompts=["Explain AI:", "What is ML?"],
    max_steps=1
)

rollout_manager = RolloutManager(env, num_parallel=16)
backprop = BackpropModule(model=model, optimizer=torch.optim.Adam(model.parameters()))

class MyRewardComputer:
    def compute_rewards(self, trajectories, method="absolute"):
        return [len(t.response.split()) / 50.0 for t in trajectories]

algo = PPOAlgorithm(
    env=env,
    rollout_manager=rollout_manager,
    reward_computer=MyRewardComputer(),
    backprop=backprop,
    config=AlgorithmConfig(batch_size=32)
)

metrics = algo.train(num_iterations=100, progress_bar=True)
"""

INFERENCE = """
inference = InferenceModule("meta-llama/Llama-2-7b-hf", backend="vllm")

results = inference.generate(prompts, max_new_tokens=100)

logprobs = inference.get_logprobs(prompts, responses)

logits = inference.get_logits(prompts, responses)

responses, tool_calls = inference.batch_generate_with_tools(
    prompts,
    available_tools=['calculator', 'search']
)
"""

CUSTOM_ENVIRONMENT = """
from infinite_rl.agents import BaseEnvironment, State

class MyEnvironment(BaseEnvironment):
    def reset(self) -> State:
        return State(prompt="Your task...")

    def step(self, state: State) -> State:
        response = self.inference.generate([state.prompt])[0]
        state.response = response
        state.step_count += 1
        return state

    def is_terminal(self, state: State) -> bool:
        return state.step_count >= 10 or "DONE" in state.response

    def build_prompt(self, state: State) -> str:
        return state.prompt

    def update_state(self, state: State, response: str) -> State:
        state.response = response
        return state
"""

ROLLOUTS = """
from infinite_rl.agents import RolloutManager, RolloutConfig

config = RolloutConfig(
    num_parallel=32,
    maintain_parallel_count=False,
    verbose=True,
    enable_progress_bar=True
)

manager = RolloutManager(env, config)

trajectories = manager.collect_rollouts(
    min_trajectories=100,
    max_steps_per_rollout=50
)

stats = manager.get_statistics()
print(f"Avg length: {stats['avg_trajectory_length']}")
"""

REWARDS = """
from infinite_rl.agents import ParetoRewardComputer

reward_computer = ParetoRewardComputer(
    objective_functions=[accuracy_fn, efficiency_fn, safety_fn],
    objective_names=['accuracy', 'efficiency', 'safety']
)

rewards = reward_computer.compute_rewards(trajectories, method="pareto")
"""

BACKPROP = """
from infinite_rl.agents import BackpropModule, BackpropConfig

config = BackpropConfig(
    gamma=0.99,
    gae_lambda=0.95,
    ppo_clip_range=0.2,
    kl_coef=0.1,
    normalize_advantages=True
)

backprop = BackpropModule(
    model=model,
    ref_model=ref_model,
    optimizer=optimizer,
    config=config
)

advantages = backprop.compute_advantages(rewards, values)

loss = backprop.compute_ppo_loss(trajectories, advantages)

backprop.update(loss)

backprop.update_ref_model(method="ema")
"""

ALGORITHMS = """
from infinite_rl.agents import PPOAlgorithm, AlgorithmConfig

config = AlgorithmConfig(
    batch_size=32,
    ppo_epochs=4,
    learning_rate=1e-6,
    checkpoint_dir="./checkpoints",
    save_every=10,
    use_wandb=True,
    wandb_project="my-rl-project"
)

algo = PPOAlgorithm(
    env=env,
    rollout_manager=rollout_manager,
    reward_computer=reward_computer,
    backprop=backprop,
    config=config
)

metrics = algo.train(num_iterations=1000, progress_bar=True)

algo.save_checkpoint(iteration=1000, best=True)
"""

MONDAY = """
env = MyParetoEnv(inference)
reward_computer = ParetoRewardComputer(objectives=[acc, eff, safety])
algo = PPOAlgorithm(env, rollout_mgr, reward_computer, backprop)
"""

TUESDAY = """
env = SVRLEnvironment(inference, tools, budget=10.0)
reward_computer = SVRLRewardComputer()
algo = GRPOAlgorithm(env, rollout_mgr, reward_computer, backprop)
"""

WEDNESDAY = """
class CombinedEnv(MyParetoEnv, SVRLEnvironment):
    pass
"""

PREAMBLE = """
import copy
import torch
from infinite_rl.agents import *

model = AutoModelForCausalLM.from_pretrained("gpt2")
inference = InferenceModule(model, AutoTokenizer.from_pretrained("gpt2"))
env = SimpleTextEnvironment(inference, ["Explain AI:", "What is ML?"])
short = RolloutConfig(max_new_tokens=4)

class MyParetoEnv(BaseEnvironment):
    def reset(self):
        return State(prompt="Be right, brief and safe:")

def acc(trajectory):
    return float("a" in trajectory.response)

def eff(trajectory):
    return -float(len(trajectory.response))

def safety(trajectory):
    return float("!" not in trajectory.response)

tools = {"double": {"cost": 1.0, "fn": lambda number: 2 * int(number)}}
"""


@pytest.fixture
def model_folder(tiny, tokenizer, tmp_path):
    folder = tmp_path / "model"
    tiny(tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def run(model_folder, tmp_path, monkeypatch):
    """Runs code in a folder of its own, with the local model for the named ones and few iterations."""
    monkeypatch.chdir(tmp_path)

    def run(*codes, iterations=2):
        names = {}
        for code in ("from transformers import AutoModelForCausalLM, AutoTokenizer\n", *codes):
            assert "gpt2" not in str(model_folder)
            code = re.sub(r'"(gpt2|meta-llama/[\w-]+)"', repr(str(model_folder)), code)
            code = re.sub(r"num_iterations=\d+", f"num_iterations={iterations}", code)
            exec(compile(code, "snippet", "exec"), names)
        return names

    return run


def weights(model):
    return torch.cat([weight.detach().flatten().clone() for weight in model.parameters()])


def test_the_quick_start(run):
    names = run(QUICK_START)
    assert len(names["metrics"]) == 2
    assert all(row["updates"] >= 1 and row["skipped_steps"] == 0 for row in names["metrics"])
    fresh = run(PREAMBLE)["model"]
    assert not torch.equal(weights(names["model"]), weights(fresh))


@pytest.mark.slow
def test_the_quick_start_as_long_as_it_stands(run):
    metrics = run(QUICK_START, iterations=100)["metrics"]
    assert len(metrics) == 100
    first, last = (sum(row["reward"] for row in metrics[part]) for part in (slice(10), slice(-10, None)))
    assert last > first


def test_inference(run, monkeypatch, tiny, tokenizer):
    engine = Engine(tiny(tokenizer), tokenizer)
    monkeypatch.setitem(sys.modules, "vllm", stand_in(engine))
    preamble = 'from infinite_rl.agents import InferenceModule\nprompts, responses = ["1+1=", "ab"], ["2", "cd"]\n'
    names = run(preamble, INFERENCE)
    assert len(names["results"]) == 2
    assert names["logprobs"].shape == (2, 2)
    assert names["logits"].shape == (2, 2, len(tokenizer))
    assert len(names["responses"]) == len(names["tool_calls"]) == 2
    assert all(isinstance(calls, list) for calls in names["tool_calls"])


def test_a_custom_environment(run):
    names = run(
        PREAMBLE, CUSTOM_ENVIRONMENT, "env = MyEnvironment(inference)\n", "manager = RolloutManager(env, short)"
    )
    trajectories = names["manager"].collect_rollouts(3)
    assert all(1 <= row.state.step_count <= 10 for row in trajectories)
    # Each step asks the same prompt anew, so each is a sequence of its own.
    assert all(len(row.state["segments"]) == row.state.step_count for row in trajectories)


def test_rollouts(run, capsys):
    names = run(PREAMBLE, ROLLOUTS)
    assert len(names["trajectories"]) == 100
    lengths = [int(row.action_mask.sum()) for row in names["trajectories"]]
    assert f"Avg length: {sum(lengths) / 100}" in capsys.readouterr().out


def test_rewards(run):
    collect = "trajectories = RolloutManager(env, short).collect_rollouts(12)\n"
    rename = "accuracy_fn, efficiency_fn, safety_fn = acc, eff, safety\n"
    rewards = run(PREAMBLE, collect, rename, REWARDS)["rewards"]
    assert rewards.shape == (12,)
    assert rewards.max() == 1.0


@pytest.mark.parametrize("per_token", [True, False])
def test_backprop(run, per_token):
    preamble = f"""
trajectories = RolloutManager(env, short).collect_rollouts(6)
steps = int(max(row.action_mask.sum() for row in trajectories)) if {per_token} else 1
rewards, values = torch.rand(6, steps), torch.rand(6, steps + 1)
ref_model = copy.deepcopy(model)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
before = copy.deepcopy(model)
"""
    names = run(PREAMBLE, preamble, BACKPROP)
    assert {"total_loss", "policy_loss", "value_loss", "entropy_loss", "kl_loss", "ratio_mean", "ratio_std"} <= set(
        names["loss"]
    )
    old, new, reference = (weights(names[name]) for name in ("before", "model", "ref_model"))
    assert not torch.equal(old, new)
    torch.testing.assert_close(reference, 0.99 * old + 0.01 * new, atol=1e-6, rtol=0)


def test_algorithms(run, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    preamble = """
class Length(RewardComputer):
    def score_trajectory(self, trajectory):
        return float(len(trajectory.response))

rollout_manager = RolloutManager(env, short)
backprop = BackpropModule(model=model, optimizer=torch.optim.Adam(model.parameters(), lr=1e-6))
reward_computer = Length()
"""
    names = run(PREAMBLE, preamble, ALGORITHMS)
    assert len(names["metrics"]) == 2
    assert names["algo"].recipe.epochs == 4
    for folder in ("step-00001000", "best"):
        assert (tmp_path / "checkpoints" / folder / "config.json").is_file()
    assert list((tmp_path / "checkpoints" / "wandb").glob("offline-run-*"))


def train(names):
    return names["algo"].train(num_iterations=1, progress_bar=False)


# The snippets name the manager and the module before the environment that they belong to.
PARTS = """
rollout_mgr = RolloutManager(env, short)
backprop = BackpropModule(model, None, torch.optim.Adam(model.parameters(), lr=1e-4))
"""


def with_parts(code):
    """Puts the other parts behind the line that makes the environment."""
    first, rest = code.strip().split("\n", 1)
    return f"{first}\n{PARTS}\n{rest}"


def test_monday(run):
    assert train(run(PREAMBLE, with_parts(MONDAY)))[0]["updates"] >= 1


def test_tuesday(run):
    (metrics,) = train(run(PREAMBLE, with_parts(TUESDAY)))
    assert metrics["skipped_steps"] == 0


def test_wednesday(run):
    names = run(PREAMBLE, WEDNESDAY, "env = CombinedEnv(inference, verification_tools=tools, budget=4.0)\n")
    trajectories = names["RolloutManager"](names["env"], names["short"]).collect_rollouts(3)
    assert all(row.prompt == "Be right, brief and safe:" for row in trajectories)
    assert all(row.state.budget == 4.0 for row in trajectories)
