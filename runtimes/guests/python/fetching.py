"""Iterators that stay on their own side, where the other one fetches their items as it goes: they may be endless."""

from collections.abc import Callable, Generator
from typing import Any

import calls
import values

# Items are fetched one by one first, for values may be sent in between; then in growing blocks.
SINGLE_ITEMS = 16
LARGEST_BLOCK = 1024
BLOCK = values.CAPACITY // 16  # bytes of items that are sent at once

_failed: dict[int, BaseException] = {}  # what iterators raised behind their last items


def fetch(ask: Callable[..., Any]) -> Generator[Any, Any, Any]:
    """What stands for an iterator of the other side; `ask` has it do something."""
    count, size = 0, 1
    step: tuple[Any, ...] = ("take", 1)
    while True:
        more, result, *items = ask(*step)
        step = ()
        for item in items:
            try:
                sent = yield item
            except GeneratorExit:
                if not calls.reading:  # else the collector has met it at a bad time
                    ask("close")
                raise
            except BaseException as error:
                step, size = ("throw", error), 1
                break
            if sent is not None:
                step, size = ("take", 1, sent), 1
                break
        count += len(items)
        if not step:
            if not more:
                return result
            size = min(2 * size, LARGEST_BLOCK) if count >= SINGLE_ITEMS else 1
            step = ("take", size)


def take(encoder: values.Encoder, iterator: Any, count: int, *sent: object) -> values.Tree:
    """The next items of an iterator. Before them: whether there may be more, and what it returned if not."""
    return _items(encoder, iterator, count, lambda: iterator.send(sent[0]) if sent else next(iterator))


def throw(encoder: values.Encoder, iterator: Any, error: BaseException) -> values.Tree:
    """What a generator gives after an exception was raised where it waits."""
    return _items(encoder, iterator, 1, lambda: iterator.throw(error))


def close(iterator: Any) -> None:
    """End a generator; other iterators have nothing to end."""
    if hasattr(iterator, "close"):
        iterator.close()


def _items(encoder: values.Encoder, iterator: Any, count: int, first: Callable[[], Any]) -> values.Tree:
    if failed := _failed.pop(id(iterator), None):
        raise failed
    items: list[values.Tree] = []
    try:
        while len(items) < count and encoder.room > values.CAPACITY - BLOCK:
            items.append(encoder.tree(next(iterator) if items else first()))
    except StopIteration as stop:
        return [False, encoder.tree(stop.value), *items]
    except BaseException as error:
        if not items:
            raise
        _failed[id(iterator)] = error
    return [True, None, *items]
