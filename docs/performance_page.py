"""The page of speeds, from ``benchmarks/results/``: what was measured, beside what, and by which command."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from algorithm_pages import RESULTS as ALGORITHM_RUNS

ROOT = Path(__file__).resolve().parents[1]
PAGE = Path(__file__).parent / "performance.md"

TEMPLATE = """\
<!-- Made by docs/build.py from benchmarks/results/; run the benchmark named beside a table to measure it again. -->
# Performance

Every speed that this project claims, with the command that measures it. All were measured on machines with
two cores (x86-64, no GPU), in CPU time where nothing else is said, both sides in turns, with the versions in each
file of `benchmarks/results/`. Where both sides should compute the same thing, a benchmark asserts it
before it times anything. What larger machines would do is planned, not measured: [scaling](scaling.md) tells how far
off its formulas were.

## Sandboxes

A short program, `python benchmarks/sandbox.py`:

{sandbox}

Long-running programs, in CPU milliseconds; WebAssembly is slower than native code, and node starts for more than 100
ms:

{heavy}

![Programs per CPU second: our sandboxes, fresh interpreters, and a warm fork server](../benchmarks/results/sandbox.png)

## Verdicts of mathematics

Pairs of answers whose equality is known, and answers of hostile policies, `python benchmarks/verdicts.py`; 5 seconds
are the limit that all were given:

{verdicts}

![Accuracy and time of math verdicts: ours, math-verify, sympy and a rule on text](../benchmarks/results/verdicts.png)

## Environments

A step of Math-v0, of an environment whose grader does nothing in vectors of Gymnasium, and making and grading a task of
other libraries, `python benchmarks/environments.py`:

{environments}

## Training

A step of GRPO beside TRL's, sampling beside transformers' `generate`, and the head beside a plain softmax,
`python benchmarks/trainer.py`:

{trainer}

Whole runs on one core. The default job is `python benchmarks/default_job.py`, the others are `python
benchmarks/default_job.py --env coding` and `--env self_verification`; algorithms `python benchmarks/algorithms.py`:

{runs}

Rollouts beside the trainer, with responses of log-normal times, `python benchmarks/asynchronous.py`: {asynchronous}

## Choice of tasks

A prioritized draw of a batch and the update after it, in CPU microseconds, among so many stored groups or, where it
says so, tasks, `python benchmarks/sampler.py`:

{sampler}

## Search, generation, contamination, evaluation

| what | speed | command |
|---|---:|---|
{others}
"""


def page() -> str:
    """The page, Markdown."""
    return TEMPLATE.format(
        sandbox=sandbox(),
        heavy=heavy(),
        verdicts=verdicts(),
        environments=environments(),
        trainer=trainer(),
        runs=runs(),
        asynchronous=asynchronous(),
        sampler=sampler(),
        others="\n".join(others()),
    )


def read(name: str) -> Any:
    """The results of a benchmark."""
    return json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text("utf-8"))


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A table; columns of numbers are set to the right."""
    numbers = [all(re.match(r"[-+]?\d|–$", row[column]) for row in rows) for column in range(len(heads))]
    lines = [heads, ["---:" if number else "---" for number in numbers], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def sandbox() -> str:
    """How cheap a fresh run is."""
    found = read("sandbox")
    heads = ["language", "by", "CPU ms a run", "runs a CPU second", "median, ms", "99%, ms"]
    rows = [
        [language, by, f"{of['cpu_ms']:.2f}", f"{of['runs_per_cpu_second']:,.0f}", f"{of['p50_ms']:.2f}"]
        + [f"{of['p99_ms']:.2f}"]
        for language in ("python", "javascript")
        for by, of in found[language].items()
    ]
    return table(heads, rows)


def heavy() -> str:
    """How fast long programs run."""
    rows = []
    for language in ("python", "javascript"):
        for program, of in read("sandbox")[f"{language}, heavy"].items():
            (other,) = (name for name in of if name != "ours")
            rows.append(
                [f"{language}: {program}", f"{of['ours']['cpu_ms']:.0f}", f"{of[other]['cpu_ms']:.0f} ({other})"]
            )
    return table(["program", "ours", "natively"], rows)


def verdicts() -> str:
    """Right and wrong verdicts, and their time."""
    found = read("verdicts")
    rows = [
        [kind, by, str(of["judged"]), str(of["false_accepts"]), str(of["false_rejects"])]
        + [f"{of[key]:.2f}" for key in ("median_ms", "worst_ms")]
        for kind in ("equivalence", "hostile")
        for by, of in found[kind].items()
    ]
    return table(["samples", "by", "judged", "wrongly accepted", "wrongly refused", "median, ms", "worst, ms"], rows)


def environments() -> str:
    """Steps of environments beside others'."""
    found = read("environments")
    names = {"math": "Math-v0", "vector": "vector", "families": "task"}
    rows = [
        [f"{name}: {what}", f"{micro:,.0f}", f"{found[part]['times ours'][what]:.2f}"]
        for part, name in names.items()
        for what, micro in found[part]["CPU us per step"].items()
    ]
    return table(["what", "CPU us a step", "times ours"], rows)


def trainer() -> str:
    """The parts of a step beside others'."""
    found = read("trainer")
    rows = [
        [f"a whole step, {size} parameters", f"{of['ours_cpu_ms']:.0f} ms", f"{of['trl_cpu_ms']:.0f} ms (TRL)"]
        + [f"{of['ratio']:.2f} times as fast"]
        for size, of in found["step"].items()
    ]
    rows += [
        [f"sampling, lengths {what}", f"{of['ours_tokens_per_cpu_s']:,.0f} tokens/s"]
        + [f"{of['generate_tokens_per_cpu_s']:,.0f} tokens/s (generate)", f"{of['ratio']:.2f} times as fast"]
        for what, of in found["decoding"].items()
    ]
    head = found["head"]
    rows.append(
        ["log-probs and gradients of 4,096 tokens, 152,000 words", f"{head['chunked_mebibytes']:,.0f} MiB"]
        + [f"{head['naive_mebibytes']:,.0f} MiB (softmax)", f"{head['memory_ratio']:.3f} of the memory"]
    )
    return table(["what", "ours", "beside", "so"], rows)


def runs() -> str:
    """What whole runs take and give."""
    jobs = {
        "default_job": "default job",
        "coding_job": "`env=coding`",
        "self_verification_job": "`env=self_verification`",
    }
    rows = []
    for name, title in jobs.items():
        rows.append([title, *summary([row for row in read(name) if not row["shuffled"]])])
    for name in dict.fromkeys(row["algorithm"] for row in ALGORITHM_RUNS):
        of = [row for row in ALGORITHM_RUNS if row["algorithm"] == name and not row["shuffled"]]
        rows.append([f"`algorithm={name}`", *summary(of)])
    return table(["run", "steps", "seeds", "CPU s a run", "gain in pass rate, mean"], rows)


def summary(rows: list[dict[str, Any]]) -> list[str]:
    """Steps, seeds, seconds and gain of runs."""
    seconds, gain = (sum(row[key] for row in rows) / len(rows) for key in ("cpu_seconds", "gain"))
    return [str(rows[0]["steps"]), str(len(rows)), f"{seconds:.0f}", f"{gain:+.3f}"]


def asynchronous() -> str:
    """What rollouts beside the trainer gain, in a sentence."""
    found = read("asynchronous")
    speed, reward = found["throughput"], found["reward"]
    low, high = reward["interval"]
    return (
        f"{speed['speedup']:.2f} times the steps per second at `rollout.staleness=2`, "
        f"{speed['staleness 2']['share_of_bound']:.0%} of what is possible; the reward after training differs by "
        f"{reward['difference']:+.4f} (from {low:+.3f} to {high:+.3f})."
    )


def sampler() -> str:
    """Draws beside others'."""
    found = read("sampler")
    sizes = [size for size in found if size.isdigit()]
    names = [name for name in found[sizes[0]] if "sample and update" in found[sizes[0]][name]]
    rows = [
        [
            name,
            *(
                f"{found[size][name]['sample and update']['median']:,.0f}" if name in found[size] else "–"
                for size in sizes
            ),
        ]
        for name in names
    ]
    return table(["by", *(f"{int(size):,}" for size in sizes)], rows)


def others() -> list[str]:
    """The rows of smaller benchmarks."""
    search, generation, (speed,) = read("search"), read("generation"), read("contamination")["speed"]
    micro, rows = search["cpu_us_per_query"], generation["rows_per_second"]
    return [
        f"| a query to {search['documents']:,} documents | {micro['ours']:.0f} us; scoring every document "
        f"{micro['brute force']:,.0f} us | `python benchmarks/search.py` |",
        f"| the same by the service | {micro['service']:.0f} us | |",
        f"| rows generated a second, calls of {generation['latency_seconds']:g} s, 1 / 16 / 32 threads "
        f"| {rows['1']} / {rows['16']} / {rows['32']} | `python benchmarks/generation.py` |",
        f"| {speed['training_rows']:,} prompts looked up among {speed['evaluation_rows']:,} of an evaluation "
        f"| {speed['rows_per_cpu_second']:,} a CPU second, {speed['peak_mib']} MiB "
        "| `python benchmarks/contamination.py` |",
        *_evaluation(),
    ]


def _evaluation() -> list[str]:
    """How fast samples of a quick local server are recorded, client and server on the same two cores."""
    found = read("evaluation")
    played = f"`infinite-rl play` {found['play']['episodes_per_second']:,.0f}"
    return [
        f"| samples evaluated a second, {way} | {one['samples_per_second']:,.0f}; "
        f"{one['samples_per_cpu_second']:,.0f} a CPU second of both; {played} | `python benchmarks/evaluation.py` |"
        for way, one in found["ways"].items()
    ]
