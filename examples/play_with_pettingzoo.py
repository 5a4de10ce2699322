"""A tiny model takes its turns in PettingZoo's loop over agents: seconds on a CPU.

python examples/play_with_pettingzoo.py [--episodes 32]
"""

import argparse

from needs import libraries
from tiny_policy import SUMS, answer, make_policy


def play(episodes: int) -> list[float]:
    """The reward of each episode."""
    from pettingzoo.utils import parallel_to_aec

    from infinite_rl.envs.adapters.pettingzoo import TextParallelEnv

    policy, rewards = make_policy(), []
    env = parallel_to_aec(TextParallelEnv("InfiniteRL/Math-v0", **SUMS))
    for episode in range(episodes):
        env.reset(seed=episode)
        for agent in env.agent_iter():
            observation, reward, terminated, truncated, _ = env.last()
            if terminated or truncated:
                rewards.append(float(reward))
                env.step(None)
                continue
            (action,) = answer(policy, [observation])
            if episode < 4:
                print(f"{agent}: {observation}{action}")
            env.step(action)
    return rewards


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A tiny model plays in PettingZoo.")
    parser.add_argument("--episodes", type=int, default=32)
    episodes = parser.parse_args().episodes
    with libraries():
        rewards = play(episodes)
    print(f"{len(rewards)} episodes, mean reward {sum(rewards) / len(rewards):.3f}")
