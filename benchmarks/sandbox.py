"""Compares the sandboxes with running programs natively: fresh interpreters, and a warm fork server.

Run ``python benchmarks/sandbox.py``. Every way to run a program is first checked to print the same for the same
programs. Times are CPU times of this process and its children, taken in turns, so that a busy moment hits all alike;
``threads`` compares the CPU time of a run on two threads with that on one. The fork server has imported the common
standard library, forks for each program and sets rlimits: the cheapest way with native Python, and no isolation.
Writes a table, ``results/sandbox.json`` and ``results/sandbox.png``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from infinite_rl.runtimes import RewardExecutor

RESULTS = Path(__file__).parent / "results"

PYTHON_SMALL = "print(2+2)"
JAVASCRIPT_SMALL = "console.log(2+2)"
PYTHON_HEAVY = {
    "sieve": "n = 300_000\ns = [True] * n\nfor i in range(2, 548):\n    if s[i]:\n        "
    "for j in range(i * i, n, i):\n            s[j] = False\nprint(sum(s) - 2)",
    "calls": "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\nprint(fib(25))",
    "dict of strings": "d = {}\nfor i in range(100_000):\n    k = str(i % 5000)\n    d[k] = d.get(k, 0) + i\n"
    "print(sorted(d.items(), key=lambda t: -t[1])[:3])",
}
JAVASCRIPT_HEAVY = {
    "sieve": "const n = 300000; const s = new Array(n).fill(true);\nfor (let i = 2; i < 548; i++) if (s[i]) "
    "for (let j = i * i; j < n; j += i) s[j] = false;\nconsole.log(s.filter(Boolean).length - 2)",
    "calls": "function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) }\nconsole.log(fib(25))",
    "dict of strings": "const d = {};\nfor (let i = 0; i < 100000; i++) { "
    "const k = String(i % 5000); d[k] = (d[k] || 0) + i }\n"
    "console.log(JSON.stringify(Object.entries(d).sort((a, b) => b[1] - a[1]).slice(0, 3)))",
}

Way = Callable[[str], str]
"""Runs a program and returns its stdout."""


def bare_python(folder: str) -> str:
    """An interpreter in an empty virtual environment: what is installed beside ours would slow down its start."""
    venv.create(folder, with_pip=False)
    return str(Path(folder) / "bin" / "python")


class ForkServer:
    """A warm interpreter that forks once for each program, under rlimits."""

    def __init__(self, interpreter: str) -> None:
        command = [interpreter, "-I", str(Path(__file__).with_name("fork_server.py"))]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, code: str) -> str:
        """Runs a program; texts travel behind their lengths."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        data = code.encode()
        self._process.stdin.write(len(data).to_bytes(4, "big") + data)
        self._process.stdin.flush()
        size = int.from_bytes(self._process.stdout.read(4), "big")
        return self._process.stdout.read(size).decode()

    def cpu_seconds(self) -> float:
        """CPU time of the server and of its children that have ended."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(") ")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """Ends the server."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def native(*command: str) -> Way:
    """A fresh interpreter for each program."""
    return lambda code: subprocess.run([*command, code], capture_output=True, check=True, text=True).stdout


def cpu_now(server: ForkServer | None = None) -> float:
    """CPU seconds of this process, of its ended children, and of the fork server."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in both) + (server.cpu_seconds() if server else 0.0)


def measure(ways: dict[str, tuple[Way, int]], code: str, rounds: int, server: ForkServer | None) -> dict[str, Any]:
    """CPU milliseconds and latencies of every way, which take turns in each round; ``int`` is its runs a round."""
    outputs = {name: way(code) for name, (way, _) in ways.items()}
    assert len(set(outputs.values())) == 1, f"the outputs differ: {outputs}"
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    wall: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (way, runs) in ways.items():
            start = cpu_now(server)
            for _ in range(runs):
                begin = time.perf_counter()
                way(code)
                wall[name].append((time.perf_counter() - begin) * 1e3)
            cpu[name].append((cpu_now(server) - start) / runs * 1e3)
    return {
        name: {
            "cpu_ms": statistics.median(cpu[name]),
            "runs_per_cpu_second": 1e3 / statistics.median(cpu[name]),
            "p50_ms": statistics.median(wall[name]),
            "p99_ms": sorted(wall[name])[int(len(wall[name]) * 0.99)],
        }
        for name in ways
    }


def measure_threads(language: str, code: str, rounds: int, runs: int) -> dict[str, float]:
    """What a second thread costs: CPU time of a run and throughput, on two threads against one."""
    executors = {count: RewardExecutor(threads=count) for count in (1, 2)}
    cpu: dict[int, list[float]] = {1: [], 2: []}
    rate: dict[int, list[float]] = {1: [], 2: []}
    for number in range(rounds + 1):
        for count, executor in executors.items():
            start, begin = cpu_now(), time.perf_counter()
            results = list(executor.run_many((code, language) for _ in range(runs)))
            assert all(result.ok for result in results)
            if number:  # The first round warms up.
                cpu[count].append(cpu_now() - start)
                rate[count].append(runs / (time.perf_counter() - begin))
    pairs = zip(cpu[1], cpu[2], strict=True)
    return {
        "cpu_ratio": statistics.median(two / one for one, two in pairs),
        "throughput_ratio": statistics.median(rate[2]) / statistics.median(rate[1]),
    }


def spin(seconds: float) -> int:
    """How far this thread counts in so much time."""
    end, count = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        count += 1
    return count


def host_speed_beside_a_guest(rounds: int = 5, seconds: float = 0.5) -> dict[str, float]:
    """How fast the host's own Python counts while a guest loops on another thread, and while a native loop does."""
    executor = RewardExecutor(timeout=seconds * 1.4)
    ratios: dict[str, list[float]] = {"guest": [], "bare process": []}
    for _ in range(rounds):
        alone = spin(seconds)
        guest = threading.Thread(target=executor.run, args=("while True: pass", "python"))
        guest.start()
        time.sleep(0.1)
        ratios["guest"].append(spin(seconds) / alone)
        guest.join()
        loop = subprocess.Popen([sys.executable, "-I", "-c", "while True: pass"])
        time.sleep(0.1)
        ratios["bare process"].append(spin(seconds) / alone)
        loop.kill()
        loop.wait()
    return {name: statistics.median(values) for name, values in ratios.items()}


def timeout_accuracy(limits: Iterable[float] = (0.1, 0.3, 1.0), rounds: int = 5) -> dict[str, list[float]]:
    """Seconds after which a loop was ended, for each limit: smallest and largest."""
    found = {}
    for limit in limits:
        executor = RewardExecutor(timeout=limit)
        seconds = []
        for _ in range(rounds):
            begin = time.perf_counter()
            assert executor.run("while True: pass", "python").status == "timeout"
            seconds.append(time.perf_counter() - begin)
        found[str(limit)] = [min(seconds), max(seconds)]
    return found


def measure_all(rounds: int) -> dict[str, Any]:
    executor = RewardExecutor(timeout=30)
    results: dict[str, Any] = {}
    with ExitStack() as stack:
        interpreter = bare_python(stack.enter_context(TemporaryDirectory()))
        server = ForkServer(interpreter)
        stack.callback(server.close)
        python: dict[str, tuple[Way, int]] = {
            "ours": (lambda code: executor.run(code, "python").stdout, 100),
            "python -I -c": (native(interpreter, "-I", "-c"), 5),
            "warm fork server": (server.run, 60),
        }
        results["python"] = measure(python, PYTHON_SMALL, rounds, server)
        few = {name: (way, 1) for name, (way, _) in python.items() if name != "python -I -c"}
        results["python, heavy"] = {
            name: measure(few, code, max(3, rounds // 3), server) for name, code in PYTHON_HEAVY.items()
        }
    javascript: dict[str, tuple[Way, int]] = {"ours": (lambda code: executor.run(code, "javascript").stdout, 200)}
    if node := shutil.which("node"):
        javascript["node -e"] = (native(node, "-e"), 3)
    results["javascript"] = measure(javascript, JAVASCRIPT_SMALL, rounds, None)
    few = {name: (way, 1) for name, (way, _) in javascript.items()}
    results["javascript, heavy"] = {
        name: measure(few, code, max(3, rounds // 3), None) for name, code in JAVASCRIPT_HEAVY.items()
    }
    results["two threads"] = {
        "python": measure_threads("python", PYTHON_SMALL, rounds, 400),
        "javascript": measure_threads("javascript", JAVASCRIPT_SMALL, rounds, 1000),
        "python, heavy": measure_threads("python", PYTHON_HEAVY["calls"], max(3, rounds // 3), 8),
    }
    results["host speed beside"] = host_speed_beside_a_guest()
    results["timeouts"] = timeout_accuracy()
    results["max_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return results


def show(results: dict[str, Any]) -> None:
    console = Console()
    for language in ("python", "javascript"):
        table = Table(language, "CPU ms a run", "runs per CPU second", "p50 ms", "p99 ms", "times ours")
        ours = results[language]["ours"]["cpu_ms"]
        for name, row in results[language].items():
            cells = [f"{row['cpu_ms']:.2f}", f"{row['runs_per_cpu_second']:,.0f}", f"{row['p50_ms']:.2f}"]
            table.add_row(name, *cells, f"{row['p99_ms']:.2f}", f"{row['cpu_ms'] / ours:.1f}")
        console.print(table)
        heavy = Table(
            f"{language}, CPU-heavy", *(f"{name}, CPU ms" for name in results[language] if name != "python -I -c")
        )
        for name, rows in results[f"{language}, heavy"].items():
            heavy.add_row(name, *(f"{row['cpu_ms']:.0f}" for row in rows.values()))
        console.print(heavy)
    for key in ("two threads", "host speed beside", "timeouts"):
        console.print(key, results[key])


def plot(results: dict[str, Any], path: Path) -> None:
    """Runs per CPU second, on a logarithmic scale."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    bars = {
        f"{name} ({language})" if name == "ours" else name: row["runs_per_cpu_second"]
        for language in ("python", "javascript")
        for name, row in results[language].items()
    }
    figure, axes = pyplot.subplots(figsize=(7, 2.6), layout="constrained")
    colours = ["tab:blue" if name.startswith("ours") else "tab:gray" for name in bars]
    drawn = axes.barh(list(bars), list(bars.values()), color=colours)
    axes.bar_label(drawn, labels=[f"{value:,.0f}" for value in bars.values()], padding=3)
    axes.set(xscale="log", xlabel="programs per CPU second (print of a sum)", xlim=(1, max(bars.values()) * 4))
    axes.invert_yaxis()
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    results = measure_all(arguments.rounds)
    show(results)
    RESULTS.mkdir(exist_ok=True)
    results["versions"] = {"python": platform.python_version()}
    (RESULTS / "sandbox.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    plot(results, RESULTS / "sandbox.png")


if __name__ == "__main__":
    main()
