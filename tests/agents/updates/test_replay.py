"""Replay: its loss by the closed form, its guards, and what it stores."""

import pytest
import torch

from infinite_rl.agents.config import AnchorsConfig, BufferConfig, ReplayConfig
from infinite_rl.agents.losses import LossConfig
from infinite_rl.agents.rollouts.columns import Columns
from infinite_rl.agents.rollouts.trajectory import stack
from infinite_rl.agents.updates.replay import Lesson, Replay, effective_sample, step_weights
from infinite_rl.buffers import TaskBuffer

DOMAINS = ["add"] * 3 + ["mul"] * 3
LOSS = LossConfig(kl_coef=0.1, entropy_coef=0.3)


def tasks(**arguments):
    return TaskBuffer(DOMAINS, **arguments)


def retired():
    """A curriculum in which add is practised no longer."""
    found = tasks(arrivals={"mul": 5}, retire=True)
    found.advance(5)
    return found


def replay(curriculum=None, *, groups=4, max_lag=8, anchors=None):
    how = None if groups is None else ReplayConfig("per", groups, 100, max_lag)
    kept = None if anchors is None else AnchorsConfig(anchors, 100, 0.5)
    config = BufferConfig("uniform", None, False, None, how, kept)
    return Replay(config, curriculum or tasks(), seed=0)


def batch(make_trajectory, rewards, *, domain="add", advantages=None, **arguments):
    """A group with these rewards; responses of one to three tokens."""
    rows = [
        make_trajectory([1, 2], [3 + k] * (k % 3 + 1), reward=reward, domain=domain, **arguments)
        for k, reward in enumerate(rewards)
    ]
    found = stack(rows)
    given = torch.tensor(rewards) - sum(rewards) / len(rewards) if advantages is None else torch.tensor(advantages)
    lengths = Columns(found).response_lengths
    Columns(found).set_sampled("advantage", given.float().repeat_interleave(lengths))
    return Columns(found)


def add(one, learnt, version, times=1):
    for _ in range(times):
        one.add(learnt, learnt, version)


def as_sampled(learnt):
    """A policy that has not changed."""
    return learnt.sampled("behaviour_logprob")


def test_groups_are_replayed_by_truncated_ratios_to_the_policy_that_sampled(make_trajectory):
    one = replay()
    add(one, batch(make_trajectory, [1.0, 0.0, 0.0]), version=0, times=4)
    (lesson,), metrics = one.lessons(1, LOSS, as_sampled)
    assert metrics == {"replayed": 4, "effective_sample": pytest.approx(1)}
    loss = lesson.loss
    assert (loss.policy_loss, loss.bounds(), loss.correction) == ("cispo", (0, 2), "none")
    assert (loss.kl_coef, loss.entropy_coef) == (LOSS.kl_coef, LOSS.entropy_coef)
    assert lesson.learnt.sampled("old_logprob") is None  # so that ratios are those to the behaviour policy
    assert len(lesson.learnt) == 12


def test_groups_without_advantages_are_not_stored(make_trajectory):
    one = replay()
    add(one, batch(make_trajectory, [1.0, 1.0, 1.0]), version=0)
    lessons, metrics = one.lessons(1, LOSS, as_sampled)
    assert lessons == []
    assert metrics["replayed"] == 0


def test_groups_of_policies_that_are_too_far_back_are_left(make_trajectory):
    one = replay(max_lag=8)
    add(one, batch(make_trajectory, [1.0, 0.0]), version=2)
    assert one.lessons(10, LOSS, as_sampled)[0]
    assert not one.lessons(11, LOSS, as_sampled)[0]


def test_a_batch_that_is_worth_too_little_is_left(make_trajectory):
    one = replay()
    add(one, batch(make_trajectory, [1.0, 0.0, 0.0, 0.0]), version=0)

    def drifted(learnt):
        found = learnt.sampled("behaviour_logprob").clone()
        found[::7] += 4.0
        return found

    lessons, metrics = one.lessons(1, LOSS, drifted)
    assert lessons == []
    assert metrics["replayed"] == 0
    assert 0 < metrics["effective_sample"] < 0.5


def test_the_effective_sample_by_the_formula():
    logprob, behaviour = torch.tensor([-1.0, -2.0, -3.0]), torch.tensor([-1.0, -1.0, -4.0])
    ratio = torch.exp(logprob - behaviour)
    assert effective_sample(logprob, behaviour) == pytest.approx(float(ratio.sum() ** 2 / (3 * (ratio**2).sum())))
    assert effective_sample(behaviour, behaviour) == 1


def test_anchors_are_the_successes_of_domains_that_are_practised_no_longer(make_trajectory):
    curriculum = tasks(arrivals={"mul": 5}, retire=True)
    one = replay(curriculum, groups=None, anchors=3)
    add(one, batch(make_trajectory, [1.0, 0.0, 1.0]), version=0, times=3)
    assert one.lessons(4, LOSS, as_sampled) == ([], {"anchored": 0})
    curriculum.advance(5)
    add(one, batch(make_trajectory, [1.0, 1.0], domain="mul"), version=5)
    (lesson,), metrics = one.lessons(6, LOSS, as_sampled)
    assert metrics == {"anchored": 3}
    assert lesson.coef == 0.5
    assert (lesson.loss.policy_loss, lesson.loss.kl_coef, lesson.loss.entropy_coef) == ("reinforce", 0, 0)
    assert {state["domain"] for state in lesson.learnt.states} == {"add"}
    assert (lesson.learnt.rewards == 1).all()
    assert (lesson.learnt.sampled("advantage") == 1).all()


def test_failures_alone_make_no_anchor(make_trajectory):
    one = replay(retired(), groups=None, anchors=3)
    add(one, batch(make_trajectory, [0.0, 0.0]), version=0)
    assert one.lessons(6, LOSS, as_sampled) == ([], {"anchored": 0})


def test_a_batch_whose_worth_is_not_known_is_left(make_trajectory):
    one = replay()
    add(one, batch(make_trajectory, [1.0, 0.0]), version=0)
    lessons, _ = one.lessons(1, LOSS, lambda learnt: torch.full_like(learnt.sampled("behaviour_logprob"), torch.nan))
    assert lessons == []


def test_the_few_groups_that_there_are_come_once(make_trajectory):
    """Copies of one group would make a large step of little; and ratios near 1 would not show it."""
    one = replay(groups=32)
    add(one, batch(make_trajectory, [1.0, 0.0]), version=0)
    (lesson,), metrics = one.lessons(1, LOSS, as_sampled)
    assert (metrics["replayed"], len(lesson.learnt)) == (1, 2)


def test_successes_are_anchors_where_the_step_taught_nothing(make_trajectory):
    """As with dynamic sampling, when all responses pass."""
    one = replay(retired(), groups=None, anchors=3)
    one.add(batch(make_trajectory, [1.0, 1.0]), None, 0)
    assert one.lessons(6, LOSS, as_sampled)[1] == {"anchored": 1}


def test_failures_of_ours_are_no_anchors(make_trajectory):
    one = replay(retired(), groups=None, anchors=3)
    one.add(batch(make_trajectory, [1.0, 1.0], valid=False), None, 0)
    assert one.lessons(6, LOSS, as_sampled)[1] == {"anchored": 0}


def test_replayed_groups_carry_the_sampler_s_weights(make_trajectory):
    one = replay(groups=2)
    add(one, batch(make_trajectory, [1.0, 0.0], task_index=0), version=0)
    add(one, batch(make_trajectory, [1.0, 0.0], advantages=[0.1, -0.1], task_index=1), version=0)
    found = {}
    for _ in range(20):
        (lesson,), _ = one.lessons(1, LOSS, as_sampled)
        for state, weight in zip(lesson.learnt.states, lesson.learnt.weights.tolist(), strict=True):
            found.setdefault(state["task_index"], set()).add(round(weight, 4))
    assert max(found[1]) == 1
    assert min(found[0]) == pytest.approx((0.501 / 0.101) ** (-0.6 * 0.4), abs=1e-3)


@pytest.mark.parametrize("aggregation", ["token_mean", "sequence_mean"])
def test_replayed_groups_are_averaged_with_the_step_s_own_and_anchors_alone(make_trajectory, aggregation):
    loss = LossConfig(aggregation=aggregation)
    own, stored, anchors = (batch(make_trajectory, [1.0] * count) for count in (3, 6, 2))
    stored.set_weights(torch.full((6,), 0.25))
    lessons = [Lesson(own, loss), Lesson(stored, loss), Lesson(anchors, loss, coef=0.5)]
    found = step_weights(lessons, [torch.arange(3), torch.arange(6), torch.tensor([1])])
    if aggregation == "token_mean":
        tokens = 6 + 12
        expected = [[1 / tokens] * 3, [0.25 / tokens] * 6, [0, 0.5 / 2]]
    else:
        lengths = torch.tensor([1.0, 2, 3, 1, 2, 3])
        expected = [1 / (9 * lengths[:3]), 0.25 / (9 * lengths), [0, 0.5 / 2]]
    for weights, by_hand in zip(found, expected, strict=True):
        torch.testing.assert_close(weights, torch.as_tensor(by_hand).double())


def test_a_restored_replay_gives_the_same_lessons(make_trajectory, tmp_path):
    def make():
        return replay(retired(), anchors=3)

    one, other = make(), make()
    for k in range(5):
        add(one, batch(make_trajectory, [1.0, 0.0, k / 5], task_index=k), version=k)
    one.lessons(3, LOSS, as_sampled)
    torch.save(one.state_dict(), tmp_path / "state.pt")
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for version in (5, 6):
        lessons = [part.lessons(version, LOSS, as_sampled)[0] for part in (one, other)]
        for first, second in zip(*lessons, strict=True):
            assert torch.equal(first.learnt.token_ids, second.learnt.token_ids)
            assert torch.equal(first.learnt.weights, second.learnt.weights)
            assert first.learnt.states == second.learnt.states
