"""verifiers evaluates a tiny model, served on the spot, on an exported package: seconds on a CPU.

python examples/evaluate_with_verifiers.py [--tasks 32]

With a package that is installed and a model that is served already, the command is
`vf-eval infinite_sums -m NAME --client.base-url URL --no-push`.
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from needs import libraries
from serve_tiny_policy import NAME, serving
from tiny_policy import SUMS, make_policy


def evaluate(tasks: int, folder: Path) -> list[Any]:
    """The traces of verifiers' own evaluation."""
    from verifiers.v1.cli.eval.runner import run_eval
    from verifiers.v1.configs.cli.eval import EvalConfig

    from infinite_rl.envs.adapters.verifiers import export

    export(folder / "infinite_sums", "InfiniteRL/Math-v0", tasks, **SUMS)
    sys.path.insert(0, str(folder / "infinite_sums"))  # instead of pip install
    os.environ.setdefault("TINY_KEY", "none")
    with serving(make_policy()) as url:
        config = EvalConfig(
            env={"taskset": {"id": "infinite_sums"}, "agent": {"runtime": {"type": "subprocess"}}},
            model=NAME,
            client={"base_url": url, "api_key_var": "TINY_KEY"},
            push=False,
            rich=None,
            output_dir=folder / "outputs",
        )
        episodes = asyncio.run(run_eval(config))
    return [trace for episode in episodes for trace in episode.traces]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="verifiers evaluates a tiny model.")
    parser.add_argument("--tasks", type=int, default=32)
    tasks = parser.parse_args().tasks
    with TemporaryDirectory() as folder, libraries():
        traces = evaluate(tasks, Path(folder))
    played = [trace for trace in traces if not trace.errors]
    for trace in played[:4]:
        print(f"{trace.task.data.prompt}{trace.assistant_messages[-1].content}  reward {trace.reward:g}")
    mean = sum(trace.reward for trace in played) / max(len(played), 1)
    print(f"{len(traces)} tasks, {len(traces) - len(played)} with errors, mean reward {mean:.3f}")
