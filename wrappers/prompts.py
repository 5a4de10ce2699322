"""What the policy reads."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Protocol

import gymnasium

from ..datasets.task import Message
from .base import Step, TextWrapper


class SystemPrompt(TextWrapper):
    """Puts a system message before the task's own messages, in the observation and in ``info["messages"]``.

    Args:
        env: the environment.
        text: the message. One that the task has itself comes behind it, in the same message.

    Raises:
        TypeError: if ``text`` is no text.
    """

    def __init__(self, env: gymnasium.Env[str, str], text: str) -> None:
        super().__init__(env, text=text)
        if not isinstance(text, str):
            raise TypeError(f"text must be a str, not {text!r}")
        self.text = text

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Starts an episode whose first observation begins with the text."""
        observation, info = self.env.reset(seed=seed, options=options)
        return f"{self.text}\n\n{observation}", self._with_text(info)

    def step(self, action: str) -> Step:
        """Takes an action; the messages in ``info`` begin with the text."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, float(reward), terminated, truncated, self._with_text(info)

    def _with_text(self, info: dict[str, Any]) -> dict[str, Any]:
        first, *rest = info["messages"]
        if first["role"] == "system":
            messages = [first | {"content": f"{self.text}\n\n{first['content']}"}, *rest]
        else:
            messages = [{"role": "system", "content": self.text}, first, *rest]
        return info | {"messages": messages}


class _Tokenizer(Protocol):
    def apply_chat_template(
        self, conversation: Sequence[Message], *, tokenize: bool, add_generation_prompt: bool
    ) -> Any: ...


class ChatTemplate(TextWrapper):
    """Makes each observation the whole conversation in a model's chat template, ready to be continued.

    Args:
        env: the environment.
        tokenizer: a tokenizer of transformers, or the name or folder of one, which is loaded with transformers. Only
            with the latter can the spec be written as JSON.
    """

    def __init__(self, env: gymnasium.Env[str, str], tokenizer: str | _Tokenizer) -> None:
        super().__init__(env, tokenizer=tokenizer)
        self.tokenizer: _Tokenizer = _load(tokenizer) if isinstance(tokenizer, str) else tokenizer

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Starts an episode."""
        _, info = self.env.reset(seed=seed, options=options)
        return self._render(info["messages"], ended=False), info

    def step(self, action: str) -> Step:
        """Takes an action; at the end nothing is left to be continued."""
        _, reward, terminated, truncated, info = self.env.step(action)
        return self._render(info["messages"], ended=terminated or truncated), float(reward), terminated, truncated, info

    def _render(self, messages: Sequence[Message], *, ended: bool) -> str:
        return str(self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=not ended))


def _load(name: str) -> _Tokenizer:
    try:
        transformers = import_module("transformers")  # an extra: only this wrapper needs it
    except ModuleNotFoundError:
        raise ModuleNotFoundError("ChatTemplate needs transformers: pip install 'infinite-rl[train]'") from None
    tokenizer: _Tokenizer = transformers.AutoTokenizer.from_pretrained(name)
    return tokenizer
