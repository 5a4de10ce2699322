"""What a vLLM engine is asked and what it answers, wherever it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from torch import Tensor

from .sampling import stream_key


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """A prompt to be continued.

    Attributes:
        prompt: token ids.
        key: names the random stream, the same in all turns of an episode.
        max_tokens: at most so many.
        sampling: the other parameters, in vLLM's names.
    """

    prompt: Sequence[int]
    key: int
    max_tokens: int
    sampling: Mapping[str, Any]

    def after(self, token_ids: Sequence[int]) -> CompletionRequest:
        """What is left to ask for when these tokens are there."""
        return replace(self, prompt=[*self.prompt, *token_ids], max_tokens=self.max_tokens - len(token_ids))

    def parameters(self) -> dict[str, Any]:
        """All but the prompt.

        An engine starts each request with fresh random numbers, so the seed depends on where the request begins, or
        every turn of an episode would draw the same ones. Seeds are signed, of 64 bits.
        """
        seed = stream_key(self.key, len(self.prompt)) >> 1
        return {"max_tokens": self.max_tokens, "seed": seed, **self.sampling}


@dataclass(frozen=True, slots=True)
class Completion:
    """A continuation.

    Attributes:
        token_ids: the end token included where one was sampled.
        logprobs: one for each token.
        finish_reason: ``stop``, ``length``, or ``abort`` where new weights interrupted it.
        versions: of the policy that sampled each token.
    """

    token_ids: Sequence[int]
    logprobs: Sequence[float]
    finish_reason: str
    versions: list[int] = field(default_factory=list)


class Engine(Protocol):
    """What the backend asks of vLLM."""

    processed_logprobs: bool

    def complete(self, requests: Sequence[CompletionRequest]) -> Sequence[Completion]:
        """Continues the prompt of each request."""

    def prompt_logprobs(self, token_ids: Sequence[int]) -> list[float]:
        """The log-prob of each token but the first."""

    def prompt_distributions(self, token_ids: Sequence[int]) -> list[list[float]]:
        """The log-probs of the whole vocabulary, by id, at each token but the first."""

    def load(self, weights: Mapping[str, Tensor], *, version: int) -> None:
        """Takes new weights, and forgets what was computed with the old ones."""

    def scorers(self) -> Mapping[str, Callable[[Sequence[int]], list[float]]]:
        """The ``prompt_logprobs`` of every copy of the model, by the copy's name."""

    def rest(self) -> None:
        """Gives memory back until it is asked again, where it can."""

    def close(self) -> None:
        """Breaks off what is under way, and frees what was kept."""
