"""A tiny model behind an OpenAI-compatible endpoint plays Math-v0: seconds on a CPU.

python examples/play_endpoint.py [--episodes 64] [--split train]

`infinite-rl play` is the same from the command line, for any environment and any endpoint.
"""

import argparse
import time

import gymnasium
from needs import libraries
from serve_tiny_policy import NAME, serving
from tiny_policy import SUMS, make_policy

import infinite_rl  # noqa: F401  (registers the environments)
from infinite_rl.datasets.task import SPLITS
from infinite_rl.envs.agent_loop import AgentLoop, summarize
from infinite_rl.runtimes.endpoint import ChatEndpoint


def play(episodes: int, split: str) -> dict:
    """What the run comes to."""
    env = gymnasium.make("InfiniteRL/Math-v0", split=split, **SUMS).unwrapped
    with serving(make_policy()) as url:
        loop = AgentLoop(env, ChatEndpoint(url, NAME), concurrency=8, temperature=0.0, max_tokens=6)
        started, played = time.monotonic(), []
        for episode in loop.play(episodes, seed=0):
            played.append(episode)
            if len(played) <= 5:
                asked, answered = (message["content"] for message in episode.messages[:2])
                print(f"{asked}{answered}  reward {episode.reward:g}")
    return summarize(played, time.monotonic() - started)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Evaluates a tiny model over an OpenAI-compatible endpoint.")
    parser.add_argument("--episodes", type=int, default=64)
    parser.add_argument("--split", choices=SPLITS, default="train", help="train is what the model has seen")
    arguments = parser.parse_args()
    with libraries():
        summary = play(arguments.episodes, arguments.split)
    print(f"{summary['counted']} of {summary['episodes']} episodes count; how they ended: {summary['by_status']}")
    print(f"mean reward {summary['mean_reward']:.3f} ± {summary['standard_error']:.3f}")
