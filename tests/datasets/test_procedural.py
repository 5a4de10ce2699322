from collections import Counter

import pytest

from infinite_rl.datasets.arithmetic import ArithmeticSource
from infinite_rl.datasets.procedural import ProceduralSource, distinct, split_of
from infinite_rl.datasets.task import Task, TaskList


def test_the_splits_have_their_shares():
    counts = Counter(split_of(f"problem {i}") for i in range(16_000))
    for split, sixteenths in (("train", 11), ("validation", 2), ("test", 3)):
        expected = 1000 * sixteenths
        assert abs(counts[split] - expected) < 5 * expected**0.5


def test_a_split_without_problems_is_a_clear_error():
    class OneProblem(ProceduralSource):
        def draw(self, rng):
            return Task.ask("?", "1", id="only", domain="one", key="only")

    other = next(split for split in ("train", "test") if split != split_of("only"))
    with pytest.raises(LookupError, match="allow more different problems"):
        OneProblem(split=other).task(0)


def test_distinct_tasks_ask_different_things():
    tasks = distinct(ArithmeticSource(digits=[1, 1], operations=["add"]), 30).tasks
    assert len({task.metadata["key"] for task in tasks}) == 30


def test_distinct_says_how_many_there_are():
    with pytest.raises(LookupError, match="wanted 1000 different tasks, but the source holds only about"):
        distinct(ArithmeticSource(digits=[1, 1], operations=["add"]), 1000)


def test_distinct_takes_a_finite_source_too():
    tasks = [Task.ask("?", "1", id=str(i % 3), domain="d") for i in range(9)]
    assert [task.id for task in distinct(TaskList(tasks), 3).tasks] == ["0", "1", "2"]
    with pytest.raises(LookupError):
        distinct(TaskList(tasks), 4)


@pytest.mark.parametrize("level", ["2", 2.0, True, None])
def test_a_level_is_an_integer(level):
    with pytest.raises(TypeError, match="level must be an integer from 1 to 4"):
        ArithmeticSource(level=level)
