"""Inference: text in, text and token records out."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ...envs.tools.tool import Tool, ToolCall
from ..models.policy import load_policy
from .backend import Backend
from .calls import ask_episode, current_episode
from .endpoint import EndpointBackend
from .generation import Generation, GenerationCache, GenerationResult
from .huggingface import HuggingFaceBackend
from .sampling import Sample, stream_key
from .session import Session
from .tools import read_calls, told_of_tools
from .vllm import VLLMBackend

BACKENDS = ("huggingface", "vllm", "openai")
MAX_NEW_TOKENS = 128


class InferenceModule:
    """Generation and scoring by one policy, whatever runs it.

    Args:
        model: a model, or the folder or hub name to load one from; with ``openai``, what the server calls it.
        tokenizer: its tokenizer; loaded beside the model where not given.
        backend: ``huggingface``: transformers in this process; ``vllm``: an engine in this process, or with
            ``base_url`` a server; ``openai``: any server of chat completions, for evaluation only; or a backend object.
        seed: names the random streams of :meth:`generate`.
        dtype: arithmetic of forward passes; see :class:`HuggingFaceBackend`.
        cache_size: so many answers at temperature 0 are kept, and given again until the weights change.
        **options: of the backend, such as ``base_url``; see its class.

    Raises:
        ValueError: for an unknown backend, or a model object without a tokenizer.
        BackendError: if the backend is not installed.
    """

    def __init__(
        self,
        model: PreTrainedModel | str,
        tokenizer: PreTrainedTokenizerBase | None = None,
        backend: str | Backend = "huggingface",
        *,
        seed: int = 0,
        dtype: str = "auto",
        cache_size: int = 256,
        **options: Any,
    ) -> None:
        if isinstance(backend, str) and backend not in BACKENDS:
            raise ValueError(f"unknown backend {backend!r}: there are {', '.join(BACKENDS)}")
        if backend == "huggingface" and options:
            raise TypeError(f"the backend huggingface takes no {', '.join(options)}")
        self.model: PreTrainedModel | None = None
        self.backend: Backend
        if backend == "vllm":
            self.backend = VLLMBackend(_name(model, "vllm"), tokenizer, dtype=dtype, **options)
            tokenizer = self.backend.tokenizer
        elif backend == "openai":
            self.backend = EndpointBackend(_name(model, "openai"), **options)
        elif backend == "huggingface":
            if isinstance(model, str):
                model, own_tokenizer = load_policy(model)
                tokenizer = tokenizer or own_tokenizer
            if tokenizer is None:
                raise ValueError("a model object needs its tokenizer: InferenceModule(model=…, tokenizer=…)")
            self.model = model
            self.backend = HuggingFaceBackend(model, tokenizer, dtype=dtype)
        else:
            assert not isinstance(backend, str)
            self.backend = backend
            self.model = None if isinstance(model, str) else model
        self._tokenizer = tokenizer
        self.version = 0
        self.seed = seed
        self.cache = GenerationCache(cache_size)
        self.playing = 0
        self._calls = 0
        self._lock = threading.Lock()

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The policy's tokenizer.

        Raises:
            BackendError: if the backend has none, because its server speaks text alone.
        """
        if self._tokenizer is None:
            raise EndpointBackend.refuse("its tokens")
        return self._tokenizer

    def generate(
        self, prompts: Sequence[str], max_new_tokens: int | None = None, temperature: float | None = None
    ) -> GenerationResult:
        """Continues each prompt.

        In an environment whose episodes a rollout manager plays, the call belongs to the episode: it is answered
        together with those of other episodes, and its tokens are what the episode's training sees.

        Args:
            prompts: plain texts, continued as they stand (no chat template).
            max_new_tokens: at most so many tokens each; by default 128, in an episode what the manager's config says.
            temperature: 0 takes the likeliest token; by default 1, in an episode what the manager's config says.

        Returns:
            One :class:`Generation` per prompt: a string, special tokens left out, with its token record.

        Raises:
            TypeError: if ``prompts`` is a single text.
        """
        if isinstance(prompts, str):
            raise TypeError(f"prompts must be a list of texts; for a single one write [{prompts[:40]!r}]")
        if not prompts:
            return GenerationResult()
        answered = ask_episode(self, prompts, max_new_tokens, temperature)
        if answered is not None:
            return answered  # type: ignore[no-any-return]
        if self.playing and current_episode() is None:
            raise RuntimeError(
                "generate was called by no episode while episodes are played, in a thread that an environment started: "
                "call it in the thread that runs step()"
            )
        with self._lock:
            return self._generate(
                list(prompts),
                MAX_NEW_TOKENS if max_new_tokens is None else max_new_tokens,
                1.0 if temperature is None else temperature,
            )

    def batch_generate_with_tools(
        self,
        prompts: Sequence[str],
        available_tools: Sequence[str | Tool],
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        *,
        tool_format: str = "hermes",
    ) -> tuple[GenerationResult, list[list[ToolCall]]]:
        """Continues each prompt after telling the policy of tools, and reads the calls in what it says.

        Nothing is run; what a call gives is up to the caller (``Tool.run``).

        Args:
            prompts: plain texts.
            available_tools: tools, or names of those that come with the package.
            max_new_tokens: as in :meth:`generate`.
            temperature: as in :meth:`generate`.
            tool_format: how calls are written; see ``infinite_rl.envs.tools.formats.FORMATS``.

        Returns:
            The generations, and for each of them its calls.

        Raises:
            ValueError: for an unknown tool or format.
        """
        tools, told = told_of_tools(available_tools, tool_format)
        result = self.generate([f"{told}\n\n{prompt}" for prompt in prompts], max_new_tokens, temperature)
        return result, [read_calls(text, tools, tool_format) for text in result]

    def respond(
        self,
        sessions: Sequence[Session],
        *,
        max_new_tokens: int | Sequence[int],
        temperature: float,
        **sampling: Any,
    ) -> list[str]:
        """Lets the policy speak next in each session, which keeps the tokens; the texts are returned.

        Args:
            sessions: whose tokens so far are the prompts.
            max_new_tokens: at most so many tokens; one number for all, or one for each.
            temperature: 0 takes the likeliest token.
            **sampling: what else the backend is told.
        """
        samples = self.backend.sample(
            [session.token_ids for session in sessions],
            [session.key for session in sessions],
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            **sampling,
        )
        for session, sample in zip(sessions, samples, strict=True):
            session.record(sample, self.version)
        return self.decode([sample.token_ids for sample in samples])

    def get_logits(self, prompts: Sequence[str], responses: Sequence[str]) -> Tensor:
        """The logits that predict each response token: [batch, longest response, V], float32; zeros where padded."""
        rows = [self.backend.logits(prompt, response) for prompt, response in self._pairs(prompts, responses)]
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)

    def get_logprobs(self, prompts: Sequence[str], responses: Sequence[str]) -> Tensor:
        """The log-prob of each response token at temperature 1: [batch, longest response]; zeros where padded."""
        rows = [self.backend.logprobs(prompt, response) for prompt, response in self._pairs(prompts, responses)]
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)

    def load(self, weights: Mapping[str, Tensor], *, version: int) -> None:
        """Takes new weights. A model object shared with the trainer has them already: then only the version counts."""
        self.backend.load(weights, version=version)
        self.version = version

    def rest(self) -> None:
        """Gives memory back until new weights come, where the backend can: between rollout and training, say."""
        self.backend.rest()

    def close(self) -> None:
        """Breaks off what is under way, of a server that hangs, say; nothing is asked any more."""
        self.backend.close()

    def decode(self, token_ids: Sequence[Tensor]) -> list[str]:
        """The texts of sampled tokens, special tokens left out."""
        return list(self.tokenizer.batch_decode(list(token_ids), skip_special_tokens=True))

    def encode(self, prompt: str) -> list[int]:
        """The token ids of a prompt, with the start token of models that have one."""
        # An empty prompt starts from the end token, as GPT-2 was trained.
        return list(self.tokenizer.encode(prompt)) or [self.backend.end_ids[0]]

    def encode_rest(self, text: str) -> list[int]:
        """The token ids of a text that goes on after others."""
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def _generate(self, prompts: list[str], max_new_tokens: int, temperature: float) -> GenerationResult:
        if isinstance(self.backend, EndpointBackend):
            texts = self.backend.continue_texts(prompts, max_new_tokens=max_new_tokens, temperature=temperature)
            return GenerationResult(Generation.of_text(text, self.version) for text in texts)
        prompt_ids = [self.encode(prompt) for prompt in prompts]
        keys = [stream_key(self.seed, "generate", self._calls, row) for row in range(len(prompts))]
        self._calls += 1
        samples = self._sample(prompt_ids, keys, max_new_tokens, temperature)
        texts = self.decode([sample.token_ids for sample in samples])
        return GenerationResult(
            Generation(text, ids, sample, self.version)
            for text, ids, sample in zip(texts, prompt_ids, samples, strict=True)
        )

    def _sample(
        self, prompt_ids: list[list[int]], keys: list[int], max_new_tokens: int, temperature: float
    ) -> list[Sample]:
        """Samples, but for what the cache holds."""
        if temperature or not self.cache.size:
            return self.backend.sample(prompt_ids, keys, max_new_tokens=max_new_tokens, temperature=temperature)
        state = (self.version, self.backend.fingerprint(), max_new_tokens)
        questions = [(*state, tuple(ids)) for ids in prompt_ids]
        found = {question: self.cache.get(question) for question in questions}
        missing = [question for question, sample in found.items() if sample is None]
        fresh = self.backend.sample(
            [question[-1] for question in missing],
            keys[: len(missing)],
            max_new_tokens=max_new_tokens,
            temperature=temperature,
        )
        for question, new in zip(missing, fresh, strict=True):
            self.cache.put(question, new)
        known = found | dict(zip(missing, fresh, strict=True))
        return [sample for sample in map(known.get, questions) if sample is not None]

    def _pairs(self, prompts: Sequence[str], responses: Sequence[str]) -> list[tuple[list[int], list[int]]]:
        """Token ids of prompts and responses; a response made by :meth:`generate` keeps the tokens it was made of."""
        pairs = []
        for prompt, response in zip(prompts, responses, strict=True):
            if isinstance(response, Generation) and response.prompt_ids:
                pairs.append((response.prompt_ids, response.sample.token_ids.tolist()))
            else:
                pairs.append((self.encode(prompt), self.encode_rest(response)))
        return pairs


def create_inference_module(
    model: PreTrainedModel | str,
    backend: str = "huggingface",
    tokenizer: PreTrainedTokenizerBase | None = None,
    **options: Any,
) -> InferenceModule:
    """Makes an :class:`InferenceModule`; see there for the arguments."""
    return InferenceModule(model, tokenizer, backend, **options)


def _name(model: PreTrainedModel | str, backend: str) -> str:
    if not isinstance(model, str):
        raise ValueError(f"the backend {backend} takes a model's name or folder, not a model object")
    return model
