"""The line that an episode leaves."""

from __future__ import annotations

from dataclasses import dataclass

from ...envs.agent_loop import ENDPOINT_ERROR
from ...envs.episode import Episode, components_of, passed
from ...envs.text_env import TextEnv
from .results import Sample
from .voting import answer_of

_LONGEST_REASON = 40


@dataclass(slots=True)
class Cost:
    """What an episode took so far.

    Attributes:
        prompt_tokens: read by the model, in all turns together.
        completion_tokens: written by it.
        seconds: that its replies took.
        finish_reason: of the last one.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    finish_reason: str = ""


def record(env: TextEnv, episode: Episode, sample: int, cost: Cost, problem: str = "") -> Sample:
    """The line of an episode that is over.

    Args:
        env: the environment.
        episode: with its score, unless there is a ``problem``.
        sample: its number among those of the task.
        cost: what it took.
        problem: why the endpoint broke it off, if it did.
    """
    score = episode.score
    broken = bool(problem) or score is None
    return {
        "task_id": episode.task.id,
        "task_index": episode.task_index,
        "sample": sample,
        "domain": episode.task.domain,
        "reward": 0.0 if broken else episode.reward,
        "passed": not broken and passed(episode),
        "status": ENDPOINT_ERROR if score is None or problem else str(score.status),
        "error_msg": problem if score is None or problem else score.error_msg,
        "components": {} if broken else components_of(episode),
        "answer": None if broken else answer_of(env, episode),
        "terminated": not broken and episode.terminated,
        "turns": episode.turns,
        "prompt_tokens": cost.prompt_tokens,
        "completion_tokens": cost.completion_tokens,
        "finish_reason": cost.finish_reason[:_LONGEST_REASON],
        "seconds": round(cost.seconds, 4),
        "messages": episode.messages,
    }
