"""How fast are prioritized draws, beside what people use?

    python benchmarks/sampler.py [--rounds N]

A batch of 64 or 1,024 items is drawn from 1e4 to 1e7 by priority, its loss weights are computed, and its priorities are
updated: by ``RubricPrioritizedSampler`` (preset ``per``: stored groups of one domain and of eight, and tasks, whose
results it learns from too), by TorchRL's ``PrioritizedSampler`` where its extension loads, by a cumulative sum made
anew with ``searchsorted``, and by a sum tree in plain Python; and uniform ``TensorDictReplayBuffer.sample``, which
gathers what it draws. Batches of 64 tasks of eight domains are drawn by ``seed_acc_ema`` and ``rubric``, too, but among
1e7 not by ``rubric``, which looks at each. The samplers alone: nothing is gathered from a storage. All sides run in one
process, in turns; medians of CPU time are reported, and beside them the least, for what else runs on a machine takes
from caches and cores, and many small operations suffer from it more than one long one.

First all sides must draw from the same distribution, and give the same weights.
"""

from __future__ import annotations

import argparse
import json
import os

os.environ.setdefault("RL_LOGGING_LEVEL", "WARNING")

import random
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from tensordict import TensorDict
from torchrl.data import LazyTensorStorage, TensorDictReplayBuffer

from infinite_rl.buffers.mastery import Mastery
from infinite_rl.buffers.sampler import PRIORITY_FLOOR, RubricPrioritizedSampler

RESULTS = Path(__file__).parent / "results" / "sampler.json"
BATCHES = (64, 1024)
SIZES = (10**4, 10**5, 10**6, 10**7)
ALPHA, BETA = 0.6, 0.4
# Other laws of tasks, and among how many.
LAWS = {"seed_acc_ema": 10**7, "rubric": 10**6}

# Draws items, and gives their loss weights; sets the priorities of items.
Draw = Callable[[int], tuple[Any, Any]]
Update = Callable[[Any, torch.Tensor], None]


def ours(values: torch.Tensor, domains: int, preset: str = "per", *, tasks: bool = False) -> tuple[Draw, Update]:
    """The sampler of stored groups, ``values`` being their priorities; or of tasks, and these are their pass rates."""
    count = len(values)
    mastery = None if tasks else Mastery(np.zeros(0, dtype=np.int64), domains)
    sampler = RubricPrioritizedSampler(domains, preset, mastery=mastery)
    storage = LazyTensorStorage(count)
    TensorDictReplayBuffer(storage=storage, sampler=sampler).extend(
        TensorDict({"domain": torch.arange(count) % domains}, [count])
    )
    sampler.update_priority(torch.arange(count), values, storage=storage)

    def draw(size: int) -> tuple[Any, Any]:
        items, info = sampler.sample(storage, size)
        return items, info.get("priority_weight")

    def update(items: Any, values: torch.Tensor) -> None:
        sampler.update_priority(items, values, storage=storage)

    return draw, update


def cumulative(priorities: torch.Tensor) -> tuple[Draw, Update]:
    """What a few lines of torch do: fast for few items, and as slow as there are many."""
    values = (priorities + PRIORITY_FLOOR) ** ALPHA

    def draw(size: int) -> tuple[Any, Any]:
        sums = values.cumsum(0)
        items = torch.searchsorted(sums, torch.rand(size, dtype=torch.float64) * sums[-1]).clamp_(max=len(values) - 1)
        weights = (len(values) * values[items] / sums[-1]) ** -BETA
        return items, weights / weights.max()

    def update(items: Any, new: torch.Tensor) -> None:
        values[items] = (new + PRIORITY_FLOOR) ** ALPHA

    return draw, update


def python_tree(priorities: torch.Tensor) -> tuple[Draw, Update]:
    """A binary sum tree in lists, as tutorials have it, but with sums that are made anew."""
    count = len(priorities)
    leaves = 1 << (count - 1).bit_length()
    tree = [0.0] * leaves + ((priorities + PRIORITY_FLOOR) ** ALPHA).tolist() + [0.0] * (leaves - count)
    for node in range(leaves - 1, 0, -1):
        tree[node] = tree[2 * node] + tree[2 * node + 1]

    def draw(size: int) -> tuple[Any, Any]:
        items = []
        for _ in range(size):
            aim, node = random.random() * tree[1], 1
            while node < leaves:
                node *= 2
                if aim >= tree[node] and tree[node + 1] > 0:
                    aim -= tree[node]
                    node += 1
            items.append(node - leaves)
        weights = [(count * tree[leaves + item] / tree[1]) ** -BETA for item in items]
        highest = max(weights)
        return items, [weight / highest for weight in weights]

    def update(items: Any, new: torch.Tensor) -> None:
        for item, value in zip(items, new.tolist(), strict=True):
            node = leaves + item
            tree[node] = (value + PRIORITY_FLOOR) ** ALPHA
            while node > 1:
                node //= 2
                tree[node] = tree[2 * node] + tree[2 * node + 1]

    return draw, update


def torchrl(priorities: torch.Tensor) -> tuple[Draw, Update]:
    """TorchRL's own, whose trees are an extension in C++.

    Raises:
        Exception: where the extension does not load with this version of torch.
    """
    from torchrl.data.replay_buffers.samplers import PrioritizedSampler

    count = len(priorities)
    sampler = PrioritizedSampler(count, ALPHA, BETA, eps=PRIORITY_FLOOR)
    storage = LazyTensorStorage(count)
    TensorDictReplayBuffer(storage=storage, sampler=sampler).extend(TensorDict({"a": torch.zeros(count)}, [count]))
    sampler.update_priority(torch.arange(count), priorities)

    def draw(size: int) -> tuple[Any, Any]:
        items, info = sampler.sample(storage, size)
        return items, info["priority_weight"]

    return draw, lambda items, new: sampler.update_priority(items, new)


def uniform(count: int) -> Draw:
    buffer = TensorDictReplayBuffer(storage=LazyTensorStorage(count), batch_size=BATCHES[0])
    buffer.extend(TensorDict({"task_index": torch.arange(count), "domain": torch.zeros(count)}, [count]))
    return lambda size: (buffer.sample(size), None)


def sides(rates: torch.Tensor) -> dict[str, tuple[Draw, Update]]:
    """All that draw in proportion to (2 p (1 - p) + floor)^alpha, p being the pass rates."""
    priorities = 2 * rates * (1 - rates)
    found = {
        "ours": ours(priorities, 1),
        "ours, 8 domains": ours(priorities, 8),
        "ours, tasks": ours(rates, 1, tasks=True),
        "cumulative sum": cumulative(priorities),
        "python tree": python_tree(priorities),
    }
    try:
        found["torchrl"] = torchrl(priorities)
    except Exception as error:
        print(f"TorchRL's PrioritizedSampler does not run here: {str(error).splitlines()[0]}")
    return found


def assert_the_same(count: int = 500, draws: int = 200_000) -> None:
    """All sides draw each item as often as its priority says, and weigh it by that."""
    rates = torch.rand(count, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = (2 * rates * (1 - rates) + PRIORITY_FLOOR) ** ALPHA
    expected /= expected.sum()
    for name, (draw, _) in sides(rates).items():
        items, weights = (torch.as_tensor(found) for found in draw(draws))
        counts = torch.bincount(items.long(), minlength=count).double()
        statistic = float(((counts - draws * expected) ** 2 / (draws * expected)).sum())
        assert statistic < count + 5 * (2 * count) ** 0.5, f"{name} draws from another distribution: {statistic:.0f}"
        by_hand = (count * expected[items.long()]) ** -BETA
        torch.testing.assert_close(weights.double() / weights.max(), by_hand / by_hand.max(), rtol=1e-4, atol=1e-4)


def microseconds(function: Callable[[], object], seconds: float = 0.15) -> float:
    """CPU time of a call: the mean over as many as fit."""
    function()
    begin, calls = time.process_time(), 0
    while time.process_time() - begin < seconds:
        function()
        calls += 1
    return (time.process_time() - begin) / calls * 1e6


def measure(count: int, rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    rates = torch.rand(count, dtype=torch.float64)
    found, draw_alike = sides(rates), uniform(count)
    by_law = {
        f"ours, tasks, {preset}": ours(rates, 8, preset, tasks=True) for preset, most in LAWS.items() if count <= most
    }
    times: dict[str, dict[str, list[float]]] = {}
    for _ in range(rounds):
        for size in BATCHES:
            new = torch.rand(size, dtype=torch.float64)
            for name, (draw, update) in {**found, **(by_law if size == BATCHES[0] else {})}.items():

                def both(draw: Draw = draw, update: Update = update, size: int = size, new: torch.Tensor = new) -> None:
                    update(draw(size)[0], new)

                row = times.setdefault(f"{name}, batch {size}", {"sample": [], "sample and update": []})
                row["sample"].append(microseconds(lambda draw=draw, size=size: draw(size)))
                row["sample and update"].append(microseconds(both))
            row = times.setdefault(f"uniform buffer, batch {size}", {"sample": []})
            row["sample"].append(microseconds(lambda size=size: draw_alike(size)))
    return {
        name: {what: {"median": median(values), "least": min(values)} for what, values in row.items()}
        for name, row in times.items()
    }


def ratios(results: dict[str, Any], of: str) -> dict[str, float]:
    """What the bars are about, of medians or of the least: at a batch of 64."""

    def time_of(side: str, what: str, count: int) -> float:
        return float(results[str(count)][f"{side}, batch {BATCHES[0]}"][what][of])

    both = "sample and update"
    found = {}
    for side in ("ours", "ours, 8 domains", "ours, tasks"):
        found |= {
            f"cumulative sum / {side} at 1e6": time_of("cumulative sum", both, 10**6) / time_of(side, both, 10**6),
            **{
                f"uniform buffer / {side} at 1e6, {what}": time_of("uniform buffer", "sample", 10**6)
                / time_of(side, what, 10**6)
                for what in ("sample", both)
            },
            f"{side} at 1e7 / at 1e4": time_of(side, both, 10**7) / time_of(side, both, 10**4),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    assert_the_same()
    results: dict[str, Any] = {str(count): measure(count, arguments.rounds) for count in SIZES}
    results["ratios"] = {of: ratios(results, of) for of in ("median", "least")}
    results["load"] = os.getloadavg()[0] / (os.cpu_count() or 1)
    results["versions"] = {name: version(name) for name in ("torch", "torchrl", "numpy")}
    arguments.results.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    table = Table("CPU microseconds", *(f"{count:,}" for count in SIZES))
    for name, row in results[str(SIZES[0])].items():
        for what in row:
            known = [results[str(count)].get(name) for count in SIZES]
            table.add_row(f"{name}: {what}", *(f"{times[what]['median']:,.0f}" if times else "" for times in known))
    Console().print(table)
    print(f"load of the machine, by core: {results['load']:.1f}")
    for name, value in results["ratios"]["median"].items():
        print(f"{name}: {value:.2f}; of the least: {results['ratios']['least'][name]:.2f}")


if __name__ == "__main__":
    main()
