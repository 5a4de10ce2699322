"""Demonstrations: episodes played by what is known to be right, as rows for supervised steps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import PreTrainedTokenizerBase

from ...datasets.task import Task, TaskSource
from ...envs.text_env import TextEnv
from ...envs.tool_env import ToolEnv
from ...envs.tools.tool import ToolCall
from ...rewards.expected import expected_text
from ..inference.sampling import Sample, uniforms
from ..inference.session import Session

CALCULATOR = "calculator"


def solutions(env: TextEnv, tasks: TaskSource, *, tool_share: float = 0.0, key: int = 0) -> list[list[str]]:
    """What to say in each episode: the task's solution where it has one, such as a program, else its answer in tags.

    Args:
        env: asks.
        tasks: a finite list of them.
        tool_share: the share of the tasks, drawn at random, that are first put to the calculator, where the environment
            has one and the task is an expression.
        key: of the draws.

    Raises:
        ValueError: if the source is endless, or an answer is neither text nor a number.
    """
    if tasks.size is None:
        raise ValueError("a warm start needs a finite list of tasks")
    draws = uniforms([key], [0], tasks.size)[0]
    return [_solution(env, tasks.task(i), with_tool=bool(draws[i] < tool_share)) for i in range(tasks.size)]


def demonstrate(env: TextEnv, task: Task, actions: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> Session:
    """The record of the episode in which the policy says ``actions``: only their tokens train."""
    episode = env.begin(task, task_index=-1)
    session = Session(tokenizer, key=0)
    session.observe(episode.messages)
    for action in actions:
        ids = tokenizer.encode(f"{action}{tokenizer.eos_token}", add_special_tokens=False)
        session.record(Sample(torch.tensor(ids), torch.zeros(len(ids)), truncated=False), version=0)
        if action is actions[-1]:
            break
        heard = len(episode.messages)
        env.advance([episode], [action])
        if episode.ended:
            break
        session.observe([message for message in episode.messages[heard:] if message["role"] != "assistant"])
    return session


def _solution(env: TextEnv, task: Task, *, with_tool: bool) -> list[str]:
    try:
        answer = task.metadata.get("solution") or expected_text(task.answer)
    except (TypeError, ValueError) as error:
        raise ValueError(f"task {task.id}: {error}") from None
    final = f"<answer>{answer}</answer>"
    expression = task.metadata.get("expression")
    if with_tool and expression and isinstance(env, ToolEnv) and CALCULATOR in env.toolbox.tools:
        return [env.toolbox.format.write(ToolCall(CALCULATOR, str(expression))), final]
    return [final]
