"""Which groups a step takes, and how fast steps can come."""

from itertools import repeat

import numpy as np
import pytest

from infinite_rl.agents.rollouts.simulator import log_normal, simulate
from infinite_rl.agents.rollouts.window import choose, room


def test_the_oldest_finished_groups_are_taken():
    assert choose([4, 4, 5, 5], [True] * 4, wanted=2, version=3, quota=2) == [0, 1]


def test_a_straggler_is_passed_over_while_there_is_time():
    assert choose([4, 4, 5, 5], [False, True, True, True], wanted=2, version=3, quota=2) == [1, 2]


def test_a_straggler_at_its_deadline_is_waited_for():
    assert choose([3, 4, 5, 5], [False, True, True, True], wanted=2, version=3, quota=2) is None
    assert choose([3, 4, 5, 5], [True, False, False, True], wanted=2, version=3, quota=2) == [0, 3]


def test_no_more_groups_are_left_than_later_steps_can_take_in_time():
    """Three that the next step alone may learn from, which takes two: one of them has to be taken now."""
    assert choose([4, 4, 4, 9], [False, False, False, True], wanted=1, version=3, quota=2) is None
    assert choose([4, 4, 4, 9], [True, False, False, True], wanted=1, version=3, quota=2) == [0]


@pytest.mark.parametrize("wanted", [1, 2, 3])
def test_too_few_finished_groups_are_waited_for(wanted):
    assert choose([9] * 3, [True] * (wanted - 1) + [False] * 2, wanted=wanted, version=0, quota=1) is None


@pytest.mark.parametrize("quota", [1, 2, 3, 8])
@pytest.mark.parametrize("staleness", [0, 1, 2, 3, 5])
def test_no_group_is_ever_too_old_nor_left_for_good(staleness, quota):
    """Whoever finishes when: each step gets its groups once all have finished, none after its deadline."""
    random = np.random.default_rng(staleness * 10 + quota)
    pending: list[tuple[int, int]] = []  # number and version
    begun, taken, steps = 0, [], 60
    for version in range(steps):
        wanted = int(random.integers(1, 2 * quota)) if random.random() < 0.3 else quota  # dynamic sampling takes more
        for part in (quota, max(0, wanted - quota)):
            if not part:
                continue
            new = room(staleness=staleness, quota=quota, wanted=part, steps_left=steps - version - 1) - len(pending)
            pending += [(begun + k, version) for k in range(new)]
            begun += max(0, new)
            done = [bool(random.random() < 0.5) for _ in pending]
            while (
                places := choose([v + staleness for _, v in pending], done, wanted=part, version=version, quota=quota)
            ) is None:
                waiting = [place for place, finished in enumerate(done) if not finished]
                assert waiting, "all have finished, and a step still waits"
                done[int(random.choice(waiting))] = True
            assert len(places) == part
            assert all(version - pending[place][1] <= staleness for place in places)
            taken += [pending[place][0] for place in places]
            pending = [group for place, group in enumerate(pending) if place not in places]
    assert not pending, "nothing is begun that no step learns from"
    assert sorted(taken) == [*range(begun)]


def test_synchronous_steps_take_the_slowest_group_and_the_update():
    found = simulate([1.0, 3.0, 2.0, 5.0], steps=2, train_seconds=0.5, quota=2, staleness=0)
    assert found.seconds == 3.0 + 0.5 + 5.0 + 0.5
    assert (found.waited, found.staleness) == (8.0, 0.0)


def test_equal_latencies_within_the_bound_are_hidden():
    """Groups as long as an update, begun a step ahead: after the first ones the trainer never waits."""
    found = simulate(repeat(1.0), steps=10, train_seconds=1.0, quota=4, staleness=2)
    assert found.seconds == 1.0 + 10 * 1.0
    assert found.staleness == pytest.approx(0.9)


def test_workers_bound_the_rate():
    found = simulate(repeat(1.0), steps=50, train_seconds=0.1, quota=4, staleness=2, workers=2)
    assert found.seconds == pytest.approx(50 * 4 / 2, rel=0.05)


def test_one_straggler_stalls_no_step():
    """One group takes six times as long as the others: with the window the run takes not a moment longer."""
    latencies = [1.0] * 4 * 12
    latencies[6] = 4.9
    usual, late = (
        simulate(some, steps=12, train_seconds=1.0, quota=4, staleness=8) for some in (repeat(1.0), latencies)
    )
    assert late.seconds == usual.seconds
    synchronous = simulate(latencies, steps=12, train_seconds=1.0, quota=4, staleness=0)
    assert synchronous.seconds == pytest.approx(12 * 2.0 + 3.9)


def test_half_the_bound_is_run_ahead_and_hides_most_of_the_waiting():
    """Beside a full one it costs few percent of the speed."""

    def rate(staleness):
        found = simulate(log_normal(2, 1, seed=0), steps=300, train_seconds=1, quota=8, staleness=staleness)
        return 300 / found.seconds, found.staleness

    (none, _), (two, age) = rate(0), rate(2)
    assert two > 2 * none
    assert age == pytest.approx(1.0, abs=0.05)


def test_latencies_have_the_mean_and_the_variation_that_were_asked_for():
    some = log_normal(2.0, 1.0, seed=0)
    found = np.array([next(some) for _ in range(100_000)])
    assert found.mean() == pytest.approx(2.0, rel=0.02)
    assert found.std() / found.mean() == pytest.approx(1.0, rel=0.05)
