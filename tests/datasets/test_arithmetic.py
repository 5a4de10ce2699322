import re

import pytest

from infinite_rl.datasets.arithmetic import BARE, LEVELS, OPERATIONS, ArithmeticSource
from infinite_rl.datasets.task import SPLITS, TaskSource


def parse(expression: str) -> tuple[int, str, int]:
    first, symbol, second = re.fullmatch(r"(\d+)([-+*/])(\d+)", expression).groups()
    return int(first), symbol, int(second)


def test_it_is_a_task_source():
    assert isinstance(ArithmeticSource(), TaskSource)
    assert ArithmeticSource().size is None


@pytest.mark.parametrize("level", LEVELS)
def test_answers_are_right_and_operands_have_the_digits_of_the_level(level):
    source = ArithmeticSource(level=level)
    seen = set()
    for index in range(300):
        task = source.task(index)
        first, symbol, second = parse(task.metadata["expression"])
        expected = {"+": first + second, "-": first - second, "*": first * second}.get(symbol)
        if symbol == "/":
            assert first % second == 0
            assert second < 10 ** LEVELS[level].digits[0]
            expected = first // second
        else:
            assert first < 10 ** LEVELS[level].digits[0]
        assert task.answer == str(expected)
        assert task.metadata["answer_form"] == "numeral"
        assert task.metadata["expression"] in task.prompt
        seen.add(task.domain)
    assert seen == {f"arithmetic/{name}" for name in LEVELS[level].operations}


def test_a_task_depends_on_seed_split_and_index_alone():
    one, other = ArithmeticSource(seed=3, level=4), ArithmeticSource(seed=3, level=4)
    late = one.task(50)
    assert [one.task(i) for i in range(20)] == [other.task(i) for i in range(20)]
    assert other.task(50) == late


def test_neighbouring_seeds_are_no_shifted_copies():
    """Streams drawn from Random(seed + index) would repeat all but one task."""
    one = [ArithmeticSource(seed=0, level=4).task(i).id for i in range(200)]
    other = {ArithmeticSource(seed=1, level=4).task(i).id for i in range(200)}
    assert sum(id in other for id in one) < 20


@pytest.mark.parametrize(("one", "other"), [("train", "validation"), ("train", "test"), ("validation", "test")])
def test_splits_share_no_problem_whatever_the_seeds(one, other):
    """Nor the mirror image of one: 3+4 and 4+3 have one key."""
    arguments = {"operations": list(OPERATIONS), "digits": [1, 1]}
    keys = [
        {
            ArithmeticSource(seed=seed, split=split, **arguments).task(i).metadata["key"]
            for seed in range(4)
            for i in range(300)
        }
        for split in (one, other)
    ]
    assert not keys[0] & keys[1]


def test_mirror_images_are_one_problem_only_where_order_does_not_matter():
    tasks = [ArithmeticSource(level=3, operations=["add", "subtract"], digits=[1, 1]).task(i) for i in range(400)]
    for task in tasks:
        first, symbol, second = parse(task.metadata["expression"])
        low, high = sorted((first, second)) if symbol == "+" else (first, second)
        assert task.metadata["key"] == f"{low}{symbol}{high}"


def test_the_splits_cover_all_problems():
    arguments = {"operations": ["multiply"], "digits": [1, 1]}
    keys = {ArithmeticSource(split=s, **arguments).task(i).metadata["key"] for s in SPLITS for i in range(2000)}
    assert len(keys) == 55  # unordered pairs of ten digits


def test_the_template_is_the_prompt():
    task = ArithmeticSource(template=BARE).task(0)
    assert task.prompt == task.metadata["expression"] + "="


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "dev"}, "train, validation, test"),
        ({"level": 5}, "level must be from 1 to 4"),
        ({"operations": ["power"]}, "'power'"),
        ({"digits": [1]}, "two numbers"),
        ({"digits": [0, 1]}, "from 1 to 18"),
        ({"template": "what?"}, "{expression}"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ArithmeticSource(**arguments)


def test_a_negative_index_is_an_index_error():
    with pytest.raises(IndexError):
        ArithmeticSource().task(-1)


def test_a_template_may_hold_braces_of_its_own():
    task = ArithmeticSource(template="\\boxed{} for {expression}").task(0)
    assert task.prompt == "\\boxed{} for " + task.metadata["expression"]
