"""Measures what policies earn that understand nothing, on every family and environment, at every level.

Run ``python benchmarks/floors.py``. It writes ``results/floors.json``, from which ``docs/build.py`` makes the page of
the families and a part of the environments' pages. What was measured on the same tasks is kept (``--all`` measures it
again). The policies, each on tasks of the test split; where an environment has several turns, they say the same in all:

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
from infinite_rl.datasets.reasoning.families import DOMAINS
from infinite_rl.datasets.reasoning.source import ReasoningSource
from infinite_rl.datasets.task import Split, Task
from infinite_rl.envs.multi_domain import MultiDomainEnv
from infinite_rl.envs.registration import ENVIRONMENTS, NAMESPACE
from infinite_rl.envs.text_env import TextEnv

RESULTS = Path(__file__).parent / "results" / "floors.json"
LEVELS = (1, 2, 3, 4)
SPLITS: tuple[Split, Split] = ("train", "test")
CONSTANTS = ("0", "1", "2", "yes", "no", "true", "A", "B")
Policy = Callable[[int, Task], str]


def environments(name: str) -> dict[int, tuple[TextEnv, TextEnv]]:
    """Training and test tasks by level, of an environment's id or a family such as ``logic/knights``."""
    domain, last = name.split("/")
    if domain == NAMESPACE:
        row = next(row for row in ENVIRONMENTS if row.id == name)
        return {level: (row.load()(level=level), row.load()(level=level, split="test")) for level in LEVELS}
    if domain == "coding":
        train, test = (MultiDomainEnv(CodingSource(families=[last], split=split), timeout=10.0) for split in SPLITS)
        return {CODING[last].level: (train, test)}
    return {
        level: (
            MultiDomainEnv(ReasoningSource(families=[last], level=level)),
            MultiDomainEnv(ReasoningSource(families=[last], level=level, split="test")),
        )
        for level in LEVELS
    }


def tagged(answer: object) -> str:
    return f"<answer>{answer}</answer>"


def solution(task: Task) -> str:
    """A right answer, as a model writes it, where the task tells one."""
    known = task.metadata.get("solution", task.answer)
    if task.metadata.get("grader") == "coding":
        return tagged(f"\n```{task.answer['language']}\n{known}\n```\n")
    if isinstance(known, list):  # any of them will do
        known = known[0]
    return tagged(known if isinstance(known, str) else json.dumps(known))


def constants(tasks: Sequence[Task]) -> list[str]:
    """Answers that ignore the task."""
    if len({task.domain for task in tasks}) > 1 or tasks[0].metadata.get("grader") != "coding":
        return [*map(tagged, CONSTANTS), *common(map(solution, tasks))]
    cases = [case for task in tasks for case in task.answer["cases"]]
    if "function" not in tasks[0].answer:
        return [tagged(f"\n```python\nprint({text!r})\n```\n") for text in common(case["stdout"] for case in cases)]
    name = tasks[0].answer["function"]
    results = common(repr(case["result"]) for case in cases)
    return [tagged(f"\n```python\ndef {name}(*args):\n    return {result}\n```\n") for result in results]


def common(texts: Any, count: int = 10) -> list[str]:
    return [text for text, _ in Counter(texts).most_common(count)]


def mean(env: TextEnv, tasks: Sequence[Task], policy: Policy) -> float:
    """The mean reward of a policy that says the same in every turn."""
    episodes = [env.begin(task, index) for index, task in enumerate(tasks)]
    actions = [policy(index, task) for index, task in enumerate(tasks)]
    while places := [place for place, episode in enumerate(episodes) if not episode.ended]:
        env.advance([episodes[place] for place in places], [actions[place] for place in places])
    assert not any(episode.score is None or episode.score.failed for episode in episodes), "a grader failed"
    return sum(episode.reward for episode in episodes) / len(tasks)


def measure(name: str, level: int, count: int) -> dict[str, float]:
    """The mean reward of every policy on one family or environment and level."""
    known, env = environments(name)[level]
    train, test = ([one.tasks.task(index) for index in range(count)] for one in (known, env))
    solutions = [solution(task) for task in train]
    majority = common(solutions, 1)[0]
    tried = train[:100]
    best = max(constants(train), key=lambda answer: mean(known, tried, lambda index, task: answer))
    rng = np.random.default_rng(3)
    drawn = rng.integers(count, size=count)
    copies: list[Policy] = [
        lambda index, task: tagged(task.prompt),
        lambda index, task: tagged(task.prompt.splitlines()[0]),
        lambda index, task: tagged("\n\n".join(task.prompt.split("\n\n")[:-1]).rpartition(": ")[2]),
    ]
    empty: list[Policy] = [lambda index, task: "", lambda index, task: tagged("")]
    return {
        "empty": max(mean(env, test, policy) for policy in empty),
        "copy": max(mean(env, test, policy) for policy in copies),
        "constant": mean(env, test, lambda index, task: best),
        "majority": mean(env, test, lambda index, task: majority),
        "random": mean(env, test, lambda index, task: solutions[drawn[index]]),
    }


def tasks_of(name: str, level: int) -> str:
    """The fingerprint of the tasks that are measured: if it stays, so do the results."""
    return fingerprint(env.tasks.task(index) for env in environments(name)[level] for index in range(20))


def save(found: dict[str, dict[str, Any]]) -> None:
    ordered = {name: dict(sorted(levels.items())) for name, levels in found.items()}
    RESULTS.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000, help="tasks of a family and level")
    parser.add_argument("--slow-count", type=int, default=100, help="the same where answers are programs")
    parser.add_argument("--all", action="store_true", help="measure again what is known")
    parser.add_argument("--workers", type=int, help="processes; by default one for each core")
    arguments = parser.parse_args()
    counts = {name: arguments.slow_count if name in SLOW else arguments.count for name in NAMES}
    old = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() and not arguments.all else {}
    found: dict[str, dict[str, Any]] = {name: {} for name in NAMES}
    wanted = []
    for name in NAMES:
        for level in environments(name):
            known = old.get(name, {}).get(str(level), {})
            head = {"tasks": tasks_of(name, level), "count": counts[name]}
            if known.get("tasks") == head["tasks"] and known["count"] >= counts[name]:
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


FAMILIES = [f"{domain}/{name}" for domain, names in (DOMAINS | {"coding": tuple(CODING)}).items() for name in names]
NAMES = [*FAMILIES, *(row.id for row in ENVIRONMENTS)]
SLOW = {name for name in NAMES if name.startswith("coding/") or name == f"{NAMESPACE}/Coding-v0"}


if __name__ == "__main__":
    main()
