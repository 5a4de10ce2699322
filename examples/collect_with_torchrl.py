"""Collects episodes with TorchRL's collector into its replay buffer: seconds on a CPU.

python examples/collect_with_torchrl.py
"""

from torchrl.collectors import Collector
from torchrl.data import LazyStackStorage, ReplayBuffer
from torchrl.envs import GymEnv

import infinite_rl.envs.adapters.torchrl  # noqa: F401  (teaches TorchRL the text spaces)


def answer(tensordict):
    """A policy that reads the sum and is wrong about every second one."""
    first, second = map(int, tensordict["observation"].removeprefix("What is ").partition("?")[0].split("+"))
    return tensordict.set("action", f"<answer>{first + second + (first % 2)}</answer>")


def collect(frames: int) -> ReplayBuffer:
    """A replay buffer with so many steps."""
    buffer = ReplayBuffer(storage=LazyStackStorage(frames), batch_size=8)
    collector = Collector(
        lambda: GymEnv("InfiniteRL/Math-v0", operations=["add"]), answer, frames_per_batch=16, total_frames=frames
    )
    for batch in collector:
        buffer.extend(batch)
    collector.shutdown()
    return buffer


if __name__ == "__main__":
    collected = collect(64)
    batch = collected.sample()
    for observation, action, reward in zip(
        batch["observation"], batch["action"], batch["next", "reward"].flatten().tolist(), strict=True
    ):
        print(f"{observation.partition('?')[0]}? {action} -> {reward}")
