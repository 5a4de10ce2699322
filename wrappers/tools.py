"""Tools for environments that have none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium

from ..envs.choice import check_action
from ..envs.tool_env import ToolEnv
from ..envs.tools.builtin import calculator, sandbox
from ..envs.tools.reply import assistant_message, length
from ..envs.tools.tool import Tool
from ..envs.tools.toolbox import Account, ToolBox
from .base import Step, TextWrapper

BUILTIN: dict[str, Callable[[], Tool]] = {
    "calculator": calculator,
    "python": lambda: sandbox("python"),
    "javascript": lambda: sandbox("javascript"),
}


class ToolUse(TextWrapper):
    """Lets the agent of any text environment call tools between its turns.

    A message with calls is answered with their results and does not reach the environment; one without calls is the
    action. Both are in the transcript. Other wrappers see only actions, so put this one around the environment first.

    Args:
        env: the environment.
        tools: tools, or names of those that come with the package: ``calculator``, ``python``, ``javascript``. Only
            with names can the spec be written as JSON.
        tool_format: as in ``ToolEnv``.
        budget: what all calls of an episode may cost; None for no limit. A call that the rest does not cover is not
            run, and its result says so.
        calls: how many messages with calls there may be in an episode; the next one is the action.

    Raises:
        TypeError: if the environment has tools of its own.
        ValueError: if there is no tool of a name, or another argument is impossible.
    """

    def __init__(
        self,
        env: gymnasium.Env[str, str],
        tools: Sequence[str | Tool] = ("calculator",),
        tool_format: str = "hermes",
        budget: float | None = None,
        calls: int = 8,
    ) -> None:
        super().__init__(env, tools=tools, tool_format=tool_format, budget=budget, calls=calls)
        if isinstance(self.text_env, ToolEnv):
            raise TypeError(f"{type(self.text_env).__name__} has tools of its own")
        if unknown := [tool for tool in tools if isinstance(tool, str) and tool not in BUILTIN]:
            raise ValueError(f"tools must be of {', '.join(BUILTIN)}, or a Tool, not {unknown[0]!r}")
        made = [BUILTIN[tool]() if isinstance(tool, str) else tool for tool in tools]
        self.toolbox = ToolBox(made, tool_format, budget)
        self.tool_schemas = self.toolbox.schemas
        self.calls = calls
        self._account = Account()
        self._answered = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Starts an episode whose first message is about the tools."""
        self.env.reset(seed=seed, options=options)
        self._account, self._answered = Account(), 0
        episode = self.text_env.episode
        episode.messages[:] = self.toolbox.opening(episode.messages)
        episode.shown = 0
        return self.text_env.show(episode)

    def step(self, action: str) -> Step:
        """Runs the calls of a message, or takes the action."""
        check_action(action)
        # What is too long or comes after the end, the environment refuses.
        fits = length(action) <= self.text_env.action_space.max_length and not self.text_env.episode.ended
        calls = self.toolbox.read(action) if fits else []
        if not calls or self._answered == self.calls:
            observation, reward, terminated, truncated, info = self.env.step(action)
            return observation, float(reward), terminated, truncated, info
        self._answered += 1
        episode = self.text_env.episode
        results, _ = self.toolbox.run(self._account, calls, self._answered)
        episode.messages += [assistant_message(action), *results]
        observation, info = self.text_env.show(episode)
        return observation, 0.0, False, False, info
