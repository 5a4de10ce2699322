"""Generations: texts that remember their tokens."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

import torch

from .sampling import Sample


class Generation(str):
    """A generated text that remembers its tokens.

    Attributes:
        prompt_ids: token ids of the prompt; empty if a server that speaks text alone made it.
        sample: the sampled tokens with their log-probs; empty likewise.
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

    @classmethod
    def of_text(cls, text: str, version: int) -> Generation:
        """A text without a record, from a server that gives none."""
        return cls(text, [], Sample(torch.empty(0, dtype=torch.long), torch.empty(0), truncated=False), version)

    def __getnewargs__(self) -> tuple[str, list[int], Sample, int]:  # type: ignore[override]
        """What copies and pickles are made from."""
        return str(self), self.prompt_ids, self.sample, self.version


class GenerationResult(list[Generation]):
    """The generations for a list of prompts, in their order."""

    @property
    def texts(self) -> list[str]:
        """The plain texts."""
        return [str(generation) for generation in self]


class GenerationCache:
    """The latest samples by what was asked, for calls whose answer cannot differ: those at temperature 0.

    Args:
        size: at most so many; 0 keeps none.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.hits = 0
        self._kept: OrderedDict[Hashable, Sample] = OrderedDict()

    def get(self, key: Hashable) -> Sample | None:
        """The sample kept under ``key``, if any."""
        if key not in self._kept:
            return None
        self.hits += 1
        self._kept.move_to_end(key)
        return self._kept[key]

    def put(self, key: Hashable, sample: Sample) -> None:
        """Keeps a sample; the one that was not asked for longest makes room."""
        self._kept[key] = sample
        while len(self._kept) > self.size:
            self._kept.popitem(last=False)
