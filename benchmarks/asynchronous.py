"""What do asynchronous rollouts gain, and what do they cost?

    python benchmarks/asynchronous.py [throughput] [reward] [default_job] [--seeds N]

``throughput``: steps per second where groups take log-normal times (coefficient of variation 1, mean twice a training
step), beside the bound that the simulator gives for the very same times (``agents/rollouts/simulator.py``). The
pipeline, its threads, sampling and grading are real; times are slept, of groups in the environment and of the training
step, so that the number of cores does not matter. ``reward``: the reward of held-out tasks after training, at staleness
2 and 0, over several seeds, on a job of half a minute: each task names a digit, and the reward is how near to it the
four characters of a response are. ``default_job``: the held-out pass rate of the default job likewise, about three
minutes of CPU time a run.

Results go to ``benchmarks/results/asynchronous.json``; parts that did not run stay as they were.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch

from infinite_rl.agents.config import TinyConfig
from infinite_rl.agents.inference.continuous import ContinuousBackend
from infinite_rl.agents.inference.module import InferenceModule
from infinite_rl.agents.models.tiny_model import make_model, make_tokenizer
from infinite_rl.agents.rollouts.manager import RolloutConfig, RolloutManager
from infinite_rl.agents.rollouts.pipeline import Pipeline
from infinite_rl.agents.rollouts.simulator import log_normal, simulate
from infinite_rl.agents.rollouts.trajectory import Trajectory
from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.agents.runs.training import Trainer
from infinite_rl.buffers.tasks import TaskBuffer, TaskDraw
from infinite_rl.envs.math import MathEnv

RESULTS = Path(__file__).parent / "results" / "asynchronous.json"
STALENESS, QUOTA, GROUP = 2, 8, 4
TRAIN_S, MEAN_S, VARIATION = 1.0, 2.0, 1.0
STEPS = {0: 20, STALENESS: 60}
# Quantiles 0.975 of Student's t, by degrees of freedom.
T975 = {2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}

DIGITS = """
def interact(messages): return []
def reward_fn(messages, answer):
    digits = [int(c) for c in messages[-1]["content"] if c.isdigit()]
    return sum(1 - abs(digit - int(answer)) / 9 for digit in digits) / 4
"""
JOB = [
    "model.warm_start=null",
    "model.tiny.hidden_size=32",
    "model.tiny.mlp_size=64",
    "model.tiny.layers=1",
    "data=file",
    "data.validation_size=2",
    "data.test_size=48",
    "data.prompts_per_rollout=8",
    "data.responses_per_prompt=8",
    "evaluation.samples_per_prompt=8",
    "evaluation.every=1000",
    "rollout.max_new_tokens=4",
    "rollout.max_length=32",
    "actor.lr=0.005",
    "actor.decay_steps=150",
    "actor.min_ratio=0.02",  # at 0.1 single runs still moved by .07 at their end
    "trainer.steps=150",
    "trainer.save_every=1000",
    "trainer.progress=false",
    "trainer.threads=1",
]


class SlowRollouts(RolloutManager):
    """Groups take as long as their draws are said to; those that are played together take as long as the slowest."""

    seconds: dict[tuple[int, int], float]

    def play(
        self, draws: Sequence[TaskDraw], group_size: int = 1, max_steps_per_rollout: int | None = None
    ) -> Trajectory:
        """Plays, and sleeps for the rest of the time."""
        until = time.monotonic() + max(self.seconds[draw.task_index, draw.attempt] for draw in draws)
        found = super().play(draws, group_size, max_steps_per_rollout)
        time.sleep(max(0.0, until - time.monotonic()))
        return found


class TimedTasks(TaskBuffer):
    """Says of each draw how long its group takes, in the order of the draws."""

    seconds: dict[tuple[int, int], float]
    latencies: Iterator[float]

    def draw(self, count: int) -> list[TaskDraw]:
        """Draws, and notes the times."""
        draws = super().draw(count)
        for draw in draws:
            self.seconds[draw.task_index, draw.attempt] = next(self.latencies)
        return draws


def measured(staleness: int, steps: int) -> float:
    """The seconds of so many steps."""
    tokenizer = make_tokenizer()
    shape = TinyConfig(hidden_size=16, layers=1, heads=2, kv_heads=1, mlp_size=32, max_positions=256)
    model = make_model(tokenizer, shape, seed=0)
    weights = model.state_dict()
    env = MathEnv()
    inference = InferenceModule("a copy", tokenizer, ContinuousBackend(model, tokenizer, temperature=1.0))
    rollouts = SlowRollouts(env, RolloutConfig(max_new_tokens=4, max_length=256), inference=inference)
    tasks = TimedTasks(["add"] * 64, preset="uniform", group_size=GROUP)
    rollouts.seconds = tasks.seconds = {}
    tasks.latencies = log_normal(MEAN_S, VARIATION, seed=0)
    pipeline = Pipeline(tasks, rollouts, group_size=GROUP, quota=QUOTA, staleness=staleness, steps=steps)
    start = time.monotonic()
    for step in range(steps):
        pipeline.begin(step)
        pipeline.take(QUOTA)
        time.sleep(TRAIN_S)
        pipeline.rollouts.inference.load(weights, version=step + 1)
    seconds = time.monotonic() - start
    pipeline.close()
    return seconds


def throughput() -> dict[str, Any]:
    """Steps per second, beside the bound."""
    found: dict[str, Any] = {}
    for staleness, steps in STEPS.items():
        bound = simulate(
            log_normal(MEAN_S, VARIATION, seed=0),
            steps=steps,
            train_seconds=TRAIN_S,
            quota=QUOTA,
            staleness=staleness,
        )
        rate, most = steps / measured(staleness, steps), steps / bound.seconds
        found[f"staleness {staleness}"] = {
            "steps": steps,
            "steps_per_second": rate,
            "bound": most,
            "share_of_bound": rate / most,
            "mean_staleness": bound.staleness,
        }
    rates = [row["steps_per_second"] for row in found.values()]
    return {**found, "speedup": rates[1] / rates[0], "train_seconds": TRAIN_S, "groups_per_step": QUOTA}


def final_reward(folder: Path, job: Sequence[str], staleness: int, seed: int) -> tuple[float, float]:
    """The mean reward of held-out tasks before and after training."""
    place = folder / f"{staleness}-{seed}"
    place.mkdir()
    overrides = [*job, f"rollout.staleness={staleness}", f"seed={seed}", f"trainer.save_dir={place}"]
    Trainer(load_config(overrides=overrides), place).run()
    rows = [json.loads(line) for line in (place / "metrics.jsonl").read_text().splitlines()]
    before, after = (row["reward/correctness"] for row in rows if row.get("split") == "test")
    return before, after


def digits(folder: Path) -> list[str]:
    """The small job; its files go into ``folder``."""
    (folder / "digits.py").write_text(DIGITS)
    questions = [f"{digit}{first}{second}?" for digit in range(10) for first in "abcdef" for second in "abcdef"]
    tasks = [{"messages": [{"role": "user", "content": text}], "answer": text[0]} for text in questions]
    (folder / "tasks.jsonl").write_text("\n".join(map(json.dumps, tasks)))
    return [*JOB, f"env={folder / 'digits.py'}", f"data.train_path={folder / 'tasks.jsonl'}"]


def reward(seeds: int, *, small: bool) -> dict[str, Any]:
    """Held-out rewards with and without staleness, and the interval of their difference."""
    found: dict[str, list[float]] = {"before": [], "synchronous": [], "asynchronous": []}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        job = digits(folder) if small else ["trainer.progress=false", "evaluation.every=1000"]
        for seed in range(seeds):
            for name, staleness in (("synchronous", 0), ("asynchronous", STALENESS)):
                before, after = final_reward(folder, job, staleness, seed)
                found[name].append(after)
            found["before"].append(before)
            print(seed, {name: values[-1] for name, values in found.items()}, flush=True)
    gaps = [one - other for one, other in zip(found["asynchronous"], found["synchronous"], strict=True)]
    half = T975[seeds - 1] * stdev(gaps) / sqrt(seeds)
    return {**found, "difference": fmean(gaps), "interval": [fmean(gaps) - half, fmean(gaps) + half]}


def main() -> None:
    """Runs the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "throughput": throughput,
        "reward": lambda: reward(arguments.seeds, small=True),
        "default_job": lambda: reward(arguments.seeds, small=False),
    }
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(parts)}; by default all")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for part in arguments.parts or parts:
        results[part] = parts[part]()
        print(json.dumps({part: results[part]}, indent=2))
        RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
