"""Grading stored outputs again: transcripts are replayed through their environment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...datasets.task import Message
from ...envs.agent_loop import ENDPOINT_ERROR
from ...envs.episode import Episode, components_of, passed
from ...envs.text_env import TextEnv
from ...envs.tools.reply import Reply
from ...rewards.score import RewardFunctionScore
from .results import Sample
from .voting import answer_of

# What a verdict is; a change in anything else is none.
VERDICT = ("passed", "status", "reward")
# Episodes that are replayed side by side.
_AT_ONCE = 2_048


def regrade(samples: Sequence[Sample], env: TextEnv, *, max_turns: int | None = None) -> list[Sample]:
    """Grades samples again by replaying what the model said.

    Args:
        samples: as `read_results` gives them.
        env: the environment of the run, with the same tasks.
        max_turns: the turn limit of the run, if it had one of its own.

    Returns:
        The samples in their order with the verdicts of now. One that the endpoint broke off stays as it is. Where the
        transcript is not one of this environment (its task has another id, or the environment says something else than
        what is recorded), the status is ``error``, and the message says what differs.
    """
    found: list[Sample] = []
    for start in range(0, len(samples), _AT_ONCE):
        found += _regrade(samples[start : start + _AT_ONCE], env, max_turns)
    return found


def changes(old: Sequence[Sample], new: Sequence[Sample]) -> Iterator[dict[str, Any]]:
    """The samples whose verdicts differ: which, and both verdicts.

    Args:
        old: samples.
        new: the same ones, graded again.
    """
    for before, after in zip(old, new, strict=True):
        was, now = ({name: one[name] for name in VERDICT} for one in (before, after))
        if was != now:
            named = {name: before[name] for name in ("task_id", "task_index", "sample")}
            yield named | {"was": was, "now": now, "error_msg": after["error_msg"]}


@dataclass(slots=True, eq=False)
class _Replay:
    """One sample on its way.

    Attributes:
        sample: the record.
        episode: what the environment makes of it.
        said: what the model says next, by place among the messages.
        problem: why the record can't be that of this environment.
    """

    sample: Sample
    episode: Episode
    said: list[Message]
    problem: str = ""


def _regrade(samples: Sequence[Sample], env: TextEnv, max_turns: int | None) -> list[Sample]:
    replays = [None if one["status"] == ENDPOINT_ERROR else _opened(one, env, max_turns) for one in samples]
    live = [replay for replay in replays if replay is not None and not replay.problem]
    while live := [replay for replay in live if not replay.episode.ended and replay.said]:
        actions = [Reply.from_message(replay.said.pop(0)) for replay in live]
        env.advance([replay.episode for replay in live], actions)
    kept = [replay for replay in replays if replay is not None and not replay.problem]
    cut = [replay.episode for replay in kept if not replay.episode.ended]
    for episode in cut:  # a limit of tokens ended it, and what was said until then counts
        episode.truncated = True
    env.judge(cut)
    return [one if replay is None else _graded(replay, env) for one, replay in zip(samples, replays, strict=True)]


def _opened(sample: Sample, env: TextEnv, max_turns: int | None) -> _Replay:
    index = sample["task_index"]
    try:
        task = env.tasks.task(index)
        episode = env.begin(task, index, max_turns=max_turns)
    except Exception as error:
        episode = Episode(env.tasks.task(0), [])
        return _Replay(sample, episode, [], f"task {index} can't be opened ({type(error).__name__}: {error})")
    replay = _Replay(sample, episode, [])
    opening = len(episode.messages)
    if task.id != sample["task_id"]:
        replay.problem = f"task {index} is {task.id!r}, not {sample['task_id']!r}"
    elif sample["messages"][:opening] != episode.messages:
        replay.problem = "the transcript opens with other messages than the task"
    else:
        replay.said = [message for message in sample["messages"][opening:] if message["role"] == "assistant"]
    return replay


def _graded(replay: _Replay, env: TextEnv) -> Sample:
    """The sample with the verdict of its replay."""
    episode, sample = replay.episode, replay.sample
    failed_then = sample["status"] == "error"
    if not replay.problem and not failed_then:
        if replay.said:
            replay.problem = "the transcript goes on after the episode's end"
        elif _told(episode.messages) != _told(sample["messages"]):
            replay.problem = "the environment says something else than what is recorded"
    if replay.problem:
        episode.score = RewardFunctionScore.error(f"not a transcript of this environment: {replay.problem}")
        episode.truncated = True
    score = episode.score
    assert score is not None, "an ended episode has a score"
    return sample | {
        "reward": episode.reward,
        "passed": passed(episode),
        "status": str(score.status),
        "error_msg": score.error_msg,
        "components": components_of(episode),
        "answer": None if replay.problem else answer_of(env, episode),
        "terminated": episode.terminated,
    }


def _told(messages: Sequence[Message]) -> list[Message]:
    """What was said, but for results of tools.

    What a malformed call was answered with depends on how it was malformed, which its record does not keep. Results
    decide nothing here, since the replay runs the calls anew.
    """
    return [{"role": one["role"], "content": one.get("content") if one["role"] != "tool" else ""} for one in messages]
