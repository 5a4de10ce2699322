"""What a rollout leaves: the token record of one episode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

import torch
from tensordict import NonTensorData, TensorClass, TensorDict, lazy_stack
from torch import Tensor

from ..inference.tokens import Tokens

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
            ``error_msg`` and ``limits``; ``passed``, whether it was a full score, where the environment grades.
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


@dataclass(frozen=True, slots=True)
class Ending:
    """What came of an episode; see the fields of :class:`Trajectory`."""

    reward: float
    group: int
    valid: bool
    truncated: bool
    state: State


def from_tokens(tokens: Sequence[Tokens], endings: Sequence[Ending]) -> Trajectory:
    """A batch of the trajectories of episodes, from the tokens of each and what came of it.

    The columns of all are made at once and then divided: tensors of single trajectories would take most of the time.
    """
    lengths = [len(one.token_ids) for one in tokens]
    turn = torch.tensor([*chain.from_iterable(one.turns for one in tokens)], dtype=torch.long)
    columns = {
        "token_ids": torch.tensor([*chain.from_iterable(one.token_ids for one in tokens)], dtype=torch.long),
        "action_mask": turn >= 0,
        "behaviour_logprob": torch.tensor([*chain.from_iterable(one.logprobs for one in tokens)], dtype=torch.float32),
        "version": torch.tensor([*chain.from_iterable(one.versions for one in tokens)], dtype=torch.long),
        "turn": turn,
        "advantage": torch.zeros(len(turn)),
    }
    values = {
        "reward": torch.tensor([one.reward for one in endings], dtype=torch.float32),
        "group": torch.tensor([one.group for one in endings]),
        "valid": torch.tensor([one.valid for one in endings]),
        "truncated": torch.tensor([one.truncated for one in endings]),
    }
    divided: dict[str, Sequence[Tensor]] = {name: divide(column, lengths) for name, column in columns.items()}
    divided |= {name: column.unbind() for name, column in values.items()}
    rows = [dict(zip(divided, row, strict=True)) for row in zip(*divided.values(), strict=True)]
    return _batch(
        [
            TensorDict({**row, "state": NonTensorData(ending.state)}, [])
            for row, ending in zip(rows, endings, strict=True)
        ]
    )


def divide(column: Tensor, lengths: Sequence[int]) -> list[Tensor]:
    """Parts of a column, each with memory of its own: a trajectory that is kept does not keep its batch."""
    return [part.clone() for part in torch.split(column, list(lengths))]


def stack(trajectories: list[Trajectory]) -> Trajectory:
    """A batch of trajectories of any lengths."""
    return lazy_stack(trajectories)  # type: ignore[no-any-return]


def join(batches: Sequence[Trajectory]) -> Trajectory:
    """One batch of several, in their order."""
    return batches[0] if len(batches) == 1 else _batch([row for batch in batches for row in batch.tensordicts])


def _batch(rows: list[TensorDict]) -> Trajectory:
    """Wraps the rows all at once: one by one takes three times the time of all the rest."""
    batch: Trajectory = Trajectory.from_tensordict(lazy_stack(rows))
    return batch


def column(trajectories: Trajectory, name: str) -> list[Tensor] | None:
    """The tensor of each trajectory of a batch under a name; None if any of them has none.

    Read from the members: a lazy stack looks for the keys that all of them share, whatever is asked for.
    """
    found = [row.get(name, None) for row in trajectories.tensordicts]
    return None if any(value is None for value in found) else found


def sampled(trajectories: Trajectory, name: str) -> Tensor | None:
    """A per-token column at the sampled tokens of a batch, one trajectory after the other: [N]; None if not set."""
    values = column(trajectories, name)
    return None if values is None else torch.cat(values)[torch.cat(masks_of(trajectories))]


def set_sampled(trajectories: Trajectory, name: str, values: Tensor) -> None:
    """Sets a per-token column from its values at the sampled tokens, [N]; it becomes 0 elsewhere.

    Raises:
        ValueError: if there are not as many values as sampled tokens.
    """
    masks = masks_of(trajectories)
    chosen = torch.cat(masks)
    if values.shape != (int(chosen.sum()),):
        raise ValueError(f"{name} has shape {list(values.shape)} for {int(chosen.sum())} sampled tokens")
    spread = values.new_zeros(len(chosen), device="cpu").masked_scatter(chosen, values.cpu())
    for row, part in zip(trajectories.tensordicts, divide(spread, [len(mask) for mask in masks]), strict=True):
        row.set(name, part)


def masks_of(trajectories: Trajectory) -> list[Tensor]:
    """The action mask of each trajectory of a batch."""
    masks = column(trajectories, "action_mask")
    assert masks is not None
    return masks


def response_lengths(trajectories: Trajectory) -> Tensor:
    """The number of sampled tokens of each trajectory: [N], int64. The mask's sum, not a span."""
    return torch.stack([mask.sum() for mask in masks_of(trajectories)])


def longest_responses(trajectories: Trajectory) -> Tensor:
    """The number of sampled tokens in the longest turn of each trajectory: [N], int64."""
    found = column(trajectories, "turn")
    assert found is not None
    return torch.stack([torch.bincount(turn[turn >= 0], minlength=1).max() for turn in found])


def turns(trajectories: Trajectory) -> Tensor:
    """Which turn of its episode each sampled token belongs to, from 0, one trajectory after the other: [N], int64."""
    found = sampled(trajectories, "turn")
    assert found is not None
    return found


def cut_short(trajectories: Trajectory) -> Tensor:
    """Whether a limit ended the episode before the environment did: [N], bool. Then it might have earned more.

    A response that ``max_new_tokens`` cut, and that was graded as it stood, earned what it earned.
    """
    return torch.tensor([bool({"context", "turns", "time"} & {*state["limits"]}) for state in states_of(trajectories)])


def states_of(trajectories: Trajectory) -> list[State]:
    """The state of each trajectory of a batch."""
    return [row.get("state").data for row in trajectories.tensordicts]
