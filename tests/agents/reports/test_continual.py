"""Stages in a report, by hand."""

import pytest

from infinite_rl.agents.reports.continual import continual, practice
from infinite_rl.agents.reports.data import Log


def evaluations(**curves):
    log = Log()
    for name, values in curves.items():
        log[f"pass_rate/{name.replace('__', '/')}"] = dict(values)
    return log


def staged():
    return evaluations(
        add={0: 0.2, 10: 0.8, 15: 0.75, 20: 0.6},
        code__sums={0: 0.1, 10: 0.3, 15: 0.5, 20: 0.7},
    )


def test_domains_are_shown_stage_by_stage():
    found = continual(staged(), {"code": 10})
    assert found.begins == [0, 10]
    first, second = found.domains
    assert (first.name, first.stage, first.rates, first.decay) == ("add", 0, [0.2, 0.8, 0.6], 10)
    assert (second.name, second.stage, second.rates, second.decay) == ("code/sums", 1, [0.1, 0.3, 0.7], None)
    assert first.area == pytest.approx((0.2 + 0.8 + 0.75 + 0.6) / 4)
    assert second.area == pytest.approx((0.3 + 0.5 + 0.7) / 3)
    assert found.figures == pytest.approx(
        {"AURC": (first.area + second.area) / 2, "ACC": 0.65, "BWT": -0.2, "FWT": 0.2, "worst": 0.6}
    )


@pytest.mark.parametrize(
    "arrivals",
    [None, {}, {"cooking": 5}, {"add": "soon"}, ["add"], "add", {"add": None}, {"add": 10**30}, {"add": 3, "code": 5}],
)
def test_without_stages_there_is_nothing_to_show(arrivals):
    assert continual(staged(), arrivals) is None
    assert continual(Log(), {"code": 10}) is None


def test_a_run_that_was_cut_short_shows_what_there_is():
    found = continual(evaluations(add={0: 0.2, 5: 0.4}, code__sums={0: 0.1, 5: 0.1}), {"code": 10})
    assert found.begins == [0]
    assert [row.rates for row in found.domains] == [[0.2, 0.4], [0.1, 0.1]]
    assert found.domains[1].area is None


def test_new_domains_from_the_start_are_shown_beside_prior_ones():
    found = continual(staged(), {"code": 0})
    assert found.begins == [0]
    assert [(row.name, row.rates) for row in found.domains] == [("add", [0.2, 0.6]), ("code/sums", [0.1, 0.7])]


def test_a_domain_that_was_not_measured_takes_nothing_from_the_others():
    assert continual(staged(), {"code": 10, "cooking": 15}).begins == [0, 10]


def test_practice_counts_shares_by_steps_and_takes_the_last_of_what_is_known():
    """Of 6 steps add has all, of the next 3 a third; sub comes in then."""
    log = Log(
        {
            "practised/add": {6: 1.0, 9: 1 / 3},
            "practised/sub": {9: 2 / 3},
            "decided/add": {6: 0.5, 9: 1.0},
            "accuracy/add": {6: 0.1, 9: 0.3},
            "gate/sub": {9: 0.5},
            "upgrade_level": {9: 1.0},
        }
    )
    add, sub = practice(log)
    assert (add["name"], add["practised"], add["accuracy"], add["gate"]) == ("add", pytest.approx(7 / 9), 0.3, None)
    assert add["decided"] == pytest.approx((6 * 0.5 + 1 * 1.0) / 7)
    assert (sub["name"], sub["practised"], sub["gate"]) == ("sub", pytest.approx(2 / 9), 0.5)
