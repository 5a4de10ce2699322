"""The line that an episode leaves."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...envs.agent_loop import ENDPOINT_ERROR
from ...envs.episode import Episode, components_of, passed
from ...envs.text_env import TextEnv
from .results import FAILURES, Sample
from .voting import answer_of

# Characters of why a reply ended, as servers say it.
LONGEST_REASON = 40
# Of servers; nothing in it is tried twice, whatever is searched.
_IP = r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]{2,45}\])"
_ADDRESS = re.compile(rf"https?://[^\s'\"]*|(?<![\w.])(?:localhost|{_IP})(?::\d{{1,5}})?(?![\w.]\w)", re.IGNORECASE)


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
    status = ENDPOINT_ERROR if score is None or problem else str(score.status)
    why = problem if score is None or problem else score.error_msg
    return {
        "task_id": episode.task.id,
        "task_index": episode.task_index,
        "sample": sample,
        "domain": episode.task.domain,
        "reward": 0.0 if broken else episode.reward,
        "passed": not broken and passed(episode),
        "status": status,
        "error_msg": without_addresses(why) if status in FAILURES else why,
        "components": {} if broken else components_of(episode),
        "answer": None if broken else answer_of(env, episode),
        "terminated": not broken and episode.terminated,
        "turns": episode.turns,
        "prompt_tokens": cost.prompt_tokens,
        "completion_tokens": cost.completion_tokens,
        "finish_reason": cost.finish_reason[:LONGEST_REASON],
        "seconds": round(cost.seconds, 4),
        "messages": episode.messages,
    }


def without_addresses(problem: str) -> str:
    """What went wrong, without where a server lies: results may be published, and addresses are nobody's business."""
    return _ADDRESS.sub("[address]", problem)
