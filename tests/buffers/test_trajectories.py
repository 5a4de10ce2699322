"""The buffer of stored groups: which it keeps, which it draws, and how it goes on after a restore."""

import numpy as np
import pytest
import torch
from tensordict import TensorDict

from infinite_rl.buffers import TrajectoryBuffer
from infinite_rl.buffers.laws import REPLAY_PRESETS
from infinite_rl.buffers.mastery import Mastery


def known(domains=2):
    return Mastery(np.arange(domains), domains)


def group(number, domain=0):
    """A group of any shape."""
    tokens = torch.arange(number % 5 + 1)
    return TensorDict({"number": torch.tensor(number), "domain": torch.tensor(domain), "tokens": tokens}, [])


def filled(count, capacity=100, *, domains=2, priorities=None, version=0, **arguments):
    found = TrajectoryBuffer(capacity, known(domains), **arguments)
    groups = [group(k, k % domains) for k in range(count)]
    found.add(groups, torch.full((count,), 0.5) if priorities is None else priorities, version)
    return found


def numbers(buffer, count=200, version=0, domains=None):
    groups, weights = buffer.draw(count, version, domains)
    assert len(groups) == len(weights)
    return [int(one["number"]) for one in groups]


def test_groups_of_any_shape_come_back_as_they_were_stored():
    buffer = filled(10)
    for one in buffer.draw(40, 0)[0]:
        assert torch.equal(one["tokens"], torch.arange(int(one["number"]) % 5 + 1))
    assert len(buffer) == 10


def test_each_domain_keeps_its_latest_groups():
    buffer = TrajectoryBuffer(6, known(2))
    for k in range(40):
        buffer.add([group(k, int(k >= 5))], torch.tensor([0.5]), 0)
    assert set(numbers(buffer)) == {2, 3, 4, 37, 38, 39}
    assert len(buffer) == 6


@pytest.mark.parametrize("preset", REPLAY_PRESETS)
def test_every_preset_draws_what_is_there(preset):
    assert set(numbers(filled(10, preset=preset))) == set(range(10))


def test_groups_are_drawn_by_priority_and_weighed_by_how_often():
    buffer = filled(2, domains=1, priorities=torch.tensor([0.1, 0.9]), preset="per")
    drawn = [buffer.draw(2, 0) for _ in range(500)]
    counts = np.bincount([int(one["number"]) for found, _ in drawn for one in found])
    expected = (torch.tensor([0.1, 0.9]) + 1e-3) ** 0.6
    # Strata: one draw of each batch is from the half that holds both, so that four deviations are 45.
    assert counts == pytest.approx((1000 * expected / expected.sum()).numpy(), abs=45)
    both = [weights for found, weights in drawn if len({int(one["number"]) for one in found}) == 2]
    assert float(both[0].min()) == pytest.approx(float((expected[0] / expected[1]) ** 0.4))
    assert float(both[0].max()) == 1


def test_no_more_groups_are_drawn_than_there_are():
    assert len(numbers(filled(3, domains=1), 200)) == 3
    buffer = filled(10, domains=2)
    assert len(numbers(buffer, 200, domains=np.array([False, True]))) == 5


def test_anchors_of_domains_that_were_not_practised_for_long_are_drawn_more_however_many_there_are():
    mastery = known(3)
    mastery.step, mastery.last_seen[:], mastery.half_life[:] = 100, [100, 80, 0], 20
    buffer = TrajectoryBuffer(300, mastery, preset="anchors")
    groups = [group(k, 0 if k < 80 else 1 + k % 2) for k in range(120)]
    buffer.add(groups, torch.linspace(0, 1, 120), 0)
    counts = np.bincount([int(one["domain"]) for _ in range(50) for one in buffer.draw(100, 0)[0]])
    expected = 0.05 + 1 - 2 ** -np.array([0.0, 1.0, 5.0])
    assert counts == pytest.approx(5000 * expected / expected.sum(), abs=60)


def test_groups_that_are_too_old_are_not_drawn():
    buffer = TrajectoryBuffer(10, known(1), max_age=3)
    for version in range(6):
        buffer.add([group(version)], torch.tensor([0.5]), version)
    assert set(numbers(buffer, version=6)) == {3, 4, 5}
    assert set(numbers(buffer, version=8)) == {5}
    assert numbers(buffer, version=9) == []
    buffer.add([group(9)], torch.tensor([0.5]), 9)
    assert set(numbers(buffer, version=9)) == {9}


def test_only_groups_of_the_domains_asked_for_are_drawn():
    buffer = filled(10, domains=3)
    assert set(numbers(buffer, domains=np.array([False, True, False]))) == {1, 4, 7}
    assert set(numbers(buffer)) == set(range(10))
    assert numbers(buffer, domains=np.zeros(3, dtype=bool)) == []
    assert numbers(filled(1, domains=3), domains=np.array([False, True, False])) == []


def test_an_empty_buffer_gives_nothing():
    assert numbers(TrajectoryBuffer(4, known())) == []


@pytest.mark.parametrize("preset", REPLAY_PRESETS)
def test_a_restored_buffer_draws_and_keeps_what_the_saved_one_would_have(preset, tmp_path):
    buffer = filled(12, 8, preset=preset, max_age=5)
    numbers(buffer, 3)
    torch.save(buffer.state_dict(), tmp_path / "state.pt")
    other = TrajectoryBuffer(8, known(), preset=preset, max_age=5)
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for version in range(1, 9):
        for one in (buffer, other):
            one.add([group(20 + version, version % 2)], torch.tensor([version / 10]), version)
        assert numbers(other, 9, version) == numbers(buffer, 9, version)


def test_a_saved_state_does_not_change_with_the_buffer():
    buffer = filled(8, 8)
    state = buffer.state_dict()
    buffer.add([group(50)], torch.tensor([0.5]), 0)
    other = TrajectoryBuffer(8, known())
    other.load_state_dict(state)
    assert set(numbers(other)) == set(range(8))


def test_a_domain_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match=r"outside 0\.\.1"):
        filled(4).add([group(1, 2)], torch.tensor([0.5]), 0)


def test_every_domain_needs_room():
    with pytest.raises(ValueError, match="room for 2 groups, but there are 3 domains"):
        TrajectoryBuffer(2, known(3))
