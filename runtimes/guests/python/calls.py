"""Calls that cross the sandbox: the host calls the program's functions, and trusted programs call out."""

import asyncio
import builtins
import inspect
import sys
import types
from collections.abc import Callable
from typing import Any

import script
import streams
import values

REPLY_CAPACITY = values.CAPACITY

# What an error's name from outside may become here.
STANDARD_ERRORS = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, Exception) and kind.__name__ == name
}

ENDS_OF_ITERATION = {"StopIteration", "StopAsyncIteration"}

_reply: bytearray
_exchange: Callable[[bytes], int]


def connect(reply: bytearray, exchange: Callable[[bytes], int]) -> None:
    """Take the host's reply buffer and its function for calls out; offer these to programs as `_exchange`."""
    global _reply, _exchange
    _reply, _exchange = reply, exchange
    module = types.ModuleType("_exchange", "Calls out of the sandbox, for programs that the host trusts.")
    module.proxy = proxy
    sys.modules["_exchange"] = module


def answer(request: bytes) -> int:
    """Call the function that a request names; write the reply and return its length."""
    try:
        function, args, kwargs = values.read_request(request)
        result = look_up(function, script.namespace())(*args, **kwargs)
        if inspect.iscoroutine(result):
            result = asyncio.run(result)
        reply = values.write_value(result)
    except BaseException as error:  # SystemExit and MemoryError too: the host hears what happened
        reply = values.write_error(error)
    _reply[: len(reply)] = reply
    streams.control[streams.REPLY_LENGTH] = len(reply)
    return len(reply)


def look_up(name: str, names: dict[str, Any]) -> Any:
    """Find `function`, `Class.method` or `Class().method` among a program's names."""
    first, *rest = name.split(".")
    key = first.removesuffix("()")
    if key not in names:
        raise NameError(f"name {key!r} is not defined")
    found = names[key]
    if first != key:
        found = found()
    for part in rest:
        key = part.removesuffix("()")
        found = getattr(found, key)
        if part != key:
            found = found()
    return found


def proxy(name: str) -> Callable[..., object]:
    """A function that calls the function of this name outside; arguments and results cross as plain data."""

    def remote(*args: object, **kwargs: object) -> object:
        length = _exchange(values.write_request(name, args, kwargs))
        if length < 0:
            raise RuntimeError(f"the host refused the call of {name}")
        reply = values.read_reply(bytes(_reply[:length]))
        if "error" in reply:
            raise error_of(reply["error"])
        return values.decode(reply["value"])

    remote.__name__ = remote.__qualname__ = name
    return remote


def error_of(description: dict[str, str]) -> Exception:
    """The exception that a reply describes: the standard one that it is or derives from, else RuntimeError."""
    kind, message, base = description["type"], description["message"], description.get("base", "")
    # As in a generator: raised in the midst of a test's `map` or `for`, it would end it as if all were done.
    if not ENDS_OF_ITERATION.isdisjoint((kind, base)):
        return RuntimeError(f"the function raised {kind}")
    own = f"{kind}: {message}"
    for name, text in ((kind, message), (base, own)):
        try:
            return STANDARD_ERRORS[name](text)
        except (KeyError, TypeError):  # not a standard one, or (UnicodeDecodeError) one that takes more than a message
            continue
    return RuntimeError(own)
