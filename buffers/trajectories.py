"""The trajectory buffer: what was collected and is still to be learnt from."""

from __future__ import annotations

from typing import Any

from torchrl.data import LazyStackStorage, ReplayBuffer
from torchrl.data.replay_buffers.samplers import SamplerWithoutReplacement


class TrajectoryBuffer:
    """A TorchRL replay buffer of ragged trajectories that is emptied as it is read.

    On-policy algorithms learn from each trajectory in the step that collected it, so nothing is ever replayed late.

    Args:
        capacity: the most trajectories of one step.
    """

    def __init__(self, capacity: int) -> None:
        self.buffer = ReplayBuffer(
            storage=LazyStackStorage(capacity), sampler=SamplerWithoutReplacement(shuffle=False), batch_size=capacity
        )

    def extend(self, trajectories: Any) -> None:
        """Adds a lazy stack of trajectories."""
        self.buffer.extend(trajectories)

    def drain(self) -> Any:
        """All trajectories in the order they came, as a lazy stack; the buffer is empty afterwards."""
        trajectories = self.buffer.sample(len(self.buffer))
        self.buffer.empty()
        return trajectories
