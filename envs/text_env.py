"""The base of all environments: text in, text out, scored at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import compress
from pathlib import Path
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded

from ..datasets.task import Task, TaskSource
from ..rewards.score import RewardFunctionScore, Status
from ..spaces import TextSpace
from .choice import check_action, check_index, check_options, draw_index, find_tasks
from .episode import EPISODE_INFO, SCORE_INFO, Episode, components_of
from .scoring import checked, failure
from .tools.reply import assistant_message, length
from .transcript import print_messages, transcript


class TextEnv(gymnasium.Env[str, str]):
    """An environment whose observations and actions are texts.

    Observation: the first shows all opening messages, each later one the messages that came since, without the
    assistant's own; empty at the end of a single-turn episode.
    Action: the assistant's next message.
    Reward: 0.0 until the episode ends, then the score's correctness.
    Termination: when ``respond`` says that the task is over, by default after one action; and after an action longer
    than the action space allows, which is not graded (status ``resource_limit``).
    Truncation: at the turn limit, where the last response is graded like any other; and when our own code fails
    (status ``error``, reward 0.0): such an episode says nothing about the policy.

    ``info`` holds ``messages`` (the transcript, as new objects each time), ``task_id``, ``task_index`` and ``domain``,
    and at the end ``score``, ``components`` (the parts of the score by name), ``status`` and ``error_msg``. The
    expected answer is in none of them.

    ``reset(options={"task_index": 3})`` selects a task; otherwise the index is drawn from ``np_random``, with
    ``options={"domain": "coding/caesar"}`` among the tasks of that domain.

    To write an environment, set ``domain`` and define ``make_source`` and ``grade``. The vector environment drives the
    same methods: ``open``, ``respond`` and ``finish``. They keep all state in the episode they are given.

    Args:
        tasks: a task source, or the path of a file of tasks; by default the class's own procedural tasks.
        max_turns: the most actions of an episode; ``None`` for no limit.
        render_mode: ``ansi`` (``render`` returns the transcript), ``human`` (it is printed as it grows) or ``None``.
        **arguments: arguments of the class's own source, such as ``split``, ``seed`` and ``level``.

    Raises:
        TypeError: if ``tasks`` is none of these, or if there are both ``tasks`` and arguments of the class's source.
        ValueError: if an argument has an impossible value.
    """

    domain: ClassVar[str] = "text"
    default_grader: ClassVar[str | None] = None
    """How tasks of files are judged that name no grader, so that their answers are checked when they are loaded."""
    tool_schemas: Sequence[dict[str, Any]] = ()
    """The tools that an agent may call, in the form of OpenAI's ``tools``; most environments have none."""
    metadata: dict[str, Any] = {"render_modes": ["ansi", "human"], "render_fps": 1}  # noqa: RUF012
    observation_space: TextSpace
    action_space: TextSpace

    def __init__(
        self,
        tasks: TaskSource | str | Path | None = None,
        *,
        max_turns: int | None = None,
        render_mode: str | None = None,
        **arguments: Any,
    ) -> None:
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode must be one of {self.metadata['render_modes']} or None, not {render_mode!r}")
        if max_turns is not None and max_turns < 1:
            raise ValueError(f"max_turns must be at least 1, not {max_turns}")
        name = type(self).__name__
        self.tasks = find_tasks(tasks, self.make_source, arguments, name, self.domain, self.default_grader)
        self.max_turns = max_turns
        self.render_mode = render_mode
        self.observation_space = TextSpace()
        self.action_space = TextSpace()
        self._episode: Episode | None = None

    # What an author writes.

    def make_source(self, **arguments: Any) -> TaskSource:
        """Makes the class's own tasks from the arguments that the environment was made with."""
        raise TypeError(f"{type(self).__name__} has no tasks of its own: pass tasks (a task source or a file's path)")

    def grade(self, task: Task, response: str) -> RewardFunctionScore:
        """Judges one response to ``task``. Exceptions count as failures of ours, never as wrong answers."""
        raise NotImplementedError(f"{type(self).__name__} must define grade(task, response) or finish(episodes)")

    # The protocol that both forms drive. Environments with several turns or a batched grader override these.

    def open(self, task: Task) -> Episode:
        """Starts an episode."""
        return Episode(task, list(task.messages))

    def respond(self, episode: Episode, action: str) -> None:
        """Takes the assistant's message. This one ends the episode.

        An override appends ``action`` as the assistant's message, then what the environment answers, and sets
        ``episode.finished`` when the task is over.
        """
        episode.messages.append(assistant_message(action))
        episode.finished = True

    def respond_all(self, episodes: Sequence[Episode], actions: Sequence[str]) -> None:
        """Takes one message in each episode; this one calls ``respond`` in turn. Exceptions end their episodes."""
        for episode, action in zip(episodes, actions, strict=True):
            self.respond_safely(episode, action)

    def respond_safely(self, episode: Episode, action: str) -> None:
        """Calls ``respond``; if it raises, the episode ends with the status ``error``."""
        try:
            self.respond(episode, action)
        except Exception as error:
            episode.score = failure("respond", error)
            episode.truncated = True

    def finish(self, episodes: Sequence[Episode]) -> list[RewardFunctionScore]:
        """Judges all episodes that ended in one step, in one call; this one grades their last responses in turn."""
        return [self._grade(episode) for episode in episodes]

    # Driving the protocol: shared with the vector environment.

    def begin(self, task: Task, task_index: int, *, max_turns: int | None = None) -> Episode:
        """Opens an episode; an environment that tells its agents how many turns they have overrides this one.

        Args:
            task: what it asks.
            task_index: where the task lies in the source.
            max_turns: a turn limit instead of the environment's own.
        """
        episode = self.open(task)
        episode.task_index, episode.max_turns = task_index, max_turns or self.max_turns
        return episode

    def advance(self, episodes: Sequence[Episode], actions: Sequence[str]) -> None:
        """Takes one action in each episode, then scores all that ended, together.

        Args:
            episodes: episodes under way.
            actions: the assistant's next message in each.
        """
        taken = [self._takes(episode, action) for episode, action in zip(episodes, actions, strict=True)]
        self.respond_all([*compress(episodes, taken)], [*compress(actions, taken)])
        for episode in episodes:
            if episode.max_turns is not None:
                episode.truncated |= not episode.finished and episode.turns >= episode.max_turns
        self.judge([episode for episode in episodes if episode.ended and episode.score is None])

    def judge(self, episodes: Sequence[Episode]) -> None:
        """Scores episodes that have ended, together."""
        if episodes:
            for episode, score in zip(episodes, self._finish(episodes), strict=True):
                episode.score = score
                episode.truncated |= score.failed

    def observe(self, episode: Episode) -> str:
        """The messages that no observation has shown yet, as text; of the assistant's only those of the opening."""
        opening, unseen = not episode.shown, episode.messages[episode.shown :]
        episode.shown = len(episode.messages)
        shown = [message for message in unseen if opening or message["role"] != "assistant"]
        # A message may be nothing but calls.
        return "\n\n".join([str(content) for message in shown if (content := message.get("content")) is not None])

    def draw_index(self, rng: np.random.Generator, domain: str | None = None) -> int:
        """A task index, all equally likely; see `draw_index` of ``envs/choice.py``."""
        return draw_index(self.tasks, rng, domain)

    def check_index(self, index: object) -> int:
        """Returns ``index`` if the source has such a task; see `check_index` of ``envs/choice.py``."""
        return check_index(self.tasks, index)

    def render_episode(self, episode: Episode) -> str | None:
        """Renders one episode: returns the transcript (``ansi``), or prints what is new in it (``human``)."""
        if self.render_mode == "ansi":
            return transcript(episode)
        if self.render_mode == "human":
            print_messages(episode)
        return None

    @property
    def episode(self) -> Episode:
        """The episode under way, or the last one: the trusted side, with the expected answer.

        Raises:
            ResetNeeded: before the first reset.
        """
        if self._episode is None:
            raise ResetNeeded("no episode yet: call reset() first")
        return self._episode

    # Gymnasium's interface.

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Starts a new episode.

        Args:
            seed: seeds ``np_random``, which draws the task index.
            options: ``{"task_index": i}`` selects the task instead; ``{"domain": name}`` draws one of that domain.

        Returns:
            The observation and ``info``.

        Raises:
            TypeError: if ``task_index`` is not an integer.
            ValueError: if it is out of range, no task is of the domain, or there is an unknown option.
        """
        super().reset(seed=seed)
        check_options(options, "task_index", "domain")
        options = options or {}
        if "task_index" in options:
            index = self.check_index(options["task_index"])
        else:
            index = self.draw_index(self.np_random, options.get("domain"))
        self._episode = self.begin(self.tasks.task(index), index)
        return self.show(self._episode)

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Takes the assistant's next message.

        Returns:
            Observation, reward, terminated, truncated, ``info``.

        Raises:
            ResetNeeded: if no episode is under way.
            TypeError: if ``action`` is not a ``str``.
        """
        if self._episode is None or self._episode.ended:
            raise ResetNeeded("no episode is under way: call reset() before step()")
        check_action(action)
        episode = self._episode
        self.advance([episode], [action])
        observation, info = self.show(episode)
        return observation, episode.reward, episode.terminated, episode.truncated, info

    async def areset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[str, dict[str, Any]]:
        """`reset` for callers with an event loop: it runs in a thread."""
        return await asyncio.to_thread(self.reset, seed=seed, options=options)

    async def astep(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """`step` for callers with an event loop: it runs in a thread, and others go on meanwhile."""
        return await asyncio.to_thread(self.step, action)

    def render(self) -> str | None:
        """Returns the transcript (``ansi``), or prints what is new in it (``human``)."""
        if self.render_mode is None:
            gymnasium.logger.warn('render() needs a render mode: make the environment with render_mode="ansi"')
            return None
        if self._episode is None:
            raise ResetNeeded("nothing to render yet: call reset() before render()")
        return self.render_episode(self._episode)

    # Inner steps.

    def show(self, episode: Episode) -> tuple[str, dict[str, Any]]:
        """The next observation of an episode, and its ``info``."""
        observation = self.observe(episode)
        info = {key: read(episode) for key, (_, read) in EPISODE_INFO.items()}
        if episode.score is not None:
            info |= {key: read(episode) for key, (_, read) in SCORE_INFO.items()}
            info["components"] = components_of(episode)
        if self.render_mode == "human":
            self.render_episode(episode)
        return observation, info

    def _takes(self, episode: Episode, action: str) -> bool:
        """Counts the turn; an action longer than the space allows ends the episode instead of being taken."""
        episode.turns += 1
        if length(action) <= self.action_space.max_length:
            return True
        limit = f"the response has {length(action):,} characters; the limit is {self.action_space.max_length:,}"
        episode.messages.append(assistant_message(action))
        episode.finished = True
        episode.score = RewardFunctionScore(0.0, 0.0, limit, status=Status.RESOURCE_LIMIT)
        return False

    def _finish(self, episodes: Sequence[Episode]) -> list[RewardFunctionScore]:
        try:
            return checked(self.finish(episodes), len(episodes))
        except Exception as error:
            return [failure("grading", error)] * len(episodes)

    def _grade(self, episode: Episode) -> RewardFunctionScore:
        # One response that breaks the grader must not cost the others of its batch their scores.
        try:
            return self.grade(episode.task, episode.response)
        except Exception as error:
            return failure("grading", error)
