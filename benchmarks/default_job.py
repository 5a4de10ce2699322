"""Does the default job learn, within its budget, and from the rewards alone?

Runs the job of ``python -m agents.train`` with each seed, and once more with the rewards of each group
shuffled among its responses: the same amount of reward, unrelated to what was answered. What is left of the gain then
is not learning of the task.

    python benchmarks/default_job.py [--seeds 0 1 2 3] [--steps N]

Writes ``benchmarks/results/default_job.json``.
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
from multiprocessing import get_context
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from infinite_rl.agents.load_config import load_config
from infinite_rl.agents.reward_computer import RewardComputer, RewardMethod
from infinite_rl.agents.training import Trainer
from infinite_rl.agents.trajectory import Trajectory

RESULTS = Path(__file__).parent / "results" / "default_job.json"


class ShuffledRewards(RewardComputer):
    """The environment's rewards, shuffled within each group."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)

    def compute_rewards(self, trajectories: Trajectory, method: RewardMethod = "absolute") -> torch.Tensor:
        """Gives each member of a group the reward of a random member, each reward once."""
        rewards = super().compute_rewards(trajectories, method)
        for group in trajectories.group.unique():
            members = (trajectories.group == group).nonzero().squeeze(-1)
            rewards[members] = rewards[members[torch.randperm(len(members), generator=self.generator)]]
        return rewards


def run(job: tuple[int, int | None, bool]) -> dict[str, Any]:
    """One run, given its seed, its steps and whether rewards are shuffled; what of its summary is to be kept."""
    seed, steps, shuffled = job
    overrides = [f"seed={seed}", "trainer.progress=false"] + ([f"trainer.steps={steps}"] if steps is not None else [])
    with tempfile.TemporaryDirectory() as folder:
        rewards = ShuffledRewards(seed) if shuffled else None
        summary = Trainer(load_config("grpo", overrides), Path(folder), reward_computer=rewards).run()
    kept = ("seed", "steps", "warm_start_steps", "test_before", "test_after", "test_after_se", "gain", "cpu_seconds")
    return {"shuffled": shuffled} | {key: summary[key] for key in (*kept, "threads", "versions", "hashes")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3])
    parser.add_argument("--steps", type=int)
    parser.add_argument("--processes", type=int, default=2, help="runs at once")
    arguments = parser.parse_args()
    jobs = [(seed, arguments.steps, shuffled) for shuffled in (False, True) for seed in arguments.seeds]
    rows = []
    # Fresh processes, so that each run's CPU time is its own.
    with ProcessPoolExecutor(arguments.processes, get_context("spawn"), max_tasks_per_child=1) as pool:
        for row in track(pool.map(run, jobs), "training", total=len(jobs)):
            rows.append(row)
    for seed in arguments.seeds:  # both runs of a seed must begin with the same policy
        assert len({row["test_before"] for row in rows if row["seed"] == seed}) == 1
    table = Table("seed", "rewards", "before", "after", "gain", "CPU s", title="Test split, 8 samples a task at T = 1")
    for row in rows:
        numbers = [f"{row[key]:.3f}" for key in ("test_before", "test_after", "gain")]
        table.add_row(
            str(row["seed"]), "shuffled" if row["shuffled"] else "true", *numbers, f"{row['cpu_seconds']:.0f}"
        )
    Console().print(table)
    gains = {kind: [row["gain"] for row in rows if row["shuffled"] == kind] for kind in (False, True)}
    print(f"mean gain {mean(gains[False]):.3f}, with shuffled rewards {mean(gains[True]):.3f}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")
    # The bars that the default job is held to.
    assert min(gains[False]) >= 0.35, "a seed gained too little"
    assert max(gains[True]) <= 0.05, "something other than the rewards teaches the task"


if __name__ == "__main__":
    main()
