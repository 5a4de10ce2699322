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

# Stands for the conversation so far. No template writes this of its own accord.
_SPOKEN = "(what-the-policy-said)"
_PROBE: list[Message] = [{"role": "user", "content": "x"}, {"role": "assistant", "content": _SPOKEN}]


class Session:
    """The token record of one episode. Sampled tokens enter as they were sampled and are never tokenized again.

    Args:
        tokenizer: with a chat template; without one, the messages' texts are joined as they stand.
        key: the random stream of the episode's tokens.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, key: int) -> None:
        self.tokenizer = tokenizer
        self.key = key
        self.token_ids: list[int] = []
        self.action_mask: list[bool] = []
        self.logprobs: list[float] = []
        self.versions: list[int] = []
        self.truncated = False

    def fork(self, key: int) -> Session:
        """A session with the same record so far and a random stream of its own: another member of the group."""
        twin = Session(self.tokenizer, key)
        twin._append(self.token_ids)
        return twin

    def observe(self, messages: Sequence[Message]) -> None:
        """Appends the tokens of new messages, up to where the policy is to speak.

        Raises:
            ValueError: if the tokenizer's chat template cannot render a conversation step by step.
        """
        text = self._opening(messages) if not self.token_ids else self._continuation(messages)
        self._append(self.tokenizer.encode(text, add_special_tokens=not self.token_ids and not self._has_template))
        if not self.token_ids:
            raise ValueError("the opening messages hold no text, so there is nothing to continue")

    def record(self, sample: Sample, version: int) -> None:
        """Appends what the policy sampled."""
        ids = sample.token_ids.tolist()
        self.token_ids += ids
        self.action_mask += [True] * len(ids)
        self.logprobs += sample.logprobs.tolist()
        self.versions += [version] * len(ids)
        self.truncated = sample.truncated

    def tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        """Token ids (int64), action mask (bool) and log-probs (float32) so far, each [T]."""
        return torch.tensor(self.token_ids), torch.tensor(self.action_mask), torch.tensor(self.logprobs)

    def trajectory(self, *, reward: float, group: int, valid: bool, truncated: bool, state: State) -> Trajectory:
        """The finished record."""
        ids, mask, logprobs = self.tensors()
        record = {
            "token_ids": ids,
            "action_mask": mask,
            "behaviour_logprob": logprobs,
            "version": torch.tensor(self.versions),
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

    @property
    def _has_template(self) -> bool:
        return bool(self.tokenizer.chat_template)

    def _append(self, ids: Sequence[int]) -> None:
        self.token_ids += ids
        self.action_mask += [False] * len(ids)
        self.logprobs += [0.0] * len(ids)
        self.versions += [-1] * len(ids)

    def _render(self, messages: Sequence[Message], *, prompt: bool) -> str:
        text = self.tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=prompt)
        assert isinstance(text, str)
        return text

    def _opening(self, messages: Sequence[Message]) -> str:
        if self._has_template:
            return self._render(messages, prompt=True)
        return "\n\n".join(str(message["content"]) for message in messages)

    def _continuation(self, messages: Sequence[Message]) -> str:
        """What the template writes after an assistant's message: the rest of its turn, then the new messages.

        The conversation so far is replaced by a short probe, because templates may rewrite old turns (drop their
        thinking, say), and the record must stay what the policy saw.
        """
        if not self._has_template:
            return "\n\n" + "\n\n".join(str(message["content"]) for message in messages) + "\n\n"
        text = self._render([*_PROBE, *messages], prompt=True)
        _, spoken, rest = text.partition(_SPOKEN)
        if not spoken:
            raise ValueError("this tokenizer's chat template rewrites earlier turns, so it cannot serve several turns")
        if self.truncated:
            return rest
        # Where the policy said the end of its turn, the record has it already; templates may put blanks before it.
        ended = str(self.tokenizer.decode(self.token_ids[-1:]))
        return rest.lstrip().removeprefix(ended) if rest.lstrip().startswith(ended) else rest
