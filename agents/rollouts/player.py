"""Playing: many episodes at once, each to its end, with the token record of each."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from ...datasets.task import Message
from ...envs.episode import Episode, passed
from ...envs.hosts import Hosts
from ...envs.text_env import TextEnv
from ...envs.timed import advance_in_time
from ...envs.tool_env import ToolEnv
from ...envs.tools.formats import Hermes
from ...envs.tools.reply import Reply
from ...envs.workers import Workers
from ...rewards.score import RewardFunctionScore
from ..inference.module import InferenceModule
from ..inference.sampling import TokenFilter
from ..inference.session import Session
from ..inference.template import ChatTemplate
from .trajectory import Ending, State, Trajectory, from_tokens


@dataclass(slots=True, eq=False)
class Play:
    """One episode under way.

    Attributes:
        episode: what the environment knows of it.
        session: its tokens.
        group: of its trajectory.
        heard: copies of the messages that its record holds, the policy's own included.
        limits: those that it has met.
        valid: whether what came of it says anything about the policy.
    """

    episode: Episode
    session: Session
    group: int
    heard: list[Message] = field(default_factory=list)
    limits: set[str] = field(default_factory=set)
    valid: bool = True

    def fail(self, message: str) -> None:
        """Ends the episode by a failure of ours."""
        self.episode.score = RewardFunctionScore.error(message)
        self.episode.truncated = True

    def ending(self) -> Ending:
        """What came of the episode."""
        episode, score = self.episode, self.episode.score
        assert score is not None, "an ended episode has a score"
        if self.session.cut_turns:
            self.limits.add("response")
        state: State = {
            "prompt": episode.task.prompt,
            "response": episode.response,
            "messages": episode.messages,
            "task_id": episode.task.id,
            "task_index": episode.task_index,
            "domain": episode.task.domain,
            "answer": episode.task.answer,
            "status": str(score.status),
            "components": dict(score.components),
            "passed": passed(episode),
            "error_msg": score.error_msg,
            "limits": sorted(self.limits),
        }
        return Ending(
            reward=episode.reward,
            group=self.group,
            valid=self.valid and not score.failed,
            truncated=episode.truncated or self.session.truncated,
            state=state,
        )


def copies(messages: Sequence[Message]) -> list[Message]:
    """Copies that stay as they are, whatever an environment does to its own."""
    return [cast(Message, {k: v if isinstance(v, str) else deepcopy(v) for k, v in one.items()}) for one in messages]


class Player:
    """Lets a policy play episodes of an environment, a turn of all of them at a time.

    An episode ends where the environment says so; or, truncated, at the turn limit, where the rest of the context has
    no room for another token, or where the environment took longer than ``deadline`` over one turn. What it has said
    then is graded like any other, but for the last case, which says nothing about the policy.

    Args:
        env: the environment.
        inference: the policy.
        max_new_tokens: at most so many tokens a response.
        max_length: at most so many tokens an episode, all messages included; None for what the model was made for.
        temperature: of sampling.
        token_filter: which tokens may be sampled.
        deadline: seconds that the environment may take over one turn of one episode; None for any time, and for
            grading in batches.
        hosts: where actions are taken and graded; None for this process.
    """

    def __init__(
        self,
        env: TextEnv,
        inference: InferenceModule,
        *,
        max_new_tokens: int,
        max_length: int | None = None,
        temperature: float = 1.0,
        token_filter: TokenFilter | None = None,
        deadline: float | None = None,
        hosts: Hosts[Any] | None = None,
    ) -> None:
        self.env = env
        self._acting: TextEnv | Hosts[Any] = hosts or env
        self.inference = inference
        self.max_new_tokens = max_new_tokens
        # A backend may hold a copy of its own.
        model = inference.model or getattr(inference.backend, "model", None)
        own = getattr(getattr(model, "config", None), "max_position_embeddings", None)
        self.max_length = max_length or own
        # Backends that know no filter are not asked for one.
        self._sampling: dict[str, Any] = {"temperature": temperature}
        if token_filter:
            self._sampling["token_filter"] = token_filter
        self.deadline = deadline
        self._native = isinstance(env, ToolEnv) and env.toolbox.format.name == "native"

    def play(self, episodes: Sequence[Episode], keys: Sequence[int], groups: Sequence[int]) -> Trajectory:
        """Plays all episodes at once.

        Args:
            episodes: just begun, or failed at that; members of a group side by side.
            keys: the random stream of each.
            groups: the group of each.

        Threads may call this at once, where the environment bears that.
        """
        workers: Workers[None] | None = None if self.deadline is None else Workers(self.deadline)
        sessions = [Session(self._template, key) for key in keys]
        plays = [Play(*row) for row in zip(episodes, sessions, groups, strict=True)]
        self._open(plays)
        while live := [play for play in plays if not play.episode.ended]:
            rooms = [self._room(play) for play in live]
            replies = self.inference.respond(
                [play.session for play in live],
                max_new_tokens=rooms if min(rooms) < self.max_new_tokens else self.max_new_tokens,
                **self._sampling,
            )
            self._advance(live, replies, workers)
        return from_tokens([play.session for play in plays], [play.ending() for play in plays])

    def opening_length(self, episode: Episode) -> int:
        """How many tokens an episode opens with.

        Raises:
            ValueError: if the chat template cannot write them.
        """
        session = Session(self._template, key=0)
        session.observe(episode.messages)
        return len(session.token_ids)

    @cached_property
    def _template(self) -> ChatTemplate:
        return ChatTemplate(self.inference.tokenizer, self.env.tool_schemas if self._native else ())

    def _open(self, plays: Sequence[Play]) -> None:
        """Shows the opening messages. Neighbours that open alike, the members of a group, are tokenized once."""
        last: Play | None = None
        for play in plays:
            if play.episode.ended:
                continue
            if last is not None and play.episode.messages == last.episode.messages:
                play.session = last.session.fork(play.session.key)
            else:
                play.session.observe(play.episode.messages)
            last = play
        for play in plays:
            play.heard = copies(play.episode.messages)
            if not play.episode.ended and self._room(play) < 1:
                play.limits.add("context")
                play.fail(f"the task opens with {len(play.session.token_ids)} tokens; max_length is {self.max_length}")

    def _room(self, play: Play) -> int:
        """How many tokens the next response may have."""
        if self.max_length is None:
            return self.max_new_tokens
        return min(self.max_new_tokens, self.max_length - len(play.session.token_ids))

    def _advance(self, live: Sequence[Play], replies: Sequence[str], workers: Workers[None] | None) -> None:
        self._act(live, [self._reply(text) for text in replies], workers)
        for play in live:
            if not play.episode.ended:
                self._show(play)
        crowded = [play.episode for play in live if play.episode.truncated and play.episode.score is None]
        self._acting.judge(crowded)

    def _act(self, live: Sequence[Play], replies: Sequence[str], workers: Workers[None] | None) -> None:
        """Takes one action in each episode."""
        episodes = [play.episode for play in live]
        if workers is None:
            try:
                self._acting.advance(episodes, replies)
            except Exception as error:
                for play in live:
                    if play.episode.score is None:
                        play.fail(f"the environment raised {type(error).__name__}: {error}")
        else:
            advanced = advance_in_time(self._acting, workers, episodes, replies)
            for play, episode in zip(live, advanced, strict=True):
                if episode is not play.episode:
                    play.episode, play.valid = episode, False
                    play.limits.add("time")
        for play in live:
            failed = play.episode.score is not None and play.episode.score.failed
            if play.episode.truncated and play.valid and not failed:
                play.limits.add("turns")

    def _show(self, play: Play) -> None:
        """Shows an episode's new messages to the policy; ends it where no response to them would fit.

        The record only ever grows: an environment that takes back or rewrites what was said is told so.
        """
        known, messages = len(play.heard), play.episode.messages
        if messages[:known] != play.heard:
            play.fail("the environment changed messages that the policy has seen or said; it may only add to them")
            return
        new = messages[known:]
        play.heard += copies(new)
        try:
            play.session.observe([message for message in new if message["role"] != "assistant"])
        except ValueError as error:
            play.fail(str(error))
            return
        if self._room(play) < 1:
            play.limits.add("context")
            play.episode.truncated = True

    def _reply(self, text: str) -> str:
        """The action; with native calls, which models write between ``<tool_call>`` tags."""
        return Reply(text, Hermes().read(text, {})) if self._native else text
