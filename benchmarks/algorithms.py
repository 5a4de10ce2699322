"""Does each algorithm learn the default job, and from the rewards alone?

Every algorithm starts from the same policy, the warm-started one of its seed, makes the same number of steps, and is
measured on the test split before and after. Once more with the rewards of each group shuffled among its responses, or,
where an algorithm compares tasks with each other, among all of the step: what is left of the gain then is not learning
of the task. The teacher of the distillation is what GRPO made of seed 0.

    python benchmarks/algorithms.py [--algorithms grpo ppo …] [--seeds 0 1 2] [--controls 0] [--steps N]

Runs that are in ``benchmarks/results/algorithms.json`` with the same configuration are not run again, so that it can be
made in parts. Beside it go a table in Markdown and a picture.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command does, before torch is loaded
os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("RL_LOGGING_LEVEL", "WARNING")

import argparse
import hashlib
import json
import shutil
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from default_job import ShuffledRewards

from infinite_rl.agents.reports.data import held_out, read_logs, read_rows
from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.agents.runs.training import Trainer

RESULTS = Path(__file__).parent / "results"
ALGORITHMS = ("grpo", "dr_grpo", "dapo", "gspo", "cispo", "rloo", "reinforce", "reinforce_pp", "ppo", "distillation")
TEACHER_SEED = 0
LEAST_GAIN, MOST_SHUFFLED_GAIN = 0.25, 0.05


@dataclass(frozen=True, slots=True)
class Job:
    """One run: which algorithm, with which seed, on which rewards, with which overrides, started and kept where."""

    algorithm: str
    seed: int
    shuffled: bool
    steps: int | None
    overrides: tuple[str, ...]
    work: Path

    def config(self) -> Any:
        """The configuration of the run."""
        overrides = [f"algorithm={self.algorithm}", f"seed={self.seed}", "trainer.progress=false"]
        overrides += [f"trainer.steps={self.steps}"] if self.steps is not None else []
        overrides += [f"adv.teacher={teacher(self.work)}"] if self.algorithm == "distillation" else []
        return load_config("grpo", [*overrides, *self.overrides])

    def recipe(self) -> str:
        """A digest of all that makes the run, but for places."""
        config = asdict(self.config())
        config["adv"]["teacher"] = config["trainer"]["save_dir"] = None
        return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def name(self) -> str:
        """For people and folders."""
        return f"{self.algorithm}-{self.seed}" + ("-shuffled" if self.shuffled else "")


def teacher(work: Path) -> Path:
    """Where the distillation's teacher lies."""
    return work / "teacher"


def start(seed: int, work: Path) -> None:
    """The policy that all runs of a seed begin with: warmed up, and measured on the test split."""
    folder = work / f"start-{seed}"
    if (folder / "summary.json").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    Trainer(load_config("grpo", [f"seed={seed}", "trainer.steps=0", "trainer.progress=false"]), folder).run()


def run(job: Job) -> dict[str, Any]:
    """One run: what of its summary is to be kept, and the pass rate of the validation split by step."""
    folder = job.work / job.name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(job.work / f"start-{job.seed}", folder)
    (folder / "summary.json").unlink()
    config = job.config()
    shuffled = ShuffledRewards(job.seed, over_batch=config.adv.estimator not in ("group", "rloo"))
    trainer = Trainer(config, folder, resume=True, reward_computer=shuffled if job.shuffled else None)
    before = trainer.state.results["cpu_seconds"]
    summary = trainer.run()
    rows = read_rows(folder / "metrics.jsonl", [])
    curve = held_out(read_logs(rows, "metrics.jsonl", []), "pass_rate")["validation"]
    if (job.algorithm, job.seed, job.shuffled) == ("grpo", TEACHER_SEED, False) and not job.overrides:
        shutil.rmtree(teacher(job.work), ignore_errors=True)
        shutil.copytree(trainer.checkpoints.path(summary["steps"]), teacher(job.work))
    shutil.rmtree(folder / "checkpoints")
    kept = ("seed", "steps", "test_before", "test_after", "test_after_se", "gain")
    return {
        "algorithm": job.algorithm,
        "shuffled": job.shuffled,
        "recipe": job.recipe(),
        **{key: summary[key] for key in kept},
        "cpu_seconds": summary["cpu_seconds"] - before,
        "validation": [[int(point.step), point.value] for point in curve],
        **{key: summary[key] for key in ("threads", "versions", "hashes")},
    }


def run_all(jobs: list[Job], path: Path, processes: int) -> list[dict[str, Any]]:
    """Runs what is not in the results yet, each in a process of its own, and saves after each."""
    rows = json.loads(path.read_text("utf-8")) if path.exists() else []
    for wave in (
        [job for job in jobs if job.algorithm != "distillation"],
        [job for job in jobs if job.algorithm == "distillation"],
    ):
        missing = [job for job in wave if not any(is_of(row, job) for row in rows)]
        with ProcessPoolExecutor(processes, get_context("spawn"), max_tasks_per_child=1) as pool:
            list(pool.map(start, {job.seed: None for job in missing}, [job.work for job in missing]))
            for done in as_completed([pool.submit(run, job) for job in missing]):
                row = done.result()
                print(f"{row['algorithm']:13} seed {row['seed']} {kind(row):8} gain {row['gain']:+.3f}", flush=True)
                same = ("algorithm", "seed", "shuffled")
                rows = [other for other in rows if any(other[key] != row[key] for key in same)] + [row]
                rows.sort(key=lambda row: (ALGORITHMS.index(row["algorithm"]), row["shuffled"], row["seed"]))
                path.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    return rows


def is_of(row: dict[str, Any], job: Job) -> bool:
    """Whether a row is what the job would give."""
    return (row["algorithm"], row["seed"], row["shuffled"]) == (job.algorithm, job.seed, job.shuffled) and (
        row["recipe"] == job.recipe()
    )


def kind(row: dict[str, Any]) -> str:
    """The rewards of a run, for people."""
    return "shuffled" if row["shuffled"] else "true"


def table(rows: list[dict[str, Any]]) -> str:
    """The gains of all runs, in Markdown: a row for each algorithm, a column for each seed."""
    columns = sorted({(row["shuffled"], row["seed"]) for row in rows})
    heads = [f"seed {seed}" + (", shuffled" if shuffled else "") for shuffled, seed in columns]
    lines = [f"| algorithm | steps | {' | '.join(heads)} | CPU s a run |", "|---|" + "---:|" * (len(heads) + 2)]
    for algorithm in ALGORITHMS:
        own = {(row["shuffled"], row["seed"]): row for row in rows if row["algorithm"] == algorithm}
        if own:
            gains = [f"{own[c]['gain']:+.3f}" if c in own else "" for c in columns]
            seconds = sum(row["cpu_seconds"] for row in own.values()) / len(own)
            steps = next(iter(own.values()))["steps"]
            lines.append(f"| {algorithm} | {steps} | {' | '.join(gains)} | {seconds:.0f} |")
    return "\n".join(lines) + "\n"


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """A panel for each algorithm: pass rates of the validation split, grey where rewards are shuffled."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = [name for name in ALGORITHMS if any(row["algorithm"] == name for row in rows)]
    figure, panels = pyplot.subplots(
        -(-len(names) // 5), min(5, len(names)), figsize=(11, 2.4 * -(-len(names) // 5)), sharex=True, sharey=True,
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for axes in panels.flat[len(names) :]:
        axes.set_visible(False)
    for axes, name in zip(panels.flat, names, strict=False):
        for row in (row for row in rows if row["algorithm"] == name):
            steps, rates = zip(*[[0, row["test_before"]], *row["validation"]], strict=True)
            shuffled = row["shuffled"]
            axes.plot(steps, rates, "--" if shuffled else "-", color="tab:gray" if shuffled else f"C{row['seed']}")
        axes.set(title=name, ylim=(0, 1))
        axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("step")
    figure.supylabel("pass rate, validation")
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--algorithms", nargs="+", choices=ALGORITHMS, default=ALGORITHMS)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--controls", type=int, nargs="*", default=[0], help="seeds with shuffled rewards")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="other values, to try them out")
    parser.add_argument("--processes", type=int, default=2, help="runs at once")
    parser.add_argument("--results", type=Path, default=RESULTS / "algorithms.json")
    parser.add_argument("--work", type=Path, default=Path("runs/algorithms"), help="where runs are kept")
    arguments = parser.parse_args()
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    jobs = [
        Job(name, seed, shuffled, arguments.steps, tuple(arguments.set), arguments.work.absolute())
        for shuffled, seeds in ((False, arguments.seeds), (True, arguments.controls))
        for seed in seeds
        for name in arguments.algorithms
        # A distillation reads no rewards, so there is nothing to shuffle.
        if not (shuffled and name == "distillation")
    ]
    rows = run_all(jobs, arguments.results, arguments.processes)
    arguments.results.with_suffix(".md").write_text(table(rows), "utf-8")
    plot(rows, arguments.results.with_suffix(".png"))
    print(table(rows))
    low = [row for row in rows if not row["shuffled"] and row["gain"] < LEAST_GAIN]
    high = [row for row in rows if row["shuffled"] and row["gain"] > MOST_SHUFFLED_GAIN]
    assert not low, f"gained too little: {[(row['algorithm'], row['seed']) for row in low]}"
    assert not high, f"learnt without rewards: {[(row['algorithm'], row['seed']) for row in high]}"


if __name__ == "__main__":
    main()
