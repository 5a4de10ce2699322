from collections import Counter
from functools import cache

import numpy as np
import pytest

from infinite_rl.datasets.procedural import stream
from infinite_rl.datasets.reasoning.families import DOMAINS, FAMILIES
from infinite_rl.datasets.reasoning.grading import FamilyRewardFunction
from infinite_rl.datasets.reasoning.source import BOXED, ReasoningSource, make_task
from infinite_rl.datasets.task import SPLITS
from infinite_rl.rewards import Status, get_reward_functions

LEVELS = (1, 2, 3, 4)
GRADERS = get_reward_functions() | {"family": FamilyRewardFunction()}

every_family = pytest.mark.parametrize("name", FAMILIES)
every_level = pytest.mark.parametrize("level", LEVELS)
counted = pytest.mark.parametrize("count", [24, pytest.param(400, marks=pytest.mark.slow)])


@cache
def tasks_of(name, level, count, split="train"):
    source = ReasoningSource(families=[name], level=level, split=split)
    return [source.task(index) for index in range(count)]


def score(task, response):
    options = {"answer_form": task.metadata["answer_form"]} if task.metadata["grader"] == "math" else {}
    return GRADERS[task.metadata["grader"]].compute_reward(response, task.answer, **options)


def tagged(answer):
    return f"So it is <answer>{answer}</answer>"


def mean(tasks, policy):
    return sum(score(task, policy(index, task)).correctness_score for index, task in enumerate(tasks)) / len(tasks)


@every_family
@every_level
@counted
def test_the_solution_earns_everything_and_plausible_wrong_answers_nothing(name, level, count):
    rng, family = stream(7), FAMILIES[name]
    for _ in range(count // 2):
        problem = family.problem(rng, level)
        task = make_task(family, problem, level)
        assert score(task, tagged(task.metadata["solution"])).correctness_score == 1.0, problem
        assert problem.wrong, problem
        for wrong in problem.wrong:
            found = score(task, tagged(wrong))
            assert (found.correctness_score, found.status) == (0.0, Status.SCORED), (problem, wrong)


@every_family
@every_level
@counted
def test_policies_that_do_not_understand_stay_at_chance(name, level, count):
    solutions = [task.metadata["solution"] for task in tasks_of(name, level, count, "validation")]
    majority = Counter(solutions).most_common(1)[0][0]
    rng = np.random.default_rng(3)
    policies = {
        "empty": lambda index, task: "",
        "empty tags": lambda index, task: tagged(""),
        "copy": lambda index, task: tagged(task.prompt),
        "copy the first line": lambda index, task: tagged(task.prompt.splitlines()[0]),
        "copy the end of the question": lambda index, task: tagged(task.prompt.split("\n\n")[-2].rpartition(": ")[2]),
        "majority": lambda index, task: tagged(majority),
        "zero": lambda index, task: tagged(0),
        "yes": lambda index, task: tagged("yes"),
        "random": lambda index, task: tagged(solutions[int(rng.integers(len(solutions)))]),
    }
    chance = FAMILIES[name].chance[level - 1]
    # Of so many tasks a lucky share above chance is no leak: one answer, and three standard deviations.
    slack = 0.02 + 1 / count + 3 * (chance * (1 - chance) / count) ** 0.5
    for policy_name, policy in policies.items():
        assert mean(tasks_of(name, level, count), policy) <= chance + slack, policy_name


@every_family
@every_level
@counted
def test_there_are_many_problems_and_no_two_have_one_prompt(name, level, count):
    rng, family = stream(11), FAMILIES[name]
    problems = [family.problem(rng, level) for _ in range(count)]
    keys = {problem.key for problem in problems}
    # Four hundred problems would show as many different ones.
    assert len(keys) >= 0.85 * 400 * (1 - np.exp(-count / 400))
    assert len({problem.question for problem in problems}) >= len(keys)


@every_family
@counted
def test_no_problem_is_in_two_splits_whatever_the_seed(name, count):
    keys = {
        split: {
            ReasoningSource(families=[name], split=split, seed=seed).task(index).metadata["key"]
            for seed in (0, 1)
            for index in range(count // 2)
        }
        for split in SPLITS
    }
    assert sum(map(len, keys.values())) == len(set.union(*keys.values()))


@every_family
def test_hostile_answers_are_wrong_and_nothing_else(name):
    task = tasks_of(name, 1, 24)[0]
    for text in ("\x00", "\ud800", "(" * 50_000, "1," * 40_000, "9" * 99_000, "a " * 40_000, "{[" * 40_000, "-", ","):
        found = score(task, tagged(text))
        assert found.correctness_score == 0.0, text[:20]
        assert found.status is not Status.ERROR, found


def test_a_source_draws_from_the_families_it_was_given():
    assert {ReasoningSource(domain="logic").task(i).domain.split("/")[0] for i in range(20)} == {"logic"}
    mixed = {ReasoningSource().task(i).domain.split("/")[0] for i in range(200)}
    assert mixed == set(DOMAINS)
    task = ReasoningSource(families=["linear_equation"], closing=BOXED).task(0)
    assert task.prompt.endswith("\\boxed{}.")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"families": ["x"]}, "families must be of linear_equation"),
        ({"families": []}, "names no family"),
        ({"domain": "cooking"}, "domain must be one of math, logic, text"),
        ({"domain": "math", "families": ["linear_equation"]}, "exclude each other"),
        ({"level": 5}, "level must be from 1 to 4"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ReasoningSource(**arguments)


@pytest.mark.parametrize("expected", [None, {}, {"family": "no_such"}, {"family": "linear_equation"}, "text"])
def test_a_task_of_no_family_is_an_error_of_ours(expected):
    assert FamilyRewardFunction().compute_reward(tagged("x"), expected).status is Status.ERROR
