"""Environments of plain text: a single prompt, or a conversation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from .base import BaseEnvironment, Prompt
from .chat import as_messages, render
from .state import State

User: TypeAlias = Callable[[State], "str | None"] | Sequence[str]


class SimpleTextEnvironment(BaseEnvironment[State]):
    """The policy continues a prompt; with ``max_steps`` above 1 it goes on with what it wrote.

    Ends after ``max_steps`` responses, or with one that holds ``[DONE]`` or ``[COMPLETE]``.

    Args:
        inference: the policy.
        prompts: texts to continue.
        max_steps: responses of an episode.
    """

    def __init__(
        self, inference: Any = None, prompts: Sequence[Prompt] = (), max_steps: int | None = 1, **arguments: Any
    ) -> None:
        super().__init__(inference, prompts, max_steps, **arguments)

    def build_prompt(self, state: State) -> str:
        """The prompt and all that was written so far."""
        return state.prompt + "".join(text for _, text in state.history)


class ConversationEnvironment(BaseEnvironment[State]):
    """The policy talks to a user.

    ``history`` holds what was said as ``(role, text)``. Ends after ``max_steps`` responses, when the user has nothing
    more to say, or with a response that holds ``[DONE]`` or ``[COMPLETE]``.

    Args:
        inference: the policy.
        prompts: what users say first.
        user: what they say next: a function of the state that returns a text, or None to end; or a list of texts,
            said in turn.
        max_steps: responses of an episode.
        system_prompt: opens every conversation, if not empty.
    """

    def __init__(
        self,
        inference: Any = None,
        prompts: Sequence[Prompt] = (),
        user: User = (),
        max_steps: int | None = 8,
        *,
        system_prompt: str = "",
        **arguments: Any,
    ) -> None:
        super().__init__(inference, prompts, max_steps, **arguments)
        if isinstance(user, str):
            raise TypeError(f"user must be a list of texts or a function; for a single text write [{user[:40]!r}]")
        self.user = user
        self.system_prompt = system_prompt

    def reset(self) -> State:
        """Opens a conversation with one of the prompts."""
        state = self.open_prompt(State)
        opening = [("system", self.system_prompt)] if self.system_prompt else []
        state.history = [*opening, ("user", state.prompt)]
        return state

    def build_prompt(self, state: State) -> str:
        """The conversation so far."""
        return render(self.inference, as_messages(state.history or [("user", state.prompt)]))

    def update_state(self, state: State, response: str) -> State:
        """Enters the response, and what the user says to it."""
        state = super().update_state(state, response)
        if self.is_terminal(state):
            return state
        said = self._user_says(state)
        if said is None:
            return replace(state, metadata={**state.metadata, "user_left": True})
        return replace(state, history=[*state.history, ("user", said)])

    def is_terminal(self, state: State) -> bool:
        """Whether the conversation is over."""
        return "user_left" in state.metadata or super().is_terminal(state)

    def _user_says(self, state: State) -> str | None:
        if callable(self.user):
            return self.user(state)
        turn = state.step_count - 1
        return self.user[turn] if turn < len(self.user) else None
