"""For PettingZoo: a text environment as a parallel environment of one agent, the policy."""

from __future__ import annotations

from typing import Any

from pettingzoo import ParallelEnv

from ...spaces import TextSpace
from ..text_env import TextEnv
from .rows import make_text_env

AGENT = "policy_0"


class TextParallelEnv(ParallelEnv):
    """One agent, ``policy_0``, whose actions and observations are texts.

    ``pettingzoo.utils.parallel_to_aec`` makes an ``AECEnv`` of it; RLlib's ``ParallelPettingZooEnv`` takes it as it is.

    Args:
        env: the id of an environment, or an environment.
        **arguments: arguments of the environment, such as ``level=2``.
    """

    def __init__(self, env: str | TextEnv, **arguments: Any) -> None:
        self.env = make_text_env(env, **arguments)
        self.metadata = {"name": type(self.env).__name__, **self.env.metadata}
        self.render_mode = self.env.render_mode
        self.possible_agents = [AGENT]
        self.agents: list[str] = []

    def observation_space(self, agent: str) -> TextSpace:
        """The texts that the agent sees."""
        return self.env.observation_space

    def action_space(self, agent: str) -> TextSpace:
        """The texts that it may write."""
        return self.env.action_space

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
        """Starts an episode. ``task_index`` and ``domain`` are options; others are for wrappers, and pass."""
        known = {name: value for name, value in (options or {}).items() if name in ("task_index", "domain")}
        observation, info = self.env.reset(seed=seed, options=known)
        self.agents = [AGENT]
        return {AGENT: observation}, {AGENT: info}

    def step(self, actions: dict[str, str]) -> tuple[dict[str, Any], ...]:
        """Takes the agent's message; all five results are by agent."""
        if not self.agents:
            return {}, {}, {}, {}, {}
        results = self.env.step(actions[AGENT])
        if results[2] or results[3]:
            self.agents = []
        return tuple({AGENT: result} for result in results)

    def render(self) -> str | None:
        """As the environment renders."""
        return self.env.render()

    def close(self) -> None:
        """Closes the environment."""
        self.env.close()
