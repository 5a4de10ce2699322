"""Compares TextVectorEnv with Gymnasium's vector environments, over environments that do nothing.

Run ``python benchmarks/vector_env.py``. All run the same single-turn environment, with observations and actions of
8,000 characters, and are first checked to return the same. ``bare`` is Gymnasium's sync over an environment with stock
spaces that returns constants: no tasks, no messages, no scores. Times are CPU times of all processes, so that other
work on the machine disturbs them little; steps are environment steps (16 a vector step).
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Text
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorEnv
from rich.console import Console
from rich.table import Table

from infinite_rl.datasets.task import Task, TaskList
from infinite_rl.envs.text_env import TextEnv
from infinite_rl.envs.vector import TextVectorEnv
from infinite_rl.rewards.score import RewardFunctionScore

NUM_ENVS = 16
LENGTH = 8_000
TEXT = "word1234" * (LENGTH // 8)
RESULTS = Path(__file__).parent / "results" / "vector_env.json"


class IdleEnv(TextEnv):
    """Asks the same every time and scores every response alike."""

    domain = "idle"
    score = RewardFunctionScore.scored(1.0)

    def make_source(self) -> TaskList:
        """One task."""
        return TaskList([Task.ask(TEXT, None, id="idle", domain="idle")])

    def grade(self, task: Task, response: str) -> RewardFunctionScore:
        """Full marks."""
        return self.score

    def cpu_seconds(self) -> float:
        """The CPU time of the process that this environment lives in."""
        return time.process_time()


class BareEnv(gymnasium.Env[str, str]):
    """The least that Gymnasium allows: constants in, constants out, no end."""

    observation_space = Text(LENGTH)
    action_space = Text(LENGTH)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Nothing to reset."""
        return TEXT, {}

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Nothing happens."""
        return TEXT, 0.0, False, False, {}


MAKERS: dict[str, Callable[[], VectorEnv]] = {
    "ours": lambda: TextVectorEnv(IdleEnv, NUM_ENVS),
    "sync": lambda: SyncVectorEnv([IdleEnv] * NUM_ENVS),
    "async, shared memory": lambda: AsyncVectorEnv([IdleEnv] * NUM_ENVS),
    "async, pipes": lambda: AsyncVectorEnv([IdleEnv] * NUM_ENVS, shared_memory=False),
    "bare": lambda: SyncVectorEnv([BareEnv] * NUM_ENVS),
}
ACTIONS = (TEXT,) * NUM_ENVS


def check_equal(envs: dict[str, VectorEnv]) -> None:
    """Asserts that all environments but ``bare`` return the same over several steps."""
    rollouts = {name: list(rollout(env)) for name, env in envs.items() if name != "bare"}
    for name, results in rollouts.items():
        assert data_equivalence(results, rollouts["ours"], exact=True), f"{name} differs from ours"


def rollout(env: VectorEnv, steps: int = 6) -> Iterator[Any]:
    yield env.reset(seed=0)
    for _ in range(steps):
        yield env.step(ACTIONS)


def cpu_seconds(env: VectorEnv) -> float:
    """CPU time of this process, and of the workers where there are any."""
    workers = sum(env.call("cpu_seconds")) if isinstance(env, AsyncVectorEnv) else 0.0
    return time.process_time() + workers


def microseconds_per_step(env: VectorEnv, steps: int) -> float:
    """CPU microseconds per environment step."""
    start = cpu_seconds(env)
    for _ in range(steps):
        env.step(ACTIONS)
    return (cpu_seconds(env) - start) / (steps * NUM_ENVS) * 1e6


@contextmanager
def opened() -> Iterator[dict[str, VectorEnv]]:
    envs = {name: make() for name, make in MAKERS.items()}
    try:
        yield envs
    finally:
        for env in envs.values():
            env.close()


def measure(rounds: int, steps: int) -> dict[str, float]:
    """Medians over rounds that take turns, so that a busy moment hits all alike."""
    with opened() as envs:
        check_equal(envs)
        envs["bare"].reset(seed=0)
        times: dict[str, list[float]] = {name: [] for name in envs}
        for _ in range(rounds):
            for name, env in envs.items():
                times[name].append(microseconds_per_step(env, steps))
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=60, help="vector steps a round")
    arguments = parser.parse_args()
    medians = measure(arguments.rounds, arguments.steps)
    ratios = {name: value / medians["ours"] for name, value in medians.items()}
    table = Table("vector environment", "CPU us per step", "steps per CPU second", "times ours")
    for name, value in medians.items():
        table.add_row(name, f"{value:.1f}", f"{1e6 / value:,.0f}", f"{ratios[name]:.1f}")
    Console().print(table)
    result = {
        "num_envs": NUM_ENVS,
        "characters": LENGTH,
        "cpu_us_per_step": {name: round(value, 2) for name, value in medians.items()},
        "times_ours": {name: round(ratio, 2) for name, ratio in ratios.items()},
        "versions": {
            "python": platform.python_version(),
            "gymnasium": gymnasium.__version__,
            "numpy": np.__version__,
        },
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
