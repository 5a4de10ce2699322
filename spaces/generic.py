"""Gymnasium's generic functions for :class:`~infinite_rl.spaces.text.TextSpace`.

``iterate`` is missing on purpose: it walks over batched spaces, and one text is not a batch. Gymnasium walks over a
``Tuple`` of spaces that have no ``iterate`` of their own item by item, which is what a batch of texts needs; with one
registered here it would hand out characters instead of texts.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Tuple
from gymnasium.spaces.utils import flatdim, flatten, flatten_space, is_space_dtype_shape_equiv, unflatten
from gymnasium.vector.utils import (
    batch_differing_spaces,
    batch_space,
    concatenate,
    create_empty_array,
    create_shared_memory,
    read_from_shared_memory,
    write_to_shared_memory,
)
from numpy.typing import NDArray

from .text import TextSpace

PADDING = -1
_LAST_CODE_POINT = 0x10FFFF
# A slot of shared memory: the number of bytes, then the text in UTF-8, which takes at most four bytes a code point.
_PREFIX = 8
_BYTES_PER_CODE_POINT = 4


@flatdim.register(TextSpace)
def _flatdim(space: TextSpace) -> int:
    return space.max_length


@flatten_space.register(TextSpace)
def _flatten_space(space: TextSpace) -> Box:
    return Box(low=PADDING, high=_LAST_CODE_POINT, shape=(space.max_length,), dtype=np.int32)


@flatten.register(TextSpace)
def _flatten(space: TextSpace, x: str) -> NDArray[np.int32]:  # type: ignore[misc]
    flat = np.full(space.max_length, PADDING, dtype=np.int32)
    points = np.frombuffer(space.check(x).encode("utf-32-le", "surrogatepass"), dtype="<i4")
    flat[: len(points)] = points
    return flat


@unflatten.register(TextSpace)
def _unflatten(space: TextSpace, x: NDArray[Any]) -> str:  # type: ignore[misc]
    points = np.asarray(x)
    # A mixed Tuple or Dict flattens to one array of a wider type, floats included.
    text: bytes = points[points != PADDING].astype("<i4").tobytes()
    return text.decode("utf-32-le", "surrogatepass")


@batch_space.register(TextSpace)
def _batch_space(space: TextSpace, n: int = 1) -> Tuple[str]:
    batch = Tuple([TextSpace(space.max_length) for _ in range(n)])
    # An unseeded space stays unseeded: a generator for each of a thousand spaces that nobody samples costs 15 ms.
    if space._np_random is not None:
        batch.seed(deepcopy(space.np_random).integers(10**8, size=n).tolist())
    return batch


@batch_differing_spaces.register(TextSpace)
def _batch_differing_spaces(spaces: Sequence[TextSpace]) -> Tuple[str]:  # type: ignore[misc]
    return Tuple([deepcopy(space) for space in spaces])


@is_space_dtype_shape_equiv.register(TextSpace)
def _is_space_dtype_shape_equiv(space_1: TextSpace, space_2: object) -> bool:
    return space_1 == space_2


@create_empty_array.register(TextSpace)
def _create_empty_array(space: TextSpace, n: int = 1, fn: Callable[..., Any] = np.zeros) -> tuple[str, ...]:
    return ("",) * n


@concatenate.register(TextSpace)
def _concatenate(space: TextSpace, items: Iterable[str], out: object) -> tuple[str, ...]:
    return tuple(items)


class SharedTexts(Sequence[str]):
    """The texts in shared memory as they are at the moment of reading.

    Gymnasium asks for the batch once and copies it after every step. Arrays show what was written in between; texts
    cannot, so this sequence reads when it is asked, and a copy of it is a plain tuple.

    Args:
        space: the space of one text.
        memory: made by ``create_shared_memory``.
        n: the number of texts.
    """

    def __init__(self, space: TextSpace, memory: Any, n: int) -> None:
        self._stride = _stride(space)
        self._bytes = _bytes_of(memory)
        self._n = n

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return tuple(self)[index]
        start = range(self._n)[index] * self._stride
        body = start + _PREFIX
        size = int.from_bytes(self._bytes[start:body], "little")
        return str(self._bytes[body : body + size], "utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        return (self[index] for index in range(self._n))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (tuple, SharedTexts)) and tuple(self) == tuple(other)

    def __deepcopy__(self, memo: object) -> tuple[str, ...]:
        return tuple(self)

    def __repr__(self) -> str:
        return repr(tuple(self))


@create_shared_memory.register(TextSpace)
def _create_shared_memory(space: TextSpace, n: int = 1, ctx: Any = multiprocessing) -> Any:
    return ctx.Array("B", n * _stride(space))


@read_from_shared_memory.register(TextSpace)
def _read_from_shared_memory(space: TextSpace, shared_memory: Any, n: int = 1) -> SharedTexts:
    return SharedTexts(space, shared_memory, n)


@write_to_shared_memory.register(TextSpace)
def _write_to_shared_memory(space: TextSpace, index: int, value: str, shared_memory: Any) -> None:
    body = space.check(value).encode("utf-8", "surrogatepass")
    start = index * _stride(space)
    memory = _bytes_of(shared_memory)
    memory[start + _PREFIX : start + _PREFIX + len(body)] = body
    memory[start : start + _PREFIX] = len(body).to_bytes(_PREFIX, "little")


def _stride(space: TextSpace) -> int:
    return _PREFIX + _BYTES_PER_CODE_POINT * space.max_length


def _bytes_of(memory: Any) -> memoryview:
    return memoryview(memory.get_obj()).cast("B")
