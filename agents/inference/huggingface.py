"""Sampling and scoring with a transformers model in this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ..config import DTYPES
from ..updates.scoring import token_scores
from .decoding import sample_tokens
from .sampling import Sample, TokenFilter
from .template import ChatTemplate


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
        self.bfloat16 = computes_in_half(dtype, model.device)
        self.end_ids = end_tokens(model, tokenizer)
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
        with self._evaluating():
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

    @torch.no_grad()
    def logits(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> Tensor:
        """The logits that predict each response token: [len(response), V], float32."""
        ids = torch.tensor([[*prompt_ids, *response_ids]], device=self.model.device)
        with self._evaluating():
            out = self.model(input_ids=ids, use_cache=False, logits_to_keep=len(response_ids) + 1)
        return out.logits[0, :-1].float()  # type: ignore[no-any-return]

    @torch.no_grad()
    def logprobs(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> Tensor:
        """The log-prob of each response token at temperature 1: [len(response)], float32."""
        ids = torch.tensor([[*prompt_ids, *response_ids]], device=self.model.device)
        scored = torch.zeros_like(ids, dtype=torch.bool)
        scored[:, len(prompt_ids) :] = True
        with self._evaluating():
            scores = token_scores(self.model, ids, torch.ones_like(ids), scored, temperature=1.0)
        return scores.logprob[0, len(prompt_ids) :]

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """The mode and the arithmetic of sampling; afterwards the model is in the mode that it was in."""
        training = self.model.training
        self.model.eval()
        try:
            with self.autocast():
                yield
        finally:
            self.model.train(training)

    def load(self, weights: Mapping[str, Tensor], *, version: int) -> None:
        """Takes new weights. A model shared with the trainer has them already."""
        own = self.model.state_dict()
        if any(own[name].data_ptr() != weight.data_ptr() for name, weight in weights.items()):
            self.model.load_state_dict(dict(weights), strict=True)

    def rest(self) -> None:
        """Nothing: the weights are the trainer's, and the cache lives only as long as a batch."""

    def close(self) -> None:
        """Nothing: the model is its owner's."""

    def fingerprint(self) -> int:
        """How often the weights were changed in place: an optimizer's step counts, whoever made it."""
        return sum(weight._version for weight in self.model.parameters())


def computes_in_half(dtype: str, device: torch.device) -> bool:
    """Whether forward passes are computed in bfloat16: as asked for, or by default on a GPU that has it."""
    return dtype == "bfloat16" or (dtype == "auto" and device.type == "cuda" and torch.cuda.is_bf16_supported())


def end_tokens(model: PreTrainedModel | None, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The tokens that end a response: of the generation config, of the tokenizer, and of its chat template's turns.

    Raises:
        ValueError: if there is none.
    """
    configured = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    ids = configured if isinstance(configured, list) else [configured]
    with suppress(ValueError):  # a template that cannot write a turn, or writes no end
        ids = [*ids, ChatTemplate(tokenizer).end_of_turn]
    found = sorted({int(i) for i in [*ids, tokenizer.eos_token_id] if i is not None})
    if not found:
        raise ValueError("neither the model nor the tokenizer names an end token (eos_token)")
    return found
