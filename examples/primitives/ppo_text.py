"""PPO on simple text generation: the policy learns to write words.

python examples/primitives/ppo_text.py                    a tiny model made on the spot
python examples/primitives/ppo_text.py --model NAME       any causal language model
"""

import argparse

import torch

from infinite_rl.agents import (
    AlgorithmConfig,
    BackpropModule,
    InferenceModule,
    PPOAlgorithm,
    RolloutConfig,
    RolloutManager,
    SimpleTextEnvironment,
    make_tiny,
)


class Letters:
    """Any class with this method computes rewards: here, the share of letters and spaces in the response."""

    def compute_rewards(self, trajectories, method="absolute"):
        """A number for each trajectory."""
        return [sum(c.isalpha() or c == " " for c in t.response) / max(len(t.response), 1) for t in trajectories]


def main() -> None:
    """Trains, and shows how the reward went."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model")
    parser.add_argument("--iterations", type=int, default=30)
    arguments = parser.parse_args()

    inference = InferenceModule(arguments.model) if arguments.model else InferenceModule(*make_tiny())
    env = SimpleTextEnvironment(inference, prompts=["Explain AI:", "What is ML?"], max_steps=1)
    manager = RolloutManager(env, RolloutConfig(num_parallel=64, max_new_tokens=16))
    rate = 1e-6 if arguments.model else 1e-3
    backprop = BackpropModule(inference.model, optimizer=torch.optim.Adam(inference.model.parameters(), lr=rate))
    algorithm = PPOAlgorithm(env, manager, Letters(), backprop, AlgorithmConfig(batch_size=64, ppo_epochs=2))

    metrics = algorithm.train(arguments.iterations)
    for iteration in range(0, len(metrics), 10):
        print(f"iteration {iteration}: reward {metrics[iteration]['reward']:.3f}")
    print(f"mean reward {metrics[0]['reward']:.3f} -> {metrics[-1]['reward']:.3f}")
    print(inference.generate(["Explain AI:"], max_new_tokens=16)[0])


if __name__ == "__main__":
    main()
