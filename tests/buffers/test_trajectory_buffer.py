"""The trajectory buffer: what goes in comes out once, in order."""

import torch

from infinite_rl.agents.rollouts.trajectory import Trajectory, stack
from infinite_rl.buffers.trajectories import TrajectoryBuffer


def row(n, reward=0.0):
    return Trajectory(
        token_ids=torch.arange(n),
        action_mask=torch.ones(n, dtype=torch.bool),
        behaviour_logprob=torch.zeros(n),
        version=torch.zeros(n, dtype=torch.long),
        turn=torch.zeros(n, dtype=torch.long),
        reward=torch.tensor(reward),
        advantage=torch.full((n,), 0.5),
        group=torch.tensor(0),
        valid=torch.tensor(True),
        truncated=torch.tensor(False),
        state={"prompt": f"p{n}"},
        batch_size=[],
    )


def lengths(trajectories):
    return [len(t.token_ids) for t in trajectories]


def test_everything_comes_out_once_in_order():
    buffer = TrajectoryBuffer(5)
    buffer.extend(stack([row(3), row(1)]))
    buffer.extend(stack([row(7), row(2), row(4)]))
    found = buffer.drain()
    assert lengths(found) == [3, 1, 7, 2, 4]
    assert [t.state["prompt"] for t in found] == ["p3", "p1", "p7", "p2", "p4"]
    assert [t.advantage.tolist() for t in found] == [[0.5] * n for n in (3, 1, 7, 2, 4)]
    assert all(t.token_ids.tolist() == list(range(len(t.token_ids))) for t in found)
    assert isinstance(found[0], Trajectory)


def test_a_drained_buffer_is_empty_and_can_be_filled_again():
    buffer = TrajectoryBuffer(3)
    for n in (2, 5):
        buffer.extend(stack([row(n), row(n + 1)]))
        assert lengths(buffer.drain()) == [n, n + 1]
        assert len(buffer.buffer) == 0


def test_one_trajectory_is_a_batch_of_one():
    buffer = TrajectoryBuffer(1)
    buffer.extend(stack([row(4)]))
    assert lengths(buffer.drain()) == [4]


def test_draining_uses_no_random_numbers():
    buffer = TrajectoryBuffer(2)
    buffer.extend(stack([row(4), row(1)]))
    before = torch.get_rng_state()
    buffer.drain()
    assert torch.equal(torch.get_rng_state(), before)
