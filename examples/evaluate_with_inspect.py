"""Inspect evaluates a tiny model, served on the spot, on an exported task: seconds on a CPU.

python examples/evaluate_with_inspect.py [--tasks 32]

It needs inspect_ai and openai, Inspect's client. With a model that is served already, the command is
`inspect eval math_task.py --model openai-api/tiny/NAME -M base_url=URL`.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from needs import libraries
from serve_tiny_policy import NAME, serving
from tiny_policy import SUMS, make_policy


def evaluate(tasks: int, folder: Path) -> Any:
    """Inspect's log of the evaluation."""
    import inspect_ai
    from inspect_ai.model import get_model

    from infinite_rl.envs.adapters.inspect import export

    export(folder / "math_task.py", "InfiniteRL/Math-v0", tasks, **SUMS)
    with serving(make_policy()) as url:
        model = get_model(f"openai-api/tiny/{NAME}", base_url=url, api_key="none", memoize=False)
        (log,) = inspect_ai.eval(
            f"{folder / 'math_task.py'}@math_task", model=model, temperature=0.0, log_dir=str(folder), display="none"
        )
    return log


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Inspect evaluates a tiny model.")
    parser.add_argument("--tasks", type=int, default=32)
    tasks = parser.parse_args().tasks
    with TemporaryDirectory() as folder, libraries():
        log = evaluate(tasks, Path(folder))
        if log.status != "success":
            raise SystemExit(f"Inspect says {log.status}: {log.error}")
        for sample in log.samples[:4]:
            print(f"{sample.input[0].text}{sample.output.completion}  {sample.scores['verdict'].value:g}")
        found = {name: round(metric.value, 3) for name, metric in log.results.scores[0].metrics.items()}
        print(f"{log.eval.task}, {len(log.samples)} tasks: {found}")
