"""Learners without a model: they do what their families are made for, and tell laws apart."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from infinite_rl.buffers.retention import paired_bootstrap
from infinite_rl.buffers.simulators import FAMILIES, GradientLearner, MemoryLearner, VarianceLearner, practise
from infinite_rl.datasets.stub import PASS_RATES


@pytest.fixture(scope="module")
def benchmark():
    path = Path(__file__).parents[2] / "benchmarks" / "curriculum.py"
    spec = importlib.util.spec_from_file_location("curriculum_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def practised(learner, domains, steps, batch=32, weight=1.0):
    """Practises the tasks of some domains in turn; the held-out pass rates after it."""
    turn = np.arange(batch)
    for step in range(steps):
        place = step * batch + turn
        chosen = np.array(domains)[place % len(domains)]
        learner.answer(chosen, place // len(domains) % learner.items, 8, np.full(batch, weight))
    return learner.held_out()


# Learners


@pytest.mark.parametrize("family", FAMILIES)
def test_a_learner_is_that_of_its_seed(family):
    make = FAMILIES[family]
    first, second, other = (practised(make(seed), range(8), 10) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("family", FAMILIES)
def test_counts_of_passes_and_pass_rates_are_what_they_say(family):
    learner = FAMILIES[family](0)
    passed = learner.answer(np.arange(32) % 8, np.arange(32), 8, np.ones(32))
    assert passed.shape == (32,)
    assert passed.dtype == np.int64
    assert passed.min() >= 0
    assert passed.max() <= 8
    assert learner.held_out().shape == (8,)
    assert ((learner.held_out() >= 0) & (learner.held_out() <= 1)).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_learner_improves_by_practice(family):
    for seed in range(3):
        learner = FAMILIES[family](seed)
        before = learner.held_out().mean()
        assert practised(learner, range(8), 150).mean() > before + 0.05


@pytest.mark.parametrize("family", FAMILIES)
def test_a_learner_answers_as_often_right_as_it_is_examined(family):
    learner = FAMILIES[family](1, 4, 200)
    kept = [k for k in range(4) if k != getattr(learner, "coin", None)]
    expected = learner.held_out()[kept].mean()
    domains, items = np.array(kept).repeat(200), np.tile(np.arange(200), len(kept))
    assert learner.answer(domains, items, 8, np.zeros(len(items))).mean() / 8 == pytest.approx(expected, abs=0.06)


def test_abilities_fade_without_practice_and_gain_most_at_pass_rates_of_a_half():
    learner = VarianceLearner(0)
    first = learner.held_out()
    best = int(practised(learner, range(8), 200).argmax())
    learnt = learner.held_out()
    hopeless = int(first.argmin())
    faded = practised(learner, [hopeless], 300)
    assert learnt[best] > first[best] + 0.2
    assert first[best] - 0.1 < faded[best] < learnt[best] - 0.1
    assert faded[hopeless] < 0.05


def test_memory_is_lost_without_practice_and_lasts_longer_after_practice_at_intervals():
    def left(seed, *blocks):
        """The part that is left, after 60 steps without it, of what was learnt of domain 0 in such blocks."""
        learner = MemoryLearner(seed, 2)
        learner.coin = -1
        for steps, pause in blocks:
            practised(learner, [0], steps)
            practised(learner, [1], pause)
        learnt = learner.held_out()[0]
        return practised(learner, [1], 60)[0] / learnt

    massed = np.array([left(seed, (120, 0)) for seed in range(4)])
    spaced = np.array([left(seed, *[(12, 20)] * 10) for seed in range(4)])
    assert massed.max() < 0.95
    assert (spaced > massed + 0.02).all()


def test_half_of_the_answers_pass_where_a_coin_decides_and_nothing_is_learnt_from_them():
    learner = MemoryLearner(0)
    first = learner.held_out()[learner.coin]
    turn = np.arange(64)
    passed = [learner.answer(np.full(64, learner.coin), turn, 8, np.ones(64)).mean() / 8 for _ in range(50)]
    assert np.mean(passed) == pytest.approx(0.5, abs=0.02)
    assert learner.held_out()[learner.coin] <= first


def test_policies_that_share_weights_forget_what_others_overwrite():
    lost = []
    for seed in range(4):
        learner = GradientLearner(seed)
        learnt = practised(learner, [0, 1], 150)[:2].mean()
        lost.append(learnt - practised(learner, [5, 6, 7], 300)[:2].mean())
    assert np.mean(lost) > 0.03


def test_groups_without_weight_in_the_loss_teach_a_policy_nothing():
    learner, still = GradientLearner(0), GradientLearner(0)
    first = still.held_out()
    np.testing.assert_allclose(practised(still, range(8), 20, weight=0.0), first, atol=1e-3)
    assert np.abs(practised(learner, range(8), 20) - first).max() > 0.02


def test_groups_that_all_pass_or_all_fail_teach_a_policy_nothing():
    learner = GradientLearner(0)
    before, decay = learner._weights.copy(), 1 - learner.setting.decay
    learner.answer(np.array([0]), np.array([0]), 1, np.ones(1))
    np.testing.assert_allclose(learner._weights, before * decay, atol=1e-12)


# Practice


def test_domains_come_in_by_equal_stages_and_are_measured_from_the_start():
    found = practise(VarianceLearner(0), "uniform", steps=40, every=10)
    assert found.arrival == [0, 0, 10, 10, 20, 20, 30, 30]
    assert found.begins == [0, 10, 20, 30]
    assert found.steps == [0, 10, 20, 30, 40]
    assert found.curves.shape == (5, 8)
    # In each stage all that have come in get as much: 1/2 + 1/4 + 1/6 + 1/8 of a quarter, and so on.
    shares = [(1 / 2 + 1 / 4 + 1 / 6 + 1 / 8) / 4, (1 / 4 + 1 / 6 + 1 / 8) / 4, (1 / 6 + 1 / 8) / 4, 1 / 8 / 4]
    np.testing.assert_allclose(found.shares, np.repeat(shares, 2), atol=0.02)


def test_the_same_law_with_the_same_seed_does_the_same():
    first, second = (practise(MemoryLearner(1), "rubric", seed=2, steps=20) for _ in range(2))
    np.testing.assert_array_equal(first.curves, second.curves)
    assert first.summary() == second.summary()
    assert paired_bootstrap([first.summary()["AURC"] - second.summary()["AURC"]]) == (0, 0, 0)


def test_an_easy_learner_s_groups_are_decided():
    class Perfect(VarianceLearner):
        def answer(self, domains, items, group_size, weights):
            return np.full(len(domains), group_size)

    assert practise(Perfect(0), "uniform", steps=5).summary()["decided"] == 1


@pytest.mark.parametrize("family", "AB")
def test_the_rubric_beats_uniform_draws(family):
    gains = []
    for seed in range(3):
        rubric, uniform = (
            practise(FAMILIES[family](seed), preset, seed=seed, steps=100, every=10).summary()["AURC"]
            for preset in ("rubric", "uniform")
        )
        gains.append(rubric / uniform - 1)
    assert np.mean(gains) > 0.05


# Stub-v0


def test_shares_of_domains_that_an_environment_judges_follow_their_weakness(benchmark):
    shares = benchmark.shares_of_stub("seed_acc_ema", steps=40)
    by_weakness = sorted(PASS_RATES, key=PASS_RATES.get)
    assert sorted(shares, key=shares.get, reverse=True) == by_weakness


def test_the_environment_passes_the_stub_policy_at_the_rates_of_its_domains(benchmark):
    policy = benchmark.StubPolicy(batch=16, group_size=32)
    for k, name in enumerate(policy.names):
        passed = policy.answer(np.full(16, k), np.arange(16), 32, np.ones(16))
        assert passed.mean() / 32 == pytest.approx(PASS_RATES[name], abs=0.07)


def test_the_benchmark_compares_each_seed_with_itself(benchmark):
    values = np.arange(12.0).reshape(2, 6) + 1
    assert benchmark.row(values, values)["AURC vs uniform, %"] == [0, 0, 0]
    better = values * np.array([1.1, 1, 1, 1, 1, 1])
    assert benchmark.row(better, values)["AURC vs uniform, %"] == [10, 10, 10]
