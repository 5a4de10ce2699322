"""Several objectives at once, none weighed against another: trajectories that none dominates earn 1."""

import argparse

import torch

from infinite_rl.agents import (
    AlgorithmConfig,
    BackpropModule,
    GRPOAlgorithm,
    InferenceModule,
    ParetoRewardComputer,
    RolloutConfig,
    RolloutManager,
    SimpleTextEnvironment,
    make_tiny,
)


def vowels(trajectory) -> float:
    """The more the better."""
    return float(sum(c in "aeiou" for c in trajectory.response))


def brevity(trajectory) -> float:
    """The shorter the better."""
    return -float(len(trajectory.response))


def main() -> None:
    """Trains, and shows the fronts of some trajectories."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--iterations", type=int, default=20)
    arguments = parser.parse_args()

    inference = InferenceModule(*make_tiny())
    env = SimpleTextEnvironment(inference, prompts=["Say it:"])
    manager = RolloutManager(env, RolloutConfig(num_parallel=64, max_new_tokens=12))
    rewards = ParetoRewardComputer([vowels, brevity], ["vowels", "brevity"])
    backprop = BackpropModule(inference.model, optimizer=torch.optim.Adam(inference.model.parameters(), lr=1e-3))
    config = AlgorithmConfig(batch_size=64, group_size=16, reward_method="pareto")
    algorithm = GRPOAlgorithm(env, manager, rewards, backprop, config)

    algorithm.train(arguments.iterations)
    trajectories = manager.collect_rollouts(16)
    fronts = rewards.compute_rewards(trajectories, method="pareto")
    for trajectory, reward in sorted(zip(trajectories, fronts.tolist(), strict=True), key=lambda pair: -pair[1])[:5]:
        counts = f"{vowels(trajectory):2.0f} vowels, {-brevity(trajectory):2.0f} letters"
        print(f"{reward:.2f}  {counts}  {trajectory.response!r}")


if __name__ == "__main__":
    main()
