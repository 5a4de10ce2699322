"""For Inspect (``inspect_ai``): any environment as a task, with a solver that plays it and a scorer.

``inspect eval`` runs what `export` writes; `inspect_task` makes the same in Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anyio.to_thread import run_sync
from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver

from ...rewards import RewardFunctionScore
from ..text_env import TextEnv
from .files import write_module
from .rows import make_text_env, news, replay, task_rows

# Where the solver leaves the score of the episode that it played.
_SCORE = "infinite_rl:score"


def inspect_task(env: str | TextEnv, count: int | None = None, *, start: int = 0, **arguments: Any) -> Task:
    """The tasks of an environment as a task of Inspect's.

    Args:
        env: the id of an environment, or an environment.
        count: how many tasks; all, if not given.
        start: the first one.
        **arguments: arguments of the environment, such as ``split="test"``.

    Raises:
        ValueError: there are not as many tasks.
    """
    made = make_text_env(env, **arguments)
    samples = [
        Sample(
            input=[_message(message) for message in row["prompt"]],
            # Inspect wants no id twice; an endless source may repeat a task.
            id=row["task_index"],
            metadata={name: row[name] for name in ("task_index", "task_id", "domain")},
        )
        for row in task_rows(made, count, start=start)
    ]
    name = env.rpartition("/")[2] if isinstance(env, str) else type(env).__name__
    return Task(dataset=MemoryDataset(samples, name=name), solver=play(made), scorer=verdict(made), name=name)


@solver
def play(env: TextEnv) -> Solver:
    """Generates until the environment says that the episode is over."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        index = state.metadata["task_index"]
        episode = env.begin(env.tasks.task(index), index)
        while not episode.ended:
            state = await generate(state, tool_calls="none")
            # In a thread: graders take their time, and other samples go on meanwhile.
            await run_sync(env.advance, [episode], [state.output.completion])
            state.messages += [_message(message) for message in news(episode)]
        if episode.score is not None:
            state.store.set(_SCORE, _as_json(episode.score))
        return state

    return solve


@scorer(metrics=[mean(), stderr()])
def verdict(env: TextEnv) -> Scorer:
    """The correctness of what the solver `play` played; transcripts of other solvers are played again.

    A failure of ours is unscored (``scoring_failed``), which Inspect leaves out of its metrics.
    """

    async def score(state: TaskState, target: Target) -> Score:
        said = [message.text for message in state.messages if isinstance(message, ChatMessageAssistant)]
        found = state.store.get(_SCORE)
        if found is None:
            found = _as_json(await run_sync(replay, env, state.metadata["task_index"], said))
        answer, metadata = said[-1] if said else "", {"status": found["status"], **found["components"]}
        if found["status"] == "error":
            return Score.unscored(
                reason="scoring_failed", answer=answer, explanation=found["error_msg"], metadata=metadata
            )
        return Score(value=found["score"], answer=answer, explanation=found["error_msg"] or None, metadata=metadata)

    return score


def export(path: str | Path, env: str, count: int | None = None, *, start: int = 0, **arguments: Any) -> None:
    """Writes a file that ``inspect eval`` runs.

    Args:
        path: the file, such as ``math_task.py``.
        env: the id of an environment.
        count: how many tasks; all, if not given.
        start: the first one.
        **arguments: arguments of the environment; JSON values.

    Raises:
        ValueError: there are not as many tasks, or ``path`` is no name of a Python module.
        TypeError: an argument is no JSON value.
    """
    task_rows(make_text_env(env, **arguments), 1 if count is None else count, start=start)
    write_module(path, _MODULE, env=env, count=count, start=start, arguments=arguments)


_MODULE = '''"""{env} as a task of Inspect's: inspect eval {file} --model …"""

from inspect_ai import Task, task

from infinite_rl.envs.adapters.inspect import inspect_task


@task
def {name}(count: int | None = {count}, start: int = {start}) -> Task:
    """The tasks from start on, count of them."""
    return inspect_task({env!r}, count, start=start, **{arguments!r})
'''


def _message(message: Mapping[str, Any]) -> ChatMessage:
    # The results of calls that stand in texts: for Inspect, what the user says.
    made = ChatMessageSystem if message["role"] == "system" else ChatMessageUser
    return made(content=str(message["content"]))


def _as_json(score: RewardFunctionScore) -> dict[str, Any]:
    components = {name: float(value) for name, value in score.components.items()}
    return {
        "score": float(score.correctness_score),
        "status": str(score.status),
        "error_msg": score.error_msg,
        "components": components,
    }
