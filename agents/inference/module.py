"""Inference: text in, text and token records out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ..config import DTYPES
from ..models.policy import load_policy
from ..updates.scoring import token_scores
from .sampling import Sample, TokenFilter, sample_tokens, stream_key
from .session import Session


class Generation(str):
    """A generated text that remembers its tokens.

    Attributes:
        prompt_ids: token ids of the prompt.
        sample: the sampled tokens with their log-probs.
        version: the policy version that sampled them.
    """

    prompt_ids: list[int]
    sample: Sample
    version: int

    def __new__(cls, text: str, prompt_ids: list[int], sample: Sample, version: int) -> Generation:
        """Makes the text, and ties the record to it."""
        generation = super().__new__(cls, text)
        generation.prompt_ids, generation.sample, generation.version = prompt_ids, sample, version
        return generation

    def __getnewargs__(self) -> tuple[str, list[int], Sample, int]:  # type: ignore[override]
        """What copies and pickles are made from."""
        return str(self), self.prompt_ids, self.sample, self.version


class GenerationResult(list[Generation]):
    """The generations for a list of prompts, in their order."""

    @property
    def texts(self) -> list[str]:
        """The plain texts."""
        return [str(generation) for generation in self]


class HuggingFaceBackend:
    """Sampling and scoring with a transformers model in this process.

    Args:
        model: a causal language model.
        tokenizer: its tokenizer.
        dtype: arithmetic of forward passes: under ``bfloat16`` the weights stay as they are and autocast does the rest;
            ``auto`` takes bfloat16 on a GPU that has it, else float32.

    Raises:
        ValueError: for an unknown dtype, or if neither model nor tokenizer names an end token.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        dtype: str = "auto",
    ) -> None:
        if dtype not in DTYPES:
            raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, not {dtype!r}")
        self.model = model
        self.tokenizer = tokenizer
        self.bfloat16 = dtype == "bfloat16" or (
            dtype == "auto" and model.device.type == "cuda" and torch.cuda.is_bf16_supported()
        )
        self.end_ids = _end_ids(model, tokenizer)
        self.pad_id = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else self.end_ids[0]

    def autocast(self) -> AbstractContextManager[Any]:
        """The arithmetic that sampling and scoring share, so that their log-probs agree."""
        if not self.bfloat16:
            return nullcontext()
        return torch.autocast(self.model.device.type, dtype=torch.bfloat16)

    def sample(
        self,
        prompts: Sequence[Sequence[int]],
        keys: Sequence[int],
        *,
        max_new_tokens: int | Sequence[int],
        temperature: float,
        token_filter: TokenFilter | None = None,
    ) -> list[Sample]:
        """Samples one continuation per prompt of token ids; row i draws from the random stream ``keys[i]``."""
        training = self.model.training
        self.model.eval()
        try:
            with self.autocast():
                return sample_tokens(
                    self.model,
                    prompts,
                    keys,
                    max_new_tokens=max_new_tokens,
                    temperature=temperature,
                    end_ids=self.end_ids,
                    pad_id=self.pad_id,
                    token_filter=token_filter,
                )
        finally:
            self.model.train(training)

    @torch.no_grad()
    def logits(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> Tensor:
        """The logits that predict each response token: [len(response), V], float32."""
        ids = torch.tensor([[*prompt_ids, *response_ids]], device=self.model.device)
        with self.autocast():
            out = self.model(input_ids=ids, use_cache=False, logits_to_keep=len(response_ids) + 1)
        return out.logits[0, :-1].float()  # type: ignore[no-any-return]


class InferenceModule:
    """Generation and scoring by one policy, whatever runs it.

    Args:
        model: a model, or the folder or hub name to load one from.
        tokenizer: its tokenizer; loaded beside the model where not given.
        backend: ``huggingface``.
        seed: names the random streams of :meth:`generate`.
        dtype: arithmetic of forward passes; see :class:`HuggingFaceBackend`.

    Raises:
        ValueError: for an unknown backend, or a model object without a tokenizer.
    """

    def __init__(
        self,
        model: PreTrainedModel | str,
        tokenizer: PreTrainedTokenizerBase | None = None,
        backend: str = "huggingface",
        *,
        seed: int = 0,
        dtype: str = "auto",
    ) -> None:
        if backend != "huggingface":
            raise ValueError(f"unknown backend {backend!r}: this version has 'huggingface'")
        if isinstance(model, str):
            model, own_tokenizer = load_policy(model)
            tokenizer = tokenizer or own_tokenizer
        if tokenizer is None:
            raise ValueError("a model object needs its tokenizer: InferenceModule(model=…, tokenizer=…)")
        self.model: PreTrainedModel = model
        self.tokenizer: PreTrainedTokenizerBase = tokenizer
        self.backend = HuggingFaceBackend(model, tokenizer, dtype=dtype)
        self.version = 0
        self.seed = seed
        self._calls = 0

    def generate(self, prompts: Sequence[str], max_new_tokens: int = 128, temperature: float = 1.0) -> GenerationResult:
        """Continues each prompt.

        Args:
            prompts: plain texts, continued as they stand (no chat template).
            max_new_tokens: at most so many tokens each.
            temperature: 0 takes the likeliest token.

        Returns:
            One :class:`Generation` per prompt: a string, special tokens left out, with its token record.
        """
        if not prompts:
            return GenerationResult()
        prompt_ids = [self._encode(prompt) for prompt in prompts]
        keys = [stream_key(self.seed, "generate", self._calls, row) for row in range(len(prompts))]
        self._calls += 1
        samples = self.backend.sample(prompt_ids, keys, max_new_tokens=max_new_tokens, temperature=temperature)
        texts = self.decode([sample.token_ids for sample in samples])
        return GenerationResult(
            Generation(text, ids, sample, self.version)
            for text, ids, sample in zip(texts, prompt_ids, samples, strict=True)
        )

    def respond(
        self,
        sessions: Sequence[Session],
        *,
        max_new_tokens: int | Sequence[int],
        temperature: float,
        **sampling: Any,
    ) -> list[str]:
        """Lets the policy speak next in each session, which keeps the tokens; the texts are returned."""
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

    @torch.no_grad()
    def get_logprobs(self, prompts: Sequence[str], responses: Sequence[str]) -> Tensor:
        """The log-prob of each response token at temperature 1: [batch, longest response]; zeros where padded."""
        rows = []
        for prompt, response in self._pairs(prompts, responses):
            ids = torch.tensor([[*prompt, *response]], device=self.model.device)
            scored = torch.zeros_like(ids, dtype=torch.bool)
            scored[:, len(prompt) :] = True
            with self.backend.autocast():
                scores = token_scores(self.model, ids, torch.ones_like(ids), scored, temperature=1.0)
            rows.append(scores.logprob[0, len(prompt) :])
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)

    def load(self, weights: Mapping[str, Tensor], *, version: int) -> None:
        """Takes new weights. A model object shared with the trainer has them already: then only the version counts."""
        own = self.model.state_dict()
        if any(own[name].data_ptr() != weight.data_ptr() for name, weight in weights.items()):
            self.model.load_state_dict(dict(weights), strict=True)
        self.version = version

    def decode(self, token_ids: Sequence[Tensor]) -> list[str]:
        """The texts of sampled tokens, special tokens left out."""
        return list(self.tokenizer.batch_decode(list(token_ids), skip_special_tokens=True))

    def _encode(self, prompt: str, **options: Any) -> list[int]:
        ids = list(self.tokenizer.encode(prompt, **options))
        return ids or [self.backend.end_ids[0]]  # an empty prompt starts from the end token, as GPT-2 was trained

    def _pairs(self, prompts: Sequence[str], responses: Sequence[str]) -> list[tuple[list[int], list[int]]]:
        """Token ids of prompts and responses; a response made by :meth:`generate` keeps the tokens it was made of."""
        pairs = []
        for prompt, response in zip(prompts, responses, strict=True):
            if isinstance(response, Generation):
                pairs.append((response.prompt_ids, response.sample.token_ids.tolist()))
            else:
                pairs.append((self._encode(prompt), list(self.tokenizer.encode(response, add_special_tokens=False))))
        return pairs


def _end_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The tokens that end a response: those of the generation config, which chat models keep, and the tokenizer's."""
    configured = getattr(model.generation_config, "eos_token_id", None)
    ids = configured if isinstance(configured, list) else [configured]
    found = sorted({int(i) for i in [*ids, tokenizer.eos_token_id] if i is not None})
    if not found:
        raise ValueError("neither the model nor the tokenizer names an end token (eos_token)")
    return found
