"""Does the default job learn, within its budget, and from the rewards alone?

Runs the job of ``python -m agents.train`` with each seed, and once more with the rewards of each group
shuffled among its responses: the same amount of reward, unrelated to what was answered. What is left of the gain then
is not learning of the task.

    python benchmarks/default_job.py [--env math] [--seeds 0 1 2 3] [--controls 0 1 2 3] [--steps N]

Writes ``benchmarks/results/default_job.json`` and a picture of the curves beside it; for another environment
``coding_job.json`` and so on.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command does, before torch is loaded
os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("RL_LOGGING_LEVEL", "WARNING")

import argparse
import json
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from infinite_rl.agents.credit.reward_computer import RewardComputer, RewardMethod
from infinite_rl.agents.reports.data import held_out, read_logs, read_rows
from infinite_rl.agents.rollouts.trajectory import Trajectory
from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.agents.runs.training import Trainer

RESULTS = Path(__file__).parent / "results"
# The bars that a job is held to: the least gain of a seed. With shuffled rewards none may gain more than the other bar.
LEAST_GAIN = {"math": 0.35, "coding": 0.2, "self_verification": 0.3}
MOST_SHUFFLED_GAIN = 0.05


@dataclass(frozen=True, slots=True)
class Job:
    """One run: of which environment, with which seed, for how many steps (None: as configured), on which rewards."""

    env: str
    seed: int
    steps: int | None
    shuffled: bool


class ShuffledRewards(RewardComputer):
    """The environment's rewards, shuffled within each group; or over the whole batch.

    Algorithms that compare tasks with each other still learn from rewards that are shuffled within groups: which tasks
    the policy solves at all is knowledge, and so is being made surer of what it says to those.
    """

    def __init__(self, seed: int, *, over_batch: bool = False) -> None:
        super().__init__()
        self.over_batch = over_batch
        self.generator = torch.Generator().manual_seed(seed)

    def compute_rewards(self, trajectories: Trajectory, method: RewardMethod = "absolute") -> torch.Tensor:
        """Gives each member the reward of a random one, each reward once."""
        rewards = super().compute_rewards(trajectories, method)
        if self.over_batch:
            return rewards[torch.randperm(len(rewards), generator=self.generator)]
        for group in trajectories.group.unique():
            members = (trajectories.group == group).nonzero().squeeze(-1)
            rewards[members] = rewards[members[torch.randperm(len(members), generator=self.generator)]]
        return rewards


def run(job: Job) -> dict[str, Any]:
    """One run: what of its summary is to be kept, and the pass rate of the validation split by step."""
    overrides = [f"env={job.env}", f"seed={job.seed}", "trainer.progress=false"]
    overrides += [f"trainer.steps={job.steps}"] if job.steps is not None else []
    with tempfile.TemporaryDirectory() as folder:
        rewards = ShuffledRewards(job.seed) if job.shuffled else None
        summary = Trainer(load_config("grpo", overrides), Path(folder), reward_computer=rewards).run()
        rows = read_rows(Path(folder) / "metrics.jsonl", [])
        tests = [row for row in map(json.loads, (Path(folder) / "metrics.jsonl").open()) if row.get("split") == "test"]
        curve = held_out(read_logs(rows, "metrics.jsonl", []), "pass_rate")["validation"]
    kept = ("seed", "steps", "warm_start_steps", "test_before", "test_after", "test_after_se", "gain", "cpu_seconds")
    return {
        "shuffled": job.shuffled,
        **{key: summary[key] for key in kept},
        # Calls of tools per episode, before and after.
        **({"calls": [row["reward/calls"] for row in tests]} if "reward/calls" in tests[0] else {}),
        "validation": [[int(point.step), point.value] for point in curve],
        **{key: summary[key] for key in ("threads", "versions", "hashes")},
    }


def show(rows: list[dict[str, Any]]) -> None:
    """A table of the runs."""
    table = Table("seed", "rewards", "before", "after", "gain", "CPU s", title="Test split, 8 samples a task at T = 1")
    for row in rows:
        numbers = [f"{row[key]:.3f}" for key in ("test_before", "test_after", "gain")]
        table.add_row(str(row["seed"]), kind(row), *numbers, f"{row['cpu_seconds']:.0f}")
    Console().print(table)


def kind(row: dict[str, Any]) -> str:
    """The rewards of a run, for people."""
    return "shuffled" if row["shuffled"] else "true"


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """The pass rates of each run: a line for the validation split over the steps, diamonds for the test split."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3), layout="constrained")
    for row in rows:
        steps, rates = zip(*row["validation"], strict=True)
        colour = "tab:gray" if row["shuffled"] else f"C{row['seed']}"
        style = "--" if row["shuffled"] else "-"
        axes.plot(steps, rates, style, color=colour, marker="o", markersize=3, label=f"seed {row['seed']}, {kind(row)}")
        axes.plot(
            [0, row["steps"]], [row["test_before"], row["test_after"]], "D", color=colour, markersize=6, mfc="none"
        )
    axes.set(
        xlabel="step", ylabel="pass rate", ylim=(0, 1), title="lines: validation; diamonds: test, before and after"
    )
    axes.legend(title="rewards", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", choices=LEAST_GAIN, default="math")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3])
    parser.add_argument("--controls", type=int, nargs="+", help="seeds with shuffled rewards; by default all seeds")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--processes", type=int, default=2, help="runs at once")
    arguments = parser.parse_args()
    seeds = {False: arguments.seeds, True: arguments.controls or arguments.seeds}
    jobs = [Job(arguments.env, seed, arguments.steps, shuffled) for shuffled in seeds for seed in seeds[shuffled]]
    rows = []
    # Fresh processes, so that each run's CPU time is its own.
    with ProcessPoolExecutor(arguments.processes, get_context("spawn"), max_tasks_per_child=1) as pool:
        for row in track(pool.map(run, jobs), "training", total=len(jobs)):
            rows.append(row)
    for seed in {*seeds[False], *seeds[True]}:  # both runs of a seed must begin with the same policy
        assert len({row["test_before"] for row in rows if row["seed"] == seed}) == 1
    show(rows)
    gains = {shuffled: [row["gain"] for row in rows if row["shuffled"] == shuffled] for shuffled in seeds}
    print(f"mean gain {mean(gains[False]):.3f}, with shuffled rewards {mean(gains[True]):.3f}")
    name = "default_job" if arguments.env == "math" else f"{arguments.env}_job"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(rows, indent=1) + "\n")
    plot(rows, RESULTS / f"{name}.png")
    assert min(gains[False]) >= LEAST_GAIN[arguments.env], "a seed gained too little"
    assert max(gains[True]) <= MOST_SHUFFLED_GAIN, "something other than the rewards teaches the task"


if __name__ == "__main__":
    main()
