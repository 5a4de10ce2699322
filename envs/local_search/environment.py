"""The environment: propose, hear what it is worth, propose again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ...datasets.task import Task, TaskSource
from ...rewards import RewardFunctionScore, Status
from ...rewards.extraction import extract_answer
from ..episode import Episode
from ..text_env import TextEnv
from ..tools.reply import assistant_message
from ..vector import TextVectorEnv
from .problem import InfeasibleError, Problem, Solution
from .source import PROBLEMS, LocalSearchSource

# Longer answers and numbers are no solutions of any instance.
_MAX_CHARACTERS = 10_000
_MAX_DIGITS = 6
_DONE = "done"


class UnreadableError(ValueError):
    """Why an answer is no list of numbers."""


@dataclass(slots=True, eq=False)
class SearchEpisode(Episode):
    """An episode with the best value so far.

    Attributes:
        best: the best value of a feasible solution, the baseline's among them.
        readable: how many answers could be read.
        feasible: how many of them keep the rules.
    """

    best: int = 0
    readable: int = 0
    feasible: int = 0


class LocalSearchEnv(TextEnv):
    """Improve a solution of an optimisation problem over several turns.

    Observation: the instance, a baseline solution and its value; then, after each proposal, whether it is feasible, its
    value, the best value so far and how many turns are left.
    Action: text with a whole solution between ``<answer>`` and ``</answer>``: whole numbers with spaces or commas
    between them, in brackets or not; cities in the order of the tour (``tsp``), the items to take (``knapsack``), the
    bin of each item (``bin_packing``), the colour of each vertex (``graph_colouring``), the vertices of one side
    (``max_cut``). All are counted from 1. ``<answer>done</answer>`` ends the episode.
    Reward: at the end ``(baseline - value) / (baseline - best)`` of the best feasible solution, from 0.0 to 1.0. The
    best value is exact: by dynamic programming (``tsp``, ``knapsack``), by the weights of all cuts (``max_cut``), or by
    construction (``bin_packing``: full bins cut to pieces; ``graph_colouring``: a drawn colouring with a clique as
    large). The baseline is the greedy rule's solution, and never the best. What is infeasible or can't be read costs a
    turn and earns nothing.
    Info: at the end ``components`` holds ``proposals``, ``feasible`` (their share) and ``solved`` (1.0 for a best
    solution). Domains are problems, such as ``local_search/tsp``.
    Termination: after ``turns`` actions, or when the agent is done.
    Truncation: only at ``max_turns``, if that is given and less than ``turns``; the best solution counts as ever.
    Arguments: ``turns`` (by default 8), ``level`` (1 to 4: 8, 10, 12, 14 cities; 14, 20, 30, 40 items for the knapsack;
    4, 5, 6, 8 full bins; 16, 18, 22, 26 vertices to colour; 9, 12, 15, 18 to cut), ``problems`` (names, by default
    all), ``split`` (``train``, ``validation``, ``test``; no instance is in two of them, whatever the seed) and
    ``seed``. Or ``tasks``: a file of tasks or a task source, whose answers hold ``problem``, ``instance``, ``baseline``
    and ``best`` as those of ``LocalSearchSource`` do.
    Floor: 0.00 for empty and copying policies, and for those that repeat the baseline; a constant or majority solution
    earns at most 0.03. Eight random solutions earn 0.03 at level 1 (most on ``max_cut``, 0.10, and ``tsp``, 0.04), 0.01
    at level 2, then 0.00. Eight greedy ones in random order earn more: on ``graph_colouring`` 0.47, 0.36, 0.12, 0.06,
    on ``knapsack`` 0.17, 0.03, 0.00, 0.00 at levels 1 to 4, elsewhere no more than random ones. A policy that reverses
    a part of the tour in each turn (2-opt) earns 0.90, 0.89, 0.85, 0.84 on ``tsp``; one that knows the best solution
    earns 1.00.
    Versions: v0, first release.
    """

    domain = "local_search"

    def __init__(
        self,
        tasks: TaskSource | str | Path | None = None,
        *,
        turns: int = 8,
        max_turns: int | None = None,
        render_mode: str | None = None,
        **arguments: Any,
    ) -> None:
        if turns < 1:
            raise ValueError(f"turns must be at least 1, not {turns}")
        self.turns = turns
        super().__init__(tasks, max_turns=max_turns, render_mode=render_mode, **arguments)

    def make_source(self, **arguments: Any) -> TaskSource:
        """Instances of all problems."""
        return LocalSearchSource(**arguments)

    def open(self, task: Task) -> SearchEpisode:
        """Starts from the baseline."""
        _problem_of(task)
        return SearchEpisode(task, list(task.messages), best=task.answer["baseline"])

    def begin(self, task: Task, task_index: int, *, max_turns: int | None = None) -> Episode:
        """Tells how many turns there are: a limit from outside may leave fewer."""
        episode = super().begin(task, task_index, max_turns=max_turns)
        told = f"You have {_count(self._left(episode))}; the best solution counts. Answer {_DONE} if you want to stop."
        last = episode.messages[-1]
        episode.messages[-1] = last | {"content": f"{last['content']}\n\n{told}"}
        return episode

    def respond(self, episode: Episode, action: str) -> None:
        """Judges a proposal."""
        assert isinstance(episode, SearchEpisode)
        episode.messages.append(assistant_message(action))
        answers = extract_answer(action).answers
        done = [answer.lower() for answer in answers] == [_DONE]
        episode.finished = done or episode.turns >= self.turns
        if done:
            return
        problem, answer = _problem_of(episode.task), episode.task.answer
        try:
            value = problem.value(answer["instance"], self._read(episode, answers))
            episode.feasible += 1
            verdict = f"Feasible, with a {problem.measure} of {value}."
            if problem.better(value, episode.best):
                episode.best = value
        except UnreadableError as error:
            verdict = f"That can't be read: {error}."
        except InfeasibleError as error:
            verdict = f"Not feasible: {error}."
        known = f"Best so far: {episode.best} (baseline: {answer['baseline']})."
        known += f" You have {_count(self._left(episode))} left."
        episode.messages.append({"role": "user", "content": f"{verdict} {known}"})

    def finish(self, episodes: Sequence[Episode]) -> list[RewardFunctionScore]:
        """Scores each episode by its best solution."""
        return [_score(episode) for episode in episodes if isinstance(episode, SearchEpisode)]

    def _left(self, episode: Episode) -> int:
        return min(self.turns, episode.max_turns or self.turns) - episode.turns

    def _read(self, episode: SearchEpisode, answers: Sequence[str]) -> Solution:
        if len(answers) != 1:
            raise UnreadableError("give exactly one solution between <answer> and </answer>")
        solution = read_numbers(answers[0])
        episode.readable += 1
        return solution


def read_numbers(text: str) -> Solution:
    """The whole numbers of a text: digits with white space or commas between them, in one pair of brackets or none.

    Raises:
        UnreadableError: there is anything else in it, or it is too long.
    """
    if len(text) > _MAX_CHARACTERS:
        raise UnreadableError(f"it has more than {_MAX_CHARACTERS:,} characters")
    text = text.strip()
    if text[:1] + text[-1:] in ("[]", "()") and len(text) > 1:
        text = text[1:-1]
    words = text.replace(",", " ").split()
    if not words:
        raise UnreadableError("it is empty")
    for word in words:
        if not (word.isascii() and word.isdigit() and len(word) <= _MAX_DIGITS):
            raise UnreadableError(f"{word[:20]!r} is not one of the numbers; write them with spaces between")
    return [int(word) for word in words]


def _score(episode: SearchEpisode) -> RewardFunctionScore:
    problem, answer = _problem_of(episode.task), episode.task.answer
    if not episode.readable:
        return RewardFunctionScore.no_answer("No solution was proposed.")
    gained = problem.improvement(episode.best, answer["baseline"], answer["best"])
    parts = {
        "proposals": float(episode.readable),
        "feasible": episode.feasible / episode.readable,
        "solved": float(gained == 1.0),
    }
    said = "" if gained else "No solution is better than the baseline."
    return RewardFunctionScore(1.0, gained, said, status=Status.SCORED, components=parts)


def _problem_of(task: Task) -> Problem:
    """The problem that the task's answer names.

    Raises:
        ValueError: the answer lacks something, or its best value is no better than the baseline's.
    """
    answer = task.answer
    if not isinstance(answer, dict) or not {"problem", "instance", "baseline", "best"} <= answer.keys():
        raise ValueError(f'task {task.id}: its answer needs "problem", "instance", "baseline" and "best"')
    if answer["problem"] not in PROBLEMS:
        raise ValueError(f"task {task.id}: the problem must be one of {', '.join(PROBLEMS)}, not {answer['problem']!r}")
    problem = PROBLEMS[answer["problem"]]
    if not problem.better(answer["best"], answer["baseline"]):
        raise ValueError(f"task {task.id}: its best value is not better than its baseline")
    return problem


def _count(turns: int) -> str:
    return f"{turns} turn{'' if turns == 1 else 's'}"


LocalSearchVectorEnv = partial(TextVectorEnv, LocalSearchEnv)
