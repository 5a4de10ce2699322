"""How generation scales with threads, and how fast a large dataset goes on.

    python benchmarks/generation.py [--latency 1.0] [--rows 100000] [--results FILE]

A server on this machine answers each call after the latency, so what is measured is our side. Each run is asserted to
have made exactly the rows asked for, each right, half of them programs that ran in sandboxes. The ratio of a run with
many threads to the run with one is what counts; the latency is the bound.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from infinite_rl import generate_dataset
from infinite_rl.datasets.generation.generate import Server
from infinite_rl.datasets.generation.sample import COLUMNS, Sample, prompt_hash
from infinite_rl.datasets.generation.table import read_table, write_table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "datasets" / "generation"))
from gemini_server import Call, good, serving

# Enough rows that the last ones, which are fewer than the threads, cost little.
RUNS = {1: 8, 4: 32, 16: 160, 32: 320}


def throughput(threads: int, rows: int, latency: float) -> float:
    """Rows per second."""
    with tempfile.TemporaryDirectory() as folder, serving(latency=latency) as server:
        begin = time.perf_counter()
        outcome = generate_dataset(
            num_samples=rows, out_dir=folder, num_threads=threads, server=Server(base_url=server.url), progress=False
        )
        seconds = time.perf_counter() - begin
        assert outcome.complete
        assert outcome.calls == rows == len(read_table(Path(folder) / "dataset.csv").rows)
        return rows / seconds


def write_large(folder: Path, rows: int) -> None:
    """A dataset of so many different rows, of some 1,000 characters each."""
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(5_000)]
    cells = []
    for number in range(rows):
        prompt = f"Write a Python program that {' '.join(rng.choices(words, k=45))} {number}."
        kind, language = ("math", None) if number % 2 else ("coding", "python")
        response = f"{prompt}\n{prompt}\n<answer>42</answer>"
        sample = Sample(
            kind, prompt, "42", response, 1, 1, 1, language, None, False, "m", number, "2026-01-01", prompt_hash(prompt)
        )  # type: ignore[arg-type]
        cells.append(sample.cells())
    write_table(folder / "dataset.csv", COLUMNS, cells)


def resume(rows: int) -> dict[str, float]:
    """Seconds of a whole process that finds nothing to do, and until the first call of one that makes four rows."""
    first: list[float] = []

    def says(call: Call) -> str:
        first.append(time.perf_counter())
        return good(call)

    with tempfile.TemporaryDirectory() as name, serving(says) as server:
        folder = Path(name)
        write_large(folder, rows)
        command = [sys.executable, "-m", "infinite_rl.cli", "generate", "--out_dir", name, "--base-url", server.url]
        found = {}
        for told, wanted in (("nothing to do", rows), ("four rows", rows + 4)):
            begin = time.perf_counter()
            subprocess.run([*command, "--num_samples", str(wanted)], check=True, capture_output=True)
            found[told] = time.perf_counter() - begin
            assert len(read_table(folder / "dataset.csv").rows) == wanted
        found["first call"] = first[0] - begin
        return found


def main() -> None:
    """Measures, prints, and writes the results if asked to."""
    parser = argparse.ArgumentParser(description="How generation scales.")
    parser.add_argument("--latency", type=float, default=1.0, help="of the server, in seconds (default: 1)")
    parser.add_argument("--rows", type=int, default=100_000, help="of the large dataset (default: 100000)")
    parser.add_argument("--results", type=Path, help="write the figures into this file")
    arguments = parser.parse_args()
    throughput(2, 2, 0.0)  # sandboxes, imports
    speeds = {threads: throughput(threads, rows, arguments.latency) for threads, rows in RUNS.items()}
    figures: dict[str, Any] = {
        "latency_seconds": arguments.latency,
        "rows_per_second": {str(threads): round(speed, 2) for threads, speed in speeds.items()},
        "speedup": {str(threads): round(speed / speeds[1], 2) for threads, speed in speeds.items()},
        "resume_rows": arguments.rows,
        "resume_seconds": {name: round(seconds, 2) for name, seconds in resume(arguments.rows).items()},
    }
    print(json.dumps(figures, indent=2))
    if arguments.results:
        arguments.results.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
