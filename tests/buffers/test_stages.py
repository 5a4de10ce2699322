"""Which domains are practised when."""

import pytest

from infinite_rl.buffers.stages import Stages

DOMAINS = ["arithmetic", "coding/caesar", "coding/sums", "logic/nim"]


def names(flags):
    return [name for name, flag in zip(DOMAINS, flags, strict=True) if flag]


def test_domains_come_in_by_name_or_by_what_stands_before_the_slash():
    stages = Stages(DOMAINS, {"coding": 40, "logic/nim": 80})
    assert stages.begins == [0, 40, 80]
    assert [stages.stage(step) for step in (0, 39, 40, 79, 80, 1_000)] == [0, 0, 1, 1, 2, 2]
    assert names(stages.practised(39)) == ["arithmetic"]
    assert names(stages.practised(40)) == DOMAINS[:3]
    assert names(stages.latest(40)) == DOMAINS[1:3]
    assert names(stages.practised(80)) == DOMAINS
    assert [stages.of(k) for k in range(3)] == [DOMAINS[:1], DOMAINS[1:3], DOMAINS[3:]]


def test_domains_retire_when_others_come_in():
    stages = Stages(DOMAINS, {"coding": 40, "logic": 80}, retire=True)
    assert names(stages.practised(45)) == DOMAINS[1:3]
    assert names(stages.left(45)) == ["arithmetic"]
    assert names(stages.left(80)) == DOMAINS[:3]
    assert not stages.left(3).any()


def test_without_arrivals_there_is_one_stage_of_all():
    stages = Stages(DOMAINS)
    assert (stages.begins, names(stages.practised(0)), names(stages.latest(7))) == ([0], DOMAINS, DOMAINS)
    assert stages.of(0) == DOMAINS


def test_domains_may_be_new_from_the_start_beside_those_that_were_there_before():
    stages = Stages(DOMAINS, {"coding": 0})
    assert stages.begins == [0]
    assert names(stages.latest(0)) == DOMAINS[1:3]
    assert names(stages.practised(0)) == DOMAINS
    assert stages.of(0) == DOMAINS


@pytest.mark.parametrize(
    ("arrivals", "words"),
    [
        ({"cooking": 3}, "'cooking', but the domains are arithmetic, coding/caesar"),
        ({"coding": -1}, "arrivals.coding: a step is a whole number, at least 0"),
        ({"coding": "x"}, "arrivals.coding: a step is a whole number, at least 0, not 'x'"),
        (
            {"arithmetic": 5, "coding": 3, "logic": 9},
            "arrivals: no domain is there from the start, the first comes at step 3",
        ),
    ],
)
def test_arrivals_that_cannot_be_are_refused(arrivals, words):
    with pytest.raises(ValueError, match=words):
        Stages(DOMAINS, arrivals)


@pytest.mark.parametrize("arrivals", [{"coding": 30, "coding/sums": 60}, {"coding/sums": 60, "coding": 30}])
def test_a_whole_name_counts_more_in_any_order(arrivals):
    assert names(Stages(DOMAINS, arrivals).arrived(30)) == ["arithmetic", "coding/caesar", "logic/nim"]
