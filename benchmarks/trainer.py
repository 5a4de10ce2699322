"""How fast and how lean is the trainer, beside what people use?

    python benchmarks/trainer.py [step] [decoding] [head] [layouts] [logging] [--rounds N]

``step``: whole GRPO steps beside TRL's ``GRPOTrainer``: the same policy, tasks, group size, limits and passes of policy
and reference; steps per CPU-second. ``decoding``: tokens per CPU-second beside transformers' ``generate``, with
responses of equal length and of log-normal length (coefficient of variation 1). ``head``: log-probs, entropies and
their gradients of 4,096 tokens over a vocabulary of 152,000 beside a plain softmax: CPU time, and memory above weights
and their gradients. ``layouts``: scores and their gradient with sequences laid into rows as planned, beside each layout
alone: one padded batch of 64, batches of like length, rows that share their prompt, rows of 512 tokens with several
sequences; on the default job's lengths and on log-normal ones (coefficient of variation 1). ``logging``: the share of a
step of the default job that only watches and plans it: metrics, logs, progress, clocks and the choice of tasks, without
and with TensorBoard.

Every side runs in processes of its own, in turns; medians are reported. Each part first asserts that both sides compute
the same thing. Results go to ``benchmarks/results/trainer.json``, parts that did not run stay as they were.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command does, before torch is loaded
os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("RL_LOGGING_LEVEL", "WARNING")

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import trainer_sides as sides
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results" / "trainer.json"
SIZES = {"0.4M": 128, "1.6M": 256}
LENGTHS = ("equal", "log-normal")
# Lengths of sequences, and tokens of a micro-batch: of 512, 1024, 2048 and 4096 the one at which layouts do best.
LAYOUTS = {"default job": 1024, "log-normal": 1024}


def in_a_process(side: str, *arguments: str) -> dict[str, Any]:
    """What a side measures, in a process of its own."""
    command = [sys.executable, str(Path(sides.__file__)), side, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{side} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def in_turns(names: tuple[str, str], rounds: int, *arguments: str) -> dict[str, list[dict[str, Any]]]:
    """Both sides, one after the other, several times."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            found[name].append(in_a_process(name, *arguments))
    return found


def middle(rows: list[dict[str, Any]], key: str) -> float:
    return median(row[key] for row in rows)


def step(rounds: int) -> dict[str, Any]:
    """GRPO steps beside TRL's."""
    results = {}
    for size, hidden in SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            in_a_process("policy", folder, str(hidden))
            equal = in_a_process("same_step", folder)
            found = in_turns(("step_ours", "step_trl"), rounds, folder)
        ours, trl = found["step_ours"], found["step_trl"]
        tokens = middle(ours, "tokens") / middle(trl, "tokens")
        assert 0.95 < tokens < 1.05, f"the sides sampled different amounts: {tokens:.3f}"
        results[size] = {
            "equal": equal,
            "ours_cpu_ms": 1000 * middle(ours, "cpu_seconds"),
            "trl_cpu_ms": 1000 * middle(trl, "cpu_seconds"),
            "ratio": middle(trl, "cpu_seconds") / middle(ours, "cpu_seconds"),
            "tokens_ours_by_trl": tokens,
            "phases_cpu_ms": {name: 1000 * median(row["phases"][name] for row in ours) for name in ours[0]["phases"]},
        }
    return results


def decoding(rounds: int) -> dict[str, Any]:
    """Decoding beside ``generate``."""
    results = {}
    for lengths in LENGTHS:
        for group in (1, 8):
            arguments = lengths, str(group)
            found = in_turns(("decode_ours", "decode_generate"), rounds, *arguments)
            ours, other = found["decode_ours"], found["decode_generate"]
            assert ours[0]["digest"] == other[0]["digest"], "the sides said different things"
            results[f"{lengths}, groups of {group}"] = {
                "ours_tokens_per_cpu_s": middle(ours, "tokens_per_cpu_s"),
                "generate_tokens_per_cpu_s": middle(other, "tokens_per_cpu_s"),
                "ratio": middle(ours, "tokens_per_cpu_s") / middle(other, "tokens_per_cpu_s"),
            }
    return results


def head(rounds: int) -> dict[str, Any]:
    """The chunked head beside a plain softmax."""
    found = in_turns(("head_chunked", "head_naive"), rounds)
    ours, naive = found["head_chunked"], found["head_naive"]
    for key in ("logprob", "entropy", "d_hidden", "d_weight"):
        one, other = ours[0][key], naive[0][key]
        assert abs(one - other) <= 1e-4 * abs(other), f"{key} differs: {one} and {other}"
    return {
        "time_ratio": middle(ours, "cpu_seconds") / middle(naive, "cpu_seconds"),
        "memory_ratio": middle(ours, "mebibytes") / middle(naive, "mebibytes"),
        **{f"{name}_{key}": middle(rows, key) for name, rows in (("chunked", ours), ("naive", naive))
           for key in ("cpu_seconds", "mebibytes")},
    }  # fmt: skip


def layouts(rounds: int) -> dict[str, Any]:
    """The planned layout beside each alone; the side asserts that all learn the same."""
    results = {}
    for shape, tokens in LAYOUTS.items():
        seconds = in_a_process("layouts", shape, str(tokens), str(rounds))
        others = {name: spent for name, spent in seconds.items() if name != "planned"}
        results[shape] = {
            "planned_by_best": seconds["planned"] / min(others.values()),
            **{f"{name}_cpu_ms": 1000 * spent for name, spent in seconds.items()},
        }
    return results


def logging(rounds: int) -> dict[str, Any]:
    """What watching costs, beside the step that is watched."""
    with tempfile.TemporaryDirectory() as folder:
        in_a_process("policy", folder, str(SIZES["0.4M"]))
        rows = {
            name: [
                in_a_process("logging", folder, f"trainer.use_tensorboard={name == 'tensorboard'}")
                for _ in range(rounds)
            ]
            for name in ("plain", "tensorboard")
        }
    steps = sides.overrides().trainer.steps
    return {
        name: {
            "share": middle(found, "share"),
            "step_cpu_ms": 1000 * middle(found, "cpu_seconds"),
            "phases_cpu_ms": {key: 1000 * median(row["phases"][key] for row in found) for key in found[0]["phases"]},
            "plan_cpu_ms_a_step": 1000 * middle(found, "plan_cpu_seconds") / steps,
        }
        for name, found in rows.items()
    }


PARTS: dict[str, Callable[[int], dict[str, Any]]] = {
    "step": step,
    "decoding": decoding,
    "head": head,
    "layouts": layouts,
    "logging": logging,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    results = json.loads(arguments.results.read_text("utf-8")) if arguments.results.exists() else {}
    for part in arguments.parts or PARTS:
        results[part] = PARTS[part](arguments.rounds)
        results["versions"] = {name: version(name) for name in ("torch", "transformers", "trl")}
        arguments.results.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
        table = Table("measurement", "value", title=part)
        for name, value in flat(results[part]):
            table.add_row(name, f"{value:.3f}")
        Console().print(table)


def flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    """Nested numbers as rows."""
    rows: list[tuple[str, float]] = []
    for name, value in values.items():
        rows += flat(value, f"{prefix}{name}: ") if isinstance(value, dict) else [(f"{prefix}{name}", value)]
    return rows


if __name__ == "__main__":
    main()
