from fractions import Fraction
from itertools import combinations, product
from math import atan, comb, isnan, nan, pi, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinite_rl.agents.evaluation.statistics import (
    bootstrap,
    clustered_error,
    effective_trials,
    majority,
    mcnemar,
    paired_difference,
    pass_at_k,
    share_estimate,
    standard_error,
    wilson,
)
from infinite_rl.agents.evaluation.student import quantile, two_sided_tail
from infinite_rl.agents.evaluation.voting import VERDICTS, labels
from infinite_rl.rewards import verify


@given(st.integers(1, 8), st.data())
def test_pass_at_k_is_the_share_of_subsets_with_a_right_sample(n, data):
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    subsets = list(combinations([1] * c + [0] * (n - c), k))
    assert pass_at_k([n], [c], k)[0] == pytest.approx(sum(map(any, subsets)) / len(subsets), abs=1e-12)


def test_pass_at_k_is_the_published_formula_where_factorials_overflow():
    for n, c, k in ((200, 3, 100), (1000, 7, 64), (1000, 500, 1)):
        exact = 1 - Fraction(comb(n - c, k), comb(n, k))
        assert pass_at_k([n], [c], k)[0] == pytest.approx(float(exact), rel=1e-12)


def test_pass_at_k_is_unknown_for_tasks_with_fewer_samples():
    found = pass_at_k([4, 2, 3], [4, 2, 0], 3)
    assert found[0] == 1
    assert isnan(found[1])
    assert found[2] == 0
    with pytest.raises(ValueError, match="k must be at least 1"):
        pass_at_k([1], [1], 0)


def test_a_majority_is_right_or_wrong_and_ties_count_by_chance():
    assert majority([0, 0, 1], [True, True, False]) == 1
    assert majority([0, 1, 1], [True, False, False]) == 0
    assert majority([0, 1], [True, False]) == 0.5
    assert majority([0, 1, 2], [True, False, False]) == pytest.approx(1 / 3)
    assert majority([-1, -1, 0], [False, False, True]) == 1, "who has no answer has no vote"
    assert majority([-1, -1], [False, False]) == 0
    # Equal by our count, judged differently (by form, say): the mean.
    assert majority([0, 0], [True, False]) == 0.5


def test_the_expectation_of_a_tie_is_that_of_fair_draws():
    rng = np.random.default_rng(0)
    marks, passed = [0, 0, 1, 1, 2, 2, 3], [True, True, False, False, True, True, False]
    drawn = [passed[marks.index(rng.choice([0, 1, 2]))] for _ in range(4_000)]
    assert majority(marks, passed) == pytest.approx(np.mean(drawn), abs=0.03)


def test_equal_answers_vote_together_by_the_verifier_of_mathematics():
    assert labels(["1/2", "0.5", "\\frac{1}{2}", "3", None, "3.0"]) == [0, 0, 0, 1, -1, 1]
    program = "def f():\n    return 1"
    assert labels([program, program, program.upper()]) == [0, 0, 1], "programs are compared letter by letter"


def test_answers_that_differ_in_how_they_are_written_alone_take_no_verdict(monkeypatch):
    monkeypatch.setattr("infinite_rl.agents.evaluation.voting.VERDICTS", 0)
    assert labels(["x + 1", "$x+1$", "\\(x +1\\)", "x+2", "", " ", None]) == [0, 0, 0, 1, 2, 3, -1]
    assert labels(["1/2", "0.5"]) == [0, 1]


def test_verdicts_on_many_different_answers_are_bounded(monkeypatch):
    asked = []

    def counted(first, second):
        asked.append((first, second))
        return verify(first, second)

    monkeypatch.setattr("infinite_rl.agents.evaluation.voting.verify", counted)
    several = [f"\\frac{{{number}}}{{{number + 1}}}" for number in range(400)]
    whole = [str(number) for number in range(400)]
    assert labels(several + several) == [*range(400), *range(400)]
    assert len(asked) == VERDICTS
    asked.clear()
    assert labels(whole) == [*range(400)]
    assert not asked


def test_the_clustered_error_is_that_of_the_published_formula():
    values, clusters = np.array([1, 0, 1, 1, 0, 0, 1]), np.array([0, 0, 1, 1, 1, 2, 3])
    mean, size, groups = values.mean(), len(values), 4
    # Miller 2024: the sum over clusters of all products of deviations within one.
    total = sum(
        (values[i] - mean) * (values[j] - mean) for i, j in product(range(size), repeat=2) if clusters[i] == clusters[j]
    )
    assert clustered_error(values, clusters) == pytest.approx(sqrt(total * groups / (groups - 1)) / size)


def test_with_equal_samples_the_clustered_error_is_that_of_the_means_of_tasks():
    rng = np.random.default_rng(1)
    values = rng.random((20, 8)) < rng.random((20, 1))
    clustered = clustered_error(values.ravel(), np.repeat(np.arange(20), 8))
    assert clustered == pytest.approx(standard_error(values.mean(1)))
    assert isnan(clustered_error([1, 0], [0, 0]))


def test_the_clustered_error_is_that_of_statsmodels():
    api = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(2)
    clusters = rng.integers(0, 12, 100)
    values = (rng.random(100) < rng.random(12)[clusters]).astype(float)
    fit = api.OLS(values, np.ones((100, 1))).fit(cov_type="cluster", cov_kwds={"groups": clusters})
    assert clustered_error(values, clusters) == pytest.approx(fit.bse[0], rel=1e-9)


def test_wilson_s_interval_is_that_of_the_literature():
    # Newcombe 1998, table I, method 3.
    for passed, of, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611)):
        assert wilson(passed / of, of) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert wilson(1, 29) == (pytest.approx(1 - 0.1170, abs=5e-5), 1.0)
    assert wilson(0.5, 0) == (0.0, 1.0)


def test_wilson_s_interval_is_that_of_statsmodels():
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    for passed, of in ((0, 1), (3, 7), (50, 100), (99, 100)):
        assert wilson(passed / of, of) == pytest.approx(proportion.proportion_confint(passed, of, method="wilson"))


def test_samples_of_one_task_count_as_much_as_they_tell():
    one_each = [1, 0, 1, 1]
    assert effective_trials(one_each, 4) == pytest.approx(4)
    assert effective_trials(one_each, 32) == pytest.approx(4), "all samples of a task alike: as good as one"
    # One more task, all or nothing, would make the variance 0.25 / 4; Student's t of 3 degrees of freedom is 3.1824.
    assert effective_trials([0.5, 0.5, 0.5, 0.5], 32) == pytest.approx(16 * (1.95996 / 3.18245) ** 2, rel=1e-5)
    assert effective_trials([0.5, 0.5, 0.5, 0.5], 5) == 5, "never more than there are"
    assert effective_trials([0.5], 8) == 1
    rng = np.random.default_rng(6)
    many = rng.binomial(8, 0.3, 4_000) / 8
    assert effective_trials(many, 32_000) == pytest.approx(32_000, rel=0.06), "where tasks are alike, samples count"
    assert effective_trials([1, 1, 1], 24) == 3, "nothing is known of how samples differ"
    assert share_estimate(one_each, 4).low == wilson(0.75, 4)[0]


@pytest.mark.parametrize(
    ("tasks", "n", "mean", "least"),
    [(5, 1, 0.5, 0.91), (5, 8, 0.5, 0.95), (10, 4, 0.1, 0.95), (10, 8, 0.9, 0.90), (30, 8, 0.5, 0.94)],
)
def test_intervals_of_few_tasks_hold_the_truth(tasks, n, mean, least):
    rng = np.random.default_rng(3)
    values = rng.binomial(n, rng.beta(mean, 1 - mean, (1_000, tasks))) / n
    held = [one.low <= mean <= one.high for one in (share_estimate(row, n * tasks) for row in values)]
    assert np.mean(held) >= least


@pytest.mark.parametrize(("tasks", "least"), [(5, 0.93), (30, 0.93)])
def test_intervals_of_rewards_that_are_no_verdicts_hold_the_truth(tasks, least):
    rng = np.random.default_rng(3)
    chance = rng.beta(1, 1, (500, tasks, 1))
    values = rng.beta(4 * chance + 1e-3, 4 * (1 - chance) + 1e-3, (500, tasks, 4)).mean(2)
    held = [one.low <= 0.5 <= one.high for one in (share_estimate(row, 4 * tasks) for row in values)]
    assert np.mean(held) >= least


@pytest.mark.parametrize(("tasks", "least"), [(5, 0.93), (30, 0.93)])
def test_paired_differences_of_few_tasks_hold_the_truth(tasks, least):
    rng = np.random.default_rng(3)
    chance = rng.beta(1, 1, (1_000, tasks))
    a, b = (rng.binomial(8, share) / 8 for share in (0.2 + 0.8 * chance, 0.8 * chance))
    found = [paired_difference(*pair) for pair in zip(a, b, strict=True)]
    assert np.mean([one.low <= 0.2 <= one.high for one in found]) >= least


def test_tasks_that_are_all_alike_are_no_certainty():
    found = share_estimate(np.zeros(30), 240)
    assert (found.value, found.low, found.high) == (0, *wilson(0, 30))
    assert (share_estimate([0.5], 8).low, share_estimate([0.5], 8).high) == wilson(0.5, 1)
    assert isnan(share_estimate([], 0).value)


def test_student_s_quantiles_are_those_of_the_tables():
    # Fisher and Yates 1963, table III.
    for freedom, t90, t95, t99 in (
        (1, 6.314, 12.706, 63.657),
        (2, 2.920, 4.303, 9.925),
        (4, 2.132, 2.776, 4.604),
        (9, 1.833, 2.262, 3.250),
        (29, 1.699, 2.045, 2.756),
        (120, 1.658, 1.980, 2.617),
        (10**7, 1.645, 1.960, 2.576),
    ):
        assert [quantile(level, freedom) for level in (0.9, 0.95, 0.99)] == pytest.approx([t90, t95, t99], abs=5e-4)


def test_student_s_tail_is_the_closed_form_of_one_two_and_four_degrees_of_freedom():
    for t in (0, 1e-9, 1e-3, 0.5, 1, 2.5, 40, 1e5, -3):
        size = abs(t)
        root = sqrt(2 + t * t)
        assert two_sided_tail(t, 1) == pytest.approx(1 - 2 / pi * atan(size) if size < 2 else 2 / pi * atan(1 / size))
        assert two_sided_tail(t, 2) == pytest.approx(2 / (root * (root + size)))
        cosine = size / sqrt(4 + t * t)
        assert two_sided_tail(t, 4) == pytest.approx(1 - cosine * (3 - cosine**2) / 2, abs=1e-12)
    assert two_sided_tail(1e200, 3) == 0


def test_student_s_distribution_is_that_of_scipy():
    student = pytest.importorskip("scipy.stats").t
    for freedom in (1, 2, 3, 7, 10, 29, 99, 1e3, 1e6):
        for t in (1e-12, 1e-5, 0.01, 0.7, 1, 1.5, 2, 3, 10, 38, 1e6):
            assert two_sided_tail(t, freedom) == pytest.approx(2 * student.sf(t, freedom), rel=1e-8, abs=1e-300)
        for level in (0.5, 0.95, 0.999999):
            assert quantile(level, freedom) == pytest.approx(student.ppf(0.5 + level / 2, freedom), rel=1e-9)


def test_a_paired_difference_of_a_published_experiment_has_its_published_p():
    # Student 1908, The probable error of a mean: hours of sleep gained by two drugs, here days. t = 4.0621, 9 degrees
    # of freedom, p = 0.00283.
    first = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    second = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    found = paired_difference(np.divide(first, 24), np.divide(second, 24))
    assert 24 * found.value == pytest.approx(1.58)
    assert found.value / found.se == pytest.approx(4.0621, abs=1e-4)
    assert found.p == pytest.approx(0.002833, abs=1e-6)
    assert (24 * found.low, 24 * found.high) == pytest.approx((0.7001, 2.4599), abs=1e-4)


def test_a_bootstrap_is_the_same_each_time_and_agrees_with_the_error():
    values = np.random.default_rng(4).random((300, 2))
    low, high = bootstrap(values)
    again = bootstrap(values)
    assert (low == again[0]).all()
    assert (high == again[1]).all()
    assert (bootstrap(values, seed=1)[0] != low).all()
    error = values.std(0, ddof=1) / sqrt(300)
    assert (high - low) / (2 * 1.96) == pytest.approx(error, rel=0.08)
    assert low + high == pytest.approx(2 * values.mean(0), abs=0.01)
    assert bootstrap(values[:, 0])[0] == pytest.approx(low[0]), "scores are drawn together, and each as if alone"
    with pytest.raises(ValueError, match="two tasks"):
        bootstrap([0.5])


@pytest.mark.parametrize("tasks", [8, 40])
def test_a_bootstrap_is_expanded_to_student_s_interval_of_few_tasks(tasks):
    """Means of draws are nearly normal with (T - 1) / T of the variance, so that both are nearly equally wide."""
    values = np.random.default_rng(tasks).normal(size=tasks)
    low, high = bootstrap(values, rounds=100_000)
    student = quantile(0.95, tasks - 1) * standard_error(values)
    assert high - low == pytest.approx(2 * student, rel=0.12)


def test_a_bootstrap_of_many_tasks_is_scipy_s():
    stats = pytest.importorskip("scipy.stats")
    values = np.random.default_rng(0).random(2_000)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=9_999, method="percentile", rng=0).confidence_interval
    assert bootstrap(values, rounds=9_999) == pytest.approx(tuple(theirs), abs=4e-4)


def test_a_paired_difference_is_that_of_the_paired_test():
    rng = np.random.default_rng(5)
    hard = rng.random(200)
    a, b = ((rng.random(200) < hard + shift).astype(float) for shift in (0.1, 0.0))
    found = paired_difference(a, b)
    assert found.value == pytest.approx(a.mean() - b.mean())
    # Var(a - b) = Var a + Var b - 2 Cov(a, b).
    variance = a.var(ddof=1) + b.var(ddof=1) - 2 * np.cov(a, b)[0, 1]
    assert found.se == pytest.approx(sqrt(variance / 200))
    assert found.correlation == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert found.se < sqrt(a.var() / 200 + b.var() / 200), "pairing helps where tasks are hard for both"
    stats = pytest.importorskip("scipy.stats")
    theirs = stats.ttest_rel(a, b)
    assert (found.value / found.se, found.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)))


def test_a_difference_between_equals_is_none():
    found = paired_difference([1, 0, 1], [1, 0, 1])
    assert (found.value, found.se, found.p) == (0, 0, 1)
    assert -1 < found.low < 0 < found.high < 1
    assert paired_difference([], []).tasks == 0
    with pytest.raises(ValueError, match="pairs"):
        paired_difference([1], [1, 2])


@pytest.mark.parametrize("tasks", [1, 3, 30])
@pytest.mark.parametrize("gap", [0, 0.1, 1])
def test_equal_differences_everywhere_are_no_certainty(tasks, gap):
    found = paired_difference([gap] * tasks, [0] * tasks)
    back = paired_difference([0] * tasks, [gap] * tasks)
    least = 0.025 ** (1 / tasks)
    assert (found.low, found.high) == pytest.approx((least * gap - (1 - least), least * gap + 1 - least))
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))
    assert -1 <= found.low < gap <= found.high <= 1
    assert found.high > found.low
    assert found.p == back.p == (min(1, 2 * 0.5**tasks) if gap else 1)


def test_differences_that_rounding_alone_tells_apart_are_equal():
    assert 0.7 - 0.6 != 0.2 - 0.1
    found = paired_difference([0.7, 0.2], [0.6, 0.1])
    assert (found.low, found.p) == (pytest.approx(paired_difference([0.1] * 2, [0] * 2).low), 0.5)


@pytest.mark.parametrize("tasks", [1, 2, 5, 12, 100])
def test_the_interval_of_equal_differences_misses_the_true_one_rarely(tasks):
    low = paired_difference([1] * tasks, [0] * tasks).low
    # Of this share of all tasks A alone passes, of the others B alone.
    for share in np.linspace(0.01, 1, 100):
        assert low <= 2 * share - 1 or share**tasks <= 0.025
    assert (low > 0) == (paired_difference([1] * tasks, [0] * tasks).p < 0.05), "both say the same of equals"


@given(st.integers(0, 9), st.integers(0, 9))
def test_mcnemar_s_test_is_the_share_of_fair_splits_as_uneven(first, second):
    both = first + second
    splits = [sum(split) for split in product((0, 1), repeat=both)]
    uneven = [heads for heads in splits if abs(heads - both / 2) >= abs(first - both / 2)]
    assert mcnemar(first, second) == pytest.approx(len(uneven) / len(splits))


def test_mcnemar_s_test_does_not_overflow():
    assert mcnemar(5_000, 5_000) == pytest.approx(1)
    assert mcnemar(499, 500) == pytest.approx(mcnemar(500, 500), abs=0.05)
    assert mcnemar(520, 480) == pytest.approx(0.2173, abs=2e-3)
    assert 0 <= mcnemar(0, 20_000) < 1e-300
    stats = pytest.importorskip("scipy.stats")
    for first, second in ((600, 700), (1, 1_500), (4_900, 5_100)):
        assert mcnemar(first, second) == pytest.approx(stats.binomtest(first, first + second).pvalue, rel=1e-9)


def test_errors_of_one_task_are_unknown():
    assert isnan(standard_error([1.0]))
    assert np.isnan(share_estimate([], 0).value)
    assert nan != share_estimate([1.0], 1).se
