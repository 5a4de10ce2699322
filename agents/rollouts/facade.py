"""Trajectories of environments that ask the policy themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ...datasets.task import Message
from ..environments.base import BaseEnvironment
from ..inference.module import InferenceModule
from ..inference.tokens import Tokens
from ..progress import Progress
from .program_play import PlaySettings, ProgramPlay, Start, open_group
from .programs import play
from .trajectory import Ending, Trajectory, from_tokens

if TYPE_CHECKING:
    from .manager import RolloutConfig


class PlayedState(dict[str, Any]):
    """The state of a trajectory: what every trajectory has, by key; the fields of the author's own, as attributes."""

    def __getattr__(self, name: str) -> Any:
        """A field of the author's final state, which lies under the key ``final``."""
        if name.startswith("__") or "final" not in self:
            raise AttributeError(name)
        return getattr(self["final"], name)


def find_policy(env: Any, inference: InferenceModule | None) -> InferenceModule:
    """The policy that an environment is played with: the one given, or the environment's own.

    Raises:
        ValueError: if there is none, or the environment asks another one than was given.
    """
    own = getattr(env, "inference", None)
    if isinstance(env, BaseEnvironment) and inference is not None and own is None:
        env.inference = own = inference
    if isinstance(env, BaseEnvironment) and inference is not None and own is not inference:
        raise ValueError("the environment asks another inference module than the rollout manager was given")
    policy = inference or own
    if not isinstance(policy, InferenceModule):
        raise ValueError("there is no policy: pass inference=InferenceModule(…) to the environment or to the manager")
    return policy


def collect_programs(
    env: BaseEnvironment[Any],
    inference: InferenceModule,
    config: RolloutConfig,
    members: Sequence[tuple[int, int, int]],
    max_steps: int | None,
) -> Trajectory:
    """Plays an episode for each member of each group.

    Args:
        env: the environment.
        inference: the policy.
        config: how to play.
        members: group, task index and key of the random streams of each episode; members of a group side by side.
        max_steps: cuts episodes off.
    """
    starts: list[Start] = []
    for (group, task_index), found in groupby(members, key=lambda member: member[:2]):
        starts += open_group(env, [key for _, _, key in found], task_index, group)
    own = getattr(getattr(inference.model, "config", None), "max_position_embeddings", None)
    with Progress(total_steps=len(starts), enabled=config.enable_progress_bar) as progress:
        progress.phase("episodes", len(starts))
        settings = PlaySettings(
            num_parallel=config.num_parallel,
            refill=config.maintain_parallel_count,
            max_new_tokens=config.max_new_tokens,
            temperature=config.temperature,
            max_steps=max_steps,
            max_length=config.max_length or own,
            sampling={"token_filter": config.token_filter} if config.token_filter else {},
            deadline=config.deadline,
            on_end=progress.advance,
        )
        plays = play(env, inference, starts, settings)
    if config.verbose:
        _tell(plays)
    return from_tokens([_joined(one.record.segments) for one in plays], [_ending(one) for one in plays])


def _joined(segments: Sequence[Tokens]) -> Tokens:
    """Segments one after the other; ``state["segments"]`` holds their lengths."""
    whole = Tokens()
    for segment in segments:
        for field in fields(Tokens):
            getattr(whole, field.name).extend(getattr(segment, field.name))
    return whole


def _ending(one: ProgramPlay) -> Ending:
    return Ending(
        reward=0.0,
        group=one.start.group,
        valid=one.status == "scored",
        truncated=one.truncated or one.record.truncated,
        state=_state(one),
    )


def _state(one: ProgramPlay) -> PlayedState:
    final = one.state
    metadata = getattr(final, "metadata", None) or {}
    domain = str(metadata.get("domain", "text"))
    limits = {
        "context": one.context_full,
        "turns": one.truncated and not one.context_full,
        "response": one.record.truncated,
        "time": one.status == "timeout",
    }
    return PlayedState(
        prompt=str(getattr(final, "prompt", "")),
        response=str(getattr(final, "response", "")),
        messages=_messages(final),
        task_id=str(metadata.get("task_id", f"{domain}/{one.start.task_index}")),
        task_index=one.start.task_index,
        domain=domain,
        answer=getattr(final, "answer", None),
        status="error" if one.status == "timeout" else one.status,
        components={},
        error_msg=one.error_msg,
        limits=sorted(name for name, met in limits.items() if met),
        segments=[len(segment.token_ids) for segment in one.record.segments],
        final=final,
    )


def _messages(final: Any) -> list[Message]:
    """What was said, for people: the history where it holds roles and texts, else prompt and response."""
    prompt: Message = {"role": "user", "content": str(getattr(final, "prompt", ""))}
    pairs = [
        {"role": str(entry[0]), "content": str(entry[1])}
        for entry in getattr(final, "history", None) or ()
        if isinstance(entry, tuple) and len(entry) == 2
    ]
    if not pairs:
        return [prompt, {"role": "assistant", "content": str(getattr(final, "response", ""))}]
    return pairs if pairs[0]["role"] != "assistant" else [prompt, *pairs]


def _tell(plays: Sequence[ProgramPlay]) -> None:
    """Prints what became of the episodes."""
    tokens = [sum(turn >= 0 for segment in one.record.segments for turn in segment.turns) for one in plays]
    failed = sum(one.status != "scored" for one in plays)
    mean = sum(tokens) / max(len(tokens), 1)
    print(f"{len(plays)} episodes, {failed} failed, {mean:.1f} tokens each", flush=True)
