"""Measures what policies earn that understand nothing, on every family and level.

Run ``python benchmarks/floors.py``. It writes ``results/floors.json``, from which ``docs/build.py`` makes the page of
the families. What was measured on the same tasks is kept (``--all`` measures it again). The policies, each on tasks of
the test split, through the graders that the environments use:

- empty: no text, or empty tags; the better one counts.
- copy: the whole prompt, its first line, or the end of the question, in the tags; the best counts.
- constant: of answers such as 0, yes and A, and the ten most common solutions, the one that earns most in training.
- majority: the most common solution of the training tasks.
- random: the solution of a training task drawn for each task.

A solution of a programming task is a program, so that the last two hand in programs for other problems of the family;
its constants are programs that always return, or print, one of the most common results.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from infinite_rl.datasets.coding.families import FAMILIES as CODING
from infinite_rl.datasets.coding.source import CodingSource
from infinite_rl.datasets.fingerprint import fingerprint
from infinite_rl.datasets.procedural import ProceduralSource
from infinite_rl.datasets.reasoning.families import DOMAINS
from infinite_rl.datasets.reasoning.source import ReasoningSource
from infinite_rl.datasets.task import Task
from infinite_rl.envs.episode import Episode
from infinite_rl.envs.grading import Graders
from infinite_rl.envs.tools.reply import assistant_message

RESULTS = Path(__file__).parent / "results" / "floors.json"
LEVELS = (1, 2, 3, 4)
CONSTANTS = ("0", "1", "2", "yes", "no", "true", "A", "B")
Policy = Callable[[int, Task], str]


def sources(name: str) -> dict[int, tuple[ProceduralSource, ProceduralSource]]:
    """Training and test tasks of a family such as ``logic/knights``, by level."""
    domain, family = name.split("/")
    if domain == "coding":
        made = {CODING[family].level: lambda split, _: CodingSource(families=[family], split=split)}
    else:
        made = dict.fromkeys(LEVELS, lambda split, level: ReasoningSource(families=[family], split=split, level=level))
    return {level: (make("train", level), make("test", level)) for level, make in made.items()}


def tagged(answer: object) -> str:
    return f"<answer>{answer}</answer>"


def solution(task: Task) -> str:
    """A right answer, as a model writes it."""
    known = task.metadata["solution"]
    return tagged(f"\n```{task.answer['language']}\n{known}\n```\n" if task.metadata["grader"] == "coding" else known)


def constants(tasks: Sequence[Task]) -> list[str]:
    """Answers that ignore the task."""
    if tasks[0].metadata["grader"] != "coding":
        return [*map(tagged, CONSTANTS), *common(map(solution, tasks))]
    cases = [case for task in tasks for case in task.answer["cases"]]
    if "function" not in tasks[0].answer:
        return [tagged(f"\n```python\nprint({text!r})\n```\n") for text in common(case["stdout"] for case in cases)]
    name = tasks[0].answer["function"]
    results = common(repr(case["result"]) for case in cases)
    return [tagged(f"\n```python\ndef {name}(*args):\n    return {result}\n```\n") for result in results]


def common(texts: Any, count: int = 10) -> list[str]:
    return [text for text, _ in Counter(texts).most_common(count)]


def mean(graders: Graders, tasks: Sequence[Task], policy: Policy) -> float:
    """The mean reward of a policy."""
    episodes = [Episode(task, [assistant_message(policy(index, task))]) for index, task in enumerate(tasks)]
    scores = graders.score(episodes)
    assert not any(score.failed for score in scores), "a grader failed"
    return sum(score.correctness_score for score in scores) / len(tasks)


def measure(name: str, level: int, count: int) -> dict[str, float]:
    """The mean reward of every policy on one family and level."""
    train, test = ([source.task(index) for index in range(count)] for source in sources(name)[level])
    graders = Graders("eq", timeout=10.0)
    solutions = [solution(task) for task in train]
    majority = common(solutions, 1)[0]
    tried = train[:100]
    best = max(constants(train), key=lambda answer: mean(graders, tried, lambda index, task: answer))
    rng = np.random.default_rng(3)
    drawn = rng.integers(count, size=count)
    copies: list[Policy] = [
        lambda index, task: tagged(task.prompt),
        lambda index, task: tagged(task.prompt.splitlines()[0]),
        lambda index, task: tagged(task.prompt.split("\n\n")[-2].rpartition(": ")[2]),
    ]
    empty: list[Policy] = [lambda index, task: "", lambda index, task: tagged("")]
    return {
        "empty": max(mean(graders, test, policy) for policy in empty),
        "copy": max(mean(graders, test, policy) for policy in copies),
        "constant": mean(graders, test, lambda index, task: best),
        "majority": mean(graders, test, lambda index, task: majority),
        "random": mean(graders, test, lambda index, task: solutions[drawn[index]]),
    }


def tasks_of(name: str, level: int) -> str:
    """The fingerprint of the tasks that are measured: if it stays, so do the results."""
    return fingerprint(source.task(index) for source in sources(name)[level] for index in range(20))


def save(found: dict[str, dict[str, Any]]) -> None:
    ordered = {name: dict(sorted(levels.items())) for name, levels in found.items()}
    RESULTS.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000, help="tasks of a family and level")
    parser.add_argument("--coding-count", type=int, default=100, help="the same for programs, which take longer")
    parser.add_argument("--all", action="store_true", help="measure again what is known")
    parser.add_argument("--workers", type=int, help="processes; by default one for each core")
    arguments = parser.parse_args()
    counts = {name: arguments.coding_count if name.startswith("coding/") else arguments.count for name in NAMES}
    old = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() and not arguments.all else {}
    found: dict[str, dict[str, Any]] = {name: {} for name in NAMES}
    wanted = []
    for name in NAMES:
        for level in sources(name):
            known = old.get(name, {}).get(str(level), {})
            head = {"tasks": tasks_of(name, level), "count": counts[name]}
            if head.items() <= known.items():
                found[name][str(level)] = known
            else:
                wanted.append((name, level, head))
    with ProcessPoolExecutor(arguments.workers) as pool:
        jobs = {pool.submit(measure, name, level, counts[name]): (name, level, head) for name, level, head in wanted}
        for job in track(as_completed(jobs), "floors", total=len(jobs), console=Console(stderr=True)):
            name, level, head = jobs[job]
            found[name][str(level)] = head | {policy: round(value, 4) for policy, value in job.result().items()}
            save(found)  # A run that is stopped goes on where it was.
    save(found)


NAMES = [f"{domain}/{name}" for domain, names in (DOMAINS | {"coding": tuple(CODING)}).items() for name in names]

if __name__ == "__main__":
    main()
