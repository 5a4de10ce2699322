"""What a vLLM engine is asked and what it answers, wherever it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from torch import Tensor

from .backend import BackendError
from .sampling import stream_key

# Instead of the log-prob of what cannot be, vLLM sends this number.
_IMPOSSIBLE = -9999.0
# Sums of probabilities in half precision end up so far above 1.
_ROUNDING = 1e-3
# What ends a continuation.
_REASONS = ("stop", "length", "abort")


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """A prompt to be continued.

    Attributes:
        prompt: token ids.
        key: names the random stream, the same in all turns of an episode.
        max_tokens: at most so many.
        sampling: the other parameters, in vLLM's names.
        vocabulary: how many token ids there are; None where nobody knows.
    """

    prompt: Sequence[int]
    key: int
    max_tokens: int
    sampling: Mapping[str, Any]
    vocabulary: int | None = None

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

    def check(self, found: Completion) -> Completion:
        """Returns a continuation that can be learnt from.

        Raises:
            BackendError: says what is wrong with it.
        """
        ids, logprobs, reason = found.token_ids, found.logprobs, found.finish_reason
        if reason not in _REASONS:
            raise BackendError(f"vLLM ended a response with {reason!r}: its log may say more")
        if len(ids) != len(logprobs):
            raise BackendError(f"vLLM gave {len(ids)} tokens and {len(logprobs)} log-probs: it must give both")
        if len(ids) > self.max_tokens or (not ids and reason != "abort"):
            raise BackendError(f"vLLM gave {len(ids)} tokens, and was asked for 1 to {self.max_tokens}")
        for place, (token, logprob) in enumerate(zip(ids, logprobs, strict=True), 1):
            most = (self.vocabulary or 2**31) - 1
            if not 0 <= token <= most:
                raise BackendError(
                    f"vLLM sampled token {token}, number {place} of a response, but ids go from 0 to {most}: does it "
                    "serve another model?"
                )
            if not _IMPOSSIBLE < logprob <= _ROUNDING:  # what is no number compares as false
                raise BackendError(
                    f"vLLM sampled token {token}, number {place} of a response, with the log-prob {logprob}: its "
                    "weights or its arithmetic are broken, and nothing can be learnt from it"
                )
        return found


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
