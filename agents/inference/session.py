"""The session of an episode: from messages to tokens and back, with the record kept where tokens are sampled."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from tensordict import NonTensorData, TensorDict
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from ...datasets.task import Message
from ..rollouts.trajectory import State, Trajectory
from .sampling import Sample
from .template import ChatTemplate


class Session:
    """The token record of one episode. Sampled tokens enter as they were sampled and are never tokenized again.

    Args:
        template: how the tokenizer writes conversations.
        key: the random stream of the episode's tokens.

    Attributes:
        token_ids: of everything so far.
        turns: which of the policy's turns a sampled token belongs to, counted from 0; -1 for tokens of others.
        logprobs: of sampled tokens; 0.0 for others.
        versions: of the policy that sampled a token; -1 for tokens of others.
        truncated: whether the token limit cut the last turn.
        cut_turns: how many turns it cut.
    """

    def __init__(self, template: ChatTemplate | PreTrainedTokenizerBase, key: int) -> None:
        self.template = template if isinstance(template, ChatTemplate) else ChatTemplate(template)
        self.key = key
        self.token_ids: list[int] = []
        self.turns: list[int] = []
        self.logprobs: list[float] = []
        self.versions: list[int] = []
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
        twin._append(self.token_ids)
        return twin

    def observe(self, messages: Sequence[Message]) -> None:
        """Appends the tokens of new messages, up to where the policy is to speak.

        Raises:
            ValueError: if the tokenizer's chat template cannot render a conversation step by step.
        """
        if not self.token_ids:
            self._append(self.template.opening(messages))
        else:
            self._append(self.template.continuation(messages, self.token_ids[-1], cut=self.truncated))

    def record(self, sample: Sample, version: int) -> None:
        """Appends what the policy sampled."""
        ids = sample.token_ids.tolist()
        self.token_ids += ids
        self.turns += [self._turn] * len(ids)
        self.logprobs += sample.logprobs.tolist()
        self.versions += [version] * len(ids)
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

    def trajectory(self, *, reward: float, group: int, valid: bool, truncated: bool, state: State) -> Trajectory:
        """The finished record."""
        ids, mask, logprobs = self.tensors()
        record = {
            "token_ids": ids,
            "action_mask": mask,
            "behaviour_logprob": logprobs,
            "version": torch.tensor(self.versions),
            "turn": torch.tensor(self.turns),
            "reward": torch.tensor(reward),
            "advantage": torch.zeros(len(ids)),
            "group": torch.tensor(group),
            "valid": torch.tensor(valid),
            "truncated": torch.tensor(truncated or self.truncated),
            "state": NonTensorData(state),
        }
        # By way of a TensorDict: setting the fields one by one takes twice the time, on every trajectory.
        trajectory: Trajectory = Trajectory.from_tensordict(TensorDict(record, []))
        return trajectory

    def _append(self, ids: Sequence[int]) -> None:
        self.token_ids += ids
        self.turns += [-1] * len(ids)
        self.logprobs += [0.0] * len(ids)
        self.versions += [-1] * len(ids)
