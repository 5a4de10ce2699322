"""The backprop module by hand: advantages, a loss, an update, and a reference that follows the policy.

python examples/backprop_usage.py [--updates N]
"""

import argparse
import copy

from needs import libraries


def main() -> None:
    """Makes some updates."""
    parser = argparse.ArgumentParser(description="Makes updates by hand, without an algorithm.")
    parser.add_argument("--updates", type=int, default=5)
    updates = parser.parse_args().updates
    with libraries():
        import torch

        from infinite_rl.agents import (
            BackpropConfig,
            BackpropModule,
            InferenceModule,
            RolloutConfig,
            RolloutManager,
            SimpleTextEnvironment,
            make_tiny,
        )

    inference = InferenceModule(*make_tiny())
    model = inference.model
    config = BackpropConfig(gamma=0.99, gae_lambda=0.95, ppo_clip_range=0.2, kl_coef=0.1, normalize_advantages=True)
    backprop = BackpropModule(model, copy.deepcopy(model), torch.optim.Adam(model.parameters(), lr=1e-3), config)
    manager = RolloutManager(SimpleTextEnvironment(inference, ["Say a:"]), RolloutConfig(max_new_tokens=8))

    for update in range(updates):
        trajectories = manager.collect_rollouts(32)
        rewards = torch.tensor([[float(t.response.count("a"))] for t in trajectories])
        advantages = backprop.compute_advantages(rewards)  # no critic: whitened returns
        loss = backprop.compute_ppo_loss(trajectories, advantages)
        step = backprop.update(loss)
        inference.load(model.state_dict(), version=update + 1)
        backprop.update_ref_model(method="ema")
        print(f"reward {rewards.mean():.3f}  loss {step['loss']:+.4f}  gradient {step['grad_norm']:.3f}")

    groups = backprop.compute_relative_advantages(rewards.flatten(), group_size=8)
    print(f"relative to their groups, advantages lie from {groups.min():.2f} to {groups.max():.2f}")


if __name__ == "__main__":
    main()
