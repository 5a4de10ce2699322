"""Conversations as the text that a policy continues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...datasets.task import Message


def render(inference: Any, messages: Sequence[Message]) -> str:
    """Messages as text, up to where the assistant is to speak: by the tokenizer's chat template, else line by line.

    The text of a longer conversation should begin with that of the shorter one and the response: then the record of
    the episode stays one sequence. Templates that rewrite earlier turns make a sequence of every turn instead.
    """
    tokenizer: Any = getattr(inference, "tokenizer", None)
    if getattr(tokenizer, "chat_template", None):
        return str(tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True))
    lines = [f"{message['role'].capitalize()}: {message['content']}" for message in messages]
    return "\n".join([*lines, "Assistant:"])


def as_messages(history: Sequence[tuple[str, str]]) -> list[Message]:
    """A history of ``(role, text)`` as messages."""
    return [{"role": role, "content": text} for role, text in history]
