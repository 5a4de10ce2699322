"""GRPO on self-verification: answer a question, and decide what to spend on checking the answer.

The tiny model starts from nothing, so its quality is the share of digits in what it hands in: it learns the form of an
answer. Give a model that can already speak (--model NAME) and right answers count.
"""

import argparse

import torch

from infinite_rl.agents import (
    AlgorithmConfig,
    BackpropModule,
    GRPOAlgorithm,
    InferenceModule,
    RolloutConfig,
    RolloutManager,
    SVRLEnvironment,
    SVRLRewardComputer,
    make_tiny,
)


def check_sum(first: str, second: str, answer: str) -> str:
    """Says whether first + second is answer."""
    return str(int(first) + int(second) == int(answer))


def digits(trajectory) -> float:
    """The share of digits in the answer."""
    return sum(c.isdigit() for c in trajectory.response) / max(len(trajectory.response), 1)


def main() -> None:
    """Trains, and shows one episode."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model")
    parser.add_argument("--iterations", type=int, default=20)
    arguments = parser.parse_args()

    inference = InferenceModule(arguments.model) if arguments.model else InferenceModule(*make_tiny())
    env = SVRLEnvironment(
        inference,
        task_prompts=[{"prompt": f"What is {a}+{b}?", "answer": a + b} for a in range(10) for b in range(10)],
        verification_tools={"check_sum": {"cost": 2.0, "fn": check_sum}},
        budget=10.0,
        max_steps=3,
    )
    manager = RolloutManager(env, RolloutConfig(num_parallel=32, max_new_tokens=256 if arguments.model else 8))
    rewards = SVRLRewardComputer(
        task_evaluator=None if arguments.model else digits, verification_weight=0.1, efficiency_weight=0.05
    )
    rate = 1e-6 if arguments.model else 2e-3
    backprop = BackpropModule(inference.model, optimizer=torch.optim.Adam(inference.model.parameters(), lr=rate))
    algorithm = GRPOAlgorithm(env, manager, rewards, backprop, AlgorithmConfig(batch_size=32, group_size=8))

    metrics = algorithm.train(arguments.iterations)
    print(f"mean reward {metrics[0]['reward']:.3f} -> {metrics[-1]['reward']:.3f}")
    (trajectory,) = manager.collect_rollouts(1)
    print(
        f"{trajectory.prompt} {trajectory.response!r}, spent {trajectory.state.spent:g} of {trajectory.state.budget:g}"
    )


if __name__ == "__main__":
    main()
