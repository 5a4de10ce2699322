"""Sampling and scoring by vLLM: token ids in, token ids and log-probs out, from an engine or from servers.

Text never goes in or out, because tokenizing a response again may give other tokens. All that would bend the
distribution (top-p, top-k, penalties), and that servers may take from the model's folder, is turned off in each
request. Log-probs must be those of the distribution that was sampled from, temperature included: engines made here are
told so; a server has to be started with ``--logprobs-mode processed_logprobs``, unless the temperature is 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from ..models.lora import has_adapters
from ..models.policy import load_tokenizer
from .backend import BackendError
from .completion import Completion, CompletionRequest, Engine
from .huggingface import HuggingFaceBackend, end_tokens
from .parity import Parity, ParityCheck
from .replicas import Replicas
from .sampling import Sample, TokenFilter
from .vllm_local import LocalEngine
from .vllm_server import VLLMServer
from .weight_sync import FolderTransfer, Transfer
from .weight_transfer import DeviceTransfer

TRANSFERS = ("folder", "nccl", "ipc")
_OF_SERVER = ("timeout", "health_timeout", "sleep", "api_key", "max_bytes", "budget")


class VLLMBackend:
    """Sampling and scoring by vLLM.

    Args:
        model: the model's folder or hub name; for servers, the name they serve it under, None for the one they name.
        tokenizer: its tokenizer; loaded by the model's name where not given.
        dtype: arithmetic of the engine.
        base_url: of a running server, such as ``http://localhost:8000/v1``, or of several, in a list or with commas
            between; None starts an engine in this process.
        trained: the policy that is trained, if there is one: its log-probs are compared with the engine's after each
            load.
        adapters: the configuration of adapters, if they are all that is trained: they alone are sent. By default those
            of ``trained``.
        parity: how much they may differ a token, on average; None compares nothing.
        vocabulary: how many token ids the model has, which may be more than the tokenizer's; None where nobody knows.
        **options: of the engine (:class:`~infinite_rl.agents.inference.vllm_local.LocalEngine`), or of servers
            (:class:`~infinite_rl.agents.inference.replicas.Replicas`, ``api_key``, ``timeout``) and of the way to them
            (``transfer``: ``folder``, ``nccl`` or ``ipc``; ``weights_dir``).

    Raises:
        BackendError: if vLLM is not installed, or the tokenizer cannot be loaded.
        ValueError: if an option makes no sense.
    """

    def __init__(
        self,
        model: str | None,
        tokenizer: PreTrainedTokenizerBase | None = None,
        *,
        dtype: str = "auto",
        base_url: str | Sequence[str] | None = None,
        trained: HuggingFaceBackend | None = None,
        parity: float | None = None,
        adapters: Any = None,
        vocabulary: int | None = None,
        **options: Any,
    ) -> None:
        if adapters is None and trained is not None and has_adapters(trained.model):
            adapters = trained.model.peft_config["default"]
        self.engine: Engine
        if base_url is not None:
            self.engine = _replicas(model, base_url, adapters, options)
        elif model is None:
            raise ValueError("an engine in this process needs the model's folder or name")
        else:
            self.engine = LocalEngine(model, dtype, adapters=adapters, **options)
        self.tokenizer: PreTrainedTokenizerBase = tokenizer or _load_tokenizer(model)
        self.end_ids = end_tokens(trained.model if trained is not None else None, self.tokenizer)
        self.parity: dict[str, Parity] = {}
        self._vocabulary = vocabulary
        self._trained = trained
        self._check = (
            ParityCheck(trained, self.tokenizer, parity) if trained is not None and parity is not None else None
        )
        self._loads = 0

    def autocast(self) -> AbstractContextManager[Any]:
        """The trained policy's; the engine decides about its own, and importance correction about what differs."""
        return nullcontext() if self._trained is None else self._trained.autocast()

    def check_sampling(self, temperature: float, token_filter: TokenFilter | None) -> None:
        """Returns if log-probs will be those of what is sampled from.

        Raises:
            BackendError: says how servers are to be started.
        """
        if (temperature not in (0.0, 1.0) or token_filter) and not self.engine.processed_logprobs:
            raise BackendError(
                f"with a filter, or at temperature {temperature}, the server must give log-probs of what it samples "
                "from: start it with --logprobs-mode processed_logprobs, and pass processed_logprobs=True"
            )

    def sample(
        self,
        prompts: Sequence[Sequence[int]],
        keys: Sequence[int],
        *,
        max_new_tokens: int | Sequence[int],
        temperature: float,
        token_filter: TokenFilter | None = None,
    ) -> list[Sample]:
        """Samples one continuation per prompt; row i is sampled with a seed of its own, made from ``keys[i]``.

        Raises:
            BackendError: if the log-probs would not be those of the sampled distribution, or are no numbers.
        """
        self.check_sampling(temperature, token_filter)
        limits = [max_new_tokens] * len(prompts) if isinstance(max_new_tokens, int) else max_new_tokens
        kept = token_filter or TokenFilter()
        shared = {
            "temperature": temperature,
            "stop_token_ids": self.end_ids,
            "logprobs": 1,
            "top_p": kept.top_p,
            "top_k": -1 if kept.top_k is None else kept.top_k,
            "min_p": kept.min_p,
            "repetition_penalty": 1.0,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
        }
        requests = [
            CompletionRequest(list(prompt), key, limit, shared, self._vocabulary)
            for prompt, key, limit in zip(prompts, keys, limits, strict=True)
        ]
        return [_sample(completion) for completion in self.engine.complete(requests)]

    def logprobs(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> Tensor:
        """The log-prob of each response token at temperature 1: [len(response)], float32."""
        if not response_ids:
            return torch.empty(0)
        return torch.tensor(self.engine.prompt_logprobs([*prompt_ids, *response_ids])[-len(response_ids) :])

    def logits(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> Tensor:
        """The logits that predict each response token, shifted so that they are log-probs: [len(response), V], float32.

        vLLM sends the whole vocabulary for every token, prompt included: for a few short texts. A server must have been
        started with ``--max-logprobs -1``.
        """
        count = len(response_ids)
        rows = self.engine.prompt_distributions([*prompt_ids, *response_ids])
        return torch.tensor(rows[len(rows) - count :], dtype=torch.float32).reshape(count, -1)

    def load(self, weights: Mapping[str, Tensor], *, version: int) -> None:
        """Takes new weights, and compares the log-probs of a few texts with those of the trained policy.

        Raises:
            ParityError: if they are not the same.
        """
        self.engine.load(weights, version=version)
        self._loads += 1
        if self._check is not None:
            self.parity = self._check.check(self.engine.scorers(), version)

    def rest(self) -> None:
        """Gives memory back until new weights come, where the engine can, or servers are told to (``sleep``)."""
        self.engine.rest()

    def close(self) -> None:
        """Breaks off what servers are asked, and removes the weights that were written for vLLM."""
        self.engine.close()

    def fingerprint(self) -> int:
        """How often weights were loaded."""
        return self._loads


def _replicas(model: str | None, base_url: str | Sequence[str], adapters: Any, options: Mapping[str, Any]) -> Replicas:
    """The servers as one engine."""
    urls = base_url.split(",") if isinstance(base_url, str) else base_url
    of_servers = {name: value for name, value in options.items() if name in _OF_SERVER}
    rest = {name: value for name, value in options.items() if name not in _OF_SERVER}
    kind, weights_dir = rest.pop("transfer", "folder"), rest.pop("weights_dir", None)
    if kind not in TRANSFERS:
        raise ValueError(f"transfer must be one of {', '.join(TRANSFERS)}, not {kind!r}")
    if kind != "folder" and adapters is not None:
        raise ValueError(f"transfer={kind} sends whole weights: adapters go by a folder")
    transfer: Transfer = DeviceTransfer(kind) if kind != "folder" else FolderTransfer(adapters, weights_dir)
    return Replicas([VLLMServer(url.strip(), model, **of_servers) for url in urls], transfer, **rest)


def _sample(completion: Completion) -> Sample:
    return Sample(
        torch.tensor(list(completion.token_ids), dtype=torch.long),
        torch.tensor(list(completion.logprobs), dtype=torch.float32),
        truncated=completion.finish_reason == "length",
        versions=torch.tensor(completion.versions, dtype=torch.long),
    )


def _load_tokenizer(model: str | None) -> PreTrainedTokenizerBase:
    if model is None:
        raise BackendError("servers do not hand out their tokenizer: pass tokenizer=…")
    try:
        return load_tokenizer(model)
    except (OSError, ValueError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise BackendError(f"no tokenizer for {model!r} ({reason}): pass tokenizer=…") from None
