"""Every family in both languages: references score 1, wrong programs below 1, in the sandbox."""

import inspect
import json

import numpy as np
import pytest

from infinite_rl.datasets.coding.families import FAMILIES
from infinite_rl.datasets.coding.family import LANGUAGES
from infinite_rl.datasets.coding.source import BARE, CodingSource, draw_cases, make_task
from infinite_rl.datasets.procedural import split_of
from infinite_rl.datasets.task import SPLITS, TaskSource
from infinite_rl.rewards import CodingRewardFunction

SEEDS = range(3)
every_family = pytest.mark.parametrize("name", FAMILIES)
every_language = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture(scope="module")
def coding():
    return CodingRewardFunction(timeout=10)


def drawn(name, seed):
    rng = np.random.default_rng([seed, *name.encode()])
    return FAMILIES[name].parameters(rng), rng


def fenced(code):
    return f"<answer>\n```\n{code}\n```\n</answer>"


def lazy_programs(family, language, p, rng):
    """Programs that know the prompt, and do not solve the task."""
    shown, _ = draw_cases(family, p, rng)
    known = {json.dumps(case.get("args", case.get("stdin"))): case.get("result", case.get("stdout")) for case in shown}
    table = json.dumps(known)
    first = json.dumps(next(iter(known.values()), "1"))
    if family.function is None and language == "python":
        yield "import sys\nprint(sys.stdin.read())"
        yield f"print({first})"
        yield f"import sys, json\nprint(json.loads({table!r}).get(json.dumps(sys.stdin.read()), {first}))"
        yield "import sys\nsys.exit(0)"
    elif family.function is None:
        yield 'console.log(require("fs").readFileSync(0, "utf8"))'
        yield f"console.log({first})"
        yield f'console.log({table}[JSON.stringify(require("fs").readFileSync(0, "utf8"))] || {first})'
        yield "process.exit(0)"
    elif language == "python":
        name = family.function
        yield f"def {name}(*args):\n    return args[0]"
        yield f"import json\ndef {name}(*args):\n    return json.loads({first!r})"
        known = f"json.loads({table!r}).get(json.dumps(args), json.loads({first!r}))"
        yield f"import json\ndef {name}(*args):\n    return {known}"
        yield f"import os\ndef {name}(*args):\n    os._exit(0)"
        yield f"class Same:\n    __eq__ = lambda *a: True\ndef {name}(*args):\n    return Same()"
    else:
        name = family.function
        yield f"function {name}(...args) {{ return args[0]; }}"
        yield f"function {name}() {{ return {first}; }}"
        yield f"function {name}(...args) {{ return {table}[JSON.stringify(args)] ?? {first}; }}"
        yield f"function {name}() {{ process.exit(0); }}"


def test_there_are_families_enough_on_every_level():
    levels = [family.level for family in FAMILIES.values()]
    assert len(FAMILIES) >= 28
    assert all(levels.count(level) >= 7 for level in (1, 2, 3, 4))
    assert all(family.name == name for name, family in FAMILIES.items())


@every_family
def test_a_family_is_documented_by_its_docstring_and_its_base_class(name):
    family = type(FAMILIES[name])
    assert family.__doc__
    assert inspect.getmodule(family).__doc__
    public = [member for key, member in inspect.getmembers(family, inspect.isfunction) if not key.startswith("_")]
    assert all(inspect.getdoc(member) for member in public)


@every_family
@every_language
def test_references_score_one_and_wrong_programs_less(name, language, coding):
    family = FAMILIES[name]
    programs = []
    for seed in SEEDS:
        p, rng = drawn(name, seed)
        task = make_task(family, p, rng, language)
        wrong = [*family.mutants(language, p), *lazy_programs(family, language, p, drawn(name, seed)[1])]
        assert task.metadata["solution"] not in wrong, "a slip changes nothing"
        programs += [(task.metadata["solution"], task.answer, 1.0), *((code, task.answer, 0.0) for code in wrong)]
    scores = coding.compute_rewards([(fenced(code), answer) for code, answer, _ in programs])
    for (code, answer, expected), score in zip(programs, scores, strict=True):
        assert score.correctness_score == expected, (code, answer, score.error_msg)
        assert not score.failed


@every_family
def test_a_family_has_at_least_two_slips_in_each_language(name):
    family = FAMILIES[name]
    for language in LANGUAGES:
        source, slips = getattr(family, language), getattr(family, f"{language}_slips")
        assert len(slips) >= 2
        assert all(right in source for right, _ in slips)


@every_family
def test_a_family_has_problems_in_every_split(name):
    keys = {FAMILIES[name].key(drawn(name, seed)[0]) for seed in range(400)}
    assert len(keys) >= 30
    assert all(sum(split_of(key) == split for key in keys) >= 3 for split in SPLITS)


@every_family
def test_no_text_keeps_a_parameter_open_and_hidden_cases_are_not_shown(name):
    for language in LANGUAGES:
        p, rng = drawn(name, 7)
        task = make_task(FAMILIES[name], p, rng, language)
        assert "$" not in task.prompt
        assert "$" not in task.metadata["solution"]
        assert json.loads(json.dumps(task.answer)) == task.answer
        if len(task.answer["cases"]) > 1:
            assert len(task.answer["cases"]) >= 4
            results = {json.dumps(case.get("result", case.get("stdout"))) for case in task.answer["cases"]}
            assert len(results) > 1


def test_it_is_an_endless_task_source_whose_tasks_survive_json():
    source = CodingSource(level=3)
    assert isinstance(source, TaskSource)
    assert source.size is None
    task = source.task(0)
    assert json.loads(task.to_json())["answer"] == task.answer


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_level_draws_all_of_its_families(level):
    domains = {CodingSource(level=level).task(index).domain for index in range(150)}
    assert domains == {f"coding/{name}" for name, family in FAMILIES.items() if family.level == level}


def test_a_task_depends_on_seed_split_and_index_alone():
    one, other = CodingSource(seed=3, level=4), CodingSource(seed=3, level=4)
    late = one.task(20)
    assert [one.task(i) for i in range(8)] == [other.task(i) for i in range(8)]
    assert other.task(20) == late
    assert CodingSource(seed=4, level=4).task(20) != late


def test_both_languages_ask_for_the_same_problems():
    python, javascript = (CodingSource(level=2, language=language) for language in LANGUAGES)
    for index in range(20):
        one, other = python.task(index), javascript.task(index)
        assert one.metadata["key"] == other.metadata["key"]
        assert one.answer["cases"] == other.answer["cases"]
        assert other.prompt == one.prompt.replace("Python", "JavaScript") or one.domain == other.domain


def test_splits_share_no_problem_whatever_the_seeds():
    train, validation, test = (
        {CodingSource(seed=seed, split=split).task(i).metadata["key"] for seed in range(3) for i in range(100)}
        for split in SPLITS
    )
    assert not train & validation | train & test | validation & test


def test_the_smallest_family_suits_the_smallest_model():
    task = CodingSource(families=["print_arithmetic"], template=BARE).task(0)
    expression = task.prompt.removesuffix("=")
    assert task.metadata["solution"] == f"print({expression})"
    assert task.answer["cases"] == [{"stdin": "", "stdout": str(eval(expression))}]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"level": 9}, "level must be from 1 to 4"),
        ({"split": "dev"}, "split must be one of"),
        ({"language": "lua"}, "language must be one of python, javascript"),
        ({"families": ["sorting"]}, "families must be of"),
        ({"template": "{expression}="}, "for the family print_arithmetic alone"),
        ({"template": "what?"}, "must contain {expression}"),
    ],
)
def test_impossible_arguments_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        CodingSource(**arguments)
