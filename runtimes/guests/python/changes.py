"""Arguments that are changed in place on the side where they are copies: told to the other side, and made there."""

import collections
import itertools
import operator
from typing import Any

import values
from standard_types import MUTABLE, replace_content


class Watch:
    """Tells what has changed of the values of a request since this was made.

    Args:
        known: the values, in order.
    """

    def __init__(self, known: list[Any]) -> None:
        self._known = known
        self._before = [_content_of(value) for value in known]

    def told(self, encoder: values.Encoder) -> list[values.Tree]:
        """The changes: numbers, and what the values hold now."""
        return [
            [number, encoder.content(value)]
            for number, (value, content) in enumerate(zip(self._known, self._before, strict=True))
            if not _same(content, _content_of(value))
        ]


def make(changes: list[values.Tree], decoder: values.Decoder, shared: list[Any]) -> None:
    """Change what the other side has changed."""
    contents = [(shared[number], decoder.value(content)) for number, content in changes]
    for target, content in contents:
        replace_content(target, content)


def _content_of(value: Any) -> bytes | list[Any]:
    """What a mutable value holds now."""
    if not isinstance(value, MUTABLE):
        return []
    if isinstance(value, dict):
        return list(itertools.chain.from_iterable(dict.items(value)))
    if isinstance(value, (list, set, collections.deque)):
        return list(value)
    return bytes(value)


def _same(before: bytes | list[Any], now: bytes | list[Any]) -> bool:
    """Whether a value still holds the same objects."""
    if isinstance(before, bytes):
        return before == now
    return len(before) == len(now) and all(map(operator.is_, before, now))
