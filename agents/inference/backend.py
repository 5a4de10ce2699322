"""What runs a policy, as the rest of the package sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from torch import Tensor

from .sampling import Sample, TokenFilter


class BackendError(RuntimeError):
    """A backend is not there, or cannot do what it was asked for; says what to do instead."""


class NoTokens(BackendError, AttributeError):
    """A backend speaks text alone; also an ``AttributeError``, for those who ask whether there is a tokenizer."""


class Backend(Protocol):
    """Samples and scores tokens. Ids in and out: text is the module's business.

    Attributes:
        end_ids: tokens that end a response.
    """

    end_ids: list[int]

    def autocast(self) -> AbstractContextManager[Any]:
        """The arithmetic of forward passes, for a trainer whose log-probs are to agree."""

    def sample(
        self,
        prompts: Sequence[Sequence[int]],
        keys: Sequence[int],
        *,
        max_new_tokens: int | Sequence[int],
        temperature: float,
        token_filter: TokenFilter | None = None,
    ) -> list[Sample]:
        """Samples one continuation per prompt; row i draws from the random stream ``keys[i]``.

        Args:
            prompts: token ids.
            keys: one for each prompt.
            max_new_tokens: at most so many tokens a row; one number for all of them, or one for each.
            temperature: divides the logits; 0 takes the likeliest token.
            token_filter: which tokens may be sampled; None for all.
        """

    def logprobs(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> Tensor:
        """The log-prob of each response token at temperature 1: [len(response)], float32."""

    def logits(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> Tensor:
        """The logits that predict each response token: [len(response), V], float32."""

    def load(self, weights: Mapping[str, Tensor], *, version: int) -> None:
        """Takes new weights."""

    def rest(self) -> None:
        """Gives memory back until new weights come, where the backend can."""

    def close(self) -> None:
        """Breaks off what is under way, and frees what was kept; nothing is asked any more. Safe to call again."""

    def fingerprint(self) -> int:
        """A number that changes with the weights, so that nothing stale is kept."""
