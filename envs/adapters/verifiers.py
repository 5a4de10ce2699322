"""For verifiers (0.4, its ``verifiers.v1``): any environment as a taskset, with an env that plays it turn by turn.

``vf-eval`` runs the package that `export` writes; ``TextTaskset(TextTasksetConfig(env=…))`` is the same in Python.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import verifiers.v1 as vf
from pydantic import Field

from ...rewards import RewardFunctionScore
from ..text_env import TextEnv
from .files import module_name, write_module
from .rows import make_text_env, news, replay, task_rows

__all__ = ["TextPlayEnv", "TextTaskset"]

# Where `TextPlayEnv` leaves the score of the episode that it played.
_SCORE = "infinite_rl"


class TextTasksetConfig(vf.TasksetConfig):
    """Which tasks there are."""

    env: str = "InfiniteRL/Math-v0"
    """The id of an environment."""
    num_tasks: int = 100
    """How many tasks."""
    start: int = 0
    """The first one."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Arguments of the environment, such as {"split": "test"}."""


class TextData(vf.TaskData):
    """A task of an environment; its answer is not in it."""

    env: str
    arguments: dict[str, Any]
    task_index: int
    domain: str

    def make_env(self) -> TextEnv:
        """The environment, one for all tasks of these arguments."""
        return _environment(self.env, json.dumps(self.arguments, sort_keys=True))


class TextTask(vf.Task[TextData, vf.State, vf.TaskConfig]):
    """Rewards a transcript as the environment does."""

    @vf.reward
    async def correctness(self, trace: vf.Trace) -> float:
        """The correctness of the episode.

        Raises:
            RuntimeError: our own code failed, which says nothing about the model: verifiers reports an error.
        """
        score = await self._score(trace)
        if score["status"] == "error":
            raise RuntimeError(f"{self.data.env} could not grade task {self.data.task_index}: {score['error_msg']}")
        return float(score["components"]["correctness"])

    @vf.metric
    async def components(self, trace: vf.Trace) -> dict[str, float]:
        """The other parts of the score by name."""
        parts = (await self._score(trace))["components"]
        return {name: value for name, value in parts.items() if name != "correctness"}

    async def _score(self, trace: vf.Trace) -> dict[str, Any]:
        if _SCORE not in trace.info:
            # Another env drove the model. What it said is played again.
            said = [str(message.content or "") for message in trace.assistant_messages]
            score = await asyncio.to_thread(replay, self.data.make_env(), self.data.task_index, said)
            trace.info[_SCORE] = _as_json(score)
        found: dict[str, Any] = trace.info[_SCORE]
        return found


class TextTaskset(vf.Taskset[TextTask, TextTasksetConfig]):
    """The tasks of an environment."""

    def load(self) -> Iterator[TextTask]:
        """The tasks from ``start`` on, ``num_tasks`` of them."""
        config = self.config
        env = make_text_env(config.env, **config.arguments)
        for row in task_rows(env, config.num_tasks, start=config.start):
            system = [message["content"] for message in row["prompt"] if message["role"] == "system"]
            asked = [str(message["content"]) for message in row["prompt"] if message["role"] != "system"]
            data = TextData(
                id=row["task_id"],
                name=row["task_id"],
                prompt="\n\n".join(asked),
                system_prompt="\n\n".join(system) or None,
                env=config.env,
                arguments=config.arguments,
                task_index=row["task_index"],
                domain=row["domain"],
            )
            yield TextTask(data, config.task)


class TextPlayConfig(vf.EnvConfig):
    """One seat: the model."""

    agent: vf.AgentConfig = vf.AgentConfig(harness={"id": "null"})


class TextPlayEnv(vf.Env[TextPlayConfig]):
    """Plays episodes to their end: the environment answers as the user."""

    async def run(self, task: TextTask, agents: vf.Agents) -> None:
        """One episode."""
        env, index = task.data.make_env(), task.data.task_index
        episode = env.begin(env.tasks.task(index), index)
        async with agents.agent.interaction(task) as chat:
            segment = await chat.turn()
            while not segment.terminated:
                await asyncio.to_thread(env.advance, [episode], [segment.last_reply])
                if episode.ended:
                    break
                segment = await chat.turn("\n\n".join(str(message["content"]) for message in news(episode)))
            # Before the exchange closes, which is when the rewards are asked.
            if episode.score is not None:
                chat.trace.info[_SCORE] = _as_json(episode.score)


def export(folder: str | Path, env: str, count: int = 100, *, start: int = 0, **arguments: Any) -> None:
    """Writes a package that ``pip install`` installs and ``vf-eval`` runs by its name.

    Args:
        folder: the package's folder; its name is the package's, such as ``infinite_math``.
        env: the id of an environment.
        count: how many tasks, unless ``--env.taskset.num-tasks`` says otherwise.
        start: the first one.
        **arguments: arguments of the environment; JSON values.

    Raises:
        ValueError: there are not as many tasks, or the folder's name is no name of a Python module.
        TypeError: an argument is no JSON value.
    """
    folder = Path(folder)
    name = module_name(folder)
    task_rows(make_text_env(env, **arguments), count, start=start)
    (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(_PROJECT.format(name=name, env=env), encoding="utf-8")
    write_module(folder / name / "__init__.py", _PACKAGE, env=env, count=count, start=start, arguments=arguments)


_PROJECT = """[project]
name = "{name}"
version = "0.1.0"
description = "{env} for verifiers"
requires-python = ">=3.11"
dependencies = ["infinite-rl", "verifiers>=0.4,<0.5"]

[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[tool.setuptools]
packages = ["{name}"]
"""

_PACKAGE = '''"""{env} for verifiers."""

from typing import Any

import verifiers.v1 as vf

from infinite_rl.envs.adapters.verifiers import TextPlayEnv, TextTask, TextTaskset, TextTasksetConfig


class Config(TextTasksetConfig):
    """Which tasks there are."""

    env: str = {env!r}
    num_tasks: int = {count}
    start: int = {start}
    arguments: dict[str, Any] = {arguments!r}


class Tasks(TextTaskset, vf.Taskset[TextTask, Config]):
    """The tasks."""


class Play(TextPlayEnv):
    """Plays them."""


__all__ = ["Play", "Tasks"]
'''


def _as_json(score: RewardFunctionScore) -> dict[str, Any]:
    components = {name: float(value) for name, value in score.components.items()}
    return {"status": str(score.status), "error_msg": score.error_msg, "components": components}


@lru_cache(maxsize=16)
def _environment(env: str, arguments: str) -> TextEnv:
    return make_text_env(env, **json.loads(arguments))
