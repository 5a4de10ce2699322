"""For verl: tasks as a parquet file, and the ``compute_score`` that its reward manager calls.

In verl's configuration: ``custom_reward_function.path=…/compute_score.py`` with one line,
``from infinite_rl.envs.adapters.verl import compute_score``, and ``data.train_files`` as `export` wrote them.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..text_env import TextEnv
from .rows import make_text_env, score_responses, task_rows


def export(path: str | Path, env: str, count: int | None = None, *, start: int = 0, **arguments: Any) -> int:
    """Writes tasks of an environment to a parquet file with verl's columns; returns how many.

    ``ground_truth`` names the task, not its answer: `compute_score` makes the environment again.

    Args:
        path: the file.
        env: the id of an environment.
        count: how many tasks; all, if not given.
        start: the first one.
        **arguments: arguments of the environment; JSON values.

    Raises:
        ModuleNotFoundError: ``pyarrow`` is not installed.
        ValueError: there are not as many tasks.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise ModuleNotFoundError("this needs pyarrow: pip install 'infinite-rl[train]'") from None
    rows = [
        {
            "data_source": env,
            "prompt": [{"role": message["role"], "content": message["content"]} for message in row["prompt"]],
            "ability": row["domain"],
            "reward_model": {
                "style": "rule",
                "ground_truth": json.dumps({"task_index": row["task_index"], "arguments": arguments}),
            },
            "extra_info": {"index": row["task_index"], "task_id": row["task_id"]},
        }
        for row in task_rows(make_text_env(env, **arguments), count, start=start)
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return len(rows)


def compute_score(
    data_source: str, solution_str: str, ground_truth: str, extra_info: dict[str, Any] | None = None, **kwargs: Any
) -> dict[str, Any]:
    """The score of one response, in the form of verl's reward functions.

    Returns:
        ``score`` (the correctness), ``failed`` (1.0 where our own code failed, so that such rows can be left out) and
        the components by name.
    """
    task = json.loads(ground_truth)
    env = _environment(data_source, json.dumps(task["arguments"], sort_keys=True))
    (score,) = score_responses(env, [task["task_index"]], [solution_str])
    return {"score": float(score.correctness_score), "failed": float(score.failed), **score.components}


@lru_cache(maxsize=16)
def _environment(env: str, arguments: str) -> TextEnv:
    return make_text_env(env, **json.loads(arguments))
