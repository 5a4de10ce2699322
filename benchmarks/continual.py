"""Which sampler of tasks learns and keeps most, on real environments, at equal compute?

    python benchmarks/continual.py [--seeds 100-119] [--presets uniform,rubric] [--jobs N] [--results FILE]

``experiment=continual`` is run for each seed and preset: domains of arithmetic, programs, logic and text come in one
after the other, and the tiny model practises what the sampler draws. All presets of a seed begin with the same warm
policy and the same tasks, make the same number of steps of the same number of episodes, and are measured on the same
validation tasks with the same random streams; they differ by the sampler alone.

Settings were chosen on seeds 0 to 4; the seeds that are reported are 100 to 119. Each run adds its row to the results
when it is done; runs that have one are not repeated, so the command may be interrupted, and a run that fails costs the
others nothing. All rows must be of the same code, this file included.

``uniform`` draws domains by their numbers of tasks; ``round_robin``, which may be asked for, alike, as the figures
weigh them. The warm policy has seen solved tasks of all domains, those that come in later too. Intervals are
percentiles of a paired bootstrap over seeds; with 20 of them they are somewhat narrow (some 92% where 95% is said).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("RL_LOGGING_LEVEL", "WARNING")

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.agents.runs.provenance import code_hash, file_hash, versions
from infinite_rl.buffers.retention import paired_bootstrap

RESULTS = Path(__file__).parent / "results" / "continual.jsonl"
PRESETS = ("uniform", "seed_acc_ema", "article_bands_quota", "per", "rubric")
BASELINE = "uniform"
FIGURES = ("AURC", "ACC", "BWT", "FWT", "worst")
# The test split is not read here; and the loop is to be quiet.
COMMON = ["experiment=continual", "data.test_size=1", "trainer.progress=false", "trainer.save_every=1000000"]

Row = dict[str, Any]


def run(folder: Path, overrides: Sequence[str]) -> Row:
    """One run's summary; what it wrote is removed, but for the policy of its last step."""
    from infinite_rl.agents.runs.training import Trainer

    config = load_config(overrides=[*COMMON, *overrides, f"trainer.save_dir={folder}"])
    folder.mkdir(parents=True, exist_ok=True)
    return Trainer(config, folder).run()


def of_seed(seed: int, presets: Sequence[str], overrides: Sequence[str], results: Path) -> None:
    """The runs of one seed, each of which adds its row: a warm policy, then each preset from there."""
    begun_with = code()  # which may be edited before the run ends
    with TemporaryDirectory() as name:
        folder = Path(name)
        run(folder / "warm", [*overrides, f"seed={seed}", "trainer.steps=0"])
        warm = folder / "warm" / "checkpoints" / "step-00000000"
        start = ["model.warm_start=null", "model.tiny=null", f"model.name={warm}"]
        for preset in presets:
            place = folder / preset
            summary = run(place, [*overrides, f"seed={seed}", *start, f"sampler={preset}"])
            row = {
                "seed": seed,
                "preset": preset,
                **{name: summary[name] for name in FIGURES},
                "cpu_seconds": summary["cpu_seconds"],
                "tokens": summary["tokens"],
                "steps": summary["steps"],
                "curves": curves(place),
                "code": begun_with,
                "overrides": [*overrides],
                "versions": versions(),
            }
            shutil.rmtree(place)
            with results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")  # in one piece, whatever others write


def code() -> str:
    """What the runs depend on: the package, and this file."""
    return f"{code_hash()} {file_hash(Path(__file__))}"


def curves(folder: Path) -> dict[str, list[list[float]]]:
    """The held-out pass rates of each domain: steps and values."""
    found: dict[str, list[list[float]]] = {}
    for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        if row["phase"] == "eval" and row["split"] == "validation":
            for key, value in row.items():
                if key.startswith("pass_rate/"):
                    found.setdefault(key.removeprefix("pass_rate/"), []).append([row["step"], round(value, 4)])
    return found


def known_rows(path: Path, overrides: Sequence[str]) -> list[Row]:
    """The rows that are there, without one that was cut.

    Raises:
        SystemExit: if they come from other code or settings.
    """
    lines = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
    rows = [json.loads(line) for line in lines if line.endswith("\n")]
    if len(rows) < len(lines):
        path.write_text("".join(lines[:-1]), "utf-8")
    for row in rows:
        if row["code"] != code() or row["overrides"] != [*overrides]:
            raise SystemExit(f"{path} holds runs of other code or other settings: give another --results")
    return rows


def summarise(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """Of each preset the means over seeds, and how it differs from uniform sampling, paired by seed."""
    by_preset: dict[str, dict[int, Row]] = {}
    for row in rows:
        by_preset.setdefault(row["preset"], {})[row["seed"]] = row
    found = {}
    for preset, mine in by_preset.items():
        base = by_preset.get(BASELINE, {})
        seeds = sorted(mine.keys() & base.keys())
        relative = [100 * (mine[seed]["AURC"] / base[seed]["AURC"] - 1) for seed in seeds]
        found[preset] = {
            "seeds": len(mine),
            "AURC against uniform, %": paired_bootstrap(relative),
            **{
                f"{name} - uniform": paired_bootstrap([mine[seed][name] - base[seed][name] for seed in seeds])
                for name in FIGURES
            },
            **{name: float(np.mean([row[name] for row in mine.values()])) for name in (*FIGURES, "cpu_seconds")},
        }
    return found


def show(found: dict[str, dict[str, Any]]) -> None:
    table = Table("sampler", "seeds", *FIGURES, "AURC against uniform, %", "BWT - uniform", "CPU s")
    for preset, row in found.items():
        relative, kept = row["AURC against uniform, %"], row["BWT - uniform"]
        table.add_row(
            preset,
            str(row["seeds"]),
            *(f"{row[name]:.3f}" for name in FIGURES),
            f"{relative[0]:+.1f} [{relative[1]:+.1f}, {relative[2]:+.1f}]",
            f"{kept[0]:+.3f} [{kept[1]:+.3f}, {kept[2]:+.3f}]",
            f"{row['cpu_seconds']:.0f}",
        )
    Console(width=160).print(table)


def parse_seeds(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=parse_seeds, default=parse_seeds("100-119"), help="such as 100-119")
    parser.add_argument("--presets", default=",".join(PRESETS))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="seeds at once")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="other settings than those of the experiment")
    arguments = parser.parse_args()
    rows = known_rows(arguments.results, arguments.overrides)
    done = {(row["seed"], row["preset"]) for row in rows}
    missing = {
        seed: [preset for preset in arguments.presets.split(",") if (seed, preset) not in done]
        for seed in arguments.seeds
    }
    missing = {seed: presets for seed, presets in missing.items() if presets}
    context = multiprocessing.get_context("spawn")
    failed: list[str] = []
    with ProcessPoolExecutor(arguments.jobs, mp_context=context) as pool, Progress() as progress:
        bar = progress.add_task("seeds", total=len(missing))
        runs = {
            pool.submit(of_seed, seed, presets, arguments.overrides, arguments.results): seed
            for seed, presets in missing.items()
        }
        for finished in as_completed(runs):
            if error := finished.exception():
                failed.append(f"seed {runs[finished]}: {error}")
            progress.advance(bar)
    rows = [row for row in known_rows(arguments.results, arguments.overrides) if row["seed"] in arguments.seeds]
    found = summarise(rows)
    arguments.results.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    show(found)
    if failed:
        raise SystemExit("\n".join(failed))


if __name__ == "__main__":
    main()
