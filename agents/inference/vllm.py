"""Sampling and scoring by vLLM: token ids in, token ids and log-probs out, from an engine or from a server.

Text never goes in or out, because tokenizing a response again may give other tokens. All that would bend the
distribution (top-p, top-k, penalties), and that servers may take from the model's folder, is turned off in each
request. Log-probs must be those of the distribution that was sampled from, temperature included: engines made here are
told so; a server has to be started with ``--logprobs-mode processed_logprobs``, unless the temperature is 1.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from ..models.policy import load_tokenizer
from .backend import BackendError
from .huggingface import end_tokens
from .sampling import Sample, TokenFilter
from .vllm_server import VLLMServer


@dataclass(frozen=True, slots=True)
class Completion:
    """A continuation as vLLM gave it.

    Attributes:
        token_ids: the end token included where one was sampled.
        logprobs: one for each token.
        finish_reason: ``stop`` or ``length``.
    """

    token_ids: Sequence[int]
    logprobs: Sequence[float]
    finish_reason: str


class Engine(Protocol):
    """What the backend asks of vLLM, wherever it runs."""

    processed_logprobs: bool

    def complete(self, requests: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
        """Continues the prompt of each request; things with the fields of :class:`Completion`."""

    def prompt_logprobs(self, token_ids: Sequence[int]) -> list[float]:
        """The log-prob of each token but the first."""

    def prompt_distributions(self, token_ids: Sequence[int]) -> list[list[float]]:
        """The log-probs of the whole vocabulary, by id, at each token but the first."""

    def reload(self, folder: Path) -> None:
        """Takes the weights in a folder, and forgets what was computed with the old ones."""


class VLLMBackend:
    """Sampling and scoring by vLLM.

    Args:
        model: the model's folder or hub name; for a server, the name it serves the model under.
        tokenizer: its tokenizer; loaded by the model's name where not given.
        dtype: arithmetic of the engine.
        base_url: of a running server, such as ``http://localhost:8000/v1``; None starts an engine in this process.
        **options: of the engine (``vllm.LLM``), or of :class:`~infinite_rl.agents.inference.vllm_server.VLLMServer`.

    Raises:
        BackendError: if vLLM is not installed, or the tokenizer cannot be loaded.
    """

    def __init__(
        self,
        model: str,
        tokenizer: PreTrainedTokenizerBase | None = None,
        *,
        dtype: str = "auto",
        base_url: str | None = None,
        **options: Any,
    ) -> None:
        self.engine: Engine = (
            LocalEngine(model, dtype, options) if base_url is None else VLLMServer(model, base_url, **options)
        )
        self.tokenizer: PreTrainedTokenizerBase = tokenizer or _load_tokenizer(model)
        self.end_ids = end_tokens(None, self.tokenizer)
        self._loads = 0

    def autocast(self) -> AbstractContextManager[Any]:
        """Nothing: the engine decides about its arithmetic, and importance correction about what differs."""
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
        """Samples one continuation per prompt; row i is sampled with a seed of its own, made from ``keys[i]``.

        Raises:
            BackendError: if the log-probs would not be those of the sampled distribution.
        """
        if (temperature not in (0.0, 1.0) or token_filter) and not self.engine.processed_logprobs:
            raise BackendError(
                f"with a filter, or at temperature {temperature}, the server must give log-probs of what it samples "
                "from: start it with --logprobs-mode processed_logprobs, and pass processed_logprobs=True"
            )
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
            {"prompt": list(prompt), "max_tokens": limit, "seed": key >> 1, **shared}  # seeds are signed, of 64 bits
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
        """Takes new weights, by way of a folder that engine or server reads."""
        from safetensors.torch import save_file

        with tempfile.TemporaryDirectory(prefix="weights-", dir=getattr(self.engine, "weights_dir", None)) as folder:
            # Copies: tied weights are one tensor under two names, and the head must be there by its own.
            tensors = {name: weight.detach().cpu().contiguous().clone() for name, weight in weights.items()}
            save_file(tensors, Path(folder) / "model.safetensors")
            self.engine.reload(Path(folder))
        self._loads += 1

    def fingerprint(self) -> int:
        """How often weights were loaded."""
        return self._loads


class LocalEngine:
    """An engine of vLLM in this process."""

    processed_logprobs = True

    def __init__(self, model: str, dtype: str, options: Mapping[str, Any]) -> None:
        try:
            import vllm
        except ImportError as error:
            raise BackendError(
                f'vllm cannot be imported ({error}): pip install -e ".[vllm]" in an environment of its own, '
                "or pass the base_url of a vLLM server"
            ) from None
        self._params = vllm.SamplingParams
        defaults = {"logprobs_mode": "processed_logprobs", "generation_config": "vllm", "max_logprobs": -1}
        defaults["dtype"] = dtype
        self._llm = vllm.LLM(model=model, **(defaults | dict(options)))

    def complete(self, requests: Sequence[Mapping[str, Any]]) -> list[Completion]:
        """Continues the prompt of each request, all in one batch."""
        prompts = [{"prompt_token_ids": request["prompt"]} for request in requests]
        params = [
            self._params(**{name: value for name, value in request.items() if name != "prompt"}) for request in requests
        ]
        found = []
        for output in self._llm.generate(prompts, params, use_tqdm=False):
            chosen = output.outputs[0]
            ids = list(chosen.token_ids)
            logprobs = [float(row[token].logprob) for token, row in zip(ids, chosen.logprobs, strict=True)]
            found.append(Completion(ids, logprobs, str(chosen.finish_reason)))
        return found

    def prompt_logprobs(self, token_ids: Sequence[int]) -> list[float]:
        """The log-prob of each token but the first."""
        rows = self._read_prompt(token_ids, 1)
        return [float(row[token].logprob) for token, row in zip(token_ids[1:], rows, strict=True)]

    def prompt_distributions(self, token_ids: Sequence[int]) -> list[list[float]]:
        """The log-probs of the whole vocabulary, by id, at each token but the first."""
        return [[float(row[token].logprob) for token in sorted(row)] for row in self._read_prompt(token_ids, -1)]

    def reload(self, folder: Path) -> None:
        """Takes the weights in a folder, and forgets what was computed with the old ones."""
        self._llm.collective_rpc("reload_weights", kwargs={"weights_path": str(folder)})
        self._llm.reset_prefix_cache()

    def _read_prompt(self, token_ids: Sequence[int], count: int) -> list[Mapping[int, Any]]:
        params = self._params(max_tokens=1, temperature=1.0, prompt_logprobs=count)
        (output,) = self._llm.generate([{"prompt_token_ids": list(token_ids)}], params, use_tqdm=False)
        return list(output.prompt_logprobs[1:])


def _sample(completion: Any) -> Sample:
    if len(completion.token_ids) != len(completion.logprobs):
        raise BackendError(
            f"vLLM gave {len(completion.token_ids)} tokens and {len(completion.logprobs)} log-probs: it must give both"
        )
    return Sample(
        torch.tensor(list(completion.token_ids), dtype=torch.long),
        torch.tensor(list(completion.logprobs), dtype=torch.float32),
        truncated=completion.finish_reason == "length",
    )


def _load_tokenizer(model: str) -> PreTrainedTokenizerBase:
    try:
        return load_tokenizer(model)
    except (OSError, ValueError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise BackendError(f"no tokenizer for {model!r} ({reason}): pass tokenizer=…") from None
