"""Upgrades: what counts as a regression, and what is done about it."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from infinite_rl.agents.config import UpgradeConfig
from infinite_rl.agents.runs.upgrade import MEASURES, RegressionWatch
from infinite_rl.buffers import TaskBuffer

DOMAINS = ["add", "code", "mul"]


def watch(tolerance=0.02, measured=None, **arguments):
    curriculum = TaskBuffer(DOMAINS * 4, preset="uniform", **({"arrivals": {"code": 0}, "new_share": 0.7} | arguments))
    return RegressionWatch(UpgradeConfig(tolerance), curriculum, measured or dict.fromkeys(DOMAINS, 10))


def evaluation(**rates):
    """Pass rates of ten tasks a domain, unless they are given one by one."""
    values = {name: torch.as_tensor(rate, dtype=torch.float64).expand(10) for name, rate in rates.items()}
    return SimpleNamespace(by_domain=lambda: values)


def test_the_first_evaluation_is_the_baseline_and_seeds_the_curriculum():
    one = watch()
    assert one.look(evaluation(add=0.9, mul=0.6, code=0.1)) == []
    assert one.curriculum.accuracy() == pytest.approx({"add": 0.9, "mul": 0.6, "code": 0.1})


def test_measures_are_taken_one_after_the_other_until_the_run_halts():
    one = watch()
    one.look(evaluation(add=0.9, mul=0.6, code=0.1))
    told = []
    for step in range(1, 5):
        assert not one.halted
        told += one.look(evaluation(add=0.8, mul=0.6, code=0.5))
        assert one.level == step
        assert one.kl_factor == (2 if step >= 2 else 1)
        assert one.curriculum.new_share == (0.35 if step >= 3 else 0.7)
        assert one.curriculum.factors.tolist() == [2, 1, 1]
    assert one.halted
    assert told == [f"add dropped by 0.100 since before the upgrade: {measure}" for measure in MEASURES]


def test_measures_reach_the_draws():
    one = watch()
    one.look(evaluation(add=0.9, mul=0.9, code=0.1))
    one.look(evaluation(add=0.5, mul=0.9, code=0.1))
    one.curriculum.advance(1)
    draws = one.curriculum.draw(115)
    counts = np.bincount([draw.task_index % 3 for draw in draws])
    assert counts.tolist() == [30, 70, 15]


@pytest.mark.parametrize(
    "rates",
    [
        {"add": 0.9, "mul": 0.6, "code": 0.0},  # what is new may do what it will
        {"add": 0.885, "mul": 0.6, "code": 0.1},  # within the tolerance
        {"add": 1.0, "mul": 0.9, "code": 0.1},
        {"add": [0.9] * 9 + [0.0], "mul": 0.6, "code": 0.1},  # one task: chance
        {"add": [float("nan")] * 10, "mul": 0.6, "code": 0.1},  # nothing could be graded
    ],
)
def test_what_is_no_regression_changes_nothing(rates):
    one = watch()
    one.look(evaluation(add=0.9, mul=0.6, code=0.1))
    assert one.look(evaluation(**rates)) == []
    assert one.level == 0


def test_a_restored_watch_goes_on(tmp_path):
    one, other = watch(), watch()
    one.look(evaluation(add=0.9, mul=0.6, code=0.1))
    one.look(evaluation(add=0.5, mul=0.6, code=0.1))
    torch.save(one.state_dict(), tmp_path / "state.pt")
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for rates in ({"add": 0.9, "mul": 0.6, "code": 0.1}, {"add": 0.9, "mul": 0.3, "code": 0.1}):
        assert other.look(evaluation(**rates)) == one.look(evaluation(**rates))
    assert other.level == one.level == 2


@pytest.mark.parametrize("arrivals", [None, {"add": 0, "mul": 3, "code": 5}])
def test_an_upgrade_needs_new_and_prior_domains(arrivals):
    with pytest.raises(ValueError, match="arrivals must name the new domains"):
        watch(arrivals=arrivals, new_share=None)


def test_prior_domains_with_too_few_tasks_cannot_be_watched():
    with pytest.raises(ValueError, match="mul is a prior domain, of which the validation split has 3 tasks"):
        watch(measured={"add": 10, "code": 0, "mul": 3})


def families(measured):
    """A watch over a subject of three families, beside one domain more."""
    names = ["sums/add", "sums/halve", "sums/new", "words", "sums/square"]
    curriculum = TaskBuffer(names * 4, preset="uniform", arrivals={"sums/new": 0}, new_share=0.7)
    return RegressionWatch(UpgradeConfig(0.02), curriculum, measured)


def test_a_subject_with_a_domain_of_few_tasks_is_watched_as_a_whole():
    """However many tasks are asked for, a family may have no more of them, and of a small split many have none."""
    one = families({"sums/add": 10, "sums/square": 6, "sums/new": 9, "words": 8})
    assert one.watched == {"sums": ["sums/add", "sums/halve", "sums/square"], "words": ["words"]}
    rates = {"sums/add": 1.0, "sums/square": 1.0, "sums/new": 1.0, "words": 1.0}
    one.look(evaluation(**rates))
    # What is new among them may drop.
    assert one.look(evaluation(**rates | {"sums/new": 0.0})) == []
    told = one.look(evaluation(**rates | {"sums/square": 0.0}))
    assert told == [f"sums dropped by 0.500 since before the upgrade: {MEASURES[0]}"]
    assert dict(zip(one.curriculum.domains, one.curriculum.factors.tolist(), strict=True)) == {
        "sums/add": 2, "sums/halve": 2, "sums/new": 1, "words": 1, "sums/square": 2
    }  # fmt: skip
    # Nothing is told that is not so: what is lost is one thing, whole.
    assert one.lost == {"sums": 0.5}


def test_a_subject_whose_domains_have_tasks_enough_is_watched_by_domain():
    one = families({"sums/add": 8, "sums/halve": 9, "sums/square": 8, "words": 8})
    assert [*one.watched] == ["sums/add", "sums/halve", "sums/square", "words"]


def test_a_subject_that_has_too_few_tasks_as_a_whole_cannot_be_watched():
    with pytest.raises(ValueError, match="sums is a prior domain, of which the validation split has 7 tasks"):
        families({"sums/add": 4, "sums/square": 3, "sums/new": 90, "words": 8})


def test_chance_alone_halts_hardly_any_run():
    """Four prior domains of 20 tasks with 8 samples, looked at 20 times, with nothing lost."""
    rng, halts = np.random.default_rng(0), 0
    rates, names = rng.beta(1, 1, (5, 20)), ["a", "b", "c", "d", "new"]
    for _ in range(200):
        curriculum = TaskBuffer(names * 2, preset="uniform", arrivals={"new": 0}, new_share=0.7)
        one = RegressionWatch(UpgradeConfig(0.02), curriculum, dict.fromkeys(names, 20))
        for _ in range(21):
            found = dict(zip(names, torch.tensor(rng.binomial(8, rates) / 8), strict=True))
            one.look(SimpleNamespace(by_domain=lambda found=found: found))
        halts += one.halted
    assert halts <= 2
