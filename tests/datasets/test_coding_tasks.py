"""Every family in both languages: references score 1, wrong programs below 1, in the sandbox."""

import ast
import inspect
import json
from itertools import pairwise
from statistics import fmean

import pytest

from infinite_rl.datasets.coding.families import FAMILIES
from infinite_rl.datasets.coding.family import LANGUAGES, fill, ordinal
from infinite_rl.datasets.coding.source import BARE, CodingSource, draw_cases, make_task
from infinite_rl.datasets.procedural import split_of, stream
from infinite_rl.datasets.task import SPLITS, TaskSource
from infinite_rl.rewards import CodingRewardFunction

SEEDS = range(3)
every_family = pytest.mark.parametrize("name", FAMILIES)
every_language = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture(scope="module")
def coding():
    return CodingRewardFunction(timeout=10)


def drawn(name, seed):
    rng = stream(seed, name)
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
    assert len(keys) >= 80
    assert all(sum(split_of(key) == split for key in keys) >= 5 for split in SPLITS)


@every_family
def test_no_constant_and_no_echo_knows_many_hidden_results(name):
    """What a program that ignores its input, or hands it back, would earn where each test earns its share."""
    family = FAMILIES[name]
    shares: dict[str, list[float]] = {}
    for seed in range(20):
        p, rng = drawn(name, seed)
        shown, hidden = draw_cases(family, p, rng)
        results = [written(case) for case in hidden]
        constants = {"a parameter": next((v for v in reversed(p.values()) if isinstance(v, int)), None)}
        constants |= {repr(value): value for value in (0, 1, -1, "", [], "none", "empty")}
        constants |= {f"example {i}": case.get("result", case.get("stdout")) for i, case in enumerate(shown)}
        for label, value in constants.items():
            shares.setdefault(label, []).append(results.count(written({"result": value})) / len(results))
        echoes = [written({"result": case["args"][0] if "args" in case else case["stdin"]}) for case in hidden]
        shares.setdefault("echo", []).append(sum(map(str.__eq__, echoes, results)) / len(results))
    assert all(fmean(found) <= 0.3 for found in shares.values()), shares


def written(case):
    """The result of a case, or what is printed, as text."""
    result = case.get("result", case.get("stdout"))
    return result.strip() if isinstance(result, str) else json.dumps(result)


def test_solutions_grow_from_level_to_level():
    sizes = {level: [] for level in (1, 2, 3, 4)}
    for name, family in FAMILIES.items():
        solution = family.reference("python", drawn(name, 0)[0])
        sizes[family.level].append(len(list(ast.walk(ast.parse(solution)))))
    means = [fmean(sizes[level]) for level in sizes]
    assert all(harder >= 1.25 * easier for easier, harder in pairwise(means)), means


@every_family
def test_the_solution_of_one_problem_does_not_solve_another(name):
    """Keys tell problems apart: what two of them ask for differs on the hidden inputs of either."""
    family = FAMILIES[name]
    problems = [drawn(name, seed) for seed in range(12)]
    for i, (p, rng) in enumerate(problems):
        _, hidden = draw_cases(family, p, rng)
        inputs = [case.get("args", [case.get("stdin")]) for case in hidden]
        for q, _ in problems[:i]:
            if family.key(p) != family.key(q):
                assert [family.solve(p, *args) for args in inputs] != [solved(family, q, args) for args in inputs]


def solved(family, p, args):
    """What the solution of a problem says to an input that may be another's."""
    try:
        return family.solve(p, *args)
    except (ArithmeticError, LookupError, ValueError):
        return None


def test_a_task_is_worded_in_several_ways():
    prompts = [CodingSource(families=["clamp"]).task(index).prompt for index in range(30)]
    assert len({prompt.split("clamp(numbers)")[0] for prompt in prompts}) >= 4
    assert all("[" in prompt and "<answer>" in prompt for prompt in prompts)


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (12, "12th"),
        (13, "13th"),
        (21, "21st"),
        (112, "112th"),
    ],
)
def test_ordinal_numbers(n, text):
    assert ordinal(n) == text
    assert fill("the $k_th of $k", {"k": n}) == f"the {text} of {n}"


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
