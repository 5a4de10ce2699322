"""A tiny model plays a vector environment of Gymnasium's, each step one batch of generated answers: seconds on a CPU.

python examples/evaluate_with_gymnasium.py [--num-envs 16] [--steps 4] [--split train]
"""

import argparse

import gymnasium
from needs import libraries
from tiny_policy import SUMS, answer, make_policy

import infinite_rl  # noqa: F401  (registers the environments)
from infinite_rl.datasets.task import SPLITS


def evaluate(num_envs: int, steps: int, split: str) -> list[float]:
    """The rewards of ``num_envs`` times ``steps`` episodes."""
    policy, rewards = make_policy(), []
    envs = gymnasium.make_vec(
        "InfiniteRL/Math-v0",
        num_envs=num_envs,
        autoreset_mode="SameStep",
        split=split,
        **SUMS,
    )
    observations, _ = envs.reset(seed=0)
    for _ in range(steps):
        answers = answer(policy, list(observations))
        if not rewards:
            print(*map("".join, zip(observations[:4], answers[:4], strict=True)), sep="\n")
        # Every episode ends with its first answer: with SAME_STEP the next observations are new tasks.
        observations, reward, terminated, _, _ = envs.step(answers)
        assert terminated.all()
        rewards += reward.tolist()
    envs.close()
    return rewards


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Evaluates a tiny model in a vector environment.")
    parser.add_argument("--num-envs", type=int, default=16)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--split", choices=SPLITS, default="train", help="train is what the model has seen")
    given = parser.parse_args()
    with libraries():
        rewards = evaluate(**vars(given))
    print(f"{len(rewards)} episodes, mean reward {sum(rewards) / len(rewards):.3f}")
