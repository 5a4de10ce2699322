"""Tasks that an agent may check with tools before it submits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ..datasets.naming import check_names
from ..datasets.task import TaskSource
from ..rewards import RewardFunctionScore
from .episode import Episode
from .grading import Graders
from .multi_domain import all_domains
from .retrieval.opening import open_retriever
from .retrieval.retriever import Retriever
from .tool_env import ToolEnv, ToolEpisode
from .tools.builtin import calculator, sandbox, search_tool
from .tools.tool import Tool
from .vector import TextVectorEnv

# What one call costs; a budget of 10 buys three programs.
COSTS: Mapping[str, float] = {"calculator": 1.0, "python": 3.0, "javascript": 3.0, "search": 1.0}


class SelfVerificationEnv(ToolEnv):
    """Solve a task, check the answer with tools that cost something, and decide when to submit.

    Observation: the tools with their costs, the budget, and a task of mathematics, logic, text or code; then the
    results of the calls.
    Action: text with calls of tools, by default as ``<tool_call>{"name": …, "arguments": {…}}</tool_call>``; a message
    without any is the answer, between ``<answer>`` and ``</answer>``.
    Reward: quality times ``1 - verification_weight * spent / budget``. The quality is 1.0 for a right answer, else 0.0,
    judged by the grader of the task's own domain. So an answer that calls made right is always worth them, and calls
    that were not needed cost a little.
    Tools: ``calculator`` (1 a call), ``python`` and ``javascript`` (3 a call; programs without files or network); with
    ``corpus`` also ``search`` (1 a call). They get what the agent writes and nothing else: none of them knows the task
    or its answer.
    Info: at the end ``components`` holds ``quality``, ``verification_cost`` (the share of the budget that was spent),
    ``efficiency`` (what the quality is multiplied by), ``calls`` and ``failed_calls`` (refused ones, which cost
    nothing unless they were run). Domains are those of ``MultiDomain-v0``, such as ``logic/seating_order``.
    Termination: with the answer, or with a call that the rest of the budget does not cover; it is not run.
    Truncation: at ``max_turns`` (by default 8); and if grading or a tool of ours fails (status ``error``). An answer
    beside a call is none, also in the last message.
    Arguments: ``budget`` (by default 10), ``verification_weight`` (0 to 1, by default 0.1), ``costs`` (of some tools,
    in place of those above), ``tools`` (names, by default all), ``corpus`` (a file of documents or the URL of a search
    service, see ``docs/search.md``), ``tool_format`` (``hermes``, ``named``, ``tagged``,
    ``native``), ``timeout`` (seconds that a program may run). Tasks: ``weights`` (of ``arithmetic``, ``math``,
    ``logic``, ``text`` and ``coding``, by default 1 each), ``level`` (1 to 4), ``split`` (``train``, ``validation``,
    ``test``; no problem is in two of them, whatever the seed), ``seed``, ``language`` of the programs asked for, and
    ``sources`` (what one domain's source alone is told), as in ``MultiDomain-v0``. Or ``tasks``: a file of tasks or a
    task source; a task's metadata names its ``grader`` (by default ``eq``).
    Floor: 0.00 for empty and copying policies; with equal weights constant, majority and random ones earn at most 0.08
    at level 1, whose arithmetic has few answers, and 0.03 at the others.
    A policy that knows the answers earns 1.00 without a call and 0.90 with the whole budget spent; one that hands in
    what the calculator says of each arithmetic task earns 0.99 there.
    Versions: v0, first release.
    """

    domain = "self_verification"
    default_grader = "eq"

    def __init__(
        self,
        tasks: TaskSource | str | Path | None = None,
        *,
        budget: float = 10.0,
        verification_weight: float = 0.1,
        costs: Mapping[str, float] | None = None,
        tools: Sequence[str] | str | None = None,
        corpus: str | Path | Retriever | None = None,
        tool_format: str | None = None,
        timeout: float = 5.0,
        max_turns: int | None = 8,
        render_mode: str | None = None,
        **arguments: Any,
    ) -> None:
        if not budget > 0:
            raise ValueError(f"budget must be above 0, not {budget}")
        if not 0 <= verification_weight <= 1:
            raise ValueError(f"verification_weight must be from 0 to 1, not {verification_weight}")
        self._retriever = None if corpus is None else open_retriever(corpus)
        everything = tuple(name for name in COSTS if name != "search" or corpus is not None)
        chosen = everything if tools is None else check_names("tools", tools, COSTS)
        if "search" in chosen and corpus is None:
            raise ValueError("the tool search needs documents: give corpus, a file of them or a service's URL")
        costs = costs or {}
        if unknown := [name for name in costs if name not in chosen]:
            raise ValueError(f"costs names {unknown[0]!r}; the tools are {', '.join(chosen)}")
        self._costs = {name: costs.get(name, COSTS[name]) for name in chosen}
        self._timeout = timeout
        self.budget = budget
        self.verification_weight = verification_weight
        self.graders = Graders("eq", timeout=timeout)
        super().__init__(
            tasks,
            tool_format=tool_format,
            budget=budget,
            max_turns=max_turns,
            render_mode=render_mode,
            **arguments,
        )
        self.toolbox.note = (
            f"Spending all of it takes {verification_weight:.0%} off your reward. A message without calls is final."
        )

    def make_source(self, **arguments: Any) -> TaskSource:
        """A mixture of all procedural tasks."""
        return all_domains(**arguments)

    def make_tools(self) -> Sequence[Tool]:
        """The tools by name. They are made before any task is known, and see none."""
        return [self._make_tool(name, cost) for name, cost in self._costs.items()]

    def _make_tool(self, name: str, cost: float) -> Tool:
        if name == "calculator":
            return calculator(cost)
        if name == "search":
            assert self._retriever is not None
            return search_tool(self._retriever, cost)
        return sandbox(name, cost, timeout=self._timeout)

    def finish(self, episodes: Sequence[Episode]) -> list[RewardFunctionScore]:
        """Judges each task by its own grader, and takes off what the calls cost."""
        scores = self.graders.score(episodes)
        return [self._priced(episode, score) for episode, score in zip(episodes, scores, strict=True)]

    def _priced(self, episode: Episode, score: RewardFunctionScore) -> RewardFunctionScore:
        assert isinstance(episode, ToolEpisode)
        account = episode.account
        spent = min(account.spent / self.budget, 1.0)
        efficiency = 1.0 - self.verification_weight * spent
        parts = {name: value for name, value in score.components.items() if name not in ("format", "correctness")}
        parts |= {
            "quality": score.correctness_score,
            "verification_cost": spent,
            "efficiency": efficiency,
            "calls": float(account.calls),
            "failed_calls": float(account.failed_calls),
        }
        return replace(score, correctness_score=score.correctness_score * efficiency, components=parts)


SelfVerificationVectorEnv = partial(TextVectorEnv, SelfVerificationEnv)
