"""Columns: a batch of ragged trajectories as flat tensors, one trajectory after the other."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from .trajectory import State, Trajectory, divide


class Columns:
    """Reads a batch column by column, each once: a walk over the members of a lazy stack takes its time.

    What is set here is set in the trajectories. They belong to it from then on: what others set in them is not seen.

    Args:
        trajectories: a batch.
    """

    def __init__(self, trajectories: Trajectory) -> None:
        self.trajectories = trajectories
        # Of the members: a lazy stack looks for the keys that all of them share, whatever is asked for.
        self._rows = trajectories.tensordicts
        self._tokens: dict[str, Tensor | None] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def tokens(self, name: str) -> Tensor | None:
        """A per-token column: [M], one trajectory after the other; None if it is not set in all of them."""
        if name not in self._tokens:
            found = [row.get(name, None) for row in self._rows]
            self._tokens[name] = None if any(part is None for part in found) else torch.cat(found)
        return self._tokens[name]

    def sampled(self, name: str) -> Tensor | None:
        """A per-token column at the sampled tokens: [N]; None if it is not set in all trajectories."""
        values = self.tokens(name)
        return None if values is None else values[self.mask]

    def set_sampled(self, name: str, values: Tensor) -> None:
        """Sets a per-token column from its values at the sampled tokens, [N]; it becomes 0 elsewhere.

        Raises:
            ValueError: if there are not as many values as sampled tokens.
        """
        count = int(self.mask.sum())
        if values.shape != (count,):
            raise ValueError(f"{name} has shape {list(values.shape)} for {count} sampled tokens")
        spread = values.new_zeros(len(self.mask), device="cpu").masked_scatter(self.mask, values.cpu())
        for row, part in zip(self._rows, divide(spread, self.lengths), strict=True):
            row.set(name, part)
        self._tokens[name] = spread

    @cached_property
    def token_ids(self) -> Tensor:
        """[M], int64."""
        return self._known("token_ids")

    @cached_property
    def mask(self) -> Tensor:
        """The sampled tokens: [M], bool."""
        return self._known("action_mask")

    @cached_property
    def lengths(self) -> list[int]:
        """Tokens of each trajectory."""
        return [len(row.get("token_ids")) for row in self._rows]

    @cached_property
    def response_lengths(self) -> Tensor:
        """Sampled tokens of each trajectory: [S], int64. The mask's sum, not a span."""
        return torch.bincount(self._owner[self.mask], minlength=len(self))

    @cached_property
    def turns(self) -> Tensor:
        """Which turn of its episode each sampled token belongs to, from 0: [N], int64."""
        return self._known("turn")[self.mask]

    @cached_property
    def turn_counts(self) -> Tensor:
        """Turns of each trajectory: [S], int64."""
        counts = torch.zeros(len(self), dtype=torch.long)
        return counts.scatter_reduce(0, self._owner[self.mask], self.turns + 1, "amax")

    @cached_property
    def longest_turns(self) -> Tensor:
        """Sampled tokens in the longest turn of each trajectory: [S], int64."""
        most = int(self.turn_counts.max()) or 1
        slot = self._owner[self.mask] * most + self.turns
        return torch.bincount(slot, minlength=len(self) * most).view(-1, most).amax(1)

    @cached_property
    def groups(self) -> Tensor:
        """[S], int64."""
        return torch.stack([row.get("group") for row in self._rows])

    @cached_property
    def valid(self) -> Tensor:
        """[S], bool."""
        return torch.stack([row.get("valid") for row in self._rows])

    @cached_property
    def truncated(self) -> Tensor:
        """[S], bool."""
        return torch.stack([row.get("truncated") for row in self._rows])

    @cached_property
    def rewards(self) -> Tensor:
        """What the environment gave: [S], float32."""
        return torch.stack([row.get("reward") for row in self._rows])

    @cached_property
    def weights(self) -> Tensor:
        """What the loss of each is multiplied by: [S], float64; 1 where nothing is said."""
        return torch.tensor([float(row.get("weight", 1.0)) for row in self._rows], dtype=torch.float64)

    def set_weights(self, weights: Tensor) -> None:
        """Sets what the loss of each is multiplied by: [S], float."""
        for row, weight in zip(self._rows, weights.float().unbind(), strict=True):
            row.set("weight", weight)
        self.__dict__.pop("weights", None)

    @cached_property
    def states(self) -> list[State]:
        """The state of each trajectory."""
        # Not by ``data``: that asks tensordict's whole machinery, and would take most of the time of all columns.
        return [row.get("state")._non_tensordict["data"] for row in self._rows]

    @cached_property
    def cut_short(self) -> Tensor:
        """Whether a limit ended the episode before the environment did: [S], bool. Then it might have earned more.

        A response that ``max_new_tokens`` cut, and that was graded as it stood, earned what it earned.
        """
        return torch.tensor([bool({"context", "turns", "time"} & {*state["limits"]}) for state in self.states])

    @cached_property
    def _owner(self) -> Tensor:
        """The trajectory of each token: [M], int64."""
        return torch.repeat_interleave(torch.arange(len(self)), torch.tensor(self.lengths))

    def _known(self, name: str) -> Tensor:
        """A per-token column that every trajectory has."""
        found = self.tokens(name)
        assert found is not None, f"a trajectory without {name}"
        return found
