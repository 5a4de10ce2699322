"""Grading stored outputs again: transcripts are replayed through their environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...datasets.task import Message
from ...envs.agent_loop import ENDPOINT_ERROR
from ...envs.episode import Episode, components_of, passed
from ...envs.text_env import TextEnv
from ...envs.tools.reply import Reply
from ...rewards.score import RewardFunctionScore
from .asking import begin
from .recording import without_addresses
from .results import Sample
from .voting import answer_of

# What a verdict is; a change in anything else is none.
VERDICT = ("passed", "status", "reward")
_FOREIGN = "not a transcript of this environment: "
# Episodes that are replayed side by side.
_AT_ONCE = 2_048


def regrade(samples: Sequence[Sample], env: TextEnv, *, max_turns: int | None = None) -> list[Sample]:
    """Grades samples again by replaying what the model said.

    Args:
        samples: as `read_results` gives them.
        env: the environment of the run, with the same tasks.
        max_turns: the turn limit of the run, if it had one of its own.

    Returns:
        The samples in their order with the verdicts of now. One that the endpoint broke off is still broken off. Where
        the transcript is not one of this environment (its task has another id, or the environment says something else
        than what is recorded), the status is ``error``, the message says what differs, and `is_foreign` is true:
        whatever the status was, since a failure without a transcript could hide any answer.
    """
    found: list[Sample] = []
    for start in range(0, len(samples), _AT_ONCE):
        found += _regrade(samples[start : start + _AT_ONCE], env, max_turns)
    return found


def is_foreign(sample: Sample) -> bool:
    """Whether a regraded sample's transcript is none of the environment."""
    return str(sample["error_msg"]).startswith(_FOREIGN)


def changes(old: Sequence[Sample], new: Sequence[Sample]) -> Iterator[dict[str, Any]]:
    """The samples whose verdicts differ, or can't be given again: which, and both verdicts.

    Args:
        old: samples.
        new: the same ones, graded again.
    """
    for before, after in zip(old, new, strict=True):
        was, now = ({name: one[name] for name in VERDICT} for one in (before, after))
        if was != now or is_foreign(after):
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

    @property
    def broken_off(self) -> bool:
        """Whether the endpoint is said to have broken it off."""
        return bool(self.sample["status"] == ENDPOINT_ERROR)


def _regrade(samples: Sequence[Sample], env: TextEnv, max_turns: int | None) -> list[Sample]:
    replays = [_opened(one, env, max_turns) for one in samples]
    live = [replay for replay in replays if not replay.problem]
    while live := [replay for replay in live if not replay.episode.ended and replay.said]:
        actions = [Reply.from_message(replay.said.pop(0)) for replay in live]
        env.advance([replay.episode for replay in live], actions)
    cut = [one.episode for one in replays if not (one.problem or one.broken_off or one.episode.ended)]
    for episode in cut:  # a limit of tokens ended it, and what was said until then counts
        episode.truncated = True
    env.judge(cut)
    return [_graded(replay, env) for replay in replays]


def _opened(sample: Sample, env: TextEnv, max_turns: int | None) -> _Replay:
    index = sample["task_index"]
    try:
        task = env.tasks.task(index)
    except Exception as error:
        episode = Episode(env.tasks.task(0), [])
        return _Replay(sample, episode, [], f"there is no task {index} ({type(error).__name__}: {error})")
    episode = begin(env, task, index, max_turns)
    replay = _Replay(sample, episode, [])
    opening = len(episode.messages)
    if not _same_id(task.id, sample["task_id"]):
        # Its own is not said: it may be made of the name of a file, and reasons are published.
        replay.problem = f"task {index} has another id, not {sample['task_id'][:80]!r}"
    elif sample["messages"][:opening] != episode.messages:
        replay.problem = "the transcript opens with other messages than the task"
    else:
        replay.said = [message for message in sample["messages"][opening:] if message["role"] == "assistant"]
    return replay


def _same_id(id: str, told: str) -> bool:
    """Whether two ids are of one task.

    A row without an id is called by its file, which may have another name by now, and by its number.
    """
    number = id.rpartition("/")[2]
    return told == id or (number.isdecimal() and told.rpartition("/")[2] == number)


def _graded(replay: _Replay, env: TextEnv) -> Sample:
    """The sample with the verdict of its replay."""
    episode, sample = replay.episode, replay.sample
    if not replay.problem:
        if replay.said:
            replay.problem = "the transcript goes on after the episode's end"
        elif not _same(episode.messages, sample["messages"]):
            replay.problem = "the environment says something else than what is recorded"
        elif replay.broken_off and episode.ended:
            replay.problem = "the episode came to its end, so that the endpoint did not break it off"
    if replay.problem:
        episode.score = RewardFunctionScore.error(_FOREIGN + replay.problem)
        episode.truncated = True
    turns = sample["turns"] if replay.problem else episode.turns
    score = episode.score
    if score is None:  # the endpoint broke it off, and whatever else is told of it is made up
        rest = {"passed": False, "reward": 0.0, "components": {}, "answer": None, "terminated": False}
        return sample | {"status": ENDPOINT_ERROR, "turns": turns} | rest
    return sample | {
        "reward": episode.reward,
        "passed": passed(episode),
        "status": str(score.status),
        "error_msg": without_addresses(score.error_msg) if score.failed else score.error_msg,
        "components": components_of(episode),
        "answer": None if replay.problem else answer_of(env, episode),
        "terminated": episode.terminated,
        "turns": turns,
    }


def _same(found: Sequence[Message], told: Sequence[Message]) -> bool:
    """Whether a record holds what the replay gives.

    What a malformed call was answered with depends on how it was malformed, which its record does not keep: it is then
    a call without arguments, which may fail for another reason.
    """
    if len(found) != len(told):
        return False
    calls: Iterator[Any] = iter(())
    for one, other in zip(found, told, strict=True):
        if one["role"] == "assistant":
            calls = iter(one.get("tool_calls") or ())
        call = None if one["role"] == "assistant" else next(calls, None)  # formats of text answer as the user
        if one != other and not (_lost(call) and _failed(other) and one | {"content": ""} == other | {"content": ""}):
            return False
    return True


def _lost(call: Any) -> bool:
    """Whether the arguments of a recorded call may have been others, which could not be read."""
    return isinstance(call, Mapping) and call["function"]["arguments"] == "{}"


def _failed(result: Message) -> bool:
    return "Error: " in str(result["content"])
