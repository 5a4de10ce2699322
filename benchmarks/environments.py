"""Compares our environments with Gymnasium's vector classes, math-verify, reasoning-gym and gem-llm.

Run ``python benchmarks/environments.py``; ``--only vector math`` runs some of the four parts:

- ``vector``: 16 text environments that do nothing, with observations and actions of 8,000 characters, in our batched
  class and in Gymnasium's. ``bare`` is Gymnasium's sync over an environment with stock spaces that returns constants.
- ``math``: Math-v0 with 256 environments, against loops over single environments: ours, ours with math-verify for a
  grader, and gem-llm's over the same problems.
- ``deadline``: 1,000 episodes of which 10 have a grader that blocks for a minute, with a deadline of 1 s.
- ``families``: drawing and scoring of comparable tasks, against reasoning-gym, and gem-llm over it.

math-verify, reasoning-gym and gem-llm are not ours to require: what is missing is left out, and said. All contenders
are first checked to return the same, or to judge the same answers alike. Times are CPU times of all processes (but for
the deadline's, which is a time of the wall clock), medians of rounds that take turns, so that other work on the machine
disturbs them little. No task comes twice, so that no remembered verdict helps.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Text
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorEnv
from peers import gem_families, gem_math, math_verify_env, reasoning_gym_families, versions
from rich.console import Console
from rich.table import Table

from infinite_rl.datasets.reasoning.source import ReasoningSource
from infinite_rl.datasets.task import Task, TaskList
from infinite_rl.envs.math import MathEnv
from infinite_rl.envs.multi_domain import MultiDomainEnv
from infinite_rl.envs.text_env import TextEnv
from infinite_rl.envs.vector import TextVectorEnv
from infinite_rl.rewards.score import RewardFunctionScore, Status

LENGTH = 8_000
TEXT = "word1234" * (LENGTH // 8)
RESULTS = Path(__file__).parent / "results" / "environments.json"
Turn = Callable[[], int]
"""Does some work and says how many environment steps it was."""


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


class BlockingEnv(TextEnv):
    """Grading of every hundredth task takes a minute, or until it is let go."""

    domain = "blocking"
    released = threading.Event()

    def make_source(self) -> TaskList:
        """1,000 tasks."""
        return TaskList([Task.ask(f"{n}?", str(n), id=str(n), domain="blocking") for n in range(1_000)])

    def grade(self, task: Task, response: str) -> RewardFunctionScore:
        """Full marks, some of them late."""
        if int(task.id) % 100 == 0:
            self.released.wait(60)
        return RewardFunctionScore.scored(1.0)


def medians(turns: dict[str, Turn], rounds: int, clock: Callable[[str], float]) -> dict[str, float]:
    """Microseconds of an environment step for each contender, the median of rounds that take turns."""
    times: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(rounds):
        for name, turn in turns.items():
            start = clock(name)
            steps = turn()
            times[name].append((clock(name) - start) / steps * 1e6)
    return {name: statistics.median(values) for name, values in times.items()}


def process_time(name: str) -> float:
    return time.process_time()


def vector(rounds: int) -> dict[str, float]:
    """Environments that do nothing."""
    count, steps = 16, 60
    actions = (TEXT,) * count
    envs: dict[str, VectorEnv] = {
        "ours": TextVectorEnv(IdleEnv, count),
        "Gymnasium sync": SyncVectorEnv([IdleEnv] * count),
        "Gymnasium async, shared memory": AsyncVectorEnv([IdleEnv] * count),
        "Gymnasium async, pipes": AsyncVectorEnv([IdleEnv] * count, shared_memory=False),
        "Gymnasium sync, bare": SyncVectorEnv([BareEnv] * count),
    }

    def turn(env: VectorEnv) -> int:
        for _ in range(steps):
            env.step(actions)
        return steps * count

    def clock(name: str) -> float:
        env = envs[name]
        return time.process_time() + (sum(env.call("cpu_seconds")) if isinstance(env, AsyncVectorEnv) else 0.0)

    try:
        played = {name: [env.reset(seed=0), *(env.step(actions) for _ in range(6))] for name, env in envs.items()}
        for name, results in played.items():
            assert "bare" in name or data_equivalence(results, played["ours"], exact=True), f"{name} differs from ours"
        return medians({name: lambda env=env: turn(env) for name, env in envs.items()}, rounds, clock)
    finally:
        for env in envs.values():
            env.close()


def math(rounds: int) -> dict[str, float]:
    """256 problems of Math-v0, every second one answered right."""
    count = 256
    source = MathEnv(level=4).tasks
    batched = TextVectorEnv(MathEnv, count, level=4, autoreset_mode="Disabled")
    players: dict[str, Callable[[Any], list[float]]] = {
        "ours": lambda batch: _batch(batched, batch),
        "our loop": _loop([MathEnv(level=4) for _ in range(count)]),
    }
    if (verified := math_verify_env()) is not None:
        players["loop with math-verify"] = _loop([verified(level=4) for _ in range(count)])
    if (gem_player := gem_math()) is not None:
        players["gem-llm, math-verify"] = gem_player
    following = iter(range(10**9))

    def batch() -> list[tuple[int, Task, str]]:
        first = next(following) * count
        tasks = [source.task(index) for index in range(first, first + count)]
        answers = [str(int(task.answer) + place % 2) for place, task in enumerate(tasks)]
        return [
            (first + place, task, f"I think that it is <answer>{answer}</answer>.")
            for place, (task, answer) in enumerate(zip(tasks, answers, strict=True))
        ]

    expected = [float(place % 2 == 0) for place in range(count)]
    for name, play in players.items():
        assert play(batch()) == expected, f"{name} judges otherwise"
    # Tasks and answers are made outside of the time; drawing the task again in ``reset`` counts for ours.
    batches = {name: [batch() for _ in range(rounds)] for name in players}
    return medians(
        {name: lambda name=name: len(players[name](batches[name].pop())) for name in players}, rounds, process_time
    )


def _batch(env: TextVectorEnv, batch: list[tuple[int, Task, str]]) -> list[float]:
    env.reset(options={"task_index": [index for index, _, _ in batch]})
    return env.step([action for _, _, action in batch])[1].tolist()


def _loop(envs: list[MathEnv]) -> Callable[[Any], list[float]]:
    def play(batch: list[tuple[int, Task, str]]) -> list[float]:
        rewards = []
        for env, (index, _, action) in zip(envs, batch, strict=True):
            env.reset(options={"task_index": index})
            rewards.append(env.step(action)[1])
        return rewards

    return play


def deadline(rounds: int) -> dict[str, float]:
    """Seconds of the wall clock that a step takes in which 10 of 1,000 graders block."""
    seconds = []
    for _ in range(min(rounds, 5)):
        BlockingEnv.released.clear()
        env = TextVectorEnv(BlockingEnv, 1_000, deadline=1.0)
        env.reset(options={"task_index": list(range(1_000))})
        start = time.perf_counter()
        _, _, _, truncations, infos = env.step(("a",) * 1_000)
        seconds.append(time.perf_counter() - start)
        BlockingEnv.released.set()
        late = np.flatnonzero(truncations).tolist()
        assert set(range(0, 1_000, 100)) <= set(late), late
        if len(late) > 10:
            print(f"the machine is too busy: {len(late) - 10} others were late too")
        assert {infos["status"][place] for place in np.flatnonzero(truncations)} == {Status.TIMEOUT}
    return {"seconds a step": statistics.median(seconds)}


def families(rounds: int) -> dict[str, float]:
    """Drawing, asking and scoring, of tasks that are alike."""
    count = 256
    words = ReasoningSource(families=["reverse_words"])
    ours: dict[str, TextVectorEnv] = {
        "word order": TextVectorEnv(MultiDomainEnv, count, tasks=words, autoreset_mode="Disabled"),
        "equation": TextVectorEnv(MathEnv, count, families=["linear_equation"], autoreset_mode="Disabled"),
        "sum": TextVectorEnv(MathEnv, count, operations=["add"], digits=[4, 4], autoreset_mode="Disabled"),
    }
    following = iter(range(10**9))

    def play(env: TextVectorEnv) -> int:
        first = next(following) * count
        env.reset(options={"task_index": list(range(first, first + count))})
        solutions = [episode.task.metadata.get("solution", episode.task.answer) for episode in env.episodes]
        assert env.step([f"<answer>{solution}</answer>" for solution in solutions])[1].sum() == count
        return count

    turns: dict[str, Turn] = {f"{name}: ours": lambda env=env: play(env) for name, env in ours.items()}
    for found in (reasoning_gym_families(count, ours), gem_families(count)):
        turns |= found
    for turn in turns.values():
        turn()
    return dict(sorted(medians(turns, rounds, process_time).items()))


PARTS: dict[str, Callable[[int], dict[str, float]]] = {
    "vector": vector,
    "math": math,
    "deadline": deadline,
    "families": families,
}


def rivals_of(part: str, found: dict[str, float]) -> dict[str, float]:
    """How many times as long as ours the others take."""
    if part == "deadline":
        return {}
    own = {name: f"{name.split(': ')[0]}: ours" if ": " in name else "ours" for name in found}
    return {name: value / found[own[name]] for name, value in found.items()}


def show(part: str, found: dict[str, float]) -> None:
    ratios = rivals_of(part, found)
    table = Table(part, "seconds" if part == "deadline" else "CPU us per step", "times ours", width=90)
    for name, value in found.items():
        table.add_row(name, f"{value:,.2f}", f"{ratios[name]:.1f}" if ratios else "")
    Console().print(table)


def plot(results: dict[str, Any], path: Path) -> None:
    """Draws how many times as long as ours the others take."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    parts = [part for part in ("vector", "math", "families") if part in results]
    figure, axes = pyplot.subplots(1, len(parts), figsize=(15, 4), layout="constrained", squeeze=False)
    for axis, part in zip(axes[0], parts, strict=True):
        ratios = results[part]["times ours"]
        bars = axis.barh(
            [*ratios], [*ratios.values()], color=["C0" if name.endswith("ours") else "C7" for name in ratios]
        )
        axis.bar_label(bars, fmt="%.3g", padding=3)
        axis.invert_yaxis()
        axis.margins(x=0.15)
        axis.set(xscale="log", title=part, xlabel="CPU time in times ours")
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", nargs="+", choices=[*PARTS], default=[*PARTS])
    arguments = parser.parse_args()
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    for part in arguments.only:
        load = round(os.getloadavg()[0], 1)
        found = PARTS[part](arguments.rounds)
        show(part, found)
        unit = "seconds" if part == "deadline" else "CPU us per step"
        results[part] = {unit: {name: round(value, 3) for name, value in found.items()}, "load before": load}
        if ratios := rivals_of(part, found):
            results[part]["times ours"] = {name: round(value, 2) for name, value in ratios.items()}
    results["versions"] = {"python": platform.python_version(), "numpy": np.__version__} | versions()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    plot(results, RESULTS.with_suffix(".png"))


if __name__ == "__main__":
    main()
