"""Sampling for many threads at once, with weights of its own, while others train the model.

Calls join the batch under way and leave it between two tokens, and so do new weights: what is being said goes on with
them from the next token on. Keys and values of the tokens before stay those of the old weights: to compute them anew
would cost as much as reading the whole text. Log-probs are those of the distribution that each token was drawn from, so
corrections for the sampler hold, and every token tells the version of the weights that drew it.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from math import isfinite

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from .backend import BackendError
from .decoding import Decoding
from .huggingface import HuggingFaceBackend
from .rows import Rows
from .sampling import Sample, TokenFilter


@dataclass(eq=False, slots=True)
class _Call:
    """One call of ``sample``, and what has been said in answer to it."""

    prompts: Sequence[Sequence[int]]
    keys: Sequence[int]
    limits: Sequence[int]
    answer: Future[list[Sample]] = field(default_factory=Future)
    said: list[_Row] = field(default_factory=list)
    going: int = 0


@dataclass(eq=False, slots=True)
class _Row:
    """What has been said in answer to one prompt."""

    call: _Call
    limit: int
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    ended: bool = False

    def sample(self) -> Sample:
        """As a tensor record."""
        return Sample(
            torch.tensor(self.token_ids),
            torch.tensor(self.logprobs),
            truncated=not self.ended,
            versions=torch.tensor(self.versions),
        )


@dataclass(frozen=True, slots=True)
class _Weights:
    """New weights, which wait for the next token."""

    weights: Mapping[str, Tensor]
    version: int
    taken: Future[None] = field(default_factory=Future)


class _Stream(Decoding):
    """The rows of many calls; each call is answered when its last row has ended."""

    version = 0

    def __init__(self, backend: ContinuousBackend, temperature: float) -> None:
        super().__init__(backend.model, temperature=temperature, end_ids=backend.end_ids, pad_id=backend.pad_id)
        self._rows: dict[int, _Row] = {}
        self._end_ids = frozenset(backend.end_ids)

    def open(self, call: _Call) -> None:
        """Lets the rows of a call wait for their turn."""
        call.said = [_Row(call, limit) for limit in call.limits]
        call.going = len(call.said)
        self._rows |= dict(zip(self.add(call.prompts, call.keys, call.limits), call.said, strict=True))

    def note(self, rows: Rows, token: Tensor, logprob: Tensor) -> None:
        """Keeps the tokens of each row by itself, and answers the calls that are through."""
        columns = rows.row.tolist(), rows.alive.tolist(), token.tolist(), logprob.tolist()
        for number, alive, chosen, value in zip(*columns, strict=True):
            if not alive:
                continue
            row = self._rows[number]
            row.token_ids.append(chosen)
            row.logprobs.append(value)
            row.versions.append(self.version)
            row.ended = chosen in self._end_ids
            if row.ended or len(row.token_ids) == row.limit:
                del self._rows[number]
                _close(row.call)


def _close(call: _Call) -> None:
    """Notes that a row has ended."""
    call.going -= 1
    if call.going:
        return
    if all(map(isfinite, (value for row in call.said for value in row.logprobs))):
        call.answer.set_result([row.sample() for row in call.said])
    else:
        problem = "the model's logits are not finite: its weights are broken, or the learning rate too high"
        call.answer.set_exception(ValueError(problem))


class ContinuousBackend(HuggingFaceBackend):
    """Samples for many threads at once, with a copy of a model's weights.

    Args:
        model: whose weights are copied, now and at each :meth:`load`.
        tokenizer: its tokenizer.
        dtype: as in :class:`HuggingFaceBackend`.
        temperature: of all calls: they share their batches.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, dtype: str = "auto", temperature: float
    ) -> None:
        # Its weights want gradients like the model's: kernels are chosen by that, and round otherwise.
        super().__init__(copy.deepcopy(model).eval(), tokenizer, dtype=dtype)
        self.temperature = temperature
        self._stream = _Stream(self, temperature)
        self._new = threading.Condition()
        self._calls: list[_Call] = []
        self._open: list[_Call] = []
        self._weights: _Weights | None = None
        self._thread: threading.Thread | None = None
        self._stopped: BaseException | None = None

    def sample(
        self,
        prompts: Sequence[Sequence[int]],
        keys: Sequence[int],
        *,
        max_new_tokens: int | Sequence[int],
        temperature: float,
        token_filter: TokenFilter | None = None,
    ) -> list[Sample]:
        """Samples one continuation per prompt, together with the calls of other threads.

        Raises:
            ValueError: for another temperature than that of the other calls, or a filter.
            BackendError: if the backend was closed.
        """
        if temperature != self.temperature or token_filter:
            raise ValueError(f"all calls share their batches, and are sampled at temperature {self.temperature} alone")
        if not prompts:
            return []
        limits = [max_new_tokens] * len(prompts) if isinstance(max_new_tokens, int) else max_new_tokens
        call = _Call(prompts, keys, limits)
        with self._new:
            self._check()
            self._calls.append(call)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="decoding", daemon=True)
                self._thread.start()
            self._new.notify_all()
        return call.answer.result()

    def load(self, weights: Mapping[str, Tensor], *, version: int) -> None:
        """Takes new weights: when it returns, the next token of every row will be drawn with them."""
        new = _Weights(weights, version)
        with self._new:
            self._check()
            running = self._thread is not None
            if running:
                self._weights = new
                self._new.notify_all()
        if running:
            new.taken.result()
        else:
            self._take_weights(new)

    def close(self) -> None:
        """Ends the thread; calls under way end with an error. Safe to call again."""
        with self._new:
            self._stopped = self._stopped or BackendError("sampling was stopped")
            self._new.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _check(self) -> None:
        if self._stopped is not None:
            raise BackendError(f"nothing is sampled any more: {self._stopped}") from self._stopped

    def _run(self) -> None:
        """What the thread does."""
        try:
            with torch.no_grad(), self.autocast():
                while self._turn():
                    pass
        except BaseException as error:  # whoever waits is told
            with self._new:
                self._stopped = error
        with self._new:
            for call in (*self._open, *self._calls):
                if not call.answer.done():
                    call.answer.set_exception(self._stopped)
            if self._weights is not None:
                self._weights.taken.set_exception(self._stopped)

    def _turn(self) -> bool:
        """Takes what is new, and samples a token of each row; whether to go on."""
        stream = self._stream
        with self._new:
            self._new.wait_for(lambda: self._stopped or self._calls or self._weights or stream.busy)
            if self._stopped is not None:
                return False
            calls, self._calls = self._calls, []
            new, self._weights = self._weights, None
            self._open = [call for call in self._open if call.going] + calls
        if new is not None:
            try:
                self._take_weights(new)
            except BaseException as error:
                new.taken.set_exception(error)
                raise
            new.taken.set_result(None)
        for call in calls:
            stream.open(call)
        stream.admit()
        stream.advance()
        return True

    def _take_weights(self, new: _Weights) -> None:
        self.model.load_state_dict(dict(new.weights), strict=True)
        torch.clear_autocast_cache()  # of the old ones
        self._stream.version = new.version
