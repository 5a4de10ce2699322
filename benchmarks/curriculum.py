"""How do laws of sampling do, without a model?

    python benchmarks/curriculum.py [--families ABCD] [--presets NAME ...] [--seeds N] [--steps T]

Simulated learners of four families (``infinite_rl.buffers.simulators``) practise what a ``TaskBuffer`` draws for them:
eight domains that come in by four stages, 32 groups of 8 answers a step. Of each preset the table says

- AURC, the mean over domains of the mean held-out pass rate from a domain's arrival on;
- what that is more than under ``uniform``, in percent, with a 95% interval of the bootstrap over seeds: the same seed
  is the same learner with the same tasks;
- ACC at the end, BWT since the end of a domain's stage, FWT before its arrival, and the worst domain at the end;
- how many groups all passed or all failed.

Then ``InfiniteRL/Stub-v0`` judges answers with nothing in them: what each domain gets of the draws, beside how often
answers pass there.

As it stands this takes about a minute. ``--seeds 20`` made the results that lie beside it.
"""

from __future__ import annotations

import argparse
import json
import os

os.environ.setdefault("RL_LOGGING_LEVEL", "WARNING")

import time
from importlib.metadata import version
from itertools import count, product
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

import infinite_rl  # noqa: F401  (registers the environments)
from infinite_rl.buffers.laws import PRESETS
from infinite_rl.buffers.retention import paired_bootstrap
from infinite_rl.buffers.simulators import FAMILIES, practise
from infinite_rl.datasets.stub import PASS_RATES, StubSource

RESULTS = Path(__file__).parent / "results" / "curriculum.json"
BASE = "uniform"
USUAL = ("seed_acc_ema", "article_bands_quota", "sfl", "sec", "plr", "rubric")
COLUMNS = ("AURC", "ACC", "BWT", "FWT", "worst", "decided")


class StubPolicy:
    """Says something else each time; ``InfiniteRL/Stub-v0`` judges it. A learner that learns nothing."""

    def __init__(self, batch: int, group_size: int, items: int = 16) -> None:
        self.names, self.items = sorted(PASS_RATES), items
        self.domains = len(self.names)
        self._environment = gymnasium.make_vec("InfiniteRL/Stub-v0", num_envs=batch * group_size)
        self._said = 0
        source, indices = StubSource(), {name: [] for name in self.names}
        for index in count():
            indices[source.task(index).domain].append(index)
            if min(len(found) for found in indices.values()) == items:
                break
        self._indices = np.array([indices[name][:items] for name in self.names])

    def answer(self, domains: np.ndarray, items: np.ndarray, group_size: int, weights: np.ndarray) -> np.ndarray:
        """What the environment passes."""
        asked = self._indices[domains, items].repeat(group_size)
        self._environment.reset(options={"task_index": asked.tolist()})
        _, rewards, *_ = self._environment.step(tuple(f"answer {self._said + k}" for k in range(len(asked))))
        self._said += len(asked)
        return rewards.reshape(len(domains), group_size).sum(axis=1).astype(np.int64)

    def held_out(self) -> np.ndarray:
        """What its answers pass whatever is practised."""
        return np.array([PASS_RATES[name] for name in self.names])


def shares_of_stub(preset: str, steps: int = 60, batch: int = 16, group_size: int = 8) -> dict[str, float]:
    """What each domain of Stub-v0 got of the draws."""
    policy = StubPolicy(batch, group_size)
    found = practise(policy, preset, steps=steps, batch=batch, group_size=group_size, stages=1)
    return dict(zip(policy.names, found.shares.tolist(), strict=True))


def measure(families: str, presets: list[str], seeds: int, steps: int) -> dict[str, dict[str, Any]]:
    """Of each family and preset, the summaries of all seeds: [seeds, columns]."""
    found = {family: {preset: np.zeros((seeds, len(COLUMNS))) for preset in presets} for family in families}
    runs = list(product(range(seeds), families, presets))
    for seed, family, preset in track(runs, "Practising"):
        summary = practise(FAMILIES[family](seed), preset, seed=seed, steps=steps).summary()
        found[family][preset][seed] = [summary[name] for name in COLUMNS]
    return found


def row(values: np.ndarray, base: np.ndarray) -> dict[str, Any]:
    """Means over seeds, and the AURC against that of ``base`` with the same seeds, in percent."""
    means = dict(zip(COLUMNS, values.mean(axis=0).round(4).tolist(), strict=True))
    relative = paired_bootstrap(100 * (values[:, 0] / base[:, 0] - 1))
    return {**means, "AURC vs uniform, %": [round(value, 2) for value in relative]}


def show(results: dict[str, Any]) -> None:
    console = Console(width=120)  # rows that fit on a line
    for family, rows in results["families"].items():
        table = Table("preset", "AURC", "vs uniform, %", *COLUMNS[1:], title=f"Family {family}")
        for preset, found in rows.items():
            mean, low, high = found["AURC vs uniform, %"]
            numbers = [f"{found[name]:.3f}" for name in COLUMNS]
            table.add_row(preset, numbers[0], f"{mean:+.1f} ({low:+.1f}, {high:+.1f})", *numbers[1:])
        console.print(table)
    table = Table("share of draws", *sorted(PASS_RATES), title="Stub-v0")
    for preset, shares in results["stub"].items():
        table.add_row(preset, *(f"{shares[name]:.3f}" for name in sorted(PASS_RATES)))
    table.add_row("(pass rate)", *(f"{PASS_RATES[name]:.3f}" for name in sorted(PASS_RATES)))
    console.print(table)


def parse_presets(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in PRESETS]:
        raise argparse.ArgumentTypeError(f"there is no {unknown[0]}; choose from {', '.join(PRESETS)}")
    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", default="".join(FAMILIES))
    parser.add_argument("--presets", type=parse_presets, default=USUAL, metavar="NAME,NAME")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--results", type=Path, help=f"where to write them, such as {RESULTS.name}")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    presets = list(dict.fromkeys([BASE, *arguments.presets]))
    begin = time.process_time()
    found = measure(arguments.families, presets, arguments.seeds, arguments.steps)
    seconds = (time.process_time() - begin) / (len(arguments.families) * len(presets) * arguments.seeds)
    results = {
        "seeds": arguments.seeds,
        "steps": arguments.steps,
        "CPU seconds a run": round(seconds, 2),
        "families": {
            family: {preset: row(values, by_preset[BASE]) for preset, values in by_preset.items()}
            for family, by_preset in found.items()
        },
        "stub": {preset: shares_of_stub(preset) for preset in presets},
        "versions": {name: version(name) for name in ("torch", "torchrl", "tensordict", "numpy")},
    }
    if arguments.results:
        arguments.results.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    show(results)
    print(f"{seconds:.2f} CPU seconds a run")


if __name__ == "__main__":
    main()
