"""Measures how often the intervals of an evaluation hold the true value, of few tasks and of many.

Run ``python benchmarks/coverage.py``. It writes ``results/coverage.json`` and prints the table of docs/evaluation.md.
Difficulties of tasks are drawn from beta distributions of several means and spreads: ``a + b`` of 0.5 makes most tasks
either hopeless or certain, 2 makes them of all kinds, 20 nearly alike. The samples of each task are drawn by its
difficulty, the intervals are those of the package, and the true value is the mean over the distribution. The two runs
of a difference answer the same tasks, the second with its chances raised to a power.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from infinite_rl.agents.evaluation.statistics import bootstrap, paired_difference, pass_at_k, share_estimate

RESULTS = Path(__file__).parent / "results" / "coverage.json"
TASKS = (5, 10, 30, 100)
SAMPLES = (1, 4, 8)
MEANS = (0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95)
SPREADS = (0.5, 2.0, 20.0)
_MANY = 400_000
Array: TypeAlias = NDArray[np.float64]


class Setting(NamedTuple):
    """What is drawn."""

    tasks: int
    n: int
    mean: float
    spread: float

    def chances(self, rng: np.random.Generator, *shape: int) -> Array:
        """Of tasks to be solved."""
        return rng.beta(self.mean * self.spread, (1 - self.mean) * self.spread, shape)


Held: TypeAlias = Iterator[tuple[bool, float]]
"""Of each round, whether the interval holds the true value, and how wide it is."""


def within(low: float, high: float, truth: float) -> tuple[bool, float]:
    return low - 1e-12 <= truth <= high + 1e-12, high - low


def once(setting: Setting, rounds: int, rng: np.random.Generator) -> Held:
    counts = rng.binomial(setting.n, setting.chances(rng, rounds, setting.tasks))
    for row in counts / setting.n:
        found = share_estimate(row, setting.tasks * setting.n)
        yield within(found.low, found.high, setting.mean)


def of_several(setting: Setting, rounds: int, rng: np.random.Generator) -> Held:
    k = setting.n // 2
    truth = float(1 - ((1 - setting.chances(rng, _MANY)) ** k).mean())
    for row in rng.binomial(setting.n, setting.chances(rng, rounds, setting.tasks)):
        found = share_estimate(pass_at_k(np.full(setting.tasks, setting.n), row, k), setting.tasks * setting.n)
        yield within(found.low, found.high, truth)


def reward(setting: Setting, rounds: int, rng: np.random.Generator) -> Held:
    """Rewards that are no verdicts: each sample's is drawn around the chance of its task."""
    chances = np.clip(setting.chances(rng, rounds, setting.tasks), 1e-6, 1 - 1e-6)[..., None]
    drawn = rng.beta(4 * chances, 4 * (1 - chances), (rounds, setting.tasks, setting.n))
    for row in drawn.mean(2):
        found = share_estimate(row, setting.tasks * setting.n)
        yield within(found.low, found.high, setting.mean)


def bootstrapped(setting: Setting, rounds: int, rng: np.random.Generator) -> Held:
    """The bootstrapped interval of ``pass@1``."""
    for row in rng.binomial(setting.n, setting.chances(rng, rounds, setting.tasks)) / setting.n:
        low, high = bootstrap(row, rounds=1_000)
        yield within(float(low), float(high), setting.mean)


def difference(setting: Setting, rounds: int, rng: np.random.Generator) -> Held:
    many, power = setting.chances(rng, _MANY), 1.5
    truth = float((many - many**power).mean())
    chances = setting.chances(rng, rounds, setting.tasks)
    first, second = (rng.binomial(setting.n, one) / setting.n for one in (chances, chances**power))
    for pair in zip(first, second, strict=True):
        found = paired_difference(*pair)
        yield within(found.low, found.high, truth)


SCORES: dict[str, tuple[Callable[[Setting, int, np.random.Generator], Held], tuple[int, ...]]] = {
    "pass@1": (once, SAMPLES),
    "pass@n/2": (of_several, (4, 8)),
    "reward": (reward, SAMPLES),
    "difference": (difference, SAMPLES),
    "pass@1, bootstrap": (bootstrapped, (1, 4)),
}


def measure(rounds: int) -> list[dict[str, float | str]]:
    settings = [
        (name, Setting(tasks, n, mean, spread))
        for name, (_, samples) in SCORES.items()
        for tasks in TASKS
        for n in samples
        for mean in MEANS
        for spread in SPREADS
    ]
    rows: list[dict[str, float | str]] = []
    for name, setting in track(settings, "drawing"):
        found = list(SCORES[name][0](setting, rounds, np.random.default_rng(0)))
        held, widths = np.array(found).T
        rows.append({"score": name, **setting._asdict(), "held": held.mean(), "width": round(widths.mean(), 4)})
    return rows


def table(rows: list[dict[str, float | str]]) -> str:
    """The mean share of intervals that hold, and the least of all distributions, by score and number of tasks."""
    lines = ["| score | " + " | ".join(f"{tasks} tasks" for tasks in TASKS) + " |", "|---" * (len(TASKS) + 1) + "|"]
    for name, (_, samples) in SCORES.items():
        for n in samples:
            cells = []
            for tasks in TASKS:
                held = [
                    float(one["held"]) for one in rows if (one["score"], one["tasks"], one["n"]) == (name, tasks, n)
                ]
                cells.append(f"{np.mean(held):.0%} ({min(held):.0%})")
            lines.append(f"| {name}, n = {n} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=500, help="of each setting")
    rounds = parser.parse_args().rounds
    rows = measure(rounds)
    lines = ",\n  ".join(map(json.dumps, rows))
    RESULTS.write_text(f'{{"rounds": {rounds}, "settings": [\n  {lines}\n]}}\n', encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
