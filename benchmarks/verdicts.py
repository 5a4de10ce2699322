"""Compares our math verdicts with math-verify, sympy and a plain string rule.

Run ``python benchmarks/verdicts.py DATA`` with the folder of ``math_equivalence.jsonl`` and ``math_hostile.jsonl``
(needs ``pip install math-verify lark``). Every judge works in a process of its own, in an empty folder, on
the same rows in the same order; one that doesn't answer within 5 s is killed and started anew, and the row counts as
not equal. Times are CPU times inside of that process, without its start. Rows with identical texts are left out of
accuracy. On the hostile rows a judge that leaves a file behind has executed what a model wrote.
"""

from __future__ import annotations

import argparse
import json
import platform
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

TIMEOUT = 5.0
RESULTS = Path(__file__).parent / "results" / "verdicts.json"
JUDGES = ("infinite-rl", "math-verify", "sympy", "string")
PROBES = [
    ("42", "42", True),
    ("42", "43", False),
    ("\\frac{1}{2}", "\\frac{1}{2}", True),
    ("x+1", "x+2", False),
    ("\\sin x", "\\cos x", False),
]


def ours(gold: str, answer: str) -> bool:
    """`infinite_rl.verify`."""
    from infinite_rl.rewards import verify

    return verify(gold, answer).equal


def math_verify(gold: str, answer: str) -> bool:
    """math-verify, which looks for boxed answers; its timeouts need the main thread, which this is."""
    import math_verify

    trees = [math_verify.parse(f"\\boxed{{{text}}}") for text in (gold, answer)]
    return bool(math_verify.verify(*trees))


def sympy_rule(gold: str, answer: str) -> bool:
    """What people write first: sympy's LaTeX parser, else its plain one, and simplify."""
    import sympy
    from sympy.parsing.latex import parse_latex
    from sympy.parsing.sympy_parser import parse_expr

    def read(text: str) -> Any:
        try:
            return parse_latex(text, backend="lark") if "\\" in text else parse_expr(text)
        except Exception:
            return parse_latex(text, backend="lark")

    return bool(sympy.simplify(read(gold) - read(answer)) == 0)


def string_rule(gold: str, answer: str) -> bool:
    """Equal but for white space."""
    return "".join(gold.split()) == "".join(answer.split())


def serve(name: str) -> None:
    """Judges pairs, one a line, and says for each the verdict and its CPU seconds."""
    judge = {"infinite-rl": ours, "math-verify": math_verify, "sympy": sympy_rule, "string": string_rule}[name]
    for gold, answer, _ in PROBES:
        judge(gold, answer)
    output = sys.stdout
    sys.stdout = sys.stderr  # What an answer prints is no verdict.
    print("ready", file=output, flush=True)
    for line in sys.stdin:
        gold, answer = json.loads(line)
        start = time.process_time()
        try:
            equal = judge(gold, answer)
        except BaseException:
            equal = False
        print(json.dumps([equal, time.process_time() - start]), file=output, flush=True)


class Server:
    """A judge in a process of its own."""

    def __init__(self, name: str, folder: str) -> None:
        self.name, self.folder = name, folder
        self.start()

    def start(self) -> None:
        """Starts the process and waits until it is ready."""
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), "--serve", self.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=self.folder,
        )
        self.lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self.read, args=(self.process, self.lines), daemon=True).start()
        if self.lines.get(timeout=120).strip() != "ready":
            raise RuntimeError(f"{self.name} does not start; is it installed?")

    @staticmethod
    def read(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
        """Hands on what the process says, and an empty line when it ends."""
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put("")

    def judge(self, gold: str, answer: str) -> tuple[bool, float]:
        """The verdict and its CPU seconds; False and the limit where none comes."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps([gold, answer]) + "\n")
            self.process.stdin.flush()
            line = self.lines.get(timeout=TIMEOUT)
            if line:
                equal, seconds = json.loads(line)
                return bool(equal), seconds
        except (queue.Empty, BrokenPipeError):
            pass
        self.stop()
        self.start()
        return False, TIMEOUT

    def stop(self) -> None:
        """Ends the process."""
        self.process.kill()
        self.process.wait()


@dataclass
class Outcome:
    """What one judge made of one set of rows."""

    judged: int = 0
    false_accepts: int = 0
    false_rejects: int = 0
    balanced_accuracy: float = 0.0
    median_ms: float = 0.0
    p99_ms: float = 0.0
    worst_ms: float = 0.0
    total_seconds: float = 0.0
    unanswered: int = 0
    executed: int = 0
    seconds: list[float] = field(default_factory=list, repr=False)


def measure(name: str, rows: list[dict[str, Any]], truth: str) -> Outcome:
    """Lets one judge work on all rows.

    Args:
        name: the judge.
        rows: with ``gold``, ``answer`` and the right verdict.
        truth: the key of the right verdict.
    """
    outcome = Outcome()
    hits = {True: [0, 0], False: [0, 0]}
    with tempfile.TemporaryDirectory() as folder:
        server = Server(name, folder)
        for gold, answer, equal in PROBES:
            assert server.judge(gold, answer)[0] == equal, f"{name} does not compute what the others do"
        for row in track(rows, description=f"{name:>12}", console=Console(stderr=True)):
            equal, seconds = server.judge(row["gold"], row["answer"])
            outcome.seconds.append(seconds)
            outcome.unanswered += seconds >= TIMEOUT
            left = [path for path in Path(folder).iterdir() if path.name != "__pycache__"]
            outcome.executed += bool(left)
            for path in left:
                path.unlink()
            if row["gold"].strip() == row["answer"].strip():
                continue
            outcome.judged += 1
            outcome.false_accepts += equal and not row[truth]
            outcome.false_rejects += not equal and row[truth]
            hits[row[truth]][0] += equal == row[truth]
            hits[row[truth]][1] += 1
        server.stop()
    rates = [right / count for right, count in hits.values() if count]
    outcome.balanced_accuracy = sum(rates) / len(rates)
    times = sorted(outcome.seconds)
    outcome.median_ms = 1e3 * statistics.median(times)
    outcome.p99_ms = 1e3 * times[min(len(times) - 1, round(0.99 * len(times)))]
    outcome.worst_ms = 1e3 * times[-1]
    outcome.total_seconds = sum(times)
    return outcome


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows that have an answer to compare."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if "answer" in row]


def show(title: str, outcomes: dict[str, Outcome]) -> None:
    """Prints a table."""
    table = Table(title=title)
    for column in (
        "judge",
        "balanced",
        "false accepts",
        "false rejects",
        "median ms",
        "p99 ms",
        "worst ms",
        "late",
        "executed",
        "x CPU",
    ):
        table.add_column(column, justify="left" if column == "judge" else "right")
    for name, outcome in outcomes.items():
        ratio = outcome.total_seconds / outcomes["infinite-rl"].total_seconds
        numbers = (outcome.median_ms, outcome.p99_ms, outcome.worst_ms)
        table.add_row(
            *(name, f"{outcome.balanced_accuracy:.1%}", str(outcome.false_accepts), str(outcome.false_rejects)),
            *(f"{number:.3g}" for number in numbers),
            *(str(outcome.unanswered), str(outcome.executed), f"{ratio:.3g}"),
        )
    Console(width=130).print(table)


def plot(results: dict[str, dict[str, Outcome]], path: Path) -> None:
    """Draws accuracy against time."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(results), figsize=(11, 4), layout="constrained")
    for axis, (title, outcomes) in zip(axes, results.items(), strict=True):
        for name, outcome in outcomes.items():
            spread = [[0], [outcome.p99_ms - outcome.median_ms]]
            axis.errorbar(
                outcome.median_ms, 100 * outcome.balanced_accuracy, xerr=spread, fmt="o", capsize=3, label=name
            )
        axis.set(
            xscale="log",
            xlabel="CPU time of a verdict in ms, median to p99",
            ylabel="balanced accuracy in %",
            title=title,
        )
        axis.grid(alpha=0.3)
    axes[0].legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Runs all judges on both corpora."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", help="folder of the corpora")
    parser.add_argument("--judges", nargs="+", default=JUDGES, choices=JUDGES)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    if arguments.data is None:
        parser.error("give the folder of math_equivalence.jsonl and math_hostile.jsonl")
    corpora = {"equivalence": "equal", "hostile": "correct"}
    results: dict[str, dict[str, Outcome]] = {}
    for corpus, truth in corpora.items():
        rows = read_rows(arguments.data / f"math_{corpus}.jsonl")
        results[corpus] = {name: measure(name, rows, truth) for name in arguments.judges}
        show(f"{corpus}: {len(rows)} rows", results[corpus])
    versions = {"python": platform.python_version(), "machine": platform.machine()}
    numbers = {
        corpus: {
            name: {k: v for k, v in asdict(outcome).items() if k != "seconds"} for name, outcome in outcomes.items()
        }
        for corpus, outcomes in results.items()
    }
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text(json.dumps({"versions": versions, **numbers}, indent=1) + "\n", encoding="utf-8")
    plot(results, arguments.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
