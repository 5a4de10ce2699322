"""Trains a tiny model, made on the spot, with TRL's GRPO on Math-v0: half a minute on a CPU.

python examples/train_with_trl.py [--steps 30] [--group-size 8] [--seed 0]
python examples/train_with_trl.py --env InfiniteRL/Math-v0 --arguments '{"level": 2}' --max-tokens 8
"""

import argparse
import tempfile

import gymnasium
from needs import libraries
from tiny_policy import SUMS, make_policy

from infinite_rl.envs.adapters.rows import make_text_env
from infinite_rl.envs.adapters.trl import TrlTask
from infinite_rl.envs.arguments import json_object
from infinite_rl.envs.text_env import TextEnv


def train(env: TextEnv, *, steps: int, group_size: int, max_tokens: int, seed: int) -> list[float]:
    """The mean reward of each step: correctness and form, 2 at most."""
    from trl import GRPOConfig, GRPOTrainer  # isort: skip
    from transformers import PrinterCallback

    task = TrlTask(env)
    # A model that knows nothing earns nothing: some solved tasks first, until answers in form turn up now and then.
    # In its thirty steps GRPO then learns the form; right sums take some hundred.
    policy = make_policy(env.tasks, steps=40, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        config = GRPOConfig(
            output_dir=folder,
            max_steps=steps,
            per_device_train_batch_size=8 * group_size,
            num_generations=group_size,
            max_completion_length=max_tokens,
            learning_rate=1e-3,
            lr_scheduler_type="constant",
            beta=0.0,
            seed=seed,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            disable_tqdm=True,
        )
        trainer = GRPOTrainer(
            policy.model,
            reward_funcs=[task, TrlTask(env, component="format")],
            args=config,
            train_dataset=task.dataset(256),
            processing_class=policy.tokenizer,
        )
        trainer.remove_callback(PrinterCallback)  # the curve is printed at the end
        trainer.train()
    return [row["reward"] for row in trainer.state.log_history if "reward" in row]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Trains a tiny model with TRL's GRPO.")
    parser.add_argument("--env", default="InfiniteRL/Math-v0", help="an environment with endless tasks and one turn")
    parser.add_argument("--arguments", type=json_object, help="its arguments, as JSON; one-digit sums if not given")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--group-size", type=int, default=8, help="responses to each task")
    parser.add_argument("--max-tokens", type=int, default=5, help="of a response; characters, for this model")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    standard = SUMS if given.env == "InfiniteRL/Math-v0" else {}
    try:
        env = make_text_env(given.env, **(standard if given.arguments is None else given.arguments))
    except (gymnasium.error.Error, TypeError, ValueError) as error:
        raise SystemExit(f"train_with_trl.py: {error}") from None
    if type(env).respond is not TextEnv.respond:
        raise SystemExit(f"train_with_trl.py: {given.env} has several turns, and TRL's reward functions see one")
    with libraries():
        rewards = train(
            env, steps=given.steps, group_size=given.group_size, max_tokens=given.max_tokens, seed=given.seed
        )
    print("Rewards are correctness and form, 2 at most.")
    for first in range(0, len(rewards), 5):
        block = rewards[first : first + 5]
        print(f"steps {first + 1} to {first + len(block)}: mean reward {sum(block) / len(block):.2f}")
