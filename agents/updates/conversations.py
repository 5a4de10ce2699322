"""Conversations to learn from: every token that the assistant said trains, and no other."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from itertools import takewhile

import torch
from transformers import PreTrainedTokenizerBase

from ...datasets.files import load_conversations
from ...datasets.procedural import split_of
from ...datasets.task import Message
from ..inference.sampling import Sample
from ..inference.session import Session
from .batching import TokenRow

_SPOKEN = "(what-the-assistant-said)"
_PROBE: list[Message] = [{"role": "user", "content": "x"}, {"role": "assistant", "content": _SPOKEN}]


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
    found = Conversations()
    for where, messages in load_conversations(path):
        texts = _before_the_assistant(messages)
        opening = "\n\n".join(texts)
        # Environments may put a message of their own, about tools, before the task's.
        if not {opening, *texts}.isdisjoint(held_out):
            found.held_out += 1
            continue
        try:
            row = conversation_row(messages, tokenizer)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        if max_tokens is not None and len(row.token_ids) > max_tokens:
            found.too_long += 1
        else:
            (found.validation if split_of(opening) == "validation" else found.train).append(row)
    if not found.train:
        raise ValueError(f"{path}: no conversation to train on; left out: {found.left_out or 'none'}")
    return found


def conversation_row(messages: Sequence[Message], tokenizer: PreTrainedTokenizerBase) -> TokenRow:
    """The tokens of a conversation, as a policy would have seen and said them.

    Each turn is tokenized on its own, once: what the assistant said is followed by the token that ends its turns, and
    what stood before it is never rendered again. What comes after its last turn is left out.

    Raises:
        ValueError: if a turn has no text or holds the end token, or the chat template cannot write the conversation.
    """
    session = Session(tokenizer, key=0)
    end = end_of_turn(tokenizer)
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
        ids = tokenizer.encode(content, add_special_tokens=False)
        if end in ids:
            raise ValueError(f"a message of the assistant holds the end token {tokenizer.decode([end])!r} in its text")
        spoken = torch.tensor([*ids, end])
        session.record(Sample(spoken, torch.zeros(len(spoken)), truncated=False), version=0)
    return TokenRow(*session.tensors())


def end_of_turn(tokenizer: PreTrainedTokenizerBase) -> int:
    """The token that ends what the assistant says: what the chat template writes there, else the end token.

    Raises:
        ValueError: if there is neither.
    """
    if tokenizer.chat_template:
        text = tokenizer.apply_chat_template(_PROBE, tokenize=False)
        assert isinstance(text, str)
        rest = tokenizer.encode(text.partition(_SPOKEN)[2], add_special_tokens=False)
        special = {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
        if marks := [token for token in rest if token in special]:
            return int(marks[0])
    if tokenizer.eos_token_id is None:
        raise ValueError("the tokenizer names no end token (eos_token)")
    return int(tokenizer.eos_token_id)


def _before_the_assistant(messages: Sequence[Message]) -> list[str]:
    """The texts before the assistant's first turn; joined by blank lines they are the prompt of a task."""
    before = takewhile(lambda message: message["role"] != "assistant", messages)
    return [str(message["content"]) for message in before if message.get("content") is not None]
