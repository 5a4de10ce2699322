"""An environment that asks the policy itself, as a Gymnasium environment: what it asks becomes the observation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np

from ...datasets.task import Task
from ...envs.episode import Episode
from ...envs.text_env import TextEnv
from ...envs.tools.reply import assistant_message
from ...rewards.score import RewardFunctionScore
from ..inference.calls import EpisodeContext, EpisodeThread, Request, ask_episode, inside
from .base import MOST_STEPS, BaseEnvironment


class AskPlayer:
    """Stands for the policy where there is none: whoever steps the Gymnasium environment answers."""

    def generate(self, prompts: Any, max_new_tokens: int | None = None, temperature: float | None = None) -> Any:
        """The answers of the player."""
        answers = ask_episode(self, prompts, max_new_tokens, temperature)
        if answers is None:
            raise RuntimeError("there is no policy outside of episodes: give the environment an inference module")
        return answers


@dataclass(slots=True, eq=False)
class PlayedEpisode(Episode):
    """An episode whose program runs in a thread.

    Attributes:
        thread: runs the program.
        answers: those given so far to the request in hand.
    """

    thread: EpisodeThread | None = None
    answers: list[str] | None = None

    def __del__(self) -> None:
        """Ends the program of an episode that nobody goes on with."""
        if self.thread is not None:
            self.thread.cancel()


class _Prompts:
    """The prompts of an environment as a task source; without any, an endless one whose episodes open themselves."""

    def __init__(self, env: BaseEnvironment[Any]) -> None:
        self._env = env

    @property
    def size(self) -> int | None:
        return len(self._env.prompts) or None

    def task(self, index: int) -> Task:
        prompts = self._env.prompts
        text, answer, metadata = prompts[index] if prompts else ("", None, {})
        domain = str(metadata.get("domain", "text"))
        return Task.ask(text, answer, id=str(metadata.get("task_id", f"{domain}/{index}")), domain=domain)


class PlayedEnv(TextEnv):
    """A :class:`BaseEnvironment` whose policy is whoever calls ``step``.

    Observation: the text that the environment asks to continue. Action: the continuation. Reward: what ``score`` says
    of the final state, at the end; 0.0 without it, since such environments compute no rewards.
    Termination: when the environment says so. Truncation: after 100 of its steps; and with the status ``error`` if its
    code raises.

    Args:
        env: the environment.
        score: the reward of a final state.
        timeout: seconds that the environment's own code may take between two actions; then the episode fails.
        render_mode: as in ``TextEnv``.
    """

    domain = "text"

    def __init__(
        self,
        env: BaseEnvironment[Any],
        *,
        score: Callable[[Any], float] | None = None,
        timeout: float = 600.0,
        render_mode: str | None = None,
    ) -> None:
        if env.inference is None:
            env.inference = AskPlayer()
        self.env = env
        self.score = score
        self.timeout = timeout
        super().__init__(_Prompts(env), render_mode=render_mode)

    def begin(self, task: Task, task_index: int, *, max_turns: int | None = None) -> Episode:
        """Opens an episode: runs the program up to what it asks first."""
        random = np.random.default_rng([task_index, 0x5EED])
        context = EpisodeContext(random, task_index)
        state = inside(context, self.env.reset)
        thread = EpisodeThread(
            lambda: run_episode(self.env, state),
            self.env.inference,
            SimpleQueue(),
            random=random,
            task_index=task_index,
        )
        episode = PlayedEpisode(task, [], task_index, thread=thread)
        episode.max_turns = max_turns or self.max_turns
        thread.start()
        self._wait(episode, thread)
        return episode

    def respond(self, episode: Episode, action: str) -> None:
        """Gives the program what it waits for, and runs it up to what it asks next."""
        assert isinstance(episode, PlayedEpisode)
        thread = episode.thread
        assert thread is not None
        request = thread.request
        episode.messages.append(assistant_message(action))
        if thread.ended:  # the program asked nothing at all
            self._end(episode, thread)
            return
        assert request is not None
        episode.answers = [*(episode.answers or []), str(action)]
        if len(episode.answers) < len(request.prompts):
            self._show(episode, request)
            return
        answers, episode.answers = episode.answers, None
        thread.resume(answers)
        if self._wait(episode, thread):
            self._end(episode, thread)

    def grade(self, task: Task, response: str) -> RewardFunctionScore:
        """Never asked: :meth:`finish` grades final states."""
        raise NotImplementedError

    def finish(self, episodes: Any) -> list[RewardFunctionScore]:
        """Scores the final states."""
        return [
            RewardFunctionScore.scored(0.0 if self.score is None else float(self.score(episode.thread.result[0])))
            for episode in episodes
        ]

    def _wait(self, episode: PlayedEpisode, thread: EpisodeThread) -> bool:
        """Waits until the program asks, and shows that, or until it ends: then true."""
        try:
            thread.stopped.get(timeout=self.timeout)
        except Empty:
            thread.cancel()
            raise TimeoutError(f"the environment's own code took more than {self.timeout:g} s") from None
        if thread.ended and thread.error is not None:
            raise thread.error
        if thread.request is not None:
            self._show(episode, thread.request)
        return thread.ended

    def _show(self, episode: PlayedEpisode, request: Request) -> None:
        place = len(episode.answers or [])
        episode.messages.append({"role": "user", "content": request.prompts[place]})

    def _end(self, episode: PlayedEpisode, thread: EpisodeThread) -> None:
        _, truncated = thread.result
        episode.finished, episode.truncated = not truncated, truncated


def run_episode(
    env: BaseEnvironment[Any],
    state: Any,
    max_steps: int | None = None,
    on_step: Callable[[Any], None] = lambda state: None,
) -> tuple[Any, bool]:
    """Steps an episode to its end.

    Args:
        env: the environment.
        state: where the episode begins.
        max_steps: cuts it off; None for 100.
        on_step: told of every state on the way.

    Returns:
        The final state, and whether the limit of steps cut it off.

    Raises:
        TypeError: if ``step`` returns no state.
    """
    for _ in range(max_steps or MOST_STEPS):
        if env.is_terminal(state):
            return state, False
        state = env.step(state)
        if state is None:
            raise TypeError(f"{type(env).__name__}.step returned None: it must return the state")
        on_step(state)
    return state, not env.is_terminal(state)
