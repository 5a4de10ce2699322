"""Many episodes at once, graded together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from copy import deepcopy
from typing import Any

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from .choice import check_action, check_options
from .columns import columns, score_columns
from .episode import EPISODE_INFO, Episode
from .resetting import domains_of, group_size, masked_places, seeds_of, task_indices
from .text_env import TextEnv
from .timed import advance_in_time
from .workers import Workers

Step = tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]


class TextVectorEnv(VectorEnv[tuple[str, ...], Sequence[str], NDArray[Any]]):
    """``num_envs`` episodes of one text environment.

    It returns what ``SyncVectorEnv`` over the same environments returns, but asks the environment to grade all
    episodes that end in one step in one ``finish`` call, and builds the infos column by column.

    Observations: a tuple of ``num_envs`` texts. Actions: a sequence of as many.
    Rewards: float64 [num_envs]. Terminations, truncations: bool [num_envs].
    Infos: Gymnasium's array form: ``infos["task_id"]`` is an array [num_envs], and ``infos["_task_id"]`` tells, bool
    [num_envs], which of its entries hold. ``infos["components"]`` is a dictionary of such arrays.

    Args:
        env: the environment's class, or an instance that this one then drives and closes.
        num_envs: how many episodes run at once.
        deadline: seconds that one action may take in one episode, grading included, from the start of its work; None
            for any time. An episode over it is truncated with the status ``timeout``, and the others don't wait for
            it. Episodes are then graded one by one in threads, instead of all in one call; what is late goes on in its
            thread until it returns. The clock on the wall counts, and as many actions as there are cores are at work at
            once. Graders that compute in Python share one lock, so each may take as many times longer than alone: give
            them that much, or none if all they do is compute.
        autoreset_mode: when ended episodes start anew: ``NEXT_STEP``, in the step after; ``SAME_STEP``, at once, with
            the last observation and info in ``final_obs`` and ``final_info``; ``DISABLED``, by ``reset``, for some of
            them with ``options={"reset_mask": mask}``. The values as text (``"NextStep"``, …) will do.
        **arguments: arguments of the class.

    Raises:
        TypeError: if there are arguments beside an instance.
        ValueError: if ``num_envs`` is less than 1, or the mode is unknown.
    """

    def __init__(
        self,
        env: Callable[..., TextEnv] | TextEnv,
        num_envs: int = 1,
        *,
        deadline: float | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        **arguments: Any,
    ) -> None:
        if num_envs < 1:
            raise ValueError(f"num_envs must be at least 1, not {num_envs}")
        if isinstance(env, str):
            raise TypeError(f"give the environment's class; for an id there is gymnasium.make_vec({env!r}, num_envs)")
        if isinstance(env, TextEnv) and arguments:
            raise TypeError(f"{', '.join(arguments)}: an instance takes no more arguments; pass its class instead")
        self.env = env if isinstance(env, TextEnv) else env(**arguments)
        self.num_envs = num_envs
        self._workers: Workers[None] | None = None if deadline is None else Workers(deadline)
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = self.env.metadata | {"autoreset_mode": self.autoreset_mode}
        self.render_mode = self.env.render_mode
        self.single_observation_space = self.env.observation_space
        self.single_action_space = self.env.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        # One generator for each episode's place, made when first needed: a draw costs nothing where tasks are given.
        self._generators: list[np.random.Generator | None] = [None] * num_envs
        self._episodes: list[Episode] = []
        self._observations: list[str] = [""] * num_envs
        # The places whose episodes have ended and were not started anew.
        self._over: Set[int] = frozenset()

    @property  # type: ignore[misc]
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """The generator of each place; it draws the task indices."""
        return tuple(self._generator(i) for i in range(self.num_envs))

    @property
    def episodes(self) -> Sequence[Episode]:
        """The episodes, in the order of their places; none before the first reset."""
        return self._episodes

    def draw_index(self, place: int) -> int:
        """The index of the next task of a place."""
        return self.env.draw_index(self._generator(place))

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Starts new episodes.

        Args:
            seed: an integer s seeds place i with s + i; a list gives each place its own seed, and equal seeds draw
                equal tasks.
            options: ``task_index`` selects the task: one index for all, or ``num_envs`` of them; ``domain`` draws tasks
                of one domain, or of ``num_envs`` of them; ``group_size`` G makes groups of G neighbours that draw the
                same tasks, now and when episodes start anew, as equal seeds do; ``reset_mask``, bool [num_envs],
                restarts only some places (and seeds only those).

        Returns:
            Observations and infos. The infos cover the restarted places only.

        Raises:
            ResetNeeded: if the first reset has a mask that leaves out a place.
            TypeError: if an option has the wrong type.
            ValueError: if an option is unknown, or has the wrong length or an impossible value.
        """
        check_options(options, "task_index", "domain", "group_size", "reset_mask")
        options = options or {}
        places = masked_places(options, self.num_envs)
        if not self._episodes and len(places) < self.num_envs:
            raise ResetNeeded("the first reset must start every episode: call reset() without reset_mask")
        indices = [*map(self.env.check_index, task_indices(options, self.num_envs))]
        domains = domains_of(options.get("domain"), self.num_envs)
        seeds = seeds_of(seed, self.num_envs)
        for i in places:
            if (place_seed := seeds[i]) is not None:
                self._generators[i] = seeding.np_random(int(place_seed))[0]
        if "group_size" in options:
            self._group(group_size(options["group_size"], self.num_envs), places)
        chosen = [indices[i] if indices else self.env.draw_index(self._generator(i), domains[i]) for i in places]
        episodes = self._begin(places, chosen)
        self._over = self._over - set(places)
        infos = columns(EPISODE_INFO, self.num_envs, places, episodes)
        self._render_human()
        return tuple(self._observations), infos

    def step(self, actions: Sequence[str]) -> Step:
        """Takes one action in each episode.

        Args:
            actions: ``num_envs`` texts. In ``NEXT_STEP`` mode those of ended episodes are not read.

        Returns:
            Observations, rewards, terminations, truncations, infos.

        Raises:
            ResetNeeded: before the first reset; in ``DISABLED`` mode also if an episode has ended.
            TypeError: if an action is not a ``str``.
            ValueError: if there are not ``num_envs`` actions.
        """
        resetting = self._check_step(actions)
        places = [i for i in range(self.num_envs) if i not in resetting] if resetting else range(self.num_envs)
        episodes = self._advance(places, [actions[i] for i in places])
        rewards = np.zeros(self.num_envs)
        terminations = np.zeros(self.num_envs, dtype=np.bool_)
        truncations = np.zeros(self.num_envs, dtype=np.bool_)
        over: dict[int, Episode] = {}
        for i, episode in zip(places, episodes, strict=True):
            self._observations[i] = self.env.observe(episode)
            if episode.ended:
                over[i] = episode
                rewards[i], terminations[i], truncations[i] = episode.reward, episode.terminated, episode.truncated
        self._render_human()
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            infos = self._final_columns(over)
            self._begin(over)
        else:
            infos = score_columns(self.num_envs, over)
            self._begin(resetting)
            self._over = frozenset(over)
        infos |= columns(EPISODE_INFO, self.num_envs, range(self.num_envs), self._episodes)
        self._render_human()
        return tuple(self._observations), rewards, terminations, truncations, infos

    def render(self) -> tuple[str | None, ...]:  # type: ignore[override]
        """Renders every episode: transcripts (``ansi``), or prints what is new in each (``human``)."""
        if not self._episodes:
            raise ResetNeeded("nothing to render yet: call reset() before render()")
        return tuple(self.env.render_episode(episode) for episode in self._episodes)

    def close_extras(self, **kwargs: Any) -> None:
        """Closes the environment."""
        self.env.close()

    def _render_human(self) -> None:
        if self.render_mode == "human":
            self.render()

    def _generator(self, i: int) -> np.random.Generator:
        generator = self._generators[i]
        if generator is None:
            generator = self._generators[i] = seeding.np_random()[0]
        return generator

    def _begin(self, places: Collection[int], indices: Sequence[int] | None = None) -> list[Episode]:
        """Starts an episode at each place, of the given tasks or of drawn ones."""
        if indices is None:
            indices = [self.draw_index(i) for i in places]
        # A group asks one task many times; sources are pure, so it is made once.
        tasks = {index: self.env.tasks.task(index) for index in dict.fromkeys(indices)}
        episodes = [self.env.begin(tasks[index], index) for index in indices]
        if not self._episodes:
            self._episodes = episodes.copy()
        for i, episode in zip(places, episodes, strict=True):
            self._episodes[i] = episode
            self._observations[i] = self.env.observe(episode)
        return episodes

    def _advance(self, places: Collection[int], actions: Sequence[str]) -> list[Episode]:
        """Takes the actions, all in one call; or one by one, if there is a deadline."""
        episodes = [self._episodes[i] for i in places]
        if self._workers is None:
            self.env.advance(episodes, actions)
            return episodes
        try:
            advanced = advance_in_time(self.env, self._workers, episodes, actions)
        except BaseException:
            self._episodes = []  # threads may still be at work in them
            raise
        for i, episode in zip(places, advanced, strict=True):
            self._episodes[i] = episode
        return [self._episodes[i] for i in places]

    def _check_step(self, actions: Sequence[Any]) -> Set[int]:
        """Refuses a step that cannot be taken, before anything has changed; returns the places that start anew."""
        if not self._episodes:
            raise ResetNeeded("no episodes are under way: call reset() before step()")
        if self._over and self.autoreset_mode is AutoresetMode.DISABLED:
            raise ResetNeeded(
                f"{len(self._over)} of {self.num_envs} episodes have ended, and autoreset_mode is DISABLED: "
                'restart them with reset(options={"reset_mask": terminations | truncations}) before step()'
            )
        if isinstance(actions, str):
            raise TypeError("actions must be a sequence of texts, not one text")
        if len(actions) != self.num_envs:
            raise ValueError(f"expected {self.num_envs} actions, one for each environment, but got {len(actions)}")
        for i, action in enumerate(actions):
            if not isinstance(action, str) and i not in self._over:
                check_action(action)
        return self._over

    def _group(self, size: int, places: Collection[int]) -> None:
        """Gives the places of each group generators in the state of its first one's."""
        for i in places:
            first = self._generator(i - i % size)
            if i % size:
                self._generators[i] = deepcopy(first)

    def _final_columns(self, over: Mapping[int, Episode]) -> dict[str, Any]:
        """The last observations and infos of episodes that are about to be replaced; nothing if there are none."""
        if not over:
            return {}
        info = columns(EPISODE_INFO, self.num_envs, over.keys(), over.values()) | score_columns(self.num_envs, over)
        observations = np.full(self.num_envs, None, dtype=object)
        for i in over:
            observations[i] = self._observations[i]
        mask = info["_score"]
        return {"final_info": info, "_final_info": mask.copy(), "final_obs": observations, "_final_obs": mask.copy()}
