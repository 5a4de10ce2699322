"""A vLLM server, spoken to over HTTP.

Requests go to ``/v1/completions`` with the prompt as token ids; ``return_token_ids`` makes the server answer in ids.
New weights go by ``/collective_rpc`` and ``/reset_prefix_cache``, which a server offers if it was started with
``VLLM_SERVER_DEV_MODE=1``; it must see the folder that the weights are written to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...runtimes.endpoint import Endpoint
from .backend import BackendError

_DEVELOPMENT = {404: "Start the server with VLLM_SERVER_DEV_MODE=1, so that its weights can be changed."}


class _Completions(Endpoint):
    path = "/completions"
    kind = "a vLLM server"


class _CollectiveRpc(Endpoint):
    path = "/collective_rpc"
    kind = "a vLLM server"
    hints = Endpoint.hints | _DEVELOPMENT


class _ResetPrefixCache(Endpoint):
    path = "/reset_prefix_cache"
    kind = "a vLLM server"
    hints = Endpoint.hints | _DEVELOPMENT


@dataclass(frozen=True, slots=True)
class ServerCompletion:
    """A continuation, as the server gave it."""

    token_ids: list[int]
    logprobs: list[float]
    finish_reason: str


class VLLMServer:
    """A vLLM server.

    Args:
        model: the name that it serves the model under.
        base_url: such as ``http://localhost:8000/v1``.
        processed_logprobs: whether it was started with ``--logprobs-mode processed_logprobs``.
        weights_dir: where new weights are written for it; by default the folder for temporary files.
        concurrency: requests at once; the server makes batches of them.
        **options: of :class:`~infinite_rl.runtimes.endpoint.Endpoint`, such as ``api_key`` and ``timeout``.
    """

    def __init__(
        self,
        model: str,
        base_url: str,
        *,
        processed_logprobs: bool = False,
        weights_dir: Path | None = None,
        concurrency: int = 128,
        **options: Any,
    ) -> None:
        self.processed_logprobs = processed_logprobs
        self.weights_dir = weights_dir
        self.concurrency = concurrency
        root = base_url.rstrip("/").removesuffix("/v1")
        self._completions = _Completions(f"{root}/v1", model, **options)
        self._rpc = _CollectiveRpc(root, model, **options)
        self._reset = _ResetPrefixCache(root, model, **options)

    def complete(self, requests: Sequence[Mapping[str, Any]]) -> list[ServerCompletion]:
        """Continues the prompt of each request.

        Raises:
            EndpointError: the server could not be reached, refused, or sent something else.
        """
        if not requests:
            return []
        with ThreadPoolExecutor(min(self.concurrency, len(requests))) as pool:
            return list(pool.map(self._complete, requests))

    def prompt_logprobs(self, token_ids: Sequence[int]) -> list[float]:
        """The log-prob of each token but the first."""
        rows = self._read_prompt(token_ids, 1)
        return [row[token] for token, row in zip(token_ids[1:], rows, strict=True)]

    def prompt_distributions(self, token_ids: Sequence[int]) -> list[list[float]]:
        """The log-probs of the whole vocabulary, by id, at each token but the first."""
        return [[row[token] for token in sorted(row)] for row in self._read_prompt(token_ids, -1)]

    def reload(self, folder: Path) -> None:
        """Takes the weights in a folder, and forgets what was computed with the old ones.

        Raises:
            EndpointError: the server could not be reached, or refused.
        """
        self._rpc.ask({"method": "reload_weights", "kwargs": {"weights_path": str(folder)}})
        self._reset.ask({})

    def _complete(self, request: Mapping[str, Any]) -> ServerCompletion:
        choice = self._ask(request)
        ids, scores = choice.get("token_ids"), (choice.get("logprobs") or {}).get("token_logprobs")
        if not isinstance(ids, list) or not isinstance(scores, list):
            raise BackendError(
                f"{self._completions.url} gave no token ids or no log-probs: is it vLLM 0.10.2 or later?"
            )
        if (given := choice.get("prompt_token_ids")) is not None and given != request["prompt"]:
            raise BackendError(f"{self._completions.url} continued other tokens than it was given")
        return ServerCompletion(ids, [float(score) for score in scores], str(choice.get("finish_reason")))

    def _read_prompt(self, token_ids: Sequence[int], count: int) -> list[dict[int, float]]:
        """Log-probs by token id at each token but the first: of it, and of the likeliest ``count`` (-1: of all)."""
        choice = self._ask({"prompt": list(token_ids), "max_tokens": 1, "temperature": 1.0, "prompt_logprobs": count})
        rows = choice.get("prompt_logprobs")
        if not isinstance(rows, list) or len(rows) != len(token_ids):
            raise BackendError(f"{self._completions.url} gave no log-probs of the prompt")
        return [{int(token): float(entry["logprob"]) for token, entry in row.items()} for row in rows[1:]]

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The only choice of the answer."""
        reply = self._completions.ask({"model": self._completions.model, "return_token_ids": True, **request})
        try:
            (choice,) = json.loads(reply.body)["choices"]
            if not isinstance(choice, dict):
                raise TypeError("the choice is no object")
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            raise self._completions.unreadable("completion", error, reply) from None
        return choice
