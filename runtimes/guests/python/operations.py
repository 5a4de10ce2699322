"""What one side of a trusted test can have done with objects of the other, by name."""

import asyncio
import copy
import operator
from collections.abc import Callable
from typing import Any

import fetching

# By the names of their methods, where `operator` has them under another one.
NAMED = {"and": "and_", "or": "or_", "invert": "inv"}
BINARY = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift divmod"
SIGNS = "neg pos abs round invert"
ORDERS = "lt le gt ge"
QUESTIONS = "len int float complex bool reversed index"


def _leave(value: Any, error: BaseException | None) -> bool:
    """The end of a `with` statement."""
    return bool(type(value).__exit__(value, error and type(error), error, error and error.__traceback__))


def _finish(value: Any) -> Any:
    """What an awaitable gives. It has a loop of its own: the one that waits for it may be that of another side."""

    async def wait() -> Any:
        return await value

    loop = asyncio._get_running_loop()
    task = loop and asyncio.tasks._swap_current_task(loop, None)
    asyncio._set_running_loop(None)
    try:
        return asyncio.run(wait())
    finally:
        asyncio._set_running_loop(loop)
        if loop:
            asyncio.tasks._swap_current_task(loop, task)


_OPERATORS = """
add and_ contains delitem eq floordiv ge getitem gt index inv le lshift lt matmul mod mul neg or_ pos pow rshift setitem
sub truediv xor
"""
OPERATIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(operator, name) for name in _OPERATORS.split()},
    **{kind.__name__: kind for kind in (bool, complex, float, int, str)},
    **{f.__name__: f for f in (abs, delattr, divmod, format, getattr, hash, iter, len, repr, reversed, round, setattr)},
    "await": _finish,
    "bases": lambda kind: list(kind.__bases__),
    "call": lambda function, *args, **kwargs: function(*args, **kwargs),
    "close": fetching.close,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "enter": lambda value: type(value).__enter__(value),
    "exit": _leave,
}
FETCHING = {"take": fetching.take, "throw": fetching.throw}
"""What gives a tree, by an encoder of its caller."""
