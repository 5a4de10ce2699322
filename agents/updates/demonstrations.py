"""Demonstrations: episodes in which the policy says what is known to be right, for supervised steps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import groupby, islice

from transformers import PreTrainedTokenizerBase

from ...datasets.task import Message, Task, TaskList, TaskSource
from ...envs.episode import Episode
from ...envs.text_env import TextEnv
from ...envs.tool_env import ToolEnv
from ...envs.tools.tool import ToolCall
from ...rewards.expected import expected_text
from ..inference.sampling import uniforms
from ..inference.session import Session
from ..inference.template import ChatTemplate
from .batching import TokenRow

CALCULATOR = "calculator"
# Shorter phrases are spelt.
SHORTEST_PHRASE = 6
# So many tasks of a domain show what all of them say.
_TASKS_READ = 200
_FEWEST_TASKS = 4
# So many of them have a wording in common: more than have one of 26 letters, and fewer than have one of three wordings.
_WORDING_SHARE = 0.25

# What is said to the policy before each of its turns, and what it then says.
Demonstration = list[tuple[list[Message], str]]


def demonstrations(
    tasks: TaskSource, env: TextEnv | None = None, *, tool_share: float = 0.0, key: int = 0
) -> list[Demonstration]:
    """Solves each task by what it holds: its solution where it has one, such as a program, else its answer in tags.

    Args:
        tasks: a finite list of them.
        env: asks them; None for tasks that open as they stand.
        tool_share: the share of the tasks, drawn at random, whose expression is first put to the calculator, where the
            environment has one.
        key: of the draws.

    Raises:
        ValueError: if the source is endless, or an answer is neither text nor a number.
    """
    if tasks.size is None:
        raise ValueError("a warm start needs a finite list of tasks")
    draws = uniforms([key], [0], tasks.size)[0]
    return [_demonstrate(tasks.task(i), env, with_tool=bool(draws[i] < tool_share)) for i in range(tasks.size)]


def solved(
    tasks: TaskSource,
    tokenizer: PreTrainedTokenizerBase,
    env: TextEnv | None = None,
    *,
    tool_share: float = 0.0,
    key: int = 0,
) -> list[TokenRow]:
    """The records of :func:`demonstrations`, whose arguments it takes: only what the policy says trains."""
    rows, template = [], ChatTemplate(tokenizer)
    for turns in demonstrations(tasks, env, tool_share=tool_share, key=key):
        session = Session(template, key=0)
        for heard, said in turns:
            session.observe(heard)
            session.say(said)
        rows.append(TokenRow(*session.tensors()))
    return rows


def refrains(tasks: TaskList, env: TextEnv, *, tool_share: float) -> list[str]:
    """What a tokenizer that is made for these tasks may have single tokens for.

    These are the tags that anybody writes, and what the environment says in the same words in every task of a domain:
    lines, and phrases between numbers. A tiny model could learn little else from a page about tools in every prompt.
    """
    groups: dict[str, list[Task]] = {}
    for task in tasks.tasks:
        groups.setdefault(task.domain, []).append(task)
    shown = [task for group in groups.values() for task in group[:_TASKS_READ]]
    try:
        found = demonstrations(TaskList(shown), env, tool_share=tool_share)
    except ValueError:
        return []  # nothing to learn the words from
    everything = "\n".join(text for turns in found for heard, said in turns for text in [*_texts(heard), said])
    phrases = set(re.findall(r"</?[a-z_]+>", everything))
    openings = iter("\n".join(_texts(turns[0][0])) for turns in found)
    for group in groups.values():
        texts = list(islice(openings, min(len(group), _TASKS_READ)))
        # Of several domains, one with few tasks may say in all of them what it says nowhere else.
        if len(texts) >= _FEWEST_TASKS or len(groups) == 1:
            phrases |= _shared(texts)
    return sorted(phrases)


def _shared(texts: Sequence[str]) -> set[str]:
    """The lines, and the phrases between numbers, that are in each of the texts; and the wordings of what is left."""
    lines = set.intersection(*(set(text.splitlines()) for text in texts))
    phrases = set.intersection(*(set(re.findall(r"[^\d\n+*/=-]+", text)) for text in texts))
    found = {text for text in lines | phrases if len(text) >= SHORTEST_PHRASE}
    known = "|".join(map(re.escape, sorted(found, key=len, reverse=True)))
    return found | _wordings([re.sub(known, "\n", text) for text in texts] if known else texts)


def _wordings(texts: Sequence[str]) -> set[str]:
    """Runs of words that a quarter of the texts have in common: of several wordings, and around names and letters."""
    enough = max(_FEWEST_TASKS, _WORDING_SHARE * len(texts))
    lines = [[line.split(" ") for line in text.splitlines()] for text in texts]
    counts = Counter(word for text in lines for word in {word for line in text for word in line if word})
    runs: Counter[str] = Counter()
    for text in lines:
        parts = [groupby(line, key=lambda word: counts[word] >= enough) for line in text]
        runs.update({" ".join(run) for part in parts for common, run in part if common})
    return {run for run, count in runs.items() if count >= enough and len(run) >= SHORTEST_PHRASE}


def _demonstrate(task: Task, env: TextEnv | None, *, with_tool: bool) -> Demonstration:
    """One episode, up to the policy's last words: how they are judged is of no interest."""
    episode = Episode(task, list(task.messages)) if env is None else env.begin(task, task_index=-1)
    turns: Demonstration = []
    heard = 0
    for said in _solution(task, env, with_tool=with_tool):
        if env is not None and turns:
            env.respond_all([episode], [turns[-1][1]])
        new = episode.messages[heard:]
        turns.append(([message for message in new if not heard or message["role"] != "assistant"], said))
        heard += len(new)
    return turns


def _texts(messages: Sequence[Message]) -> list[str]:
    return [str(message["content"]) for message in messages if message.get("content") is not None]


def _solution(task: Task, env: TextEnv | None, *, with_tool: bool) -> list[str]:
    try:
        answer = task.metadata.get("solution") or expected_text(task.answer)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"task {task.id}: {error}; a warm start on it needs conversations: set model.warm_start.path, or "
            "model.warm_start.max_steps=0"
        ) from None
    final = f"<answer>{answer}</answer>"
    expression = task.metadata.get("expression")
    if with_tool and expression and isinstance(env, ToolEnv) and CALCULATOR in env.toolbox.tools:
        return [env.toolbox.format.write(ToolCall(CALCULATOR, str(expression))), final]
    return [final]
