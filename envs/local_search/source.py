"""The problems by name, and the stream of tasks made of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from ...datasets.drawing import Rng, pick
from ...datasets.naming import check_names
from ...datasets.procedural import ProceduralSource, split_of
from ...datasets.task import Split, Task
from .bin_packing import BinPacking
from .graph_colouring import GraphColouring
from .knapsack import Knapsack
from .max_cut import MaxCut
from .problem import Drawn, Problem, Solution
from .tsp import TravellingSalesman

# The order is part of every stream of tasks: add to the end.
PROBLEMS: Mapping[str, Problem] = {
    problem.name: problem for problem in (TravellingSalesman(), Knapsack(), BinPacking(), GraphColouring(), MaxCut())
}
# One draw in eight is of the smallest split, and one in a few leaves something to improve.
_MAX_DRAWS = 10_000


class LocalSearchSource(ProceduralSource):
    """Instances whose baseline can be improved.

    Each kind of problem is a domain of its own, such as ``local_search/tsp``.

    Args:
        seed: names the stream.
        split: ``train``, ``validation`` or ``test``.
        level: 1 to 4: how large the instances are.
        problems: names of problems, each drawn equally often; by default all.
    """

    def __init__(
        self, *, seed: int = 0, split: Split = "train", level: int = 1, problems: Sequence[str] | str | None = None
    ) -> None:
        super().__init__(seed=seed, split=split, level=level)
        chosen = tuple(PROBLEMS) if problems is None else check_names("problems", problems, PROBLEMS)
        if not chosen:
            raise ValueError("problems names no problem")
        self.problems = tuple(PROBLEMS[name] for name in chosen)

    @property
    def domains(self) -> tuple[str, ...]:
        """One for each kind of problem."""
        return tuple(f"local_search/{problem.name}" for problem in self.problems)

    def draw(self, rng: Rng) -> Task:
        """Draws an instance of the split; only those are solved, since that takes longest."""
        problem = pick(rng, self.problems)
        for _ in range(_MAX_DRAWS):
            drawn = problem.draw(rng, self.level)
            key = f"{problem.name} {json.dumps(drawn.instance, sort_keys=True)}"
            if split_of(key) != self.split:
                continue
            baseline = problem.baseline(drawn.instance)
            best = drawn.solve()
            if problem.better(problem.value(drawn.instance, best), problem.value(drawn.instance, baseline)):
                return _task(problem, drawn, baseline, best, key, self.level)
        raise LookupError(f"no instance of {problem.name} in {_MAX_DRAWS} draws whose baseline can be improved")


def write(solution: Solution) -> str:
    """A solution as the agent writes it."""
    return " ".join(map(str, solution))


def _task(problem: Problem, drawn: Drawn, baseline: Solution, best: Solution, key: str, level: int) -> Task:
    instance = drawn.instance
    value = problem.value(instance, baseline)
    aim = "small" if problem.minimise else "large"
    prompt = (
        f"{problem.describe(instance)}\n\nA baseline: {write(baseline)}. Its {problem.measure} is {value}; make it as "
        f"{aim} as you can.\n\nPropose a solution between <answer> and </answer>: {problem.form}, such as the baseline."
    )
    known = {"baseline": value, "best": problem.value(instance, best)}
    return Task.ask(
        prompt,
        {"problem": problem.name, "instance": instance, **known},
        id=f"{problem.name}/{hashlib.blake2b(key.encode(), digest_size=8).hexdigest()}",
        domain=f"local_search/{problem.name}",
        key=key,
        level=level,
        solution=write(best),
    )
