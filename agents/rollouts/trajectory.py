"""What a rollout leaves: the token record of one episode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
import torch
from tensordict import NonTensorData, TensorClass, TensorDict, lazy_stack
from torch import Tensor

from ..inference.tokens import Tokens

State: TypeAlias = dict[str, Any]

# The per-token columns that every trajectory has.
TOKEN_COLUMNS = ("token_ids", "action_mask", "behaviour_logprob", "version", "turn", "advantage")


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
        weight: [], float32: what its share in the loss is multiplied by, where the sampler of tasks asks for it.
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
    weight: Tensor | None = None
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
    turn = _flat([one.turns for one in tokens], np.int64)
    columns = {
        "token_ids": _flat([one.token_ids for one in tokens], np.int64),
        "action_mask": turn >= 0,
        "behaviour_logprob": _flat([one.logprobs for one in tokens], np.float32),
        "version": _flat([one.versions for one in tokens], np.int64),
        "turn": turn,
        "advantage": torch.zeros(len(turn)),
    }
    values = {
        "reward": torch.tensor([one.reward for one in endings], dtype=torch.float32),
        "group": torch.tensor([one.group for one in endings]),
        "valid": torch.tensor([one.valid for one in endings]),
        "truncated": torch.tensor([one.truncated for one in endings]),
    }
    return from_rows(rows_of(columns, values, lengths), [ending.state for ending in endings])


def rows_of(
    columns: Mapping[str, Tensor], values: Mapping[str, Tensor], lengths: Sequence[int]
) -> list[dict[str, Tensor]]:
    """The fields of each trajectory.

    Args:
        columns: per-token ones of all, [M], one trajectory after the other.
        values: one for each trajectory, [S].
        lengths: tokens of each.
    """
    fields: dict[str, Sequence[Tensor]] = {name: divide(column, lengths) for name, column in columns.items()}
    fields |= {name: column.unbind() for name, column in values.items()}
    return [dict(zip(fields, row, strict=True)) for row in zip(*fields.values(), strict=True)]


def from_rows(rows: Sequence[Mapping[str, Tensor]], states: Sequence[State]) -> Trajectory:
    """A batch of trajectories from the fields of each and its state."""
    return _batch(
        [TensorDict({**row, "state": _non_tensor(state)}, []) for row, state in zip(rows, states, strict=True)]
    )


def _flat(lists: Sequence[Sequence[float]], dtype: type[np.generic]) -> Tensor:
    """One list after the other: [M]."""
    return torch.from_numpy(np.fromiter(chain.from_iterable(lists), dtype))


def _non_tensor(state: State) -> NonTensorData:
    """The state as a tensordict holds it, without the checks of a constructor, which take thrice the time."""
    return NonTensorData.from_tensordict(TensorDict({}, []), {"data": state})


def divide(column: Tensor, lengths: Sequence[int]) -> list[Tensor]:
    """Parts of a column, each with memory of its own: a trajectory that is kept does not keep its batch."""
    return [*torch.ops.aten.split_with_sizes_copy(column, list(lengths))]


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
