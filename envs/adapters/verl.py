"""For verl: tasks as a parquet file, and the ``compute_score`` that its reward manager calls.

In verl's configuration: ``reward.custom_reward_function.path=pkg://infinite_rl.envs.adapters.verl``, and
``data.train_files`` as `export` wrote them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...rewards import RewardFunctionScore
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
        for row in task_rows(make_text_env(env, **arguments), count, start=start, max_turns=1)
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return len(rows)


def compute_score(
    data_source: str, solution_str: str, ground_truth: str, extra_info: dict[str, Any] | None = None, **kwargs: Any
) -> dict[str, float]:
    """The score of one response, in the form of verl's reward functions.

    Returns:
        ``score`` (the correctness), ``failed`` (1.0 where our own code failed, so that such rows can be left out) and
        the components ``format`` and ``correctness``. verl makes columns of them: every row has the same ones.
    """
    return compute_scores([data_source], [solution_str], [ground_truth])[0]


def compute_scores(
    data_sources: Sequence[str],
    solution_strs: Sequence[str],
    ground_truths: Sequence[str],
    extra_infos: Sequence[dict[str, Any]] | None = None,
    **kwargs: Any,
) -> list[dict[str, float]]:
    """The scores of a batch, for verl's reward manager ``batch``: one grading call for each environment in it."""
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    tasks = [json.loads(truth) for truth in ground_truths]
    for place, (env, task) in enumerate(zip(data_sources, tasks, strict=True)):
        places[env, json.dumps(task["arguments"], sort_keys=True)].append(place)
    rows: dict[int, dict[str, float]] = {}
    for (env, arguments), found in places.items():
        indices = [tasks[place]["task_index"] for place in found]
        scores = score_responses(_environment(env, arguments), indices, [solution_strs[place] for place in found])
        rows.update(zip(found, map(_row, scores), strict=True))
    return [rows[place] for place in range(len(tasks))]


def _row(score: RewardFunctionScore) -> dict[str, float]:
    parts = {name: float(score.components[name]) for name in ("format", "correctness")}
    return {"score": float(score.correctness_score), "failed": float(score.failed), **parts}


@lru_cache(maxsize=16)
def _environment(env: str, arguments: str) -> TextEnv:
    return make_text_env(env, **json.loads(arguments))
