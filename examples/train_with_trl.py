"""Trains a tiny model, made on the spot, with TRL's GRPO on Math-v0: about half a minute on a CPU.

    python examples/train_with_trl.py [steps]
"""

import sys
import tempfile

from trl import GRPOConfig, GRPOTrainer

from infinite_rl.agents.config import TinyConfig
from infinite_rl.agents.tiny_model import make_model, make_tokenizer
from infinite_rl.datasets.arithmetic import BARE
from infinite_rl.envs.adapters.trl import TrlTask


def train(steps: int) -> list[float]:
    """The mean reward of each step."""
    tokenizer = make_tokenizer()
    shape = TinyConfig(hidden_size=32, layers=2, heads=2, kv_heads=1, mlp_size=64, max_positions=256)
    # BARE asks "3+4=". The form of an answer is a reward of its own: it comes first, and the sum after it.
    task = TrlTask("InfiniteRL/Math-v0", template=BARE)
    form = TrlTask(task.env, component="format")
    with tempfile.TemporaryDirectory() as folder:
        config = GRPOConfig(
            output_dir=folder,
            max_steps=steps,
            per_device_train_batch_size=64,
            num_generations=16,
            max_completion_length=4,
            learning_rate=5e-3,
            beta=0.0,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            disable_tqdm=True,
        )
        trainer = GRPOTrainer(
            make_model(tokenizer, shape, seed=0),
            reward_funcs=[task, form],
            args=config,
            train_dataset=task.dataset(256),
            processing_class=tokenizer,
        )
        trainer.train()
    return [row["reward"] for row in trainer.state.log_history if "reward" in row]


if __name__ == "__main__":
    rewards = train(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
    for first in range(0, len(rewards), 5):
        block = rewards[first : first + 5]
        print(f"steps {first + 1} to {first + len(block)}: mean reward {sum(block) / len(block):.3f}")
