"""What a rollout leaves: the token record of one episode."""

from __future__ import annotations

from typing import Any, TypeAlias

import torch
from tensordict import TensorClass, lazy_stack
from torch import Tensor

State: TypeAlias = dict[str, Any]


class Trajectory(TensorClass):  # type: ignore[misc]
    """The record of one episode. Token ids are the record; text is a view of it.

    A batch is a lazy stack: iterating it gives single trajectories, and nothing is padded.

    Attributes:
        token_ids: [T], int64: prompt, responses and what the environment said between them.
        action_mask: [T], bool: the tokens that the policy sampled.
        behaviour_logprob: [T], float32: log-prob of each sampled token when it was sampled; 0 elsewhere.
        version: [T], int64: the policy version that sampled the token; -1 elsewhere.
        turn: [T], int64: which of the policy's turns the sampled token belongs to, counted from 0; -1 elsewhere.
        reward: [], float32: the environment's reward, summed over the episode.
        advantage: [T], float32: of each sampled token, set by the algorithm; 0 elsewhere, and until then.
        group: [], int64: equal for the trajectories of one task draw.
        valid: [], bool: false where grading failed, so that the reward says nothing.
        truncated: [], bool: whether a limit cut the episode, or its last response; ``state["limits"]`` names all that
            were met: ``response`` (tokens of any response), ``context`` (tokens of the record), ``turns`` and ``time``.
        state: texts and verdicts, for people and reward computers: ``prompt``, ``response`` (the last one),
            ``messages``, ``task_id``, ``task_index``, ``domain``, ``answer``, ``status``, ``components``,
            ``error_msg`` and ``limits``.
        old_logprob: [T], float32: under the policy before the update; like the following, of sampled tokens (0
            elsewhere), and None until the algorithm sets it, which it does only where it is needed.
        reference_logprob: [T], float32: under the reference model.
        value: [T], float32: what the critic expected before the token.
        returns: [T], float32: what it should have expected.
    """

    token_ids: Tensor
    action_mask: Tensor
    behaviour_logprob: Tensor
    version: Tensor
    turn: Tensor
    reward: Tensor
    advantage: Tensor
    group: Tensor
    valid: Tensor
    truncated: Tensor
    state: State
    old_logprob: Tensor | None = None
    reference_logprob: Tensor | None = None
    value: Tensor | None = None
    returns: Tensor | None = None

    @property
    def prompt(self) -> str:
        """The text that opened the episode."""
        return str(self.state["prompt"])

    @property
    def response(self) -> str:
        """The text of the last response."""
        return str(self.state["response"])


def stack(trajectories: list[Trajectory]) -> Trajectory:
    """A batch of trajectories of any lengths."""
    return lazy_stack(trajectories)  # type: ignore[no-any-return]


def sampled(trajectories: Trajectory, name: str) -> Tensor | None:
    """A per-token column at the sampled tokens of a batch, one trajectory after the other: [N]; None if not set."""
    if name not in trajectories.keys():  # noqa: SIM118
        return None
    columns = zip(trajectories.get(name, as_list=True), trajectories.get("action_mask", as_list=True), strict=True)
    return torch.cat([column[mask] for column, mask in columns])


def set_sampled(trajectories: Trajectory, name: str, values: Tensor) -> None:
    """Sets a per-token column from its values at the sampled tokens, [N]; it becomes 0 elsewhere.

    Raises:
        ValueError: if there are not as many values as sampled tokens.
    """
    masks = trajectories.get("action_mask", as_list=True)
    lengths = [int(mask.sum()) for mask in masks]
    if values.shape != (sum(lengths),):
        raise ValueError(f"{name} has shape {list(values.shape)} for {sum(lengths)} sampled tokens")
    for row, mask, part in zip(trajectories.unbind(0), masks, torch.split(values.cpu(), lengths), strict=True):
        row.set(name, part.new_zeros(len(mask)).masked_scatter(mask, part))


def response_lengths(trajectories: Trajectory) -> Tensor:
    """The number of sampled tokens of each trajectory: [N], int64. The mask's sum, not a span."""
    return torch.stack([mask.sum() for mask in trajectories.get("action_mask", as_list=True)])


def turns(trajectories: Trajectory) -> Tensor:
    """Which turn of its episode each sampled token belongs to, from 0, one trajectory after the other: [N], int64."""
    found = sampled(trajectories, "turn")
    assert found is not None
    return found


def states_of(trajectories: Trajectory) -> list[State]:
    """The state of each trajectory of a batch."""
    states: Any = trajectories.state  # a lazy stack gives a list of what each of its members holds
    return list(states)
