"""The base of environments that ask the policy themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

import numpy as np

from ...datasets.task import Task
from ..inference.calls import current_episode
from .state import State

if TYPE_CHECKING:
    from .text_env import PlayedEnv

S = TypeVar("S", bound=State)

# An episode whose environment never says that it is over ends here.
MOST_STEPS = 100
ENDINGS = ("[DONE]", "[COMPLETE]")


class Generates(Protocol):
    """What an environment asks for text: an :class:`~infinite_rl.agents.inference.module.InferenceModule`."""

    def generate(self, prompts: Sequence[str], max_new_tokens: int = ..., temperature: float = ...) -> Sequence[str]:
        """Continues each prompt."""


Prompt: TypeAlias = "str | Mapping[str, Any] | Task"


class BaseEnvironment(Generic[S]):
    """An interaction with a policy, written as a program; rewards come later, from a reward computer.

    ``reset`` makes a state; ``step`` asks ``self.inference`` for text, as often as it likes, and moves the state on;
    ``is_terminal`` says when it is over. Define what differs: this class asks for one of ``prompts``, takes
    one response a step, and ends after ``max_steps`` steps or at a response with ``[DONE]`` or ``[COMPLETE]``.

    A rollout manager plays many episodes of one environment at once: ``reset`` is called for one after the other,
    ``step`` in a thread for each. So what belongs to an episode belongs into its state; random choices are drawn from
    ``self.np_random``, which every episode has for itself. A state must be copyable: groups begin with copies of one.

    Underneath it is a Gymnasium environment too: see :meth:`as_gymnasium`.

    Classes may be combined by inheritance; arguments are passed on by keyword.

    Args:
        inference: the policy.
        prompts: what episodes ask: texts, tasks, or mappings with ``prompt`` and ``answer``.
        max_steps: steps of an episode; None for as long as :meth:`is_terminal` lets it go on, at most 100.

    Raises:
        TypeError: if ``prompts`` is a single text, or holds something else than prompts.
        ValueError: if ``max_steps`` is no positive number.
    """

    # Also for authors whose own __init__ calls no other.
    inference: Any = None
    prompts: Sequence[Any] = ()
    max_steps: int | None = None
    _own_random: np.random.Generator | None = None

    def __init__(
        self, inference: Any = None, prompts: Sequence[Prompt] = (), max_steps: int | None = None, **arguments: Any
    ) -> None:
        if arguments and super().__init__.__objclass__ is object:  # type: ignore[attr-defined]
            known = "inference, prompts and max_steps, and what its classes add"
            raise TypeError(f"{type(self).__name__} takes {known}; not {', '.join(arguments)}")
        super().__init__(**arguments)
        if isinstance(prompts, str):
            raise TypeError(f"prompts must be a list of prompts; for a single one write [{prompts[:40]!r}]")
        if max_steps is not None and max_steps < 1:
            raise ValueError(f"max_steps must be at least 1, not {max_steps}")
        self.inference = inference
        self.prompts = [_opening(prompt) for prompt in prompts]
        self.max_steps = max_steps

    # What an author may define.

    def reset(self) -> S:
        """Starts an episode: here, with one of the prompts."""
        return self.open_prompt(State)  # type: ignore[return-value]

    def step(self, state: S) -> S:
        """Takes a step: here, one response to what :meth:`build_prompt` makes of the state."""
        response = self.inference.generate([self.build_prompt(state)])[0]
        return self.update_state(state, response)

    def is_terminal(self, state: S) -> bool:
        """Whether the episode is over."""
        return (self.max_steps is not None and state.step_count >= self.max_steps) or says_done(state.response)

    def build_prompt(self, state: S) -> str:
        """The text that the policy continues."""
        return state.prompt

    def update_state(self, state: S, response: str) -> S:
        """The state after a response."""
        return replace(
            state,
            response=response,
            step_count=state.step_count + 1,
            history=[*state.history, ("assistant", response)],
        )

    # What an author may use.

    @property
    def np_random(self) -> np.random.Generator:
        """Random numbers of the episode under way, the same for the same seed whatever else is played."""
        episode = current_episode()
        if episode is not None:
            return episode.random
        if self._own_random is None:
            self._own_random = np.random.default_rng()
        return self._own_random

    def open_prompt(self, kind: type[State], **fields: Any) -> State:
        """A state of class ``kind`` with the episode's prompt.

        Raises:
            ValueError: if the environment has no prompts.
        """
        if not self.prompts:
            raise ValueError(f"{type(self).__name__} has no prompts: give prompts=[…], or define reset()")
        episode = current_episode()
        given = None if episode is None else episode.task_index
        index = int(self.np_random.integers(len(self.prompts))) if given is None else given % len(self.prompts)
        text, answer, metadata = self.prompts[index]
        return kind(prompt=text, answer=answer, metadata=dict(metadata), **fields)

    def as_gymnasium(self, **options: Any) -> PlayedEnv:
        """This environment as a Gymnasium environment of texts: observations are what the policy is asked.

        Args:
            **options: see :class:`~infinite_rl.agents.environments.text_env.PlayedEnv`.
        """
        from .text_env import PlayedEnv  # which imports this module

        return PlayedEnv(self, **options)

    def draw_index(self, rng: np.random.Generator) -> int:
        """A task index: of a prompt, or any number where episodes need none."""
        return int(rng.integers(len(self.prompts) or 2**31))

    def close(self) -> None:
        """Gives back what the environment holds; this one holds nothing."""


def says_done(response: str) -> bool:
    """Whether a response holds a mark that ends an episode."""
    return any(mark in response for mark in ENDINGS)


def _opening(prompt: Prompt) -> tuple[str, Any, Mapping[str, Any]]:
    """Text, expected answer and metadata of a prompt."""
    if isinstance(prompt, str):
        return prompt, None, {}
    if isinstance(prompt, Task):
        return prompt.prompt, prompt.answer, {**prompt.metadata, "task_id": prompt.id, "domain": prompt.domain}
    if isinstance(prompt, Mapping) and isinstance(prompt.get("prompt"), str):
        rest = {name: value for name, value in prompt.items() if name not in ("prompt", "answer")}
        return prompt["prompt"], prompt.get("answer"), rest
    raise TypeError(f'a prompt must be a text, a task or {{"prompt": …, "answer": …}}, not {prompt!r:.80}')
