"""Trains a tiny model, made on the spot, with TRL's GRPO on Math-v0: half a minute on a CPU.

python examples/train_with_trl.py [steps]
"""

import sys
import tempfile

import torch
from trl import GRPOConfig, GRPOTrainer

from infinite_rl.agents.config import TinyConfig, WarmStartConfig
from infinite_rl.agents.models.tiny_model import make_model, make_tokenizer
from infinite_rl.agents.updates.warm_start import WarmStart, solved
from infinite_rl.datasets.arithmetic import BARE
from infinite_rl.datasets.procedural import distinct
from infinite_rl.envs.adapters.trl import TrlTask


def train(steps: int) -> list[float]:
    """The mean reward of each step."""
    torch.set_num_threads(1)
    # One-digit sums, asked as "3+4=".
    correctness = TrlTask("InfiniteRL/Math-v0", operations=["add"], digits=[1, 1], template=BARE)
    form = TrlTask(correctness.env, component="format")
    tokenizer = make_tokenizer()
    shape = TinyConfig(hidden_size=64, layers=2, heads=4, kv_heads=2, mlp_size=128, max_positions=64)
    model = make_model(tokenizer, shape, seed=0)
    # A model that knows nothing earns nothing: some solved sums first, until answers in form turn up now and then.
    # In its thirty steps GRPO then learns the form; right sums take some hundred.
    settings = WarmStartConfig(lr=2e-3, batch_size=64, target=0.2, check_every=10, max_steps=40)
    warm_start = WarmStart(model, solved(distinct(correctness.env.tasks, 40), tokenizer), settings, seed=0)
    for _ in range(settings.max_steps):
        warm_start.step()
    with tempfile.TemporaryDirectory() as folder:
        config = GRPOConfig(
            output_dir=folder,
            max_steps=steps,
            per_device_train_batch_size=64,
            num_generations=8,
            max_completion_length=5,
            learning_rate=1e-3,
            lr_scheduler_type="constant",
            beta=0.0,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            disable_tqdm=True,
        )
        trainer = GRPOTrainer(
            model,
            reward_funcs=[correctness, form],
            args=config,
            train_dataset=correctness.dataset(256),
            processing_class=tokenizer,
        )
        trainer.train()
    return [row["reward"] for row in trainer.state.log_history if "reward" in row]


if __name__ == "__main__":
    rewards = train(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
    print("Rewards are correctness and form, 2 at most.")
    for first in range(0, len(rewards), 5):
        block = rewards[first : first + 5]
        print(f"steps {first + 1} to {first + len(block)}: mean reward {sum(block) / len(block):.2f}")
