"""A model behind an OpenAI-compatible server: texts only, so it can be evaluated and not trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from torch import Tensor

from ...runtimes import ChatEndpoint
from .backend import NoTokens
from .sampling import Sample, TokenFilter
from .side_by_side import at_once


class EndpointBackend:
    """Asks a server of chat completions; each prompt is sent as a user's message.

    Args:
        model: its name there.
        base_url: where the API lies, such as ``http://localhost:8000/v1``.
        concurrency: requests at once.
        **options: of :class:`~infinite_rl.runtimes.endpoint.ChatEndpoint`, such as ``api_key`` and ``budget``.

    Raises:
        TypeError: without ``base_url``.
    """

    def __init__(self, model: str, *, base_url: str | None = None, concurrency: int = 16, **options: Any) -> None:
        if base_url is None:
            raise TypeError("the backend openai needs base_url, such as http://localhost:8000/v1")
        self.end_ids: list[int] = []
        self.concurrency = concurrency
        self.endpoint = ChatEndpoint(base_url, model, **options)

    def continue_texts(self, prompts: Sequence[str], *, max_new_tokens: int, temperature: float) -> list[str]:
        """What the model answers to each prompt.

        Raises:
            EndpointError: the server could not be reached or refused, after all tries.
        """

        def ask(prompt: str) -> str:
            messages = [{"role": "user", "content": prompt}]
            return self.endpoint.chat(messages, max_tokens=max_new_tokens, temperature=temperature).text

        if len(prompts) == 1:
            return [ask(prompts[0])]
        return at_once([partial(ask, prompt) for prompt in prompts], self.concurrency)

    @staticmethod
    def refuse(what: str) -> NoTokens:
        """The error of asking for something else than texts."""
        return NoTokens(
            f"a server of chat completions gives texts, not {what}: it serves evaluation; "
            "to train, take the backend huggingface or vllm"
        )

    def autocast(self) -> AbstractContextManager[Any]:
        """Nothing: the server decides."""
        return nullcontext()

    def sample(
        self,
        prompts: Sequence[Sequence[int]],
        keys: Sequence[int],
        *,
        max_new_tokens: int | Sequence[int],
        temperature: float,
        token_filter: TokenFilter | None = None,
    ) -> list[Sample]:
        """Refused."""
        raise self.refuse("tokens")

    def logprobs(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> Tensor:
        """Refused."""
        raise self.refuse("log-probs of given texts")

    def logits(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> Tensor:
        """Refused."""
        raise self.refuse("logits")

    def load(self, weights: Mapping[str, Tensor], *, version: int) -> None:
        """Refused."""
        raise self.refuse("a way to change its weights")

    def rest(self) -> None:
        """Nothing: the server is not ours."""

    def close(self) -> None:
        """Breaks off requests that are under way."""
        self.endpoint.cut()
        self.endpoint.close()

    def fingerprint(self) -> int:
        """Always the same: nobody tells when the server's model changes."""
        return 0
