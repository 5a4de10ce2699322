"""HumanEval's 164 reference programs pass their own tests in the sandbox, and broken ones fail."""

import ast
import gzip
import json
from pathlib import Path

import pytest

from infinite_rl.runtimes import ExecutionStatus, RewardExecutor

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "HumanEval.jsonl.gz"

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="HumanEval is not in ../shared/data beside the repository")


def problems():
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def program(problem, solution):
    return f"{problem['prompt']}{solution}\n{problem['test']}\ncheck({problem['entry_point']})\n"


def run_all(programs):
    executor = RewardExecutor(timeout=20)
    return list(executor.run_many((code, "python") for code in programs))


def perturbed(problem):
    """The reference solution, whose function's results are all a little wrong."""
    name = problem["entry_point"]
    wrap = f"""
def {name}(*args, _right={name}, **kwargs):
    value = _right(*args, **kwargs)
    if isinstance(value, (int, float)):
        return not value if isinstance(value, bool) else value + 1
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, (list, tuple)):
        return type(value)([*value, "x"])
    return "x"
"""
    return problem["canonical_solution"] + wrap


def test_the_reference_solutions_pass():
    failed = {
        problem["task_id"]: (result.status, result.stderr)
        for problem, result in zip(
            problems(), run_all(program(p, p["canonical_solution"]) for p in problems()), strict=True
        )
        if not result.ok
    }
    assert len(problems()) == 164
    assert failed == {}


@pytest.mark.parametrize("breakage", ["returns nothing", "raises", "perturbed"])
def test_broken_solutions_fail(breakage):
    bodies = {"returns nothing": "    return None\n", "raises": "    raise NotImplementedError\n"}
    results = run_all(program(p, bodies.get(breakage) or perturbed(p)) for p in problems())
    passed = [p["task_id"] for p, result in zip(problems(), results, strict=True) if result.ok]
    assert passed == []
    assert {result.status for result in results} == {ExecutionStatus.ERROR}


def test_the_tests_of_these_tests_are_programs():
    for problem in problems():
        ast.parse(program(problem, perturbed(problem)))
