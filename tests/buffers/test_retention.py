"""What a run learnt and kept: each figure against what its definition gives by hand."""

import math

import numpy as np
import pytest

from infinite_rl.buffers import retention

NAN = float("nan")
STEPS = [0, 10, 20, 30, 40]
ARRIVAL, BEGINS = [0, 0, 20, 30], [0, 20, 30]
CURVES = np.array(
    [
        [0.2, 0.1, 0.1, 0.0],
        [0.4, 0.3, 0.2, 0.1],
        [0.8, 0.5, 0.3, 0.2],
        [0.7, 0.6, 0.7, 0.1],
        [0.6, 0.7, 0.5, 0.9],
    ]
)


def without(*places):
    """The curves with measurements that could not be made."""
    found = CURVES.copy()
    for place in places:
        found[place] = NAN
    return found


def test_acc_is_the_mean_at_the_end_and_worst_the_least():
    assert retention.accuracy(CURVES, STEPS, ARRIVAL) == pytest.approx((0.6 + 0.7 + 0.5 + 0.9) / 4)
    assert retention.worst(CURVES, STEPS, ARRIVAL) == 0.5


def test_aurc_is_the_mean_over_domains_of_the_mean_from_arrival_on():
    by_domain = [2.7 / 5, 2.2 / 5, (0.3 + 0.7 + 0.5) / 3, (0.1 + 0.9) / 2]
    assert retention.area(CURVES, STEPS, ARRIVAL) == pytest.approx(np.mean(by_domain))


def test_bwt_compares_the_end_with_the_end_of_the_stage_and_leaves_out_the_last_one():
    gains = [0.6 - 0.8, 0.7 - 0.5, 0.5 - 0.7]
    assert retention.backward_transfer(CURVES, STEPS, ARRIVAL, BEGINS) == pytest.approx(np.mean(gains))


def test_fwt_compares_the_arrival_with_the_first_measurement_and_leaves_out_the_first_stage():
    gains = [0.3 - 0.1, 0.1 - 0.0]
    assert retention.forward_transfer(CURVES, STEPS, ARRIVAL) == pytest.approx(np.mean(gains))


def test_what_was_learnt_has_decayed_when_more_than_a_tenth_of_it_is_gone():
    # Of .8 at step 20, .7 is left at step 30; of .7 at step 30, .5 at step 40.
    assert retention.times_to_decay(CURVES, STEPS, ARRIVAL, BEGINS) == [10, None, 10, None]
    just = np.array([[0.8], [0.8], [0.72], [0.72], [0.71]])
    assert retention.times_to_decay(just, STEPS, [0], [0, 10]) == [30]


def test_between_measurements_the_last_one_before_counts():
    # The second stage begins at step 25: what was measured at step 20 is what there was.
    arrival, begins = [0, 0, 25, 30], [0, 25, 30]
    gains = [0.6 - 0.8, 0.7 - 0.5, 0.5 - 0.7]
    assert retention.backward_transfer(CURVES, STEPS, arrival, begins) == pytest.approx(np.mean(gains))
    assert retention.forward_transfer(CURVES, STEPS, arrival) == pytest.approx(np.mean([0.2, 0.1]))
    assert retention.times_to_decay(CURVES, STEPS, arrival, begins)[0] == 5


def test_without_stages_there_is_nothing_to_transfer():
    found = retention.summary(CURVES, STEPS, [0] * 4, [0])
    assert math.isnan(found["BWT"])
    assert math.isnan(found["FWT"])
    assert found["AURC"] == pytest.approx(CURVES.mean())
    assert retention.times_to_decay(CURVES, STEPS, [0] * 4, [0]) == [None] * 4


def test_a_constant_curve_has_gained_and_lost_nothing():
    found = retention.summary(np.full((5, 4), 0.4), STEPS, ARRIVAL, BEGINS)
    assert found == pytest.approx({"AURC": 0.4, "ACC": 0.4, "BWT": 0, "FWT": 0, "worst": 0.4})


def test_domains_that_have_not_come_in_count_nowhere():
    whole = retention.summary(CURVES[:3], STEPS[:3], [0, 0, 30, 30], [0, 30])
    part = retention.summary(CURVES[:3, :2], STEPS[:3], [0, 0], [0])
    assert whole == pytest.approx(part, nan_ok=True)
    assert math.isnan(whole["BWT"])


def test_a_missing_measurement_at_the_end_is_replaced_by_the_one_before():
    assert retention.accuracy(without((4, 0)), STEPS, ARRIVAL) == pytest.approx((0.7 + 0.7 + 0.5 + 0.9) / 4)
    gains = [0.7 - 0.8, 0.7 - 0.5, 0.5 - 0.7]
    assert retention.backward_transfer(without((4, 0)), STEPS, ARRIVAL, BEGINS) == pytest.approx(np.mean(gains))


def test_a_missing_measurement_is_not_replaced_by_one_from_before_the_domain_came_in():
    curves = without((3, 3), (4, 3))
    assert retention.accuracy(curves, STEPS, ARRIVAL) == pytest.approx((0.6 + 0.7 + 0.5) / 3)
    assert retention.worst(curves, STEPS, ARRIVAL) == 0.5


def test_missing_measurements_are_left_out_of_means():
    assert retention.area(without((0, 0)), STEPS, [0] * 4) == pytest.approx(
        np.mean([2.5 / 4, *CURVES[:, 1:].mean(axis=0)])
    )
    assert retention.forward_transfer(without((0, 2)), STEPS, ARRIVAL) == pytest.approx(np.mean([0.3 - 0.2, 0.1]))
    assert retention.times_to_decay(without((3, 0)), STEPS, ARRIVAL, BEGINS)[0] == 20


def test_a_domain_that_was_never_measured_changes_nothing():
    added = np.column_stack([CURVES, np.full(5, NAN)])
    found = retention.summary(added, STEPS, [*ARRIVAL, 0], BEGINS)
    assert found == pytest.approx(retention.summary(CURVES, STEPS, ARRIVAL, BEGINS))


def test_without_any_measurement_nothing_is_known():
    found = retention.summary(np.full((5, 4), NAN), STEPS, ARRIVAL, BEGINS)
    assert all(math.isnan(value) for value in found.values())


@pytest.mark.parametrize(("steps", "arrival"), [(STEPS[1:], ARRIVAL), (STEPS, ARRIVAL[1:]), ([], ARRIVAL)])
def test_sizes_that_do_not_fit_are_refused(steps, arrival):
    with pytest.raises(ValueError, match="do not fit"):
        retention.summary(CURVES, steps, arrival, BEGINS)


def test_the_interval_of_equal_differences_is_a_point():
    assert retention.paired_bootstrap([0.5] * 7) == (0.5, 0.5, 0.5)
    assert retention.paired_bootstrap([3.0]) == (3, 3, 3)
    assert all(math.isnan(value) for value in retention.paired_bootstrap([NAN]))


def test_the_interval_of_many_differences_is_that_of_the_normal_law():
    differences = np.random.default_rng(0).normal(1, 2, size=400)
    mean, low, high = retention.paired_bootstrap(differences)
    half = 1.96 * differences.std() / 20
    assert mean == differences.mean()
    assert (low, high) == pytest.approx((mean - half, mean + half), abs=0.02)
    _, lower, higher = retention.paired_bootstrap(differences, level=0.99)
    assert lower < low < high < higher


def test_the_bootstrap_is_that_of_its_seed():
    differences = [0.1, -0.2, 0.4]
    assert retention.paired_bootstrap(differences, seed=1) == retention.paired_bootstrap(differences, seed=1)
    assert retention.paired_bootstrap([*differences, NAN]) == retention.paired_bootstrap(differences)
