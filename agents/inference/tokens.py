"""A sequence of tokens, and who brought each of them in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Tokens:
    """Tokens that belong into one sequence; each list has an entry for each token.

    Attributes:
        token_ids: of everything so far.
        turns: which of the policy's turns sampled the token, counted from 0; -1 for tokens of others.
        logprobs: of sampled tokens, when they were sampled; 0 elsewhere.
        versions: of the policy that sampled them; -1 elsewhere.
    """

    token_ids: list[int] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)

    def append(
        self,
        ids: Sequence[int],
        turn: int = -1,
        logprobs: Sequence[float] | None = None,
        version: int | Sequence[int] = -1,
    ) -> None:
        """Appends tokens; sampled ones come with their turn, log-probs and version, one for all or one for each."""
        self.token_ids += ids
        self.turns += [turn] * len(ids)
        self.logprobs += [0.0] * len(ids) if logprobs is None else logprobs
        self.versions += [version] * len(ids) if isinstance(version, int) else version
