"""TorchRL's collector fills its replay buffer with what a tiny model says: seconds on a CPU.

python examples/collect_with_torchrl.py [--frames 64]
"""

import argparse
from typing import Any

from needs import libraries
from tiny_policy import SUMS, answer, make_policy


def collect(frames: int) -> Any:
    """A replay buffer with so many steps."""
    from torchrl.collectors import Collector
    from torchrl.data import LazyStackStorage, ReplayBuffer
    from torchrl.envs import GymEnv

    import infinite_rl.envs.adapters.torchrl  # noqa: F401  (teaches TorchRL the text spaces)

    policy = make_policy()

    def act(tensordict):
        (said,) = answer(policy, [tensordict["observation"]])
        return tensordict.set("action", said)

    buffer = ReplayBuffer(storage=LazyStackStorage(frames), batch_size=8)
    collector = Collector(lambda: GymEnv("InfiniteRL/Math-v0", **SUMS), act, frames_per_batch=16, total_frames=frames)
    for batch in collector:
        buffer.extend(batch)
    collector.shutdown()
    return buffer


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="TorchRL collects what a tiny model says.")
    parser.add_argument("--frames", type=int, default=64, help="a multiple of 16 (default: 64)")
    frames = parser.parse_args().frames
    with libraries():
        buffer = collect(frames)
    batch = buffer.sample()
    for observation, action, reward in zip(
        batch["observation"], batch["action"], batch["next", "reward"].flatten().tolist(), strict=True
    ):
        print(f"{observation}{action} -> {reward:g}")
    print(f"{len(buffer)} steps, mean reward {buffer[:]['next', 'reward'].mean():.3f}")
