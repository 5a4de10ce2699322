"""Conversations to learn from: every token that the assistant said trains, and no other."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from itertools import takewhile

from transformers import PreTrainedTokenizerBase

from ...datasets.files import load_conversations
from ...datasets.procedural import split_of
from ...datasets.task import Message
from ..inference.session import Session
from ..inference.template import ChatTemplate
from .batching import TokenRow


@dataclass(slots=True)
class Conversations:
    """Rows for supervised steps.

    Attributes:
        train: learnt from.
        validation: held out by a hash of how the conversation opens; two sixteenths of all, and maybe none.
        too_long: how many were left out for their length.
        held_out: how many were left out because they open like a task that the run is measured on.
    """

    train: list[TokenRow] = field(default_factory=list)
    validation: list[TokenRow] = field(default_factory=list)
    too_long: int = 0
    held_out: int = 0

    @property
    def left_out(self) -> str:
        """What was left out, for people; empty where nothing was."""
        counts = {"too long": self.too_long, "about a held-out task": self.held_out}
        return ", ".join(f"{count} {why}" for why, count in counts.items() if count)


def read_conversations(
    path: str, tokenizer: PreTrainedTokenizerBase, *, max_tokens: int | None, held_out: Set[str] = frozenset()
) -> Conversations:
    """Reads conversations from a file, a folder or the hub.

    Args:
        path: as in :func:`~infinite_rl.datasets.files.load_conversations`.
        tokenizer: of the model.
        max_tokens: longer ones are left out whole, and counted.
        held_out: prompts of tasks that the run is measured on; conversations that open with one are left out.

    Raises:
        ValueError: if a row cannot be used, or none is left to train on; the message names the place.
    """
    found, template = Conversations(), ChatTemplate(tokenizer)
    for where, messages in load_conversations(path):
        texts = _before_the_assistant(messages)
        opening = "\n\n".join(texts)
        # Environments may put a message of their own, about tools, before the task's.
        if not {opening, *texts}.isdisjoint(held_out):
            found.held_out += 1
            continue
        try:
            row = conversation_row(messages, template)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        if max_tokens is not None and len(row.token_ids) > max_tokens:
            found.too_long += 1
        else:
            (found.validation if split_of(opening) == "validation" else found.train).append(row)
    if not found.train:
        raise ValueError(f"{path}: no conversation to train on; left out: {found.left_out or 'none'}")
    return found


def conversation_row(messages: Sequence[Message], template: ChatTemplate | PreTrainedTokenizerBase) -> TokenRow:
    """The tokens of a conversation, as a policy would have seen and said them.

    Each turn is tokenized on its own, once: what the assistant said is followed by the token that ends its turns, and
    what stood before it is never rendered again. What comes after its last turn is left out.

    Raises:
        ValueError: if a turn has no text or holds the end token, or the chat template cannot write the conversation.
    """
    session = Session(template, key=0)
    heard: list[Message] = []
    for message in messages:
        if message["role"] != "assistant":
            heard.append(message)
            continue
        content = message.get("content")
        if not isinstance(content, str) or not content or message.get("tool_calls"):
            raise ValueError("a message of the assistant needs its text in content, calls of tools included")
        session.observe(heard)
        heard = []
        session.say(content)
    return TokenRow(*session.tensors())


def _before_the_assistant(messages: Sequence[Message]) -> list[str]:
    """The texts before the assistant's first turn; joined by blank lines they are the prompt of a task."""
    before = takewhile(lambda message: message["role"] != "assistant", messages)
    return [str(message["content"]) for message in before if message.get("content") is not None]
