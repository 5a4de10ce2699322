from collections import Counter

import pytest

from infinite_rl.datasets.arithmetic import ArithmeticSource
from infinite_rl.datasets.mixture import Mixture
from infinite_rl.datasets.reasoning.source import ReasoningSource
from infinite_rl.datasets.stub import StubSource
from infinite_rl.datasets.task import Task, TaskList

NAMES = TaskList([Task.ask(name, name, id=name, domain="names") for name in ("Ada", "Ben")])
SOURCES = {"sums": ArithmeticSource(), "logic": ReasoningSource(domain="logic"), "names": NAMES}


def shares(mixture, count=2_000):
    found = Counter(mixture.task(index).domain.split("/")[0] for index in range(count))
    return {name: number / count for name, number in found.items()}


def test_sources_are_mixed_by_their_weights():
    found = shares(Mixture(SOURCES, {"sums": 3, "names": 1}))
    assert found == {"arithmetic": pytest.approx(0.75, abs=0.04), "names": pytest.approx(0.25, abs=0.04)}
    assert shares(Mixture(SOURCES), 600).keys() == {"arithmetic", "logic", "names"}


def test_a_mixture_is_pure_and_small_sources_come_again():
    mixture, again = Mixture(SOURCES, seed=1), Mixture(SOURCES, seed=1)
    assert [mixture.task(i) for i in (5, 3, 5)] == [again.task(i) for i in (5, 3, 5)]
    assert {Mixture({"names": NAMES}).task(i).id for i in range(40)} == {"Ada", "Ben"}
    other = Mixture(SOURCES, seed=2)
    assert [mixture.task(i).domain for i in range(50)] != [other.task(i).domain for i in range(50)]
    with pytest.raises(IndexError):
        mixture.task(-1)


@pytest.mark.parametrize("weights", [{"nobody": 1}, {"sums": -1}, {"sums": 0}, {"sums": float("nan")}, {}])
def test_impossible_weights_are_refused(weights):
    with pytest.raises(ValueError, match="weights"):
        Mixture(SOURCES, weights)


@pytest.mark.parametrize("rates", [{}, {"math": 1.5}, {"math": -0.1}])
def test_impossible_pass_rates_are_refused(rates):
    with pytest.raises(ValueError, match="pass_rates"):
        StubSource(pass_rates=rates)
