"""The session of an episode: from messages to tokens and back, with the record kept where tokens are sampled."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from ...datasets.task import Message
from .sampling import Sample
from .template import ChatTemplate
from .tokens import Tokens


class Session(Tokens):
    """The token record of one episode. Sampled tokens enter as they were sampled and are never tokenized again.

    Args:
        template: how the tokenizer writes conversations.
        key: the random stream of the episode's tokens.

    Attributes:
        truncated: whether the token limit cut the last turn.
        cut_turns: how many turns it cut.
    """

    def __init__(self, template: ChatTemplate | PreTrainedTokenizerBase, key: int) -> None:
        super().__init__()
        self.template = template if isinstance(template, ChatTemplate) else ChatTemplate(template)
        self.key = key
        self.truncated = False
        self.cut_turns = 0
        self._turn = 0

    @property
    def action_mask(self) -> list[bool]:
        """Which tokens the policy sampled."""
        return [turn >= 0 for turn in self.turns]

    def fork(self, key: int) -> Session:
        """A session with the same record so far and a random stream of its own: another member of the group."""
        twin = Session(self.template, key)
        twin.append(self.token_ids)
        return twin

    def observe(self, messages: Sequence[Message]) -> None:
        """Appends the tokens of new messages, up to where the policy is to speak.

        Raises:
            ValueError: if the tokenizer's chat template cannot render a conversation step by step.
        """
        if not self.token_ids:
            self.append(self.template.opening(messages))
        else:
            self.append(self.template.continuation(messages, self.token_ids[-1], cut=self.truncated))

    def record(self, sample: Sample, version: int) -> None:
        """Appends what the policy sampled; ``version`` counts where the sample knows none."""
        self.append(sample.token_ids.tolist(), self._turn, sample.logprobs.tolist(), sample.versions_or(version))
        self.truncated = sample.truncated
        self.cut_turns += sample.truncated
        self._turn += 1

    def say(self, text: str) -> None:
        """Appends a turn that the policy is to learn, with the token that ends it, as if it had been sampled.

        Raises:
            ValueError: if the text holds the end token.
        """
        tokenizer, end = self.template.tokenizer, self.template.end_of_turn
        ids = tokenizer.encode(text, add_special_tokens=False)
        if end in ids:
            raise ValueError(f"a message of the assistant holds the end token {tokenizer.decode([end])!r} in its text")
        spoken = torch.tensor([*ids, end])
        self.record(Sample(spoken, torch.zeros(len(spoken)), truncated=False), version=0)

    def tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        """Token ids (int64), action mask (bool) and log-probs (float32) so far, each [T]."""
        return torch.tensor(self.token_ids), torch.tensor(self.turns) >= 0, torch.tensor(self.logprobs)
