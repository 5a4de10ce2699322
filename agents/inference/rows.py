"""Rows under way while a model decodes: they leave, others come, and the key-value cache follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer


class _GrowingLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values of one layer, [B, heads, T, size], in memory that grows in blocks.

    Transformers' own layer copies all of them at each token.
    """

    _memory: tuple[Tensor, Tensor]

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Begins with nothing."""
        self.dtype, self.device, self.is_initialized = key_states.dtype, key_states.device, True
        self.keys, self.values = key_states[:, :, :0], value_states[:, :, :0]
        self._memory = self.keys, self.values

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Appends tokens, and returns the keys and values of all."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start, end = self.keys.shape[-2], self.keys.shape[-2] + key_states.shape[-2]
        if end > self._memory[0].shape[-2]:
            room = (0, 0, 0, end + max(32, end // 4) - start)
            self._memory = pad(self.keys, room), pad(self.values, room)
        for memory, new in zip(self._memory, (key_states, value_states), strict=True):
            memory[:, :, start:end] = new
        self.keys, self.values = (memory[:, :, :end] for memory in self._memory)
        return self.keys, self.values

    def replace(self, keys: Tensor, values: Tensor) -> None:
        """Holds these instead."""
        self.keys, self.values = self._memory = keys, values


@dataclass(slots=True)
class Rows:
    """Rows under way: B rows of W places, padded on the left.

    Attributes:
        cache: keys and values of the first W - 1 places.
        row: [B]: the number of each row; on the host, like ``key`` and ``place``.
        key: [B], uint64: its random stream.
        place: [B]: the next token's place in the row, and in the stream.
        mask: [B, W]: 1 at tokens, 0 at padding.
        position: [B]: of the last token.
        token: [B]: the last one.
        left: [B]: how many more may follow.
        alive: [B]: whether the row goes on.
    """

    cache: DynamicCache
    row: np.ndarray[Any, np.dtype[np.int64]]
    key: np.ndarray[Any, np.dtype[np.uint64]]
    place: np.ndarray[Any, np.dtype[np.int64]]
    mask: Tensor
    position: Tensor
    token: Tensor
    left: Tensor
    alive: Tensor


def new_cache(model: PreTrainedModel) -> tuple[DynamicCache, bool]:
    """An empty cache, and whether its rows can be moved: those of models with recurrent states stay where they are."""
    cache = DynamicCache(config=model.config)
    movable = all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in cache.layers)
    if movable:
        # Whole layers also in place of sliding ones: masks hide what is out of the window.
        cache.layers = [_GrowingLayer() for _ in cache.layers]
    return cache, movable


def kept(rows: Rows) -> Rows:
    """The rows that go on, without the padding that only the others needed."""
    index = rows.alive.nonzero().squeeze(-1)
    mask = rows.mask[index]
    first = int(mask.any(0).int().argmax())
    select(rows.cache, index, first)
    chosen = index.cpu().numpy()
    return Rows(
        cache=rows.cache,
        row=rows.row[chosen],
        key=rows.key[chosen],
        place=rows.place[chosen],
        mask=mask[:, first:],
        position=rows.position[index],
        token=rows.token[index],
        left=rows.left[index],
        alive=rows.alive[index],
    )


def select(cache: DynamicCache, index: Tensor, first: int = 0) -> None:
    """Keeps these rows of the cache, from the place ``first`` on."""
    for layer in cache.layers:
        if layer.is_initialized:
            layer.replace(*(part[:, :, first:].index_select(0, index) for part in (layer.keys, layer.values)))


def joined(one: Rows, other: Rows) -> Rows:
    """Both, padded on the left to the wider of them."""
    width = max(one.mask.shape[1], other.mask.shape[1])
    for own, others in zip(one.cache.layers, other.cache.layers, strict=True):
        if own.is_initialized:
            parts = zip((own.keys, own.values), (others.keys, others.values), strict=True)
            own.replace(*(torch.cat([_widened(a, width - 1, 2), _widened(b, width - 1, 2)]) for a, b in parts))
    return Rows(
        cache=one.cache,
        row=np.concatenate([one.row, other.row]),
        key=np.concatenate([one.key, other.key]),
        place=np.concatenate([one.place, other.place]),
        mask=torch.cat([_widened(one.mask, width, 1), _widened(other.mask, width, 1)]),
        position=torch.cat([one.position, other.position]),
        token=torch.cat([one.token, other.token]),
        left=torch.cat([one.left, other.left]),
        alive=torch.cat([one.alive, other.alive]),
    )


def _widened(values: Tensor, width: int, dim: int) -> Tensor:
    """Zeros before ``values``, up to ``width`` along ``dim``."""
    behind = [0, 0] * (values.dim() - 1 - dim)
    return pad(values, (*behind, width - values.shape[dim], 0))
