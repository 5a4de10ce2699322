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


@pytest.mark.parametrize("arrivals", [None, {}, {"add": 0}, {"cooking": 5}])
def test_without_stages_there_is_nothing_to_show(arrivals):
    assert continual(staged(), arrivals) is None
    assert continual(Log(), {"code": 10}) is None


def test_a_run_that_was_cut_short_shows_what_there_is():
    found = continual(evaluations(add={0: 0.2, 5: 0.4}, code__sums={0: 0.1, 5: 0.1}), {"code": 10})
    assert found.begins == [0]
    assert [row.rates for row in found.domains] == [[0.2, 0.4], [0.1, 0.1]]
    assert found.domains[1].area is None


def test_practice_takes_means_of_shares_and_the_last_of_what_is_known():
    log = Log({"practised/add": {10: 0.4, 20: 0.8}, "accuracy/add": {10: 0.1, 20: 0.3}, "gate/sub": {20: 0.5}})
    add, sub = practice(log)
    assert (add["name"], add["practised"], add["accuracy"], add["gate"]) == ("add", pytest.approx(0.6), 0.3, None)
    assert (sub["name"], sub["practised"], sub["gate"]) == ("sub", None, 0.5)
